# SPDX-License-Identifier: LGPL-2.1-or-later
# NVDIMMs as dax devices: there from the start, or inserted later.
# variant: cold ram=2G nvdimm=16G
# variant: live ram=2G hotplug=yes
# timeout: 120
# payload: none
. /test/guest.sh

load_nvdimm
if [ ! -e /sys/bus/nd/devices/namespace0.0 ]; then
	plug_nvdimm late 16G 1
fi
timed "namespace" make_devdax 0
wait_for 5 [ -e /sys/bus/dax/devices/dax0.0 ] || die "no dax0.0"
read -r node </sys/bus/dax/devices/dax0.0/target_node
eq "device node" "$node" 1
read -r size </sys/bus/dax/devices/dax0.0/size
echo "size: $((size / MiB)) MiB"
eq "memory blocks are of 128 MiB" "$(block_size)" $((128 * MiB))
check "kmem takes it" timed "bind" bind_kmem dax0.0
timed "online" online 1 || die "not online"
# One block is lost to alignment.
eq "blocks online" "$(blocks_online 1)" 127
