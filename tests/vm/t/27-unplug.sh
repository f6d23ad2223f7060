# SPDX-License-Identifier: LGPL-2.1-or-later
# All of it out again: every byte back, /proc/iomem and the blocks as before.
# variant: ram ram=2G hmem=4G
# variant: device ram=2G hmem=4G mom=1
# variant: seed ram=2G hmem=4G
. /test/guest.sh

policy "\"memmap\": \"$VARIANT\", \"order\": \"ascending\""
load_hmem
modprobe memmapd_kmem
snapshot /run/before
before=$(memfree_ram)
start_memmapd /run/policy.json
wait_device dax0.0 online 60
kill "$memmapd_pid"
wait "$memmapd_pid"
eq "stopping touches no memory" "$(blocks_online 1)" 32
cd /sys/bus/dax/devices/dax0.0/memmapd || die "no module"
# From the last to the first: the seeds are the lowest, and go last.
if [ "$VARIANT" = seed ] && first_seed_stays; then
	check "unplugged" sh -c 'echo 31-1 >unplug'
	refute "the first seed goes" sh -c 'echo 0 >unplug'
	eq "map" "$(map)" "r..............................."
	eq "it stays as it was" "$(zone_of 32)" Normal
	exit 0
fi
check "unplugged" sh -c 'echo 31-0 >unplug'
eq "map" "$(map)" "................................"
cd /
check "unbound" sh -c 'echo dax0.0 >/sys/bus/dax/drivers/memmapd_kmem/unbind'
eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
same "as before" /run/before
eq "MemTotal of node 1" "$(memtotal 1)" 0
check "the module goes" modprobe -r memmapd_kmem
lost=$(((before - $(memfree_ram)) / MiB))
[ "$lost" -lt 16 ] || die "$lost MiB of RAM lost"
echo "ok: $lost MiB of RAM lost"
