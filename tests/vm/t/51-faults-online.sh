# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel refuses to bring a block online, the first, a middle or the last one: it
# stays plugged and offline, and the others do not care.
# variant: ram ram=1G hmem=640M
# variant: device ram=1G hmem=640M mom=1
# timeout: 400
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax0.0/memmapd
full=rrrrr
[ "$VARIANT" = ram ] || full=ddddd

# others K: numbers of all blocks but K.
others() { echo $(seq 32 36 | grep -v "^$((32 + $1))$"); }

load_hmem
check "module" modprobe memmapd_kmem
check "bound" sh -c "echo dax0.0 >$drv/new_id"
[ "$VARIANT" = device ] || echo 0 >$mm/memmap_on_memory
snapshot /run/before

for k in 0 2 4; do
	for b in 0 1 2 3 4; do
		state=$sysmem/memory$((32 + b))/state expected=ok
		eq "plug $b" "$(put $b $mm/plug)" ok
		[ $b != $k ] || { inject MEM_GOING_ONLINE -12; expected=ENOMEM; }
		eq "online $b" "$(put online_movable $state)" $expected
		inject MEM_GOING_ONLINE 0
	done
	failed=$sysmem/memory$((32 + k))/state
	eq "the one that failed" "$(cat $failed)" offline
	eq "online" "$(blocks_online 1)" 4
	# It can be seen where its memmap is, as it is there all the same; on 6.1 too.
	eq "map" "$(map)" $full
	usable 1 $(others $k)

	# Later it works; or it goes without ever having been online.
	eq "at last" "$(put online_movable $failed)" ok
	usable 1 $(seq 32 36)
	eq "offline" "$(put offline $failed)" ok
	inject MEM_GOING_ONLINE -5
	eq "not again" "$(put online_kernel $failed)" EIO
	eq "unplugged" "$(put $k $mm/unplug)" ok
	eq "blocks there" "$(echo $(blocks 1))" "$(others $k)"
	eq "plugged while the kernel refuses" "$(put $k $mm/plug)" ok
	eq "map" "$(map)" $full
	inject MEM_GOING_ONLINE 0
	eq "all of it" "$(put 0-4 $mm/unplug)" ok
	same "nothing stayed" /run/before
done
