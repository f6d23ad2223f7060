# SPDX-License-Identifier: LGPL-2.1-or-later
# memmap_on_memory=force, which newer kernels know and 6.1 takes for nothing.
# vm: ram=1G hmem=4G
# cmdline: memory_hotplug.memmap_on_memory=force
. /test/guest.sh

mm=/sys/bus/dax/devices/dax0.0/memmapd
param=$(cat /sys/module/memory_hotplug/parameters/memmap_on_memory)

load_hmem
check "the module" modprobe memmapd_kmem
check "bound" sh -c 'echo dax0.0 >/sys/bus/dax/drivers/memmapd_kmem/new_id'
supported=$(cat $mm/memmap_on_memory_supported)
read -r preset <$mm/memmap_on_memory
check "let go" sh -c 'echo dax0.0 >/sys/bus/dax/drivers/memmapd_kmem/remove_id &&
	echo dax0.0 >/sys/bus/dax/drivers/memmapd_kmem/unbind'
policy '"memmap": "device"'
start_memmapd /run/policy.json
if kernel 6.1; then
	eq "the parameter" "$param" N
	eq "supported" "$supported" \
		"0 the kernel was booted without memory_hotplug.memmap_on_memory=1"
	eq "preset" "$preset" 0
	wait_device dax0.0 refused 30
	dev /message | grep -q "memory_hotplug.memmap_on_memory=1" || die "the parameter is not named"
	eq "no blocks" "$(blocks 1)" ""
	exit 0
fi
eq "the parameter" "$param" force
eq "supported" "$supported" 1
eq "preset" "$preset" 1
wait_device dax0.0 online 60
eq "memmaps on their own block" "$(count d)" 32
eq "online" "$(blocks_online 1)" 32
for b in $(blocks 1); do
	check "memory$b hosts its memmap" self_hosted "$b"
done
eq "MemTotal of node 1" "$(memtotal 1)" $((32 * 126 * MiB))
