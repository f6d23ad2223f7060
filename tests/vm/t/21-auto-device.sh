# SPDX-License-Identifier: LGPL-2.1-or-later
# The memmap does not fit into RAM and the kernel can put it on the blocks: auto
# does so, RAM stays as it was, and each block gives 126 of its 128 MiB.
# The contrast is 02-stock-kmem-too-large.
# vm: ram=700M hmem=62G mom=1
# timeout: 240
. /test/guest.sh

policy ''
load_hmem
modprobe memmapd_kmem
before=$(memfree_ram)
start_memmapd /run/policy.json
wait_device dax0.0 online 180
memmapctl status
eq "memmaps on their own block" "$(count d)" 496
eq "online" "$(blocks_online 1)" 496
eq "MemTotal of node 1" "$(memtotal 1)" $((496 * 126 * MiB))
all_in_zone 1 Movable
for b in 32 33 34 281 526 527; do
	check "memory$b hosts its memmap" self_hosted $b
done
used=$(((before - $(memfree_ram)) / MiB))
# 992 MiB of memmap; what is left is page tables, sysfs, and the daemon.
[ "$used" -lt 48 ] || die "$used MiB of RAM used"
echo "ok: $used MiB of RAM used"
