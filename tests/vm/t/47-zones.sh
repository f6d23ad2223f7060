# SPDX-License-Identifier: LGPL-2.1-or-later
# A device many times as large as RAM, by the default policy: so many blocks go to the
# kernel zone that filling the machine does not starve the kernel.  All movable, which
# the policy can ask for, does.
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

# fill: more than RAM holds, in a file system in memory, which takes kernel memory too.
fill() {
	mount -t tmpfs -o size=8G,nr_inodes=0 large /run/large &&
		dd if=/dev/zero of=/run/large/file bs=1M count=$((left / MiB + 1024)) status=none
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
	check "memmapd still answers" memmapctl status
	refute "anything was killed" eval 'dmesg | grep "Out of memory"'
	;;
movable)
	eq "blocks in the kernel zone" "$kernel" 0
	check "it is said beforehand" eval 'memmapctl explain dax0.0 |
		grep -F "the kernel may run short of memory while most of it is free"'
	refute "it is filled without harm" eval 'fill && ! dmesg | grep "Out of memory"'
	;;
esac
