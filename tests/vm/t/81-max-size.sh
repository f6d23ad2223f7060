# SPDX-License-Identifier: LGPL-2.1-or-later
# Of a device no more is taken in than "max_size" says, in whole blocks, wherever the
# memmaps go: what was left out stays out over a restart, and its memory is not there.
# variant: ram ram=1G hmem=2G
# variant: device ram=1G hmem=2G mom=1
# variant: seed ram=1G hmem=2G
# timeout: 240
. /test/guest.sh

case $VARIANT in
ram) expected=rrrrrrr......... each=128 ;;
device) expected=ddddddd......... each=126 ;;
seed) expected=rssssss......... each=128 ;;
esac

load_hmem
policy "\"memmap\": \"$VARIANT\", \"max_size\": \"49.9%\""
start_memmapd /run/policy.json
wait_device dax0.0 online 60
eq "map" "$(map)" $expected
eq "limit" "$(dev /limit)" 7
eq "online" "$(blocks_online 1)" 7
eq "MemTotal of node 1 (MiB)" $(($(memtotal 1) / MiB)) $((7 * each))
memmapctl explain dax0.0 >/run/text
check "explained" grep -q 'At most 7 of its 16 blocks are taken in, by "max_size": 49.9%' /run/text
check "not degraded" grep -q 'All 7 of 16 blocks that "max_size" allows are online' /run/text
[ "$VARIANT" = seed ] || usable 1 $(seq 32 38)

kill $memmapd_pid
wait $memmapd_pid
start_memmapd /run/policy.json
wait_device dax0.0 online 60
eq "map after a restart" "$(map)" $expected
