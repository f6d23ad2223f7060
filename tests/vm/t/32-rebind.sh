# SPDX-License-Identifier: LGPL-2.1-or-later
# Unbound while its memory is online: what is offline goes, what is online stays
# as an orphan, and binding again finds it.
# variant: ram ram=2G hmem=2G
# variant: device ram=2G hmem=2G mom=1
# variant: seed ram=2G hmem=2G
. /test/guest.sh

drv=/sys/bus/dax/drivers/memmapd_kmem
mm=/sys/bus/dax/devices/dax0.0/memmapd

policy "\"memmap\": \"$VARIANT\", \"zone\": \"movable\""
load_hmem
modprobe memmapd_kmem
snapshot /run/before
start_memmapd /run/policy.json
wait_device dax0.0 online 60
placed=$(map)
kill "$memmapd_pid"
wait "$memmapd_pid"

# The last two blocks go offline; the others are in use.
for b in 46 47; do echo offline >/sys/devices/system/memory/memory$b/state || die "offline $b"; done
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
refute "no group" [ -e $mm ]
eq "still online" "$(blocks_online 1)" 14
eq "offline ones are gone" "$(blocks 1 | tail -1)" 45
eq "orphans" "$(cat $drv/orphans)" "0x100000000-0x16fffffff node 1 dax0.0"
refute "the module must stay" modprobe -r memmapd_kmem
refute "another driver gets nothing" bind_kmem dax0.0
echo dax0.0 >/sys/bus/dax/drivers/kmem/remove_id

check "bound again" sh -c "echo dax0.0 >$drv/new_id"
eq "map" "$(map)" "$(echo "$placed" | cut -c1-14).."
eq "orphans" "$(cat $drv/orphans)" ""
check "plugged again" sh -c "echo 14-15 >$mm/plug"
eq "no block twice" "$(blocks 1 | wc -l)" 16
refute "plugged twice" sh -c "echo 3 >$mm/plug"
refute "out of range" sh -c "echo 16 >$mm/plug"
refute "no number" sh -c "echo 1x >$mm/plug"
refute "not plugged" sh -c "echo 99 >$mm/unplug"

# Orphans again, and this time reclaimed once they are offline.
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
echo 1 >$drv/reclaim
eq "what is in use stays" "$(blocks_online 1)" 14
i=45
while [ $i -ge 32 ]; do
	if [ $i = 32 ] && [ "$VARIANT" = seed ] && first_seed_stays; then
		eq "orphans" "$(cat $drv/orphans)" "0x100000000-0x107ffffff node 1 dax0.0"
		exit 0
	fi
	echo offline >/sys/devices/system/memory/memory$i/state || die "offline $i"
	# Removed one by one, as a seed goes offline only once it serves no other.
	echo 1 >$drv/reclaim
	i=$((i - 1))
done
eq "orphans" "$(cat $drv/orphans)" ""
same "as before" /run/before
check "the module goes" modprobe -r memmapd_kmem
