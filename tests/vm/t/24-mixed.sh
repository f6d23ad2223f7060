# SPDX-License-Identifier: LGPL-2.1-or-later
# As many memmaps in RAM as the reserve leaves room for, exactly, the rest
# elsewhere; by the module's map and by the kernel's page flags.
# variant: device ram=2G hmem=4G mom=1
# variant: seed ram=2G hmem=4G
. /test/guest.sh

# What node 0 could spare without any reserve, by the daemon's own terms.
spare() { echo $(($(dev /budget/free) + $(dev /budget/reclaimable) - $(dev /budget/watermark))); }

load_hmem
policy '"memmap": "ram", "ram_reserve": "100%"'
start_memmapd /run/policy.json
wait_device dax0.0 refused 30
reserve=$(($(spare) - 15 * MiB))
policy "\"memmap\": \"mixed\", \"ram_reserve\": $reserve"
kill -HUP "$memmapd_pid"
wait_device dax0.0 online 60
memmapctl explain dax0.0
map
# Free RAM moves by a few MiB between the two decisions; the terms of the last one
# say how many memmaps of 2 MiB its reserve leaves room for, beside those that were
# in RAM by then, if it had to plan anew.
already=$(memmapctl explain dax0.0 | sed -n 's/^.* \([0-9]*\) of them have theirs in RAM already.*/\1/p')
k=$((($(spare) - reserve) / (2 * MiB) + ${already:-0}))
between "room in RAM" $k 3 11
in_ram=$(count r)
case $VARIANT in
device)
	eq "memmaps in RAM" "$in_ram" $k
	eq "memmaps on their own block" "$(count d)" $((32 - k))
	own=0
	for b in $(blocks 1); do
		self_hosted "$b" && own=$((own + 1))
	done
	eq "blocks that host their memmap, by page flags" $own $((32 - k))
	eq "MemTotal of node 1" "$(memtotal 1)" $((32 * 128 * MiB - (32 - k) * 2 * MiB))
	;;
seed)
	# The first kernel block raises the watermarks of all nodes: one may be dropped.
	between "memmaps in RAM" "$in_ram" $((k - 1)) $k
	eq "memmaps in seeds" "$(count s)" $((32 - in_ram))
	eq "MemTotal of node 1" "$(memtotal 1)" $((4 * GiB))
	;;
esac
