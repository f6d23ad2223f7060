# SPDX-License-Identifier: LGPL-2.1-or-later
# Taken in with the intent to hold pages of 1 GiB, a device does: with memmaps in RAM,
# and also with most of them on the device, in seeds, as it may not have them on the
# blocks themselves. With those in force nevertheless, it holds none; and none if its
# blocks are movable, as they would be without the intent.
# variant: ram ram=1G hmem=4G cost=5G
# variant: seeds ram=1G hmem=4G mom=1 cost=5G
# variant: altmap ram=1G hmem=4G mom=1 cost=5G
# variant: movable ram=1G hmem=4G cost=5G
# timeout: 300
. /test/guest.sh

pages=$sysnode/node1/hugepages/hugepages-1048576kB

# gigantic: how many of 3 the kernel finds on node 1.  Each is cleared when it is used,
# not when it is found.
gigantic() {
	[ -e $pages/nr_hugepages ] || die "no pages of 1 GiB here: $(ls "$sysnode/node1/hugepages")"
	echo 3 >$pages/nr_hugepages
	cat $pages/nr_hugepages
}

zone=Normal
case $VARIANT in
ram) settings='"use": { "gigantic_pages": true }' ;;
seeds) settings='"use": { "gigantic_pages": true, "prefer": "capacity" }' ;;
altmap) settings='"memmap": "device", "zone": "kernel"' ;;
movable) settings='"memmap": "ram", "zone": "movable"' zone=Movable ;;
esac
printf '{ "version": 1, "defaults": { %s } }\n' "$settings" >/run/policy.json

load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 100
memmapctl explain dax0.0
all_in_zone 1 $zone
case $VARIANT in
ram | movable) eq "map" "$(map)" rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr ;;
seeds) eq "map" "$(map)" rsssssssssssssssssssssssssssssss ;;
altmap) eq "map" "$(map)" dddddddddddddddddddddddddddddddd ;;
esac
found=$(gigantic)
note "$found of 3 pages of 1 GiB"
case $VARIANT in
ram) eq "pages of 1 GiB" "$found" 3 ;;
# The seed is in the first GiB, and the kernel's own data of the node.
seeds) between "pages of 1 GiB" "$found" 2 3 ;;
*) eq "pages of 1 GiB" "$found" 0 ;;
esac
