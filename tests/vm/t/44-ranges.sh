# SPDX-License-Identifier: LGPL-2.1-or-later
# A device of four ranges, apart from each other and from the bounds of blocks, one of
# them without a whole block: which blocks are its own, in and out again, as orphans
# and adopted; and its neighbours, which have no whole block at all.
# variant: device ram=1G hmem=1G mom=1
# variant: seed ram=1G hmem=1G
# variant: none ram=1G hmem=192M skew=32M
. /test/guest.sh

dax=/sys/bus/dax/devices
drv=/sys/bus/dax/drivers/memmapd_kmem
mm=$dax/dax0.0/memmapd

# grow DEVICE MIB: by as much, into the first room there is.
grow() {
	read -r size <"$dax/$1/size"
	check "$2 MiB for $1" sh -c "echo $((size + $2 * MiB)) >$dax/$1/size"
}

# no_whole_block DEVICE MIB: larger than a block or not, none fits into it.
no_whole_block() {
	wait_device "$1" refused 30
	refute "$1 is bound" [ -e "$dax/$1/driver" ]
	eq "blocks of $1" "$(dev /blocks/total "$1")" 0
	eq "trimmed of $1" "$(dev /trimmed "$1")" $(($2 * MiB))
}

# numbers: of the blocks of node 1, in a line.
numbers() { echo $(blocks 1); }

policy "\"memmap\": \"$VARIANT\", \"order\": \"ascending\""
load_hmem
if [ "$VARIANT" = none ]; then
	policy ''
	start_memmapd /run/policy.json
	no_whole_block dax0.0 192
	exit 0
fi

# In MiB from 4 GiB on: 0-192, 256-576, 608-704 and 736-1024, which are 192, 320, 96
# and 288; between them dax0.1 has 64, 32 and 32.
check "dax0.0 shrunk" sh -c "echo $((192 * MiB)) >$dax/dax0.0/size"
check "dax0.1 made" sh -c "echo 1 >$dax/dax0.0/../dax_region/create"
wait_for 5 [ -e $dax/dax0.1 ] || die "no dax0.1"
grow dax0.1 64
grow dax0.0 320
grow dax0.1 32
grow dax0.0 96
grow dax0.1 32
grow dax0.0 288
udevadm settle
eq "ranges" "$(ls -d $dax/dax0.0/mapping[0-9]* | wc -l)" 4
modprobe memmapd_kmem
snapshot /run/before

start_memmapd /run/policy.json
wait_device dax0.0 online 60
no_whole_block dax0.1 128
eq "blocks" "$(cat $mm/blocks)" 5
eq "trimmed" "$(cat $mm/trimmed)" $((256 * MiB))
eq "trimmed, by memmapd" "$(dev /trimmed)" $((256 * MiB))
eq "its blocks" "$(numbers)" "32 34 35 38 39"
eq "online" "$(blocks_online 1)" 5
case $VARIANT in
device) placed=ddddd total=$((5 * 126 * MiB)) ;;
seed) placed=rssss total=$((5 * 128 * MiB)) ;;
esac
eq "map" "$(map)" $placed
eq "MemTotal of node 1" "$(memtotal 1)" $total
kill "$memmapd_pid"
wait "$memmapd_pid"

check "block 3 goes" sh -c "echo 3 >$mm/unplug"
eq "its blocks" "$(numbers)" "32 34 35 39"
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
eq "orphans" "$(cat $drv/orphans)" "0x100000000-0x107ffffff node 1 dax0.0
0x110000000-0x11fffffff node 1 dax0.0
0x138000000-0x13fffffff node 1 dax0.0"
check "bound again" sh -c "echo dax0.0 >$drv/new_id"
eq "orphans" "$(cat $drv/orphans)" ""
eq "map" "$(map)" "$(echo $placed | cut -c1-3).$(echo $placed | cut -c5)"
check "block 3 again" sh -c "echo 3 >$mm/plug"
eq "its blocks" "$(numbers)" "32 34 35 38 39"
check "taken out" sh -c "echo 4-1 >$mm/unplug"
eq "its blocks" "$(numbers)" 32
# The seed may hold more than memmaps by now.
[ "$VARIANT" = device ] || exit 0
check "the first" sh -c "echo 0 >$mm/unplug"
eq "map" "$(map)" .....
check "unbound" sh -c "echo dax0.0 >$drv/unbind"
eq "orphans" "$(cat $drv/orphans)" ""
same "as before" /run/before
