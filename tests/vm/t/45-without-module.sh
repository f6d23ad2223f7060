# SPDX-License-Identifier: LGPL-2.1-or-later
# Without its module, memmapd has the kernel's own driver take a device in, as far as
# that goes, still decides where the memmaps are, and says what is missing.
# timeout: 240
# variant: ram ram=2G hmem=4G
# variant: device ram=768M hmem=64G mom=1
# variant: refused ram=768M hmem=64G
. /test/guest.sh

auto_online=/sys/devices/system/memory/auto_online_blocks

# The module was never built.
load_hmem
rm "/lib/modules/$(uname -r)/"*/memmapd_kmem.ko*
refute "the module is loaded" /usr/libexec/memmapd/memmapd-load-module 2>/run/message
cat /run/message
check "it is missed" grep -F "memmapd_kmem is not there for Linux $(uname -r)" /run/message
check "the kernel's own driver is loaded instead" [ -e /sys/bus/dax/drivers/kmem ]
refute "it has the device" [ -e /sys/bus/dax/devices/dax0.0/driver ]

# Where new memory comes online by itself, that is held back and put back.
check "auto-online" eval "echo online >$auto_online"
kernel 6.1 && backend=plain || backend=native

# taken BLOCKS PLACE: it is in, in the zone of the policy, and the map says where.
taken() {
	wait_device dax0.0 online 120
	memmapctl explain dax0.0
	eq "the backend" "$(dev /backend)" $backend
	eq "its driver" "$(basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)")" kmem
	eq "blocks online" "$(blocks_online 1)" "$1"
	all_in_zone 1 Movable
	eq "memmaps there" "$(dev /memmap/"$2")" "$1"
	eq "what was held back" "$(cat $auto_online)" online
}

case $VARIANT in
ram)
	policy '"memmap": "auto"'
	run_memmapd /run/policy.json
	taken 32 ram
	check "why" eval 'memmapctl explain dax0.0 | grep -F "is not there for Linux"'
	eq "MemTotal of node 1" "$(memtotal 1)" $((4 * GiB))

	# It is known again, and left as it is.
	kill "$memmapd_pid"
	wait "$memmapd_pid"
	b=$(blocks 1 | head -n 1)
	check "a block taken out by hand" eval "echo offline >/sys/devices/system/memory/memory$b/state"
	run_memmapd /run/policy.json
	wait_device dax0.0 degraded 30
	sleep 2
	eq "blocks online" "$(blocks_online 1)" 31
	eq "the backend" "$(dev /backend)" $backend
	;;
device)
	policy '"memmap": "auto", "ram_reserve": "64M"'
	before=$(memfree_ram)
	run_memmapd /run/policy.json
	if kernel 6.1; then
		wait_device dax0.0 refused 30
		check "what is missing" eval 'memmapctl explain dax0.0 |
			grep -F "puts all of them into RAM"'
	else
		taken 512 device
		eq "MemTotal of node 1" "$(memtotal 1)" $((512 * 126 * MiB))
		between "RAM taken" $((before - $(memfree_ram))) $((-32 * MiB)) $((48 * MiB))
	fi
	;;
refused)
	policy '"memmap": "auto"'
	run_memmapd /run/policy.json
	wait_device dax0.0 refused 30
	memmapctl explain dax0.0
	eq "blocks" "$(blocks 1 | wc -w)" 0
	refute "the driver has it" [ -e /sys/bus/dax/devices/dax0.0/driver ]
	check "what would help" eval 'memmapctl explain dax0.0 |
		grep -F "It would help to have the module memmapd_kmem"'
	for mode in seed mixed; do
		policy "\"memmap\": \"$mode\""
		kill -HUP "$memmapd_pid"
		wait_for 10 eval 'memmapctl explain dax0.0 | grep -F "needs the backend chunked"' ||
			die "$mode is not refused"
		wait_device dax0.0 refused 10
	done
	policy '"backend": "chunked"'
	kill -HUP "$memmapd_pid"
	wait_for 10 eval 'memmapctl explain dax0.0 | grep -F "The policy asks for the backend chunked"' ||
		die "a backend that is not there is not refused"
	;;
esac
