# SPDX-License-Identifier: LGPL-2.1-or-later
# Soft-reserved devices of all shapes.
# variant: two-nodes ram=1G hmem=1G,512M
# variant: one-node ram=1G hmem=1G+512M
# variant: two-ranges ram=1G hmem=4G
# variant: skewed ram=1G hmem=1G skew=64M
# variant: odd-end ram=1G hmem=1088M
# variant: huge ram=768M hmem=256G
# payload: none
. /test/guest.sh

dax=/sys/bus/dax/devices

# device NAME SIZE NODE
device() {
	wait_for 5 [ -e "$dax/$1" ] || die "no $1"
	eq "size of $1" "$(cat $dax/"$1"/size)" "$2"
	eq "node of $1" "$(cat $dax/"$1"/target_node)" "$3"
}

before=$(available)
load_hmem
grep -i -E 'soft|dax' /proc/iomem
case $VARIANT in
two-nodes)
	device dax0.0 $GiB 1
	device dax1.0 $((512 * MiB)) 2
	;;
one-node)
	device dax0.0 $GiB 1
	device dax1.0 $((512 * MiB)) 1
	;;
two-ranges)
	two_ranges
	device dax0.0 $((3 * GiB)) 1
	device dax0.1 $GiB 1
	check "a second range" [ -e $dax/dax0.0/mapping1 ]
	refute "no third" [ -e $dax/dax0.0/mapping2 ]
	;;
skewed)
	device dax0.0 $GiB 1
	check "kmem takes it" bind_kmem dax0.0
	eq "whole blocks" "$(blocks 1 | wc -l)" 7
	;;
odd-end)
	device dax0.0 $((1088 * MiB)) 1
	check "kmem takes it" bind_kmem dax0.0
	eq "whole blocks" "$(blocks 1 | wc -l)" 8
	;;
huge)
	device dax0.0 $((256 * GiB)) 1
	eq "memory blocks are of 128 MiB" "$(block_size)" $((128 * MiB))
	;;
esac
echo "RAM used: $(((before - $(available)) / MiB)) MiB"
