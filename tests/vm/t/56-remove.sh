# SPDX-License-Identifier: LGPL-2.1-or-later
# memmapctl takes a device out, as fast as it can be: what a process has in it moves, the
# machine is as it was before, and it stays out until it is wanted again.
# variant: ram ram=2G hmem=4G
# variant: device ram=2G hmem=4G mom=1
# variant: seed ram=2G hmem=4G
# timeout: 300
. /test/guest.sh

# Of node 1, as the process sees it: the blocks from 32 on.
on_the_device() {
	for _b in $(tail -n 1 /run/keeper); do
		case $_b in
		in | intact) ;;
		lost) die "what was in the memory is lost" ;;
		*) [ "$_b" -lt 32 ] || return 0 ;;
		esac
	done
	return 1
}
ask_keeper() {
	_lines=$(wc -l </run/keeper)
	kill -USR1 "$keeper"
	wait_for 20 eval '[ "$(wc -l </run/keeper)" -gt '"$_lines"' ]' || die "no answer"
	tail -n 1 /run/keeper
}

policy "\"memmap\": \"$VARIANT\""
load_hmem
modprobe memmapd_kmem
snapshot /run/before
before=$(memfree_ram)
start_memmapd /run/policy.json
wait_device dax0.0 online 60
keeper 1 200 /run/keeper &
keeper=$!
wait_for 20 grep -q "^in" /run/keeper || die "no keeper"
check "its memory is on the device" on_the_device

states() { cat $sysmem/memory[3-6][0-9]/state $sysmem/memory[3-6][0-9]/valid_zones; }
memmapctl monitor --json >/run/events &
monitor=$!
if [ "$VARIANT" = seed ] && first_seed_stays; then
	was=$(states)
	map=$(map)
	memmapctl remove dax0.0 >/run/out 2>&1
	eq "status" $? 5
	cat /run/out
	check "the first seed is named" grep -F "memory32 (block 0, node 1, kernel zone)" /run/out
	check "why" grep -E "[0-9]+ of them by the kernel, which cannot be moved" /run/out
	wait_device dax0.0 online 30
	eq "the states" "$(states)" "$was"
	eq "the map" "$(map)" "$map"
	ask_keeper | grep -q "^intact" || die "what was in it is lost"
	exit 0
fi
check "removed" timed "32 blocks out" memmapctl remove dax0.0
eq "state" "$(dev /state)" removed
eq "its driver" "$(dev /driver)" null
ask_keeper | grep -q "^intact" || die "what was in it is lost"
refute "its memory is on the device" on_the_device
eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
same "as before" /run/before
eq "MemTotal of node 1" "$(memtotal 1)" 0
kill $keeper $monitor
wait $keeper $monitor 2>/dev/null
check "monitor has seen it" grep -F '"result":"done"' /run/events
lost=$(((before - $(memfree_ram)) / MiB))
[ "$lost" -lt 16 ] || die "$lost MiB of RAM lost"
echo "ok: $lost MiB of RAM lost"

kill -9 "$memmapd_pid"
wait "$memmapd_pid" 2>/dev/null
start_memmapd /run/policy.json
check "reload" memmapctl reload
sleep 2
eq "state after a restart" "$(dev /state)" removed
eq "blocks" "$(blocks 1 | wc -w)" 0
[ "$VARIANT" = ram ] && verb=apply || verb=online
check "taken in by $verb" memmapctl $verb dax0.0
wait_device dax0.0 online 60
eq "online" "$(blocks_online 1)" 32
