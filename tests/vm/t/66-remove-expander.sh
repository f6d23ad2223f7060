# SPDX-License-Identifier: LGPL-2.1-or-later
# "memmapctl remove" of an expander, or of a region: its memory is taken out, the region
# taken apart and the expander disabled, so that it can be pulled while the machine runs.
# It is not taken in again until it is put in anew, or by "memmapctl apply".  Where a block
# cannot be taken out, all comes back.
# variant: expander cxl=256M+0
# variant: region cxl=256M+256M
# variant: blocked cxl=512M
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
. /test/guest.sh

cxl=/sys/bus/cxl/devices
memmapd() { exec memmapd "$@" 2>>/run/log; }

# out MEMDEV...: nothing of it is in use.
out() {
	eq "regions" "$(echo $cxl/region*)" "$cxl/region*"
	for memdev; do
		refute "$memdev is enabled" [ -e "$cxl/$memdev/driver" ]
	done
	eq "blocks" "$(blocks 1 | wc -l)" 0
	refute "it is in /proc/iomem" grep -E "memmapd|dax|region" /proc/iomem
	eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
}

create='"memmap": "ram", "create_region":'
case $VARIANT in
expander) policy "$create true" && load_cxl mem0 ;;
region) policy "$create { \"ways\": 2 }" && load_cxl mem0 mem1 ;;
blocked) policy "$create true" && load_cxl mem0 ;;
esac
start_memmapd /run/policy.json
wait_device dax0.0 online 200

case $VARIANT in
expander)
	eq "remove" "$(memmapctl remove mem0 | tail -n 1)" \
		"mem0: Removed: region0 is destroyed; mem0 is disabled. The card can be pulled."
	out mem0
	memmapctl reload
	sleep 2
	out mem0
	check "apply" memmapctl apply mem0
	wait_device dax0.0 online 200
	check "remove" memmapctl remove region0
	out mem0
	unplug_cxl cxl0
	refute "it is seen" [ -e $cxl/mem0 ]
	plug_cxl other 512M 0
	wait_device dax0.0 online 200
	eq "online" "$(blocks_online 1)" 4
	;;
region)
	eq "remove" "$(memmapctl remove mem1 | tail -n 1)" \
		"mem1: Removed: region0 is destroyed; mem1 is disabled. The card can be pulled. region0 was interleaved with mem0, and went as a whole; what it had there is free."
	out mem1
	check "mem0 is enabled" [ -e $cxl/mem0/driver ]
	check "apply" memmapctl apply mem1
	wait_device dax0.0 online 200
	memmapctl remove region0 >/run/said
	check "said" grep -q "mem0 is disabled; mem1 is disabled. The cards can be pulled\.$" /run/said
	out mem0 mem1
	;;
blocked)
	eq "blocks" "$(blocks_online 1)" 4
	inject MEM_GOING_OFFLINE -16
	memmapctl remove mem0 2>/run/said
	eq "status" $? 5
	cat /run/said
	check "said" grep -q "Regions and expanders are as they were" /run/said
	inject MEM_GOING_OFFLINE 0
	wait_device dax0.0 online 200
	eq "blocks" "$(blocks_online 1)" 4
	check "it is enabled" [ -e $cxl/mem0/driver ]
	check "remove" memmapctl remove mem0
	out mem0
	;;
esac
cat /run/log
