# SPDX-License-Identifier: LGPL-2.1-or-later
# Devices of all shapes, taken in by default.
# variant: two-nodes ram=1G hmem=1G,512M
# variant: one-node ram=1G hmem=1G+512M
# variant: two-ranges ram=1G hmem=4G
# variant: odd-end ram=1G hmem=1088M
# variant: skewed ram=1G hmem=1G skew=64M
. /test/guest.sh

# whole DEVICE BLOCKS TRIMMED: all its whole blocks are online, the rest is said.
whole() {
	wait_device "$1" online 60
	eq "blocks of $1" "$(dev /blocks/total "$1")" "$2"
	eq "online of $1" "$(dev /blocks/online "$1")" "$2"
	eq "trimmed of $1" "$(cat "/sys/bus/dax/devices/$1/memmapd/trimmed")" "$3"
	eq "trimmed of $1, by memmapd" "$(dev /trimmed "$1")" "$3"
}

policy ''
load_hmem
[ "$VARIANT" = two-ranges ] && two_ranges
start_memmapd /run/policy.json
case $VARIANT in
two-nodes)
	whole dax0.0 8 0
	whole dax1.0 4 0
	eq "MemTotal of node 1" "$(memtotal 1)" $GiB
	eq "MemTotal of node 2" "$(memtotal 2)" $((512 * MiB))
	;;
one-node)
	whole dax0.0 8 0
	whole dax1.0 4 0
	eq "MemTotal of node 1" "$(memtotal 1)" $((GiB + 512 * MiB))
	;;
two-ranges)
	whole dax0.0 24 0
	whole dax0.1 8 0
	eq "MemTotal of node 1" "$(memtotal 1)" $((4 * GiB))
	;;
odd-end) whole dax0.0 8 $((64 * MiB)) ;;
skewed) whole dax0.0 7 $((128 * MiB)) ;;
esac
