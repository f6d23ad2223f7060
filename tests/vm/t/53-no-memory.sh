# SPDX-License-Identifier: LGPL-2.1-or-later
# RAM is used up by something else while blocks are plugged with their memmaps there.
# The module: the kernel fails for want of memory at some block; those before it stay,
# of that one there is nothing, however often it is tried, and all works when there is
# memory again.  memmapd: it stops before the kernel fails, and goes on later.
# variant: module ram=512M hmem=4G
# variant: daemon ram=512M hmem=4G
# timeout: 400
# allow-kernel: WARNING: .* add_pages
# allow-kernel: Call Trace:
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax0.0/memmapd

# plugged: how many blocks.
plugged() { map | tr -d . | wc -c; }

# hog MIB: node 0 has no more than that left.
hog() {
	kernelhog 0 $(($(memfree_ram) / MiB - $1)) >/run/hog &
	hog_pid=$!
	wait_for 200 [ -s /run/hog ] || die "no hog"
	cat /run/hog
}

# spare: neither who runs this, nor anything it starts from now on, is to be killed for
# want of memory.
spare() { echo -1000 >/proc/$$/oom_score_adj; }

# sacrifices: whatever else wants memory while there is none (a page table, a message)
# makes the kernel kill somebody, one at a time: these.  Six of them leave memory for the
# memmaps of three blocks.
sacrifices() {
	for _ in 1 2 3 4 5 6; do
		sh -c 'echo 1000 >/proc/self/oom_score_adj; exec kernelhog 0 1' >>/run/victims &
	done
	wait_for 60 eval '[ "$(wc -l </run/victims)" = 6 ]' || die "not enough victims"
}

# traces: the kernel's call traces are of failed allocations of a memmap, of the one
# warning that x86 has when memory cannot be added, of the sacrifices, and nothing else.
traces() {
	dmesg >/run/dmesg
	grep -E "alloc(ation)? failure|WARNING|Killed process" /run/dmesg
	eq "call traces" "$(grep -c "Call Trace:" /run/dmesg)" "$(grep -cE \
		"vmemmap alloc failure|WARNING: .* add_pages|invoked oom-killer" /run/dmesg)"
}

# Where there are huge pages, the kernel keeps tens of MiB free for itself; and after
# some trouble, some more.
huge() { echo "$1" >/sys/kernel/mm/transparent_hugepage/enabled; }
echo 0 >/proc/sys/vm/watermark_boost_factor

# release: there is memory again.
release() {
	kill $hog_pid
	wait $hog_pid 2>/dev/null
	huge always
}

load_hmem
modprobe memmapd_kmem
huge never
case $VARIANT in
module)
	check "bound" sh -c "echo dax0.0 >$drv/new_id"
	snapshot /run/before
	before=$(memfree_ram)
	# Nobody else is to be there when there is no memory, and who runs this test has
	# some of it to live on: on the device, and in the ballast, for after that.
	udevadm control --exit
	eq "plug" "$(put 0-3 $mm/plug)" ok
	check "online" online 1
	spare
	kernelhog 0 16 >/run/ballast &
	ballast=$!
	wait_for 60 [ -s /run/ballast ] || die "no ballast"
	sacrifices
	hog 36
	left=$(memfree_ram)
	set -- 4-31 $mm/plug
	for i in 31 30 29 28 27 26 25 24; do set -- "$@" $i $mm/plug; done
	{ put "$@"; kill $ballast; } >/run/out
	wait $ballast 2>/dev/null
	eq "plug" "$(head -n 1 /run/out)" ENOMEM
	# What the sacrifices leave, and what the kernel can drop, may do for some blocks.
	between "failures of 8 more" "$(tail -n +2 /run/out | grep -c ENOMEM)" 3 8
	eq "other errors" "$(grep -cv "ok\|ENOMEM" /run/out)" 0
	n=$(plugged)
	between "plugged" "$n" 5 28
	eq "blocks there" "$(blocks 1 | wc -l)" "$n"
	between "RAM lost (MiB)" $(((left - $(memfree_ram)) / MiB + 16 - 2 * (n - 4))) -48 3
	traces
	online 1
	eq "online" "$(blocks_online 1)" "$n"

	release
	usable 1 $(blocks 1)
	for i in $(seq 0 31); do
		[ -e $sysmem/memory$((32 + i)) ] || eq "plug $i" "$(put $i $mm/plug)" ok
	done
	eq "map" "$(count r)" 32
	check "online" online 1
	eq "online" "$(blocks_online 1)" 32
	eq "all of it out" "$(put 31-0 $mm/unplug)" ok
	same "nothing stayed" /run/before
	between "RAM lost (MiB)" $(((before - $(memfree_ram)) / MiB)) -48 8
	;;
daemon)
	policy '"memmap": "ram", "order": "ascending", "ram_reserve": "16M"'
	memmapd --policy /run/policy.json 2>/run/log &
	memmapd_pid=$!
	wait_for 60 eval '[ "$(blocks_online 1)" -ge 3 ]' || die "does not begin"
	read -r worker _ <"/proc/$memmapd_pid/task/$memmapd_pid/children"
	kill -STOP "$worker" || die "no worker to stop"
	sleep 0.5
	between "plugged by then" "$(plugged)" 3 25
	hog 36
	kill -CONT "$worker"
	wait_device dax0.0 degraded 60
	cat /run/log
	n=$(plugged)
	between "plugged" "$n" 3 31
	eq "online" "$(blocks_online 1)" "$n"
	memmapctl explain dax0.0
	between "RAM left (MiB)" $(($(memfree_ram) / MiB)) 8 36
	refute "the kernel failed" eval 'dmesg | grep -E "alloc(ation)? failure|WARNING|Call Trace"'
	release
	usable 1 $(seq 32 $((31 + n)))
	check "reload" memmapctl reload
	wait_device dax0.0 online 60
	eq "map" "$(count r)" 32
	;;
esac
