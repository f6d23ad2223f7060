# SPDX-License-Identifier: LGPL-2.1-or-later
# Each allocation that loading, binding, plugging, unplugging and unbinding make fails
# once: the first, the second, ... until there are no more.  Each time the thing is done
# or it is not, and says so; nothing is half there, nothing is lost, and it works at
# the next try.
# variant: bind ram=2G hmem=1G
# variant: device ram=2G hmem=1G mom=1
# variant: ram ram=2G hmem=1G
# timeout: 1800
# group: debug
# kernel: debug: only there can allocations be made to fail
# The kernel says so when it finds no memory for a memmap, twice the first time.
# allow-kernel: vmemmap alloc failure|page allocation failure|Call Trace:
# allow-kernel: WARNING: .* at arch/x86/mm/init_64.c:\d+ add_pages
# file: debug/words.sh /test/words.sh
. /test/guest.sh
. /test/words.sh

mm=$dax/dax0.0/memmapd
ko=/lib/modules/$(uname -r)/extra/memmapd_kmem.ko

# symbol NAME: its address.
symbol() { awk -v name="$1" '$3 == name { print "0x" $1; exit }' /proc/kallsyms; }

# after NAME: where the next function begins.
after() {
	awk -v name="$1" '$2 ~ /^[tT]$/ { print $1, $3 }' /proc/kallsyms | sort |
		awk -v name="$1" 'found { print "0x" $1; exit } $2 == name { found = 1 }'
}

# all_fail: every allocation counts, but for those of the kernel's direct map, which
# takes for granted that there is memory (phys_pud_init() and others).
all_fail() {
	for _what in failslab fail_page_alloc; do
		_dir=$debugfs/$_what
		echo 0 >$_dir/verbose
		echo N >$_dir/ignore-gfp-wait
		symbol init_memory_mapping >$_dir/reject-start
		after init_memory_mapping >$_dir/reject-end
	done
	below_any
	echo N >$debugfs/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$debugfs/fail_page_alloc/min-order
	echo "reject: $(cat $debugfs/failslab/reject-start) $(cat $debugfs/failslab/reject-end)"
}

# below FUNCTION: only the allocations that are made there count; below_any: all again.
below() {
	for _what in failslab fail_page_alloc; do
		symbol "$1" >$debugfs/$_what/require-start
		after "$1" >$debugfs/$_what/require-end
	done
}
below_any() {
	for _what in failslab fail_page_alloc; do
		echo 0 >$debugfs/$_what/require-start
		echo 0xffffffffffffffff >$debugfs/$_what/require-end
	done
}

# still FILE: nothing has changed since "snapshot FILE", and not a word of it.
still() {
	snapshot /run/still
	diff "$1" /run/still || die "$_desc: iomem or memory blocks differ"
}

# until_none DESC VERDICT CMD...: CMD is a command of failnth, tried with one failing
# allocation after the other; VERDICT is called with how it ended, judges, and makes all as
# before.
until_none() {
	_desc=$1 _verdict=$2 _nth=0 _failed=0
	shift 2
	while :; do
		_nth=$((_nth + 1))
		_said=$(failnth $_nth "$@") || die "$_desc: failnth"
		_error=${_said% *}
		[ "$_error" = ok ] || _failed=$((_failed + 1))
		echo "$_desc $_nth: $_said"
		$_verdict "$_error"
		case $_said in
		"ok untouched") break ;;
		*untouched) die "$_desc: $_error without cause" ;;
		esac
		[ $_nth -lt 3000 ] || die "$_desc: no end"
	done
	[ $_nth -gt 1 ] || die "$_desc: no allocation has failed"
	echo "ok: $_desc: $((_nth - 1)) allocations, $_failed of them needed"
}

# needed: it cannot do without each of them, so that some have made it fail.
needed() { [ $_failed -gt 0 ] || die "$_desc: nothing has failed"; }

# enomem ERROR: it says that there is no memory, or it is none.
enomem() {
	case $1 in
	ok | ENOMEM) ;;
	# Who asks for addresses is not told why there are none (request_mem_region()).
	EBUSY) ;;
	*) die "$_desc: $1" ;;
	esac
}

# A driver without its directory in sysfs is to the kernel an invalid one.
loaded() {
	[ "$1" = EINVAL ] || enomem "$1"
	if [ "$1" = ok ]; then
		[ -e $drv/reclaim ] || die "$_desc: loaded, and not there"
		rmmod memmapd_kmem || die "$_desc: does not go"
	fi
	[ ! -e $drv ] && [ ! -e /sys/module/memmapd_kmem ] || die "$_desc: half there"
}

unloaded() {
	enomem "$1"
	[ "$1" != ok ] || modprobe memmapd_kmem || die "$_desc: does not come back"
	[ -e $drv/reclaim ] || die "$_desc: half gone"
}

# empty: nothing is left of a binding.
empty() {
	[ ! -e $mm ] || die "$_desc: files left"
	still /run/none
	[ -z "$(cat $drv/orphans)" ] || die "$_desc: orphans"
}

bound() {
	enomem "$1"
	if [ -e $dax/dax0.0/driver ]; then
		[ "$1" = ok ] || die "$_desc: $1, and bound"
		[ "$(map)" = "........" ] || die "$_desc: map $(map)"
		echo dax0.0 >$drv/unbind || die "$_desc: unbind"
	elif [ "$1" = ok ]; then
		die "$_desc: ok, and not bound"
	fi
	empty
}

# The bus does not tell of a device that could not be bound by its new name.
named() {
	enomem "$1"
	if [ -e $dax/dax0.0/driver ]; then
		[ "$1" = ok ] || die "$_desc: $1, and bound"
		echo dax0.0 >$drv/unbind || die "$_desc: unbind"
	fi
	echo dax0.0 >$drv/remove_id || die "$_desc: remove_id"
	empty
}

plugged() {
	enomem "$1"
	case $(map) in
	......."$letter") [ "$1" != ok ] || die "$_desc: ok, and not there" ;;
	"$letter"......"$letter")
		[ "$1" = ok ] || die "$_desc: $1, and there"
		echo 0 >$mm/unplug || die "$_desc: unplug"
		;;
	*) die "$_desc: map $(map)" ;;
	esac
	still /run/one
}

unplugged() {
	enomem "$1"
	case $(map) in
	......."$letter")
		[ "$1" = ok ] || die "$_desc: $1, and gone"
		still /run/one
		echo 0 >$mm/plug || die "$_desc: plug"
		;;
	"$letter"......"$letter") [ "$1" != ok ] || die "$_desc: ok, and there" ;;
	*) die "$_desc: map $(map)" ;;
	esac
	[ "$_how" = offline ] || [ "$(zone_of 32)" = Movable ] ||
		echo online_movable >$sysmem/memory32/state || die "$_desc: online"
}

# The kernel copies what is written before the driver hears of it.
unbound() {
	enomem "$1"
	if [ "$1" != ok ]; then
		[ "$(map)" = "...$letter...." ] || die "$_desc: $1, and map $(map)"
		return
	fi
	[ ! -e $mm ] || die "$_desc: files left"
	empty
	echo dax0.0 >$drv/bind || die "$_desc: bind"
	echo 3 >$mm/plug || die "$_desc: plug"
}

[ "$VARIANT" = device ] && letter=d || letter=r
load_hmem
echo offline >$sysmem/auto_online_blocks
snapshot /run/before
all_fail
check "the module" modprobe memmapd_kmem
check "bound" sh -c "echo dax0.0 >$drv/new_id"
check "plugged" sh -c "echo 0 >$mm/plug"
check "online" sh -c "echo online_movable >$sysmem/memory32/state"
check "all out" take_out dax0.0
check "the module goes" modprobe -r memmapd_kmem
leaks_from_here
before=$(memfree_ram)

# binding: the module and its hold on the device.
binding() {
	# What reads a module's type information before it begins does not bear it everywhere
	# (btf_relocate() reads beyond its map).
	below do_one_initcall
	until_none "load" loaded load $ko
	needed
	below_any

	check "the module" modprobe memmapd_kmem
	until_none "unload" unloaded unload memmapd_kmem
	snapshot /run/none
	until_none "new_id" named write $drv/new_id dax0.0
	check "bound" sh -c "echo dax0.0 >$drv/new_id"
	check "unbound" sh -c "echo dax0.0 >$drv/unbind"
	until_none "bind" bound write $drv/bind dax0.0
	needed
	check "bound" sh -c "echo dax0.0 >$drv/bind"
	no_leaks

	check "plugged" sh -c "echo 3 >$mm/plug"
	until_none "unbind" unbound write $drv/unbind dax0.0
}

# plugging: one block of it, while another one stays, as the kernel does not bear that a
# node cannot be made (BUG_ON() in add_memory_resource()).
plugging() {
	check "the module" modprobe memmapd_kmem
	check "bound" sh -c "echo dax0.0 >$drv/new_id"
	check "plugged" sh -c "echo 7 >$mm/plug"
	snapshot /run/one
	until_none "plug" plugged write $mm/plug 0
	needed
	no_leaks

	check "plugged" sh -c "echo 0 >$mm/plug"
	_how=offline
	until_none "unplug, offline" unplugged write $mm/unplug 0
	_how=online
	check "online" sh -c "echo online_movable >$sysmem/memory32/state"
	until_none "unplug, online" unplugged write $mm/unplug 0
	check "all out" take_out dax0.0
	no_leaks
}

if [ "$VARIANT" = bind ]; then
	binding
else
	plugging
fi
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
check "the module goes" modprobe -r memmapd_kmem
same "as before" /run/before
no_leaks
no_pages_lost "$before" 48
