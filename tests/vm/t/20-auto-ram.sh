# SPDX-License-Identifier: LGPL-2.1-or-later
# RAM is plentiful: the memmap goes there, and MemTotal grows by all of the device.
# variant: movable ram=2G hmem=4G
# variant: kernel ram=2G hmem=4G
. /test/guest.sh

[ "$VARIANT" = movable ] && zone=Movable || zone=Normal
policy "\"zone\": \"$VARIANT\""
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 60
memmapctl status
memmapctl explain dax0.0
eq "map" "$(map)" "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
eq "online" "$(blocks_online 1)" 32
all_in_zone 1 $zone
eq "MemTotal of node 1" "$(memtotal 1)" $((4 * GiB))
for b in $(blocks 1); do
	eq "memory$b hosts no memmap of its own" "$(kpageflags "$b")" 0
done
