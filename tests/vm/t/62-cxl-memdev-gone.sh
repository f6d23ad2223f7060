# SPDX-License-Identifier: LGPL-2.1-or-later
# An expander is disabled or pulled by force: the kernel resets its decoders first and
# asks nobody, so the memory is gone before its driver hears of it.  Blocks that are
# offline are given back all the same.  Those that are online and have nothing in them
# stay as orphans, and memmapd says which.  Where their memmaps are in RAM, they can
# still be taken offline and reclaimed, as all that the kernel needs for it is there,
# and the expander can come back.  Where they were on the device, the kernel reads
# nonsense and refuses, with a warning of its own: the orphans stay, and the module
# with them.  (What would touch the memory itself, does so at its own risk: emulated, it
# reads as zeros, and a process in it dies.)
# variant: disabled-offline cxl=512M
# variant: disabled-online cxl=512M
# variant: pulled-offline cxl=512M
# variant: pulled-online cxl=512M
# variant: device-disabled-offline cxl=512M mom=1
# variant: device-disabled-online cxl=512M mom=1
# variant: device-pulled-online cxl=512M mom=1
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
# allow-kernel: WARNING: .* offline_pages
# allow-kernel: Call Trace:
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem

expander_goes() {
	case $VARIANT in
	*disabled-*)
		refute "expander is disabled without force" cxl disable-memdev mem0
		check "expander is disabled" cxl disable-memdev -f mem0
		;;
	*pulled-*) unplug_cxl cxl0 ;;
	esac
}

expander_comes() {
	case $VARIANT in
	*disabled-*) check "expander is enabled" cxl enable-memdev mem0 ;;
	*pulled-*) plug_cxl other 512M 0 ;;
	esac
	wait_for 60 [ -e /sys/bus/cxl/devices/mem0/driver ] || die "no mem0"
}

# stays: what is online cannot go, and memmapd has said so.
stays() {
	check "memmapd names them" grep -q \
		"4 of its blocks are still in use: memory$first to memory$((first + 3))\." /run/log
	eq "orphans" "$(cat $drv/orphans)" \
		"$(printf '%#x-%#x node 1 dax0.0' $start $((start + 4 * 128 * MiB - 1)))"
	eq "online" "$(blocks_online 1)" 4
	refute "the module goes" modprobe -r memmapd_kmem
}

# traces FUNCTION: there are none but of the kernel's warnings there.
traces() {
	eq "call traces" "$(dmesg | grep -c "Call Trace:")" "$(dmesg | grep -c "WARNING: .* $1")"
}

case $VARIANT in
device-*) memmap=device letter=d ;;
*) memmap=ram letter=r ;;
esac
case $VARIANT in
*-offline) action=plug state=plugged ;;
*-online) action=online state=online ;;
esac
policy "\"memmap\": \"$memmap\", \"action\": \"$action\""
load_cxl mem0
modprobe memmapd_kmem
memmapd() { exec memmapd "$@" 2>/run/log; }
start_memmapd /run/policy.json
cxl_region 0 mem0
wait_device dax0.0 $state 200
eq "plugged" "$(count $letter)" 4
first=$(blocks 1 | head -1)
start=$((first * 128 * MiB))

expander_goes
wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
cat /run/log
case $VARIANT in
device-*-online)
	stays
	eq "offline" "$(put offline "$sysmem/memory$first/state")" EINVAL
	eq "reclaim" "$(put 1 $drv/reclaim)" ok
	stays
	traces offline_pages
	exit 0
	;;
*-online)
	stays
	check "offline" offline 1
	eq "reclaim" "$(put 1 $drv/reclaim)" ok
	;;
*-offline) eq "said" "$(grep -c "The device is gone\.$" /run/log)" 1 ;;
esac
eq "orphans" "$(cat $drv/orphans)" ""
eq "no blocks" "$(blocks 1 | wc -l)" 0
refute "in /proc/iomem" grep -E "memmapd|dax0.0" /proc/iomem
eq "the module is not in use" "$(cat /sys/module/memmapd_kmem/refcnt)" 0

# The region of the one that is gone is still there, with nothing in it.
expander_comes
eq "region is deleted" "$(put region0 /sys/bus/cxl/devices/decoder0.0/delete_region)" ok
cxl_region 0 mem0
wait_device dax0.0 $state 200
eq "plugged" "$(count $letter)" 4
traces nothing
