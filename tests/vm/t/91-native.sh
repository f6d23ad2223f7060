# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's own driver, where a device can choose the place of its memmaps, does what
# the module does, less what it cannot: all blocks are treated alike, and come and go
# together.  That is said, and nothing is done by halves.
# variant: actions ram=1G hmem=1G
# variant: places ram=1G hmem=1G mom=1
# variant: limits ram=1G hmem=1G
# variant: killed ram=1G hmem=16G
# variant: zones ram=768M hmem=8G
# variant: rollback ram=1G hmem=640M
# variant: together ram=1G hmem=12G,12G mom=1
# variant: others ram=1G hmem=1G
# kernel: 6.12 7: a dax device can choose since 6.8
# timeout: 240
. /test/guest.sh

# The kernel's error injection is on while memmapd writes to one file, see fault.so.c.
memmapd() { LD_PRELOAD=/usr/local/bin/fault.so exec memmapd "$@" 2>>/run/log; }

# native JSON [RULES]: with the defaults, and the backend in them.
native() {
	policy "\"backend\": \"native\"${1:+, $1}"
	[ -z "${2:-}" ] || sed -i "s|} }\$|}, \"rules\": [ $2 ] }|" /run/policy.json
}
run_native() {
	native "$@"
	run_memmapd /run/policy.json
}
again() {
	native "$@"
	check "policy" memmapctl reload
}
online_with() {
	wait_device dax0.0 online 60
	eq "backend" "$(dev /backend) $(dev /driver)" "native kmem"
	eq "online" "$(blocks_online 1)" "$1"
}
nothing_there() {
	eq "blocks" "$(blocks 1 | wc -l)" 0
	refute "a driver has it" [ -e /sys/bus/dax/devices/dax0.0/driver ]
}
# explained TEXT
explained() {
	memmapctl explain dax0.0 >/run/text
	check "explained: $1" grep -F -e "$1" /run/text
}

# A dry run does nothing, "plug" leaves it offline, and the kernel zone is one of two.
actions() {
	native
	memmapd --dry-run --policy /run/policy.json &
	wait_for 10 memmapctl status || die "no memmapd"
	wait_device dax0.0 planned 30
	nothing_there
	kill $!
	wait $!
	run_native '"action": "plug"'
	wait_device dax0.0 plugged 60
	eq "plugged, online" "$(blocks 1 | wc -l) $(blocks_online 1)" "8 0"
	check "removed" memmapctl remove dax0.0
	nothing_there
	again '"zone": "kernel"'
	check "taken in" memmapctl online dax0.0
	online_with 8
	all_in_zone 1 Normal
}

# RAM or the blocks themselves, as the policy says; after one, the other.
places() {
	before=$(memfree_ram)
	run_native '"memmap": "ram"'
	online_with 8
	eq "map" "$(dev /map)" rrrrrrrr
	eq "MemTotal" "$(memtotal 1)" $GiB
	check "removed" memmapctl remove dax0.0
	same "as before" /run/before
	again '"memmap": "device"'
	check "taken in" memmapctl online dax0.0
	online_with 8
	eq "map" "$(dev /map)" dddddddd
	eq "MemTotal" "$(memtotal 1)" $((8 * 126 * MiB))
	for b in $(blocks 1); do
		check "memory$b hosts its memmap" self_hosted "$b"
	done
	usable 1 $(blocks 1)
	check "removed" memmapctl remove dax0.0
	same "as before" /run/before
	between "RAM lost (MiB)" $(((before - $(memfree_ram)) / MiB)) -64 16
	# Another device of the same name was not removed by anybody.
	check "hmem goes" modprobe -r dax_hmem
	wait_for 10 eval '! memmapctl explain dax0.0' || die "still shown"
	check "hmem comes" modprobe dax_hmem
	online_with 8
}

limits() {
	run_native '"memmap": "auto"' '{ "name": "half", "match": {}, "max_size": "50%" }'
	wait_device dax0.0 refused 30
	eq "cause" "$(dev /message | cut -d : -f 1)" 'A "max_size" needs the backend chunked'
	nothing_there
	for mode in seed mixed; do
		again '' "{ \"name\": \"$mode\", \"match\": {}, \"memmap\": \"$mode\" }"
		wait_for 10 eval 'memmapctl explain dax0.0 | grep -F "mode of \"$mode\" needs the backend"' ||
			die "$mode is not refused"
		wait_device dax0.0 refused 10
		nothing_there
	done
	again '"memmap": "device"'
	wait_for 10 eval 'memmapctl explain dax0.0 | grep -F "A memmap cannot go onto its own block"' ||
		die "the kernel can do it"
	wait_device dax0.0 refused 10
	nothing_there
	again '"ram_reserve": "100%"'
	explained "cannot carry all memmaps"
	nothing_there
	again '"use": { "removable": true }'
	online_with 8
	all_in_zone 1 Movable
	explained "takes it in as a whole"
}

# SIGKILL as soon as the driver has it, and between blocks.
killed() {
	killed=0
	native '"order": "ascending"'
	check "auto-online" eval "echo online >$sysmem/auto_online_blocks"
	for at in 0 10 60 100; do
		memmapd --policy /run/policy.json &
		memmapd_pid=$!
		wait_for 60 eval '[ -e /sys/bus/dax/devices/dax0.0/driver ] && [ "$(blocks_online 1)" -ge '$at' ]' ||
			{ cat /run/log; memmapctl explain dax0.0; die "never came to $at"; }
		kill -9 "$memmapd_pid"
		wait "$memmapd_pid" 2>/dev/null
		then=$(blocks_online 1)
		echo "killed at $then"
		[ "$then" -lt 128 ] && killed=$((killed + 1))
	done
	[ $killed -ge 2 ] || die "only $killed of the kills came in the middle"
	run_memmapd /run/policy.json
	online_with 128
	all_in_zone 1 Movable
	eq "what was held back" "$(cat $sysmem/auto_online_blocks)" online
}

# So many in the kernel zone as the ratio needs, and these are the first ones.
zones() {
	run_native '"zone": "auto"'
	online_with 64
	kernel=$(dev /blocks/kernel)
	between "blocks in the kernel zone" "$kernel" 8 16
	explained "$kernel blocks go to the kernel zone, $((64 - kernel)) are movable"
	for b in $(blocks 1 | head -n "$kernel"); do
		eq "memory$b" "$(zone_of "$b")" Normal
	done
	eq "movable" "$(for b in $(blocks 1); do zone_of "$b"; done | grep -c Movable)" $((64 - kernel))
}

# A block that fails: the device as a whole goes again, if the policy says so.
rollback() {
	inject MEM_GOING_ONLINE 0
	inject MEM_GOING_OFFLINE 0
	echo "memory/memory34/state MEM_GOING_ONLINE -5" >/run/fault
	run_native '"on_failure": "rollback", "order": "ascending"'
	wait_device dax0.0 rolled-back 60
	eq "said" "$(dev /message)" "1 blocks failed, and 4 others were taken out again."
	nothing_there
	same "as before" /run/before

	# What the kernel does not let go of stays, and so does the driver.
	inject MEM_GOING_OFFLINE -16
	check "again" memmapctl reload
	wait_for 60 eval '[ "$(blocks_online 1)" = 4 ]' || die "the others did not come"
	wait_device dax0.0 rolled-back 60
	eq "said" "$(dev /message)" \
		"1 blocks failed, and 0 others were taken out again; the rest is in use and stays."
	eq "driver" "$(dev /driver)" kmem
	eq "online" "$(blocks_online 1)" 4
	inject MEM_GOING_OFFLINE 0
	rm /run/fault
	check "without it" memmapctl reload
	online_with 5
}

# RAM for the memmaps of one of two: the one with the higher priority has them there.
together() {
	reserve=$(($(available) - 300 * MiB))
	run_native "\"ram_reserve\": $reserve" \
		'{ "name": "first", "match": { "device": "dax1.0" }, "priority": 5 }'
	check "the other one" modprobe dax_hmem
	wait_device dax1.0 online 120
	wait_device dax0.0 online 120
	eq "memmaps" "$(dev /memmap/ram dax1.0) $(dev /memmap/device)" "96 96"
	eq "online" "$(blocks_online 1) $(blocks_online 2)" "96 96"
	check "the reserve is there" [ "$(available)" -ge "$reserve" ]
}

# The driver has it already: in use, it is let be; idle, it goes on from there.
others() {
	check "no auto-online" eval "echo offline >$sysmem/auto_online_blocks"
	check "stock kmem has it" bind_kmem dax0.0
	check "by hand" eval "echo online_movable >$sysmem/memory33/state"
	run_native
	wait_device dax0.0 refused 30
	explained "The driver kmem holds it and its memory is in use."
	eq "online" "$(blocks_online 1)" 1
	check "by hand" eval "echo offline >$sysmem/memory33/state"
	online_with 8
	check "a block by hand" eval "echo offline >$sysmem/memory35/state"
	wait_device dax0.0 degraded 30
	check "reload" memmapctl reload
	sleep 1
	eq "it stays out" "$(blocks_online 1)" 7
}

if [ $VARIANT = together ]; then
	no_autoprobe
else
	load_hmem
fi
check "the kernel's own driver" modprobe kmem
snapshot /run/before
$VARIANT
cat /run/log
