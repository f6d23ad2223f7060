# SPDX-License-Identifier: LGPL-2.1-or-later
# memmapd as a service of a whole system.
# variant: disabled ram=1G hmem=4G
# variant: service ram=1G hmem=4G
# variant: late ram=1G hmem=4G
# image: systemd
# timeout: 300
. /test/guest.sh

dax=/sys/bus/dax

# hmem: the memory that the firmware set aside appears.
hmem() {
	refute "it is there already" [ -e $dax/devices/dax0.0 ]
	check "dax_hmem loaded" modprobe dax_hmem
	wait_for 10 [ -e $dax/devices/dax0.0 ] || die "no dax0.0"
	udevadm settle
}

# unblock_hmem: nothing but a test loads dax_hmem, until here: udev would at boot,
# and may still be going through the devices that were there then.  It looks at the
# files of modprobe every three seconds only.
unblock_hmem() {
	udevadm settle
	rm /etc/modprobe.d/vm.conf
	udevadm control --reload
}

autoprobe() { cat $dax/drivers_autoprobe; }
driver() { basename "$(readlink $dax/devices/dax0.0/driver)"; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
property() { systemctl show --value -p "$1" "${2:-memmapd}"; }
# said TEXT: it is in the journal of memmapd.
said() { journalctl --no-pager -o cat -u memmapd | grep -F -e "$1"; }

enable() {
	check "enabled" systemctl enable --now memmapd
	eq "memmapd" "$(systemctl is-active memmapd)" active
	eq "the claim" "$(systemctl is-active memmapd-claim)" active
	eq "autoprobe" "$(autoprobe)" 0
}

# Installed and no more: the kernel and udev do as they always did.
disabled() {
	systemctl disable memmapd 2>/dev/null
	systemctl stop memmapd
	unblock_hmem
	hmem
	# Newer kernels know that this memory is for kmem, and bring it online.
	kernel 6.1 && driver=device_dax total=0 || driver=kmem total=$((4 * GiB))
	# Memory comes after its driver.
	wait_for 20 eval '[ "$(driver)" = $driver ] && [ "$(memtotal 1)" = $total ]'
	eq "the driver that it would have anyway" "$(driver)" $driver
	eq "autoprobe" "$(autoprobe)" 1
	refute "the module is loaded" [ -e /sys/module/memmapd_kmem ]
	refute "the claim is active" systemctl -q is-active memmapd-claim
	refute "memmapd is running" memmapctl status
	eq "memory of node 1" "$(memtotal 1)" $total
	refute "asking has started it" systemctl -q is-active memmapd
}

# Enabled late, with the kernel's own drivers loaded already.
late() {
	unblock_hmem
	check "stock drivers" modprobe -a kmem device_dax
	enable
	hmem
	wait_device dax0.0 online 60
	eq "the driver" "$(driver)" memmapd_kmem
	eq "online" "$(blocks_online 1)" 32
}

journal() {
	journalctl --no-pager -o json -u memmapd MEMMAPD_DEVICE=dax0.0 >/run/journal
	for id in 47c940b5372647cda61d3681268fa8fd 4863a6a1fa62411db48dbac71f14a723; do
		grep -F "\"MESSAGE_ID\":\"$id\"" /run/journal >/run/message || die "no message $id"
		# A message was to be one object, on one line.
		eq "its device" "$(tail -n 1 /run/message | jp /MEMMAPD_DEVICE)" dax0.0
	done
	check "catalog" journalctl --update-catalog
	journalctl --no-pager -x -u memmapd >/run/explained
	check "its text" grep -F "Subject: dax0.0 is taken in" /run/explained
	check "and what to do" grep -F '"memmapctl explain dax0.0"' /run/explained
}

policies() {
	mkdir -p /etc/memmapd
	policy '"memmap": "ram"'
	cp /run/policy.json /etc/memmapd/
	check "a policy of our own" systemctl reload memmapd
	eq "it is in force" "$(memmapctl --json | jp /daemon/policy)" /etc/memmapd/policy.json
	printf '{\n  "version": 1,\n  "defaults": { "memap": "ram" }\n}\n' >/etc/memmapd/policy.json
	refute "a broken one" systemctl reload memmapd
	check "the place is told" said "/etc/memmapd/policy.json:3:"
	check "and the key that was meant" said '"memmap"'
	memmapctl --json | jp /daemon/policy_error | grep -F :3: || die "status does not tell"
	eq "memmapd" "$(systemctl is-active memmapd)" active
	eq "dax0.0" "$(dev /state)" online
	cp /run/policy.json /etc/memmapd/
	check "the one before" systemctl reload memmapd
	memmapctl status | grep "not in force" && die "status still complains"
}

# description POINTER: what it holds.
description() { memmapctl --json | jp "$1"; }

# Nobody tells memmapd, and its unit lets it see little of the file system.
drop_ins() {
	dropin=/etc/memmapd/policy.d/50-zone.json
	rm -rf /etc/memmapd/policy.d
	memmapctl reload || die "a directory less"
	policy '"zone": "kernel"'
	eq "dax0.0 would stay" "$(memmapctl diff --json /etc/memmapd/policy.json /run/policy.json |
		jp /devices/0/outcome)" stays
	mkdir /etc/memmapd/policy.d
	cp /run/policy.json $dropin
	wait_for 20 eval '[ "$(description /daemon/policy_files/1)" = "$dropin" ]' ||
		die "the drop-in is not noticed"
	chmod o+w $dropin
	wait_for 20 eval 'description /daemon/policy_error | grep -F "chmod go-w $dropin"' ||
		die "everybody may write it"
	eq "still in force" "$(description /daemon/policy_files/1)" $dropin
	refute "check says so" memmapctl check
	chmod o-w $dropin
	wait_for 20 eval '! memmapctl status | grep "not in force"' || die "status still complains"
	check "so does check" memmapctl check
	rm $dropin
	wait_for 20 eval '! memmapctl --json | grep -F $dropin' || die "it is still in force"
}

# unchanged DESC: the memory and what memmapd knows of it.
unchanged() {
	wait_device dax0.0 online 30
	eq "online $1" "$(blocks_online 1)" 32
	eq "map $1" "$(map)" "$map"
	eq "map in the description $1" "$(dev /map)" "$map"
	eq "autoprobe $1" "$(autoprobe)" 0
}

watchdog() {
	eq "watchdog" "$(property WatchdogUSec)" 30s
	mkdir -p /run/systemd/system/memmapd.service.d
	printf '[Service]\nWatchdogSec=6\n' >/run/systemd/system/memmapd.service.d/short.conf
	systemctl daemon-reload
	check "with a shorter one" systemctl restart memmapd
	sleep 8
	eq "memmapd keeps it quiet" "$(property NRestarts)" 0
	kill -STOP "$(property MainPID)"
	wait_for 40 eval '[ "$(property NRestarts)" = 1 ]' || die "the watchdog sleeps"
	wait_for 40 systemctl -q is-active memmapd || die "memmapd did not come back"
}

service() {
	systemctl disable memmapd 2>/dev/null
	systemctl stop memmapd
	enable
	eq "starts again and again" "$(property StartLimitIntervalUSec)" 0
	check "the module is loaded" [ -e /sys/module/memmapd_kmem ]
	hmem
	wait_device dax0.0 online 60
	map=$(map)
	systemctl --no-pager status memmapd
	systemctl --no-pager status memmapd | grep 'Status: "dax0.0: All 32 blocks are online' ||
		die "systemctl status does not tell"
	journal
	check "the doctor finds nothing wrong" memmapctl doctor
	check "nobody may look" as_nobody memmapctl status
	refute "nobody may reload" as_nobody memmapctl reload
	refute "nor over the bus" as_nobody busctl --system call \
		org.memmapd1 /org/memmapd1 org.memmapd1.Manager Reload
	policies
	drop_ins
	check "nobody may compare" as_nobody memmapctl diff /etc/memmapd/policy.json
	check "restart" systemctl restart memmapd
	unchanged "after a restart"
	kill -KILL "$(property MainPID)"
	wait_for 20 eval '[ "$(property NRestarts)" = 1 ]' || die "no automatic restart"
	unchanged "after a crash"
	watchdog
	unchanged "after the watchdog"
	# Each time the claim goes and comes with it; systemd limits that to 5 in 10 s.
	for _ in 1 2 3 4 5 6; do
		systemctl stop memmapd && systemctl start memmapd || die "not started again"
	done
	unchanged "after stops and starts"
	check "stop" systemctl disable --now memmapd
	wait_for 5 eval '[ "$(autoprobe)" = 1 ]' || die "autoprobe is still off"
	eq "online after stop" "$(blocks_online 1)" 32
	eq "what has failed" "$(systemctl list-units --failed --no-legend --plain)" ""
}

$VARIANT
