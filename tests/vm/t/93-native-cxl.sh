# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own driver, where a device can choose the place of its memmaps, takes in a
# CXL region, with the memmaps in RAM or on the memory itself, and gives it back: the device
# alone, then all down to the expander, and another one that is put in its place.
# variant: ram cxl=512M
# variant: device cxl=512M mom=1
# kernel: 6.12 7: a dax device can choose since 6.8
# tools: cxl
# timeout: 400
. /test/guest.sh

cxl=/sys/bus/cxl/devices
dax=/sys/bus/dax/devices/dax0.0
memmapd() { exec memmapd "$@" 2>>/run/log; }
[ "$VARIANT" = device ] && each=126 letter=d told=1 || each=128 letter=r told=0

# taken_in BLOCKS: all of them, by that driver, as the policy says.
taken_in() {
	wait_device dax0.0 online 200
	eq "by" "$(dev /backend) $(dev /driver) $(basename "$(readlink $dax/driver)")" "native kmem kmem"
	eq "of" "$(dev /backing) $(dev /region) $(dev /decoder)" "cxl region0 decoder0.0"
	eq "what the device was told" "$(cat $dax/memmap_on_memory)" $told
	eq "online" "$(blocks_online 1)" "$1"
	eq "map" "$(dev /map)" "$(printf '%*s' "$1" '' | tr ' ' $letter)"
	eq "MemTotal of node 1 (MiB)" $(($(memtotal 1) / MiB)) $(($1 * each))
	for b in $(blocks 1); do
		if [ "$VARIANT" = device ]; then
			check "memory$b hosts its memmap" self_hosted "$b"
		else
			refute "memory$b hosts its memmap" self_hosted "$b"
		fi
	done
	all_in_zone 1 Movable
}

# out: nothing of it is in use, and no region is left.
out() {
	eq "regions" "$(echo $cxl/region*)" "$cxl/region*"
	eq "blocks" "$(blocks 1 | wc -l)" 0
	refute "it is in /proc/iomem" grep -E "dax|region[0-9]|kmem" /proc/iomem
}

policy "\"backend\": \"native\", \"memmap\": \"$VARIANT\", \"create_region\": true"
load_cxl mem0
check "the kernel's own driver" modprobe kmem
refute "the module is loaded" [ -e /sys/module/memmapd_kmem ]
run_memmapd /run/policy.json
taken_in 4
check "a little of it can be used" eval 'fill 1 8'

check "removed" memmapctl remove dax0.0
eq "state" "$(dev /state)" removed
eq "blocks" "$(blocks 1 | wc -l)" 0
refute "a driver has it" [ -e $dax/driver ]
check "taken in again" memmapctl online dax0.0
taken_in 4

eq "removed" "$(memmapctl remove mem0 | tail -n 1)" \
	"mem0: Removed: region0 is destroyed; mem0 is disabled. The card can be pulled."
out
unplug_cxl cxl0
refute "it is seen" [ -e $cxl/mem0 ]
plug_cxl other 256M 0
taken_in 2
check "removed" memmapctl remove region0
out
cat /run/log
