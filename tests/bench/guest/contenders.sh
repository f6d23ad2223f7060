# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# contenders.sh WHO_in|WHO_out: lets the device appear and be brought online, or takes
# it out, as this contender does.  "count" blocks from number "first".

dax=/sys/bus/dax
memory=/sys/devices/system/memory/memory
ours=$dax/drivers/memmapd_kmem

appear() { echo hmem.0 >/sys/bus/platform/drivers/hmem/bind; }

# each_state STATE: of the device's blocks, ascending, as most scripts do.
each_state() {
	n=$first
	while [ "$n" -lt $((first + count)) ]; do
		echo "$1" >"$memory$n/state" || exit 1
		n=$((n + 1))
	done
}

# The kernel's own: kmem takes the device, and brings each block online as it is added.
auto_in() { appear; }
auto_out() { loop_out; }

# A loop over the files of sysfs.
loop_in() { appear && each_state online_movable; }
loop_out() { each_state offline && echo dax0.0 >$dax/drivers/kmem/unbind; }

daxctl_in() { appear && daxctl reconfigure-device -m system-ram dax0.0 >/run/said 2>&1; }
daxctl_out() { daxctl reconfigure-device -f -m devdax dax0.0 >/run/said 2>&1; }

# The least that the kernel can be asked for: each block plugged and brought online,
# and taken out, in the order that is best for it, by nothing but a loop.
bare_in() {
	appear
	echo dax0.0 >$ours/new_id
	plug 0
	i=2
	while [ "$i" -lt "$count" ]; do
		plug "$i"
		i=$((i + 1))
	done
	plug 1
}
plug() {
	echo "$1" >$dax/devices/dax0.0/memmapd/plug &&
		echo online_movable >"$memory$((first + $1))/state" || exit 1
}
bare_out() {
	unplug 1
	i=$((count - 1))
	while [ "$i" -gt 1 ]; do
		unplug "$i"
		i=$((i - 1))
	done
	unplug 0
	echo dax0.0 >$ours/unbind
	echo dax0.0 >$ours/remove_id
}
unplug() { echo "$1" >$dax/devices/dax0.0/memmapd/unplug || exit 1; }

memmapd_in() { appear; }
# Forced, as a mixed placement leaves more in reserve than there is.
memmapd_out() { memmapctl remove --force dax0.0 >/run/said 2>&1; }

"$1"
