# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel refuses to take a block offline, the first, a middle or the last one of a
# range: those before it are gone, it and those after it are as they were, and in use;
# once the kernel has no objection, the rest goes too.
# variant: ram ram=1G hmem=640M
# variant: device ram=1G hmem=640M mom=1
# timeout: 400
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax0.0/memmapd
all="....."
letter=r
[ "$VARIANT" = ram ] || letter=d

# without K: the map without the first K blocks.
without() { printf '%.*s%s\n' "$1" "$all" "$(echo "$full" | cut -c$(($1 + 1))-)"; }

# numbers K: of the blocks from K on.
numbers() { echo $(seq $((32 + $1)) 36); }

plug_all() {
	eq "plug" "$(put 0-4 $mm/plug)" ok
	online 1
	full=$(echo "$all" | tr . $letter)
	eq "map" "$(map)" "$full"
}

# as_they_were K: the blocks from K on.
as_they_were() {
	eq "map" "$(map)" "$(without "$1")"
	eq "blocks there" "$(echo $(blocks 1))" "$(numbers "$1")"
	all_in_zone 1 Movable
	usable 1 $(numbers "$1")
}

load_hmem
check "module" modprobe memmapd_kmem
check "bound" sh -c "echo dax0.0 >$drv/new_id"
[ "$VARIANT" = device ] || echo 0 >$mm/memmap_on_memory
snapshot /run/before

for k in 0 2 4; do
	# What is offline already goes without the kernel's being asked: so, within one
	# write, it is the first online block that fails.
	plug_all
	for b in $(seq 32 $((32 + k - 1))); do
		echo offline >$sysmem/memory$b/state || die "offline $b"
	done
	inject MEM_GOING_OFFLINE -12
	eq "no memory at block $k" "$(put 0-4 $mm/unplug)" ENOMEM
	as_they_were $k
	inject MEM_GOING_OFFLINE -5
	eq "anything else at block $k" "$(put $k-4 $mm/unplug)" EBUSY
	eq "map" "$(map)" "$(without $k)"
	inject MEM_GOING_OFFLINE 0
	eq "the rest" "$(put $k-4 $mm/unplug)" ok
	eq "map" "$(map)" "$all"
	same "nothing stayed" /run/before

	# All of them online, and from the other end.
	plug_all
	[ $k = 0 ] || eq "the last $k" "$(put 4-$((5 - k)) $mm/unplug)" ok
	inject MEM_GOING_OFFLINE -16
	eq "busy at block $((4 - k))" "$(put $((4 - k))-0 $mm/unplug)" EBUSY
	eq "map" "$(map)" "$(without $k | rev)"
	usable 1 $(seq 32 $((36 - k)))
	inject MEM_GOING_OFFLINE 0
	eq "the rest" "$(put $((4 - k))-0 $mm/unplug)" ok
	same "nothing stayed" /run/before
done

# Unbound while the kernel refuses: everything stays, and is taken up again.
plug_all
inject MEM_GOING_OFFLINE -16
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
eq "orphans" "$(cat $drv/orphans)" "0x100000000-0x127ffffff node 1 dax0.0"
usable 1 $(numbers 0)
inject MEM_GOING_OFFLINE 0
check "bound" sh -c "echo dax0.0 >$drv/new_id"
eq "map" "$(map)" "$full"
eq "all of it" "$(put 0-4 $mm/unplug)" ok
same "nothing stayed" /run/before
