# SPDX-License-Identifier: LGPL-2.1-or-later
# CXL expanders as dax devices: one, two in one region, behind two host bridges, and
# one that is inserted later.
# variant: one cxl=512M
# variant: interleaved cxl=256M+256M
# variant: two-windows cxl=256M,512M
# variant: live cxl=256M+0
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 240
# payload: none
. /test/guest.sh

# whole SIZE NODE: what the dax device of the region is.
whole() {
	eq "size of $DAX" "$(cat /sys/bus/dax/devices/"$DAX"/size)" $(($1 * MiB))
	eq "node of $DAX" "$(cat /sys/bus/dax/devices/"$DAX"/target_node)" "$2"
}

case $VARIANT in
one)
	load_cxl mem0
	timed "region" cxl_region 0 mem0
	whole 512 1
	# What newer kernels do by default, without memmapd.
	echo offline >$sysmem/auto_online_blocks
	check "kmem takes it" timed "bind" bind_kmem "$DAX"
	timed "online" online 1 || die "not online"
	eq "blocks online" "$(blocks_online 1)" 4
	check "offline" offline 1
	check "region goes" cxl disable-region "$REGION"
	check "region is gone" cxl destroy-region "$REGION"
	;;
interleaved)
	load_cxl mem0 mem1
	cxl_region 0 mem0 mem1
	whole 512 1
	;;
two-windows)
	load_cxl mem0 mem1
	for memdev in mem0 mem1; do
		read -r size </sys/bus/cxl/devices/$memdev/ram/size
		case $((size / MiB)) in
		256) small=$memdev ;;
		512) large=$memdev ;;
		esac
	done
	cxl_region 0 "$small"
	whole 256 1
	cxl_region 1 "$large"
	whole 512 2
	;;
live)
	load_cxl mem0
	plug_cxl late 256M 1
	timed "insertion" wait_for 30 [ -e /sys/bus/cxl/devices/mem1/driver ] || die "no mem1"
	cxl_region 0 mem1
	whole 256 1
	;;
esac
