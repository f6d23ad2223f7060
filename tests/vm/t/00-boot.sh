# SPDX-License-Identifier: LGPL-2.1-or-later
# The small image itself: what the other tests stand on is there.
# vm: ram=700M hmem=1G
# payload: none
. /test/guest.sh

check "udevd answers" udevadm control --ping
check "the bus answers" dbus-send --system --print-reply \
	--dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId
eq "memory blocks are of 128 MiB" "$(block_size)" $((128 * MiB))
check "ndctl runs" ndctl --version
check "daxctl runs" daxctl --version
check "the monitor answers" [ -n "$(hmp info version)" ]
check "kpageflags runs" kpageflags 0
refute "ordinary RAM holds no block's own memmap" self_hosted 1

read -r cmdline </proc/cmdline
echo "$cmdline"
between "RAM" "$(memtotal 0)" $((500 * MiB)) $((700 * MiB))
echo "available: $(($(available) / MiB)) MiB"
eq "node 1 is still empty" "$(blocks 1)" ""
refute "nor is a dax device there" [ -e /sys/bus/dax/devices/dax0.0 ]
snapshot /tmp/before
same "two snapshots are the same" /tmp/before
