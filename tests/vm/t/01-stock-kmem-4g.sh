# SPDX-License-Identifier: LGPL-2.1-or-later
# The stock driver takes a device whose memmap fits into RAM.
# vm: ram=2G hmem=4G
# payload: none
. /test/guest.sh

load_hmem
# The default of newer kernels would bring it online.
echo offline >$sysmem/auto_online_blocks
read -r size </sys/bus/dax/devices/dax0.0/size
eq "device size" "$size" $((4 * GiB))
read -r node </sys/bus/dax/devices/dax0.0/target_node
eq "device node" "$node" 1

before=$(memtotal 0)
check "kmem takes it" timed "bind" bind_kmem dax0.0
eq "all blocks are there" "$(blocks 1 | wc -l)" 32
eq "none is online" "$(blocks_online 1)" 0
timed "online" online 1 online_movable || die "not online"
eq "all blocks are online" "$(blocks_online 1)" 32
eq "memory of node 1" "$(memtotal 1)" $((4 * GiB))
eq "memory of node 0 is what it was" "$(memtotal 0)" "$before"
first=$(blocks 1 | head -n 1)
eq "its first block" "$first" 32
eq "its zone" "$(zone_of "$first")" Movable
refute "its memmap lies in RAM" self_hosted "$first"
