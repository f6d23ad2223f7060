# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# all_at_once SECONDS: on the devices dax0.0, dax1.0 and dax2.0, everything that can be
# done at once is; then all is put back, and it must be as if nothing had happened.

. /test/words.sh

all_at_once() {
	load_hmem dax2.0
	# The kernel would, if it were not kept from it.
	echo online_movable >$sysmem/auto_online_blocks
	snapshot /run/before
	# Once around: what is allocated once for good is no loss.
	check "the module" modprobe memmapd_kmem
	for d in dax0.0 dax1.0 dax2.0; do
		check "$d bound" sh -c "echo $d >$drv/new_id"
		check "$d plugged" sh -c "echo 0-1 >$dax/$d/memmapd/plug"
		check "$d out" take_out $d
	done
	leaks_from_here
	before=$(memfree_ram)

	check "chaos" chaos "$1" "$(random_seed)" 32 \
		$((32 + $(cat $dax/dax[012].0/size | awk '{ n += $1 } END { print n / 134217728 }'))) \
		dax0.0 dax1.0 dax2.0

	check "the module" modprobe memmapd_kmem
	for d in dax0.0 dax1.0 dax2.0; do
		[ -e $dax/$d/memmapd ] || echo $d >$drv/new_id
		check "$d bound" [ -e $dax/$d/memmapd ]
		check "$d all out" wait_for 60 take_out $d
		check "$d unbound" sh -c "echo $d >$drv/unbind"
	done
	eq "orphans" "$(cat $drv/orphans)" ""
	no_leaks
	check "the module goes" modprobe -r memmapd_kmem
	same "as before" /run/before
	no_leaks
	no_pages_lost "$before" 64
}
