# SPDX-License-Identifier: LGPL-2.1-or-later
# A page that cannot be moved: the block it is in is named, and all comes back; without
# it, the device goes.  A daemon that is killed meanwhile goes on.
# variant: pinned ram=2G hmem=4G
# variant: kernel ram=2G hmem=4G
# variant: killed ram=2G hmem=4G mom=1
# timeout: 300
. /test/guest.sh

states() { cat $sysmem/memory[3-6][0-9]/state $sysmem/memory[3-6][0-9]/valid_zones; }

# in_the_way PATTERN: what came of "remove" names a block that the hog is in, and
# says this of it.
in_the_way() {
	cat /run/out
	_named=$(sed -n 's/.*memory\([0-9]*\) (block.*/\1/p' /run/out | head -n 1)
	grep -qE "$1" /run/out || die "it does not say $1"
	[ -n "$_named" ] || die "no block is named"
	echo "ok: memory$_named is named"
}

# pin: pages of a process in a pipe, each in the kernel's hands.
pin() {
	keeper 1 4 /run/keeper pin &
	hog=$!
	wait_for 20 grep -q "^in" /run/keeper || die "no keeper"
	cat /run/keeper
}

[ "$VARIANT" = kernel ] && zone=kernel || zone=movable
policy "\"zone\": \"$zone\""
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 60
was=$(states)

case $VARIANT in
pinned)
	pin
	memmapctl remove --deadline 10s dax0.0 >/run/out 2>&1
	eq "status" $? 5
	in_the_way "the time that was given for it is over; memory.*unless something holds on to them"
	grep -qw "$_named" /run/keeper || die "it is not the one with the pages"
	eq "the states" "$(states)" "$was"
	eq "MemTotal of node 1" "$(memtotal 1)" $((4 * GiB))
	;;
kernel)
	kernelhog 1 64 >/run/hog &
	hog=$!
	wait_for 20 grep -q hog: /run/hog || die "no hog"
	memmapctl remove dax0.0 >/run/out 2>&1
	eq "status" $? 5
	in_the_way "cannot be taken offline: .*; memory.* by the kernel, which cannot be moved"
	eq "the states" "$(states)" "$was"
	kill $hog
	exit 0
	;;
killed)
	pin
	memmapctl remove dax0.0 >/run/out 2>&1 &
	wait_for 30 eval '[ "$(blocks_online 1)" -lt 31 ]' || die "nothing goes offline"
	sleep 3
	kill -9 "$memmapd_pid"
	wait "$memmapd_pid" 2>/dev/null
	# The one that it was at may be the last one.
	wait_for 20 eval 'grep -q "^online" $sysmem/memory[3-6][0-9]/state' || die "nothing is left"
	between "in the middle" "$(blocks_online 1)" 1 31
	check "it was told to who waited" eval 'wait_for 10 grep "goes on with dax0.0" /run/out'
	start_memmapd /run/policy.json
	wait_device dax0.0 leaving 20
	;;
esac
eq "the process lives" "$(kill -0 $hog && echo yes)" yes
kill $hog
wait $hog 2>/dev/null
[ "$VARIANT" = killed ] || check "now it goes" memmapctl remove dax0.0
wait_device dax0.0 removed 60
eq "blocks" "$(blocks 1 | wc -w)" 0
eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
