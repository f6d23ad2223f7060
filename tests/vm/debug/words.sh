# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# More words for tests of the module itself, sourced after guest.sh.  They go on
# any kernel; what only the debug kernel can tell is asked for where it can.

dax=/sys/bus/dax/devices
drv=/sys/bus/dax/drivers/memmapd_kmem
debugfs=/sys/kernel/debug

# random_seed: that of "run --cmdline seed=N", or any.
random_seed() {
	_seed=$(sed -n 's/.*\bseed=\([0-9]*\).*/\1/p' /proc/cmdline)
	[ -n "$_seed" ] || _seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
	echo "$_seed"
}

# fault_state: true if the kernel has stopped looking for faults, as it does once it
# has found one, or has run out of room.
gone_blind() {
	[ ! -e /proc/lockdep_stats ] || ! grep -q 'debug_locks: *1' /proc/lockdep_stats ||
		[ "$(cat $debugfs/kmemleak 2>&1 >/dev/null)" ]
}

# scan: has kmemleak look twice, as it wants an object to be a few seconds old and not
# to change between two looks.
scan() {
	for _round in 1 2; do
		sleep 6
		echo scan >$debugfs/kmemleak || die "kmemleak cannot scan"
	done
}

# leaks_from_here: what has leaked so far does not count.
leaks_from_here() {
	[ -e $debugfs/kmemleak ] || return 0
	scan
	echo clear >$debugfs/kmemleak
}

# no_leaks: nothing has since then, on a kernel that can tell.
no_leaks() {
	[ -e $debugfs/kmemleak ] || return 0
	scan
	cat $debugfs/kmemleak >/run/leaks
	cat /run/leaks
	eq "objects leaked" "$(grep -c '^unreferenced' /run/leaks)" 0
	refute "the kernel's own checks have ended" gone_blind
}

# no_pages_lost BEFORE MIB: of "memfree_ram".  What is used up in passing stays less.
no_pages_lost() {
	_lost=$((($1 - $(memfree_ram)) / MiB))
	[ "$_lost" -lt "$2" ] || die "$_lost MiB of RAM lost"
	echo "ok: $_lost MiB of RAM lost"
}

# take_out DEVICE: unplugs whatever is plugged, from the last block on.
take_out() {
	_i=$(cat "$dax/$1/memmapd/blocks") || return 1
	while [ $((_i -= 1)) -ge 0 ]; do
		[ "$(map "$1" | cut -c $((_i + 1)))" = . ] ||
			echo $_i >"$dax/$1/memmapd/unplug" || return 1
	done
	! map "$1" | grep -q '[^.]'
}
