# SPDX-License-Identifier: LGPL-2.1-or-later
# Others who work on the same memory: each comes to a sane end that memmapd tells of.
# earlier: stock kmem had the device, and all of it online, before memmapd came: it is
# left alone until an operator takes its memory offline.
# rule, rule-native: a distribution's udev rule brings each block online as it comes, in
# whatever zone; who is faster, wins, and what came into another zone is counted.
# flipped: the kernel's default for new blocks changes all the time, to no effect.
# daxctl: it takes a device of memmapd's for a raw one; forced, it leaves the memory
# behind, which memmapd says, and takes up again when told to.
# ignored, removed: what daxctl does with a device that memmapd is to leave alone, or that
# an operator took out, is not interfered with, step by step.
# gone: a device of stock kmem's goes with its memory in use, for which the driver has no
# books: memmapd says what stays.
# variant: earlier ram=1G hmem=1G
# variant: rule ram=1G hmem=2G
# variant: rule-native ram=1G hmem=2G
# variant: flipped ram=1G hmem=4G
# variant: daxctl ram=1G hmem=1G
# variant: gone ram=1G hmem=1G
# variant: ignored ram=1G nvdimm=1G
# variant: removed ram=1G nvdimm=1G
# timeout: 240
. /test/guest.sh

auto_online=$sysmem/auto_online_blocks
memmapd() { exec memmapd "$@" 2>>/run/log; }

driver() { basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)"; }
# in_zone ZONE: how many of the device's blocks are.
in_zone() { for _b in $(blocks 1); do zone_of "$_b"; done | grep -c "^$1$"; }
# told WHAT...: memmapctl explain says it, sooner or later.
told() {
	_what=$*
	wait_for 20 eval 'memmapctl explain dax0.0 | grep -qF "$_what"' ||
		die "not told: $*; but: $(dev /message)"
	echo "ok: told: $*"
}
# logged N WHAT...: so many lines of the log have it.
logged() {
	_n=$1
	shift
	eq "logged: $*" "$(grep -cF -e "$*" /run/log)" "$_n"
}
mode() { daxctl list -d dax0.0 | jp /0/mode; }

earlier() {
	# In the kernel zone it might not go offline again.
	check "new memory comes online by itself" eval "echo online_movable >$auto_online"
	check "stock kmem has it" bind_kmem dax0.0
	wait_for 10 eval '[ "$(blocks_online 1)" = 8 ]' || die "it is not online"
	start_memmapd /run/policy.json
	wait_device dax0.0 refused 30
	told "The driver kmem holds it and its memory is in use. Once all of it is offline"
	check "status shows it" eval 'memmapctl status | grep "^dax0.0.*refused.*8/8"'
	sleep 1
	eq "online, driver" "$(blocks_online 1) $(driver)" "8 kmem"
	logged 1 "Refused. The driver kmem holds it"
	check "offline" daxctl offline-memory dax0.0
	wait_device dax0.0 online 60
	eq "online, driver" "$(blocks_online 1) $(driver)" "8 memmapd_kmem"
	all_in_zone 1 Movable
	eq "the kernel's default" "$(cat $auto_online)" online_movable
}

# As Red Hat's 40-redhat.rules and Ubuntu's have it.
write_rule() {
	echo 'SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online"' \
		>/etc/udev/rules.d/40-others.rules
	udevadm control --reload
}

# zones_told: what is in the kernel zone, where all was to be movable, is counted.
zones_told() {
	wait_device dax0.0 online 60
	eq "online" "$(blocks_online 1)" 16
	other=$(in_zone Normal)
	note "$other of 16 by the rule, in the kernel zone"
	told "All 16 blocks are online: $((16 - other)) movable, $other kernel."
	case $other in
	0) logged 0 "not in the zone that was decided" ;;
	1) logged 1 "1 of them is not in the zone that was decided" ;;
	*) logged 1 "$other of them are not in the zone that was decided" ;;
	esac
	logged 0 "brought nothing forward"
}

rule() {
	write_rule
	start_memmapd /run/policy.json
	zones_told
	map | grep -qv '[rs]' && die "map: $(map)"
	eq "driver" "$(driver)" memmapd_kmem
}

rule_native() {
	write_rule
	without_module
	zones_told
	eq "driver" "$(driver)" kmem
}

# flip: until it is told to stop.
flip() {
	while [ -e /run/flipping ]; do
		for _how in online online_kernel offline; do
			echo $_how >$auto_online
		done
	done
	echo online_kernel >$auto_online
}

flipped() {
	touch /run/flipping
	flip &
	start_memmapd /run/policy.json
	wait_device dax0.0 online 100
	rm /run/flipping
	wait_for 10 eval '[ "$(cat $auto_online)" = online_kernel ]' || die "still flipping"
	eq "online" "$(blocks_online 1)" 32
	all_in_zone 1 Movable
	eq "map" "$(map | tr -d r)" ""
	logged 0 "Stopped to plan anew"
	sleep 1
	eq "what was written last" "$(cat $auto_online)" online_kernel
}

daxctl_forced() {
	check "the kernel's driver" modprobe kmem
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	eq "mode by daxctl" "$(mode)" devdax
	refute "daxctl takes it offline" daxctl offline-memory dax0.0
	refute "daxctl brings it online" daxctl online-memory dax0.0
	check "nothing to do for it" daxctl reconfigure-device -m devdax -f dax0.0
	wait_device dax0.0 online 10
	eq "driver" "$(driver)" memmapd_kmem
	logged 0 "Somebody else"

	first=$(blocks 1 | head -n 1)
	refute "daxctl gives it to kmem" daxctl reconfigure-device -N -m system-ram -f dax0.0
	wait_device dax0.0 degraded 20
	told "8 of its blocks were in use: memory$first to memory$((first + 7)). That memory goes on working"
	check "status shows it" eval 'memmapctl status | grep "^dax0.0.*degraded"'
	eq "online" "$(blocks_online 1)" 8
	logged 1 "Somebody else unbound its driver"
	check "the memory works" eval 'fill 1 8'
	check "taken up again" memmapctl apply dax0.0
	wait_device dax0.0 online 20
	eq "driver" "$(driver)" memmapd_kmem
	eq "orphans" "$(cat /sys/bus/dax/drivers/memmapd_kmem/orphans)" ""
	all_in_zone 1 Movable
}

without_module() {
	rm "/lib/modules/$(uname -r)/"*/memmapd_kmem.ko*
	command /usr/libexec/memmapd/memmapd-load-module
	run_memmapd /run/policy.json
}

gone() {
	without_module
	wait_device dax0.0 online 60
	first=$(blocks 1 | head -n 1)
	echo offline >$sysmem/memory$((first + 7))/state || die "offline"
	wait_device dax0.0 degraded 20
	check "hmem goes" modprobe -r dax_hmem
	wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
	logged 1 "7 of its blocks are still in use: memory$first to memory$((first + 6))."
	logged 0 "The device is gone."
	eq "online" "$(blocks_online 1)" 7
	check "the memory works" eval 'fill 1 8'
}

# alone DESC: memmapd has said and done nothing since the last time.
alone() {
	sleep 0.6
	eq "$1: state" "$(dev /state)" "$state"
	eq "$1: lines in the log" "$(wc -l </run/log)" "$lines"
}

# daxctl_story: from raw device to RAM and back again, by daxctl alone.  Memory is not to
# come online but by its doing, as it asks for.
daxctl_story() {
	echo offline >$auto_online
	lines=$(wc -l </run/log) state=$(dev /state)
	check "to RAM, all offline" daxctl reconfigure-device -N -m system-ram dax0.0
	eq "mode, driver" "$(mode) $(driver)" "system-ram kmem"
	eq "blocks, online" "$(blocks 1 | wc -l) $(blocks_online 1)" "7 0"
	alone "added"
	check "online" daxctl online-memory dax0.0
	eq "online" "$(blocks_online 1)" 7
	alone "online"
	check "offline" daxctl offline-memory dax0.0
	eq "blocks, online" "$(blocks 1 | wc -l) $(blocks_online 1)" "7 0"
	alone "offline"
	check "to a raw device" daxctl reconfigure-device -m devdax dax0.0
	eq "mode, driver" "$(mode) $(driver)" "devdax device_dax"
	alone "raw"
	check "to RAM, online" daxctl reconfigure-device -m system-ram dax0.0
	eq "mode, online" "$(mode) $(blocks_online 1)" "system-ram 7"
	all_in_zone 1 Movable
	refute "the namespace goes meanwhile" ndctl disable-namespace namespace0.0
	eq "online" "$(blocks_online 1)" 7
	alone "in use"
	check "back by force" daxctl reconfigure-device -f -m devdax dax0.0
	eq "mode, driver" "$(mode) $(driver)" "devdax device_dax"
	eq "blocks" "$(blocks 1 | wc -l)" 0
	check "no driver" daxctl disable-device dax0.0
	alone "disabled"
	refute "it has one" [ -e /sys/bus/dax/devices/dax0.0/driver ]
	check "the driver again" daxctl enable-device dax0.0
	eq "driver" "$(driver)" device_dax
	echo online >$auto_online
	refute "to RAM while that comes online by itself" \
		daxctl reconfigure-device -N -m system-ram dax0.0
	alone "refused"
}

case $VARIANT in
ignored | removed)
	load_nvdimm
	make_devdax 0
	# The image keeps them from being loaded by anything but a test.
	check "the kernel's drivers" modprobe -a device_dax kmem
	;;
*)
	load_hmem
	policy ''
	;;
esac
case $VARIANT in
ignored)
	# Persistent memory is, unless a rule names it.
	policy ''
	start_memmapd /run/policy.json
	wait_device dax0.0 ignored 30
	wait_for 10 eval '[ "$(driver)" = device_dax ]' || die "not handed back"
	daxctl_story
	;;
removed)
	printf '{ "version": 1, "rules": [ { "name": "all", "zone": "movable",
		"match": { "backing": "pmem" } } ] }\n' >/run/policy.json
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	check "removed" memmapctl remove dax0.0
	wait_device dax0.0 removed 10
	daxctl_story
	check "and in again" memmapctl online dax0.0
	wait_device dax0.0 online 60
	eq "driver, online" "$(driver) $(blocks_online 1)" "memmapd_kmem 7"
	;;
daxctl) daxctl_forced ;;
rule-native) rule_native ;;
*) $VARIANT ;;
esac
cat /run/log
