# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel refuses to bring one block online while memmapd takes a device in, the
# first, a middle or the last one: it is named and not left half there, the others
# are in use, and a reload makes the device whole when the kernel has no objection.
# An error that passes is not worth a word at the end.
# variant: ram ram=1G hmem=640M
# variant: device ram=1G hmem=640M mom=1
# variant: seed ram=1G hmem=640M
# timeout: 400
. /test/guest.sh

mm=/sys/bus/dax/devices/dax0.0/memmapd

# The kernel's error injection is on while memmapd writes to one file, see fault.so.c.
memmapd() { LD_PRELOAD=/usr/local/bin/fault.so exec memmapd "$@" 2>>/run/log; }
fault() { echo "memory/memory$((32 + $1))/state MEM_GOING_ONLINE $2 ${3-}" >/run/fault; }

# others K: numbers of all blocks but K.
others() { echo $(seq 32 36 | grep -v "^$((32 + $1))$"); }

# in_map K: the device's map, if block K is not there.
in_map() {
	case $VARIANT in
	ram) _map=rrrrr ;;
	device) _map=ddddd ;;
	# The first block that comes online is the seed, with its memmap in RAM.
	seed) [ "$1" = 0 ] && _map=.rsss || _map=rssss ;;
	esac
	printf '%.*s.%s\n' "$1" "$_map" "$(echo "$_map" | cut -c$(($1 + 2))-)"
}

# comes: the device appears, as a new one.
comes() {
	: >/run/log
	check "hmem comes" modprobe dax_hmem
}

# goes: the device is emptied and disappears.  The seed cannot go before the others,
# and on newer kernels not at all.
goes() {
	for b in $(seq 36 -1 32) $(seq 32 36); do
		[ ! -e "$sysmem/memory$b" ] || put $((b - 32)) $mm/unplug >/dev/null
	done
	[ "$VARIANT" = seed ] && first_seed_stays && return 1
	check "hmem goes" modprobe -r dax_hmem
	wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
	same "nothing stayed" /run/before
}

inject MEM_GOING_ONLINE 0
check "module" modprobe memmapd_kmem
no_autoprobe
snapshot /run/before
policy "\"memmap\": \"$VARIANT\", \"order\": \"ascending\""
start_memmapd /run/policy.json
for k in 0 2 4; do
	block=memory$((32 + k))
	fault $k -5
	comes
	wait_device dax0.0 degraded 60
	cat /run/log
	eq "block is named" "$(grep -c "Cannot online $block: Input/output error" /run/log)" 1
	eq "no other" "$(grep -c "Cannot " /run/log)" 1
	eq "failed" "$(dev /blocks/failed)" 1
	eq "online" "$(dev /blocks/online)" 4
	eq "map, by memmapctl" "$(dev /map)" "$(in_map $k)"
	eq "map" "$(map)" "$(in_map $k)"
	eq "blocks there" "$(echo $(blocks 1))" "$(others $k)"
	[ "$VARIANT" = seed ] || usable 1 $(others $k)

	check "reload while it still fails" memmapctl reload
	wait_for 30 eval '[ "$(grep -c "Cannot online" /run/log)" = 2 ]' || die "not tried again"
	wait_device dax0.0 degraded 30
	eq "map" "$(map)" "$(in_map $k)"
	rm /run/fault
	check "reload" memmapctl reload
	wait_device dax0.0 online 30
	eq "failed" "$(dev /blocks/failed)" 0
	eq "online" "$(blocks_online 1)" 5
	eq "absent" "$(count .)" 0
	[ "$VARIANT" = seed ] || usable 1 32 33 34 35 36
	goes || exit 0
done

fault 2 -11 2
comes
wait_device dax0.0 online 60
cat /run/log
# Twice in fact, and said once a minute.
eq "tried again" "$(grep -c "Cannot online memory34 yet: .*Trying again" /run/log)" 1
eq "online" "$(blocks_online 1)" 5
