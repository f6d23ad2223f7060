# SPDX-License-Identifier: LGPL-2.1-or-later
# A CXL region is taken in when it appears; in the right order, all of it can be taken
# out, down to the expander, and another expander put in its place.
# variant: ram cxl=512M
# variant: device cxl=512M mom=1
# variant: seed cxl=512M
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
. /test/guest.sh

mm=/sys/bus/dax/devices/dax0.0/memmapd

policy "\"memmap\": \"$VARIANT\", \"order\": \"ascending\""
load_cxl mem0
modprobe memmapd_kmem
snapshot /run/before
memmapd() { exec memmapd "$@" 2>/run/log; }
start_memmapd /run/policy.json
cxl_region 0 mem0
wait_device dax0.0 online 200
eq "backing" "$(dev /backing) $(dev /region) $(dev /driver)" "cxl region0 memmapd_kmem"
eq "online" "$(blocks_online 1)" 4
case $VARIANT in
ram) eq "map" "$(map)" rrrr ;;
device) eq "map" "$(map)" dddd ;;
seed) eq "map" "$(map)" rsss ;;
esac
[ "$VARIANT" = device ] && each=126 || each=128
eq "MemTotal of node 1 (MiB)" $(($(memtotal 1) / MiB)) $((4 * each))

if [ "$VARIANT" = seed ] && first_seed_stays; then
	eq "all but the seed" "$(put 3-1 $mm/unplug)" ok
	eq "the seed" "$(put 0 $mm/unplug)" EBUSY
	exit 0
fi
eq "unplugged" "$(put 3-0 $mm/unplug)" ok
check "region is disabled" cxl disable-region region0
wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
check "region is destroyed" cxl destroy-region region0
eq "said" "$(grep -c "The device is gone\.$" /run/log)" 1
eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
same "nothing stayed" /run/before
check "expander is disabled" cxl disable-memdev mem0
unplug_cxl cxl0
refute "it is seen" [ -e /sys/bus/cxl/devices/mem0 ]

plug_cxl other 256M 0
wait_for 60 [ -e /sys/bus/cxl/devices/mem0/driver ] || die "no mem0"
cxl_region 0 mem0
wait_device dax0.0 online 200
eq "online" "$(blocks_online 1)" 2
