# SPDX-License-Identifier: LGPL-2.1-or-later
# A device many times as large as RAM, by the default policy: so many blocks go to the
# kernel zone that the kernel finds memory for itself once RAM is full.  With all of them
# movable, which the policy can ask for, it does not, with 16 GiB free.
# variant: auto ram=768M hmem=16G
# variant: movable ram=768M hmem=16G
# timeout: 300
# allow-kernel: invoked oom-killer|Out of memory|Call Trace|System is deadlocked on memory
# may-die: the kernel cannot use movable memory
. /test/guest.sh

case $VARIANT in
auto) echo '{ "version": 1 }' >/run/policy.json ;;
movable) policy '"zone": "movable"' ;;
esac
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 120
memmapctl explain dax0.0
kernel=$(dev /blocks/kernel) movable=$(dev /blocks/movable)
left=$(memfree_ram)
mkdir /run/large

# fill: more than RAM holds, in a file system in memory.
fill() {
	mount -t tmpfs -o size=8G,nr_inodes=0 large /run/large &&
		dd if=/dev/zero of=/run/large/file bs=1M count=$((left / MiB + 1024)) status=none
}

killed() { dmesg | grep "Out of memory"; }

# more_for_itself: the kernel gets more for itself than RAM has left.
more_for_itself() {
	kernelhog any $((left / MiB + 200)) >/run/hog &
	wait_for 60 eval '[ -s /run/hog ] || killed' || die "neither enough nor too little"
	! killed
}

case $VARIANT in
auto)
	# 16 GiB is 3 to (0.7 GiB and what is not movable).
	between "blocks in the kernel zone" "$kernel" 24 34
	eq "the others" "$movable" $((128 - kernel))
	first=$(blocks 1 | head -n "$kernel")
	for b in $first; do
		[ "$(zone_of "$b")" = Normal ] || die "memory$b is in $(zone_of "$b")"
	done
	echo "ok: the first ones are those"
	check "it is filled" timed filling fill
	check "the kernel has enough" more_for_itself
	check "memmapd still answers" memmapctl status
	refute "anything was killed" killed
	;;
movable)
	eq "blocks in the kernel zone" "$kernel" 0
	check "it is said beforehand" eval 'memmapctl explain dax0.0 |
		grep -F "the kernel may run short of memory while most of it is free"'
	refute "the kernel has enough" more_for_itself
	;;
esac
