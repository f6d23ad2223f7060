# SPDX-License-Identifier: LGPL-2.1-or-later
# A CXL region goes while blocks of it are online.  The kernel asks nobody, and nothing
# is in those blocks: they stay as orphans, memmapd says which, and once they are
# offline they can be reclaimed and the region be made again.  Disabled, its memory goes
# on working; deleted or reset, the memory is gone, and whatever had been in it would
# be lost.  Before all orphans are reclaimed, the kernel gives the same region no device
# that could take them up, and a new one has other addresses.
# variant: disabled cxl=512M
# variant: reset cxl=512M
# variant: deleted cxl=512M
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
cxl=/sys/bus/cxl/devices

region_goes() {
	case $VARIANT in
	disabled) check "region is disabled" cxl disable-region region0 ;;
	reset) eq "region is reset" "$(put 0 $cxl/region0/commit)" ok ;;
	deleted) eq "region is deleted" "$(put region0 $cxl/decoder0.0/delete_region)" ok ;;
	esac
}

# region_comes: the same one.
region_comes() {
	[ "$VARIANT" != reset ] || eq "region is set up" "$(put 1 $cxl/region0/commit)" ok
	case $VARIANT in
	disabled | reset) check "region is enabled" cxl enable-region region0 ;;
	deleted) cxl_region 0 mem0 ;;
	esac
}

policy '"memmap": "ram", "order": "ascending"'
load_cxl mem0
modprobe memmapd_kmem
snapshot /run/before
memmapd() { exec memmapd "$@" 2>/run/log; }
start_memmapd /run/policy.json
cxl_region 0 mem0
wait_device dax0.0 online 200
first=$(blocks 1 | head -1)
start=$((first * 128 * MiB))
eq "the last block is offline" "$(put offline "$sysmem/memory$((first + 3))/state")" ok

region_goes
wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
cat /run/log
check "memmapd names them" grep -q \
	"3 of its blocks are still in use: memory$first to memory$((first + 2))\." /run/log
eq "orphans" "$(cat $drv/orphans)" \
	"$(printf '%#x-%#x node 1 dax0.0' $start $((start + 3 * 128 * MiB - 1)))"
eq "the one that was offline has gone" "$(blocks_online 1) of $(blocks 1 | wc -l)" "3 of 3"
refute "the module goes" modprobe -r memmapd_kmem
eq "reclaim" "$(put 1 $drv/reclaim)" ok
eq "what is online stays" "$(blocks_online 1)" 3

case $VARIANT in
disabled)
	# Its decoders are as they were.
	check "the memory works" eval 'fill 1 1'
	check "region is enabled" cxl enable-region region0
	sleep 1
	refute "it has a device" [ -e /sys/bus/dax/devices/dax0.0 ]
	check "region is disabled" cxl disable-region region0
	;;
deleted)
	cxl_region 0 mem0
	wait_device dax0.0 online 200
	eq "blocks, old and new" "$(echo $(blocks 1))" \
		"$(echo $(seq "$first" $((first + 2))) $(seq $((first + 4)) $((first + 7))))"
	eq "unplugged" "$(put 3-0 /sys/bus/dax/devices/dax0.0/memmapd/unplug)" ok
	eq "region is deleted" "$(put region0 $cxl/decoder0.0/delete_region)" ok
	;;
esac

for b in 0 1 2; do
	eq "offline" "$(put offline "$sysmem/memory$((first + b))/state")" ok
	eq "reclaim" "$(put 1 $drv/reclaim)" ok
	eq "orphans left" "$(blocks 1 | wc -l)" $((2 - b))
done
eq "orphans" "$(cat $drv/orphans)" ""
eq "the module is not in use" "$(cat /sys/module/memmapd_kmem/refcnt)" 0
region_comes
wait_device dax0.0 online 200
eq "online, where it was" "$(echo $(blocks 1))" "$(echo $(seq $first $((first + 3))))"

eq "unplugged" "$(put 3-0 /sys/bus/dax/devices/dax0.0/memmapd/unplug)" ok
check "region is destroyed" cxl destroy-region -f region0
same "nothing stayed" /run/before
kill "$memmapd_pid"
wait "$memmapd_pid" 2>/dev/null
check "the module goes" modprobe -r memmapd_kmem
