# SPDX-License-Identifier: LGPL-2.1-or-later
# Four expanders are put in within a second, below two host bridges, and become regions
# and dax devices on two nodes, of which each decision knows of the others.
# budget: RAM for the memmaps of two: those of the node that goes first get it, whole, and
# the others get nothing; with more RAM, these come in as well.
# zones: as much is movable as all of them together may have.
# variant: budget ram=1G cxl=0+0,0+0
# variant: zones ram=1G cxl=0+0,0+0
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
. /test/guest.sh

memmapd() { exec memmapd "$@" 2>>/run/log; }

# put_in_four SIZE
put_in_four() {
	for port in 0 1 2 3; do
		check "memory" hmp "object_add memory-backend-ram,id=mem-$port,size=$1,share=on,reserve=off"
	done
	t0=$(now)
	for port in 2 0 3 1; do
		check "expander" hmp \
			"device_add cxl-type3,id=card$port,bus=port$port,volatile-memdev=mem-$port,sn=$((100 + port))"
	done
	note "put in within $(($(now) - t0)) ms"
}

# devices: all that there are; their numbers may have gaps, as each decoder keeps one for
# its next region.
devices() { (cd /sys/bus/dax/devices && ls); }

# all STATE: all four devices have come to it.
all() {
	wait_for 60 eval '[ "$(devices | wc -l)" = 4 ]' || die "only $(devices): $(cat /run/log)"
	for d in $(devices); do
		wait_device "$d" "$1" 200
	done
}

# of_node N: the devices of that node.
of_node() {
	for _d in $(devices); do
		[ "$(cat "/sys/bus/dax/devices/$_d/target_node")" != "$1" ] || echo "$_d"
	done
}

# free_in_ram: what can be had of node 0, by memmapd's count, before the reserve.
free_in_ram() {
	_d=$(devices | head -n 1)
	echo $(($(dev /budget/free "$_d") + $(dev /budget/reclaimable "$_d") -
		$(dev /budget/watermark "$_d")))
}

# rules RESERVE: node 2 goes first.
rules() {
	printf '{ "version": 1, "defaults": { "zone": "movable", "memmap": "ram", "ram_reserve": %s,
		"create_region": true },
		"rules": [ { "name": "first", "match": { "target_node": 2 }, "priority": 5 } ] }\n' \
		"$1" >/run/policy.json
}

case $VARIANT in
budget) size=2048 ;;
zones) size=256 ;;
esac
load_cxl
modprobe memmapd_kmem
# A region takes a second to be made: nothing is taken in before all are there.
rules '"100%"'
start_memmapd /run/policy.json
put_in_four ${size}M
all refused
eq "devices of each node" "$(of_node 1 | wc -l) $(of_node 2 | wc -l)" "2 2"
eq "regions made" "$(grep -c "Made of mem[0-3] in decoder0\.[01]: $size MiB\.$" /run/log)" 4
case $VARIANT in
budget)
	# 32 MiB each; what is left after two is not enough for a third.
	reserve=$(($(free_in_ram) - 80 * MiB))
	rules $reserve
	check "reload" memmapctl reload
	for d in $(of_node 2); do
		wait_device "$d" online 200
		eq "memmaps of $d" "$(count r "$d") $(map "$d" | tr -d r)" "16 "
	done
	# They were refused before, and for that: decide once more, now that all is settled.
	check "reload" memmapctl reload
	sleep 1
	for d in $(of_node 1); do
		wait_device "$d" refused 60
		check "cause" eval 'memmapctl explain --json $d | grep -q "\"exceeds\""'
	done
	eq "online" "$(blocks_online 1) $(blocks_online 2)" "0 32"
	eq "blocks of node 1" "$(blocks 1 | wc -l)" 0
	check "the reserve is there" [ "$(memfree_ram)" -ge "$reserve" ]
	rules '"10%"'
	check "reload" memmapctl reload
	all online
	eq "online" "$(blocks_online 1) $(blocks_online 2)" "32 32"
	all_in_zone 1 Movable
	all_in_zone 2 Movable
	;;
zones)
	# One alone may be movable as a whole, and so may two.
	printf '{ "version": 1, "defaults": { "zone": "auto", "movable_ratio": 0.5,
		"memmap": "ram", "create_region": true } }\n' >/run/policy.json
	check "reload" memmapctl reload
	all online
	eq "online" "$(blocks_online 1) $(blocks_online 2)" "4 4"
	movable=0
	for b in $(blocks 1) $(blocks 2); do
		[ "$(zone_of "$b")" != Movable ] || movable=$((movable + 1))
	done
	note "$movable of 8 blocks movable"
	# RAM has not quite 8 blocks of 128 MiB.
	between "movable blocks" $movable 4 $(((8 + 8 - movable) / 2))
	;;
esac
cat /run/log
