# SPDX-License-Identifier: LGPL-2.1-or-later
# A node that kmem and the module share, with memory of both: whichever was there
# first, and whichever goes first, the node keeps a memory tier as long as it has
# memory.  Without care, the kernel follows a null pointer at the end.
# variant: kmem-first ram=1G hmem=1G+512M
# variant: kmem-last ram=1G hmem=1G+512M
. /test/guest.sh

kmem=/sys/bus/dax/drivers/kmem
ours=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax1.0/memmapd

take_kmem() {
	check "kmem has dax0.0" bind_kmem dax0.0
	for b in 32 33 34 35 36 37 38 39; do
		[ "$(zone_of $b)" != offline ] ||
			echo online_movable >$sysmem/memory$b/state || die "online $b"
	done
}

take_ours() {
	check "the module" modprobe memmapd_kmem
	check "dax1.0 bound" sh -c "echo dax1.0 >$ours/new_id"
	check "plugged" sh -c "echo 0-3 >$mm/plug"
	for b in 41 42 43 44; do
		eq "memory$b waits" "$(zone_of $b)" offline
		echo online_movable >$sysmem/memory$b/state || die "online $b"
	done
}

leave_kmem() {
	for b in 32 33 34 35 36 37 38 39; do
		echo offline >$sysmem/memory$b/state || die "offline $b"
	done
	check "kmem leaves" sh -c "echo dax0.0 >$kmem/unbind"
}

leave_ours() {
	# The first by the module, the last by hand.
	check "unplugged" sh -c "echo 0-2 >$mm/unplug"
	echo offline >$sysmem/memory44/state || die "offline 44"
	check "unplugged" sh -c "echo 3 >$mm/unplug"
	check "unbound" sh -c "echo dax1.0 >$ours/unbind"
	check "the module goes" modprobe -r memmapd_kmem
}

load_hmem dax1.0
# What kmem adds is to stay movable.
echo offline >$sysmem/auto_online_blocks
snapshot /run/before
for round in 1 2; do
	case $VARIANT in
	kmem-first) take_kmem; take_ours; leave_kmem; leave_ours ;;
	kmem-last) take_ours; take_kmem; leave_ours; leave_kmem ;;
	esac
	echo dax0.0 >$kmem/remove_id
	# And the other way around, with kmem gone from under our feet.
	case $VARIANT in
	kmem-first) take_kmem; take_ours; leave_ours; leave_kmem ;;
	kmem-last) take_ours; take_kmem; leave_kmem; leave_ours ;;
	esac
	echo dax0.0 >$kmem/remove_id
done
eq "MemTotal of node 1" "$(memtotal 1)" 0
same "as before" /run/before
