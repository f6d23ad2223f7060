# SPDX-License-Identifier: LGPL-2.1-or-later
# plug leaves offline, ignore leaves alone, a dry run changes nothing, a device
# smaller than a block is refused, stock kmem's offline device is taken over and
# its online one is not.
# variant: plug ram=1G hmem=1G
# variant: ignore ram=1G hmem=1G
# variant: dry-run ram=1G hmem=1G
# variant: small ram=1G hmem=64M
# variant: kmem-idle ram=1G hmem=1G
# variant: kmem-used ram=1G hmem=1G
. /test/guest.sh

policy ''
load_hmem
case $VARIANT in
plug)
	policy '"action": "plug"'
	start_memmapd /run/policy.json
	wait_device dax0.0 plugged 60
	eq "plugged" "$(count r)" 8
	echo "the kernel's default for new blocks: $(cat $sysmem/auto_online_blocks)"
	eq "online" "$(blocks_online 1)" 0
	;;
ignore)
	policy '"action": "ignore"'
	start_memmapd /run/policy.json
	wait_device dax0.0 ignored 30
	eq "no blocks" "$(blocks 1 | wc -l)" 0
	;;
dry-run)
	modprobe memmapd_kmem
	memmapd --dry-run --policy /run/policy.json 2>/run/log &
	wait_for 10 memmapctl status || die "no memmapd"
	wait_device dax0.0 planned 30
	cat /run/log
	grep -q "8 blocks" /run/log || die "says nothing"
	refute "not bound" [ -e /sys/bus/dax/devices/dax0.0/driver ]
	eq "no blocks" "$(blocks 1 | wc -l)" 0
	;;
small)
	start_memmapd /run/policy.json
	wait_device dax0.0 refused 30
	refute "not bound" [ -e /sys/bus/dax/devices/dax0.0/driver ]
	;;
kmem-idle)
	# The default of newer kernels would bring it online.
	echo offline >$sysmem/auto_online_blocks
	check "stock kmem has it" bind_kmem dax0.0
	eq "blocks" "$(blocks 1 | wc -l)" 8
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	eq "driver" "$(dev /driver)" memmapd_kmem
	eq "online" "$(blocks_online 1)" 8
	;;
kmem-used)
	echo offline >$sysmem/auto_online_blocks
	check "stock kmem has it" bind_kmem dax0.0
	echo online_movable >/sys/devices/system/memory/memory33/state || die "online"
	start_memmapd /run/policy.json
	wait_device dax0.0 refused 30
	dev /message | grep -q "kmem holds it" || die "does not say who has it"
	eq "online" "$(blocks_online 1)" 1
	;;
esac
