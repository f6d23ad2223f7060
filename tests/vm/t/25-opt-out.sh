# SPDX-License-Identifier: LGPL-2.1-or-later
# memmap: ram, though the device would do; and device and seed where RAM would.
# variant: ram ram=2G hmem=4G mom=1
# variant: device ram=2G hmem=4G mom=1
# variant: seed ram=2G hmem=4G
. /test/guest.sh

policy "\"memmap\": \"$VARIANT\""
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 60
map
case $VARIANT in
ram) eq "in RAM" "$(count r)" 32 ;;
device) eq "on their own block" "$(count d)" 32 ;;
seed)
	eq "in RAM" "$(count r)" 1
	eq "in seeds" "$(count s)" 31
	;;
esac
[ "$VARIANT" = device ] && want=$((32 * 126 * MiB)) || want=$((4 * GiB))
eq "MemTotal of node 1" "$(memtotal 1)" $want
