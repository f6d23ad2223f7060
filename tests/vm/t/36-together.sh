# SPDX-License-Identifier: LGPL-2.1-or-later
# Two devices at once, room in RAM for the memmaps of one of them only: they
# never spend the same byte, and both come in.
# vm: ram=1G hmem=12G,12G mom=1
# timeout: 180
. /test/guest.sh

policy '"action": "plug", "memmap": "ram", "ram_reserve": "100%"'
load_hmem dax1.0
start_memmapd /run/policy.json
wait_device dax0.0 refused 30
wait_device dax1.0 refused 30
# 192 MiB of memmap a device: 300 MiB of budget.
spare=$(($(dev /budget/free) + $(dev /budget/reclaimable) - $(dev /budget/watermark)))
reserve=$((spare - 300 * MiB))
policy "\"ram_reserve\": $reserve"
kill -HUP "$memmapd_pid"
wait_device dax0.0 online 120
wait_device dax1.0 online 120
eq "one in RAM" "$(count r dax0.0),$(count d dax1.0)" "96,96"
left=$(awk '$1 == "Node" { mine = $2 == "0," } mine && $1 == "pages" && $2 == "free" { n += $3 }
	END { print n * 4096 }' /proc/zoneinfo)
[ "$left" -gt "$reserve" ] || die "only $left bytes left of a reserve of $reserve"
echo "ok: $left bytes left, $reserve reserved"
