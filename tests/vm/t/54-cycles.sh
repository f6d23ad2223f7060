# SPDX-License-Identifier: LGPL-2.1-or-later
# A device is bound, taken in and given back again and again, now in order, now by way
# of orphans: nothing of it stays, and no memory is lost with the number of rounds.
# variant: ram ram=512M hmem=512M
# variant: device ram=512M hmem=512M mom=1
# timeout: 400
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax0.0/memmapd
letter=r
[ "$VARIANT" = ram ] || letter=d

# in_order, by_orphans: one round each.
in_order() {
	[ "$(put 0-3 $mm/plug)" = ok ] && online 1 || die "not online"
	[ "$(map)" = $letter$letter$letter$letter ] || die "map $(map)"
	[ "$(put 3-0 $mm/unplug)" = ok ] || die "not unplugged"
	[ "$(put dax0.0 $drv/unbind)" = ok ] || die "not unbound"
}

by_orphans() {
	[ "$(put 0-3 $mm/plug)" = ok ] && online 1 || die "not online"
	[ "$(put dax0.0 $drv/unbind)" = ok ] || die "not unbound"
	[ -n "$(cat $drv/orphans)" ] || die "no orphans"
	[ "$(cat /sys/module/memmapd_kmem/refcnt)" = 1 ] || die "the module is not in use"
	[ $(($1 % 4)) != 1 ] || adopt
	offline 1 || die "not offline"
	[ "$(put 1 $drv/reclaim)" = ok ] || die "not reclaimed"
}

# adopt: the device takes its orphans up, and leaves them again.
adopt() {
	[ "$(put dax0.0 $drv/bind)" = ok ] || die "not bound"
	[ -z "$(cat $drv/orphans)" ] || die "orphans of a device that is bound"
	[ "$(put dax0.0 $drv/unbind)" = ok ] || die "not unbound"
}

rounds() {
	for round in $(seq "$1"); do
		[ "$(put dax0.0 $drv/bind)" = ok ] || die "not bound"
		if [ $((round % 2)) = 0 ]; then in_order; else by_orphans "$round"; fi
		[ -z "$(cat $drv/orphans)" ] || die "orphans: $(cat $drv/orphans)"
		[ "$(cat /sys/module/memmapd_kmem/refcnt)" = 0 ] || die "the module is still in use"
	done
	echo "ok: $1 rounds"
}

# objects: in the kernel's caches for memory of no special kind.  What the CPUs have in
# reserve would count as well.
objects() {
	udevadm settle
	for cache in /sys/kernel/slab/kmalloc-*/shrink; do echo 1 >"$cache"; done
	awk '/^kmalloc-[0-9]/ { n += $2 } END { print n }' /proc/slabinfo
}

load_hmem
check "module" modprobe memmapd_kmem
check "bound" sh -c "echo dax0.0 >$drv/new_id"
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
snapshot /run/before
# The first time, a node begins to be.
rounds 4
same "nothing stayed" /run/before
before=$(memfree_ram)
rounds 16
same "nothing stayed" /run/before
# A memmap that is lost each time would be 128 MiB by now.
between "RAM lost (KiB)" $(((before - $(memfree_ram)) / 1024)) -8192 2048

# Bound and unbound alone is quick enough for many a time, so that what is lost counts.
# Left alone, the number goes up and down by some hundreds.
before=$(objects)
for round in $(seq 1200); do
	echo dax0.0 >$drv/bind && echo dax0.0 >$drv/unbind || die "round $round"
done
between "objects lost" $(($(objects) - before)) -4000 800
same "nothing stayed" /run/before
check "the module goes" modprobe -r memmapd_kmem
