# SPDX-License-Identifier: LGPL-2.1-or-later
# Two devices that appear at the same time, and RAM for the memmaps of one: the one with
# the higher priority gets it, whatever their names; the other is refused, and not a
# byte of the reserve is spent.
# variant: by-name ram=1G hmem=16G,16G
# variant: higher ram=1G hmem=16G,16G
# variant: lower ram=1G hmem=16G,16G
# timeout: 240
. /test/guest.sh

first=dax1.0 second=dax0.0
case $VARIANT in
by-name) rules= first=dax0.0 second=dax1.0 ;;
higher) rules='{ "name": "first", "match": { "device": "dax1.0" }, "priority": 5 }' ;;
lower) rules='{ "name": "last", "match": { "device": "dax0.0" }, "priority": -1 }' ;;
esac
# 256 MiB for each; what is left of RAM after one is not enough for the other.
reserve=$(($(available) - 400 * MiB))
printf '{ "version": 1, "defaults": { "zone": "movable", "memmap": "ram", "ram_reserve": %s },
	"rules": [ %s ] }\n' $reserve "$rules" >/run/policy.json
modprobe memmapd_kmem
no_autoprobe
start_memmapd /run/policy.json
check "both come" modprobe dax_hmem
wait_device $first online 100
wait_device $second refused 60
eq "cause" "$(dev /reasons/4/code $second)" exceeds
eq "online" "$(blocks_online 1) $(blocks_online 2)" \
	"$([ $first = dax0.0 ] && echo 128 0 || echo 0 128)"
eq "memmaps in RAM" "$(count r $first)" 128
check "the reserve is there" [ "$(available)" -ge "$reserve" ]
