# SPDX-License-Identifier: LGPL-2.1-or-later
# Memory blocks of 2 GiB, which machines with 64 GiB of RAM or more have: taken in
# and out with each placement, and what no whole block holds is said.
# variant: ram ram=64G hmem=16G cost=3G
# variant: device ram=64G hmem=16G mom=1 cost=3G
# variant: seed ram=64G hmem=16G cost=3G
# variant: skewed ram=64G hmem=16G skew=1G mom=1 cost=3G
. /test/guest.sh

mm=/sys/bus/dax/devices/dax0.0/memmapd
memmap=$((32 * MiB))

eq "memory blocks are of 2 GiB" "$(cat $sysmem/block_size_bytes)" 80000000
case $VARIANT in
skewed) memory=device blocks=7 trimmed=$((2 * GiB)) ;;
*) memory=$VARIANT blocks=8 trimmed=0 ;;
esac
policy "\"memmap\": \"$memory\", \"order\": \"ascending\""
load_hmem
modprobe memmapd_kmem
snapshot /run/before
before=$(memfree_ram)
start_memmapd /run/policy.json
wait_device dax0.0 online 120
memmapctl explain dax0.0
eq "size of a block" "$(cat $mm/block_size)" $((2 * GiB))
eq "memmap of a block" "$(cat $mm/memmap_size)" $memmap
eq "blocks" "$(cat $mm/blocks)" $blocks
eq "trimmed" "$(cat $mm/trimmed)" $trimmed
eq "trimmed, by memmapd" "$(dev /trimmed)" $trimmed
eq "online" "$(blocks_online 1)" $blocks

total=$((blocks * 2 * GiB))
in_ram=0
case $VARIANT in
ram) eq "map" "$(map)" rrrrrrrr; in_ram=8 ;;
seed) eq "map" "$(map)" rsssssss; in_ram=1 ;;
*)
	eq "map" "$(map)" "$(printf '%.*s' $blocks dddddddd)"
	total=$((total - blocks * memmap))
	for b in $(blocks 1); do
		eq "pages of its own memmap on memory$b" "$(kpageflags "$b" 8192)" 8192
	done
	;;
esac
eq "MemTotal of node 1" "$(memtotal 1)" $total
used=$(((before - $(memfree_ram)) / MiB))
between "RAM used (MiB)" $used $((in_ram * 32 - 16)) $((in_ram * 32 + 32))

kill "$memmapd_pid"
wait "$memmapd_pid"
if [ "$VARIANT" = seed ]; then
	refute "the seed goes before the others" sh -c "echo 0 >$mm/unplug"
	check "the others go" sh -c "echo 7-1 >$mm/unplug"
	# What else the kernel put into the seed since may keep it.
	eq "map" "$(map)" r.......
	eq "it stays as it was" "$(blocks_online 1)" 1
	exit 0
fi
check "unplugged" sh -c "echo $((blocks - 1))-0 >$mm/unplug"
eq "map" "$(map)" "$(printf '%.*s' $blocks ........)"
check "unbound" sh -c 'echo dax0.0 >/sys/bus/dax/drivers/memmapd_kmem/unbind'
same "as before" /run/before
between "RAM lost (MiB)" $(((before - $(memfree_ram)) / MiB)) -64 16
