# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's packages in the Debian they are for: installed, used, upgraded, purged.
# vm: ram=2G hmem=4G
# image: dkms
# payload: none
# file: deb /packages
# file: deb-next /packages/next
# group: package
# timeout: 1800
. /test/guest.sh

export DEBIAN_FRONTEND=noninteractive
dax=/sys/bus/dax
kver=$(uname -r)
prom=/var/lib/prometheus/node-exporter/memmapd.prom

apt() { timed "apt-get $1" apt-get -q -y -o Dpkg::Use-Pty=0 "$@"; }
version() { dpkg-query -W -f '${Version}' "$1"; }
autoprobe() { cat $dax/drivers_autoprobe; }
property() { systemctl show --value -p "$1" "$2"; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
failed_units() { systemctl list-units --failed --no-legend --plain; }

# files: all that a package could leave behind, without what apt, dpkg and dkms keep
# of whatever was installed, and without those of the login, which may come late.
files() {
	find /etc /usr /opt /srv /boot /run /var -xdev \
		\( -path /run/credentials -o -path /run/agetty.reload -o -path /run/motd.dynamic -o \
		-path /run/systemd -o -path /run/udev -o -path /run/log -o -path /run/user -o -path /var/log \
		-o -path /var/lib/apt -o -path /var/cache -o -path /var/lib/dpkg \
		-o -path /var/lib/systemd/catalog -o -path /var/tmp \) -prune -o -print | sort
}

# idle DESC: installed and no more, so that the kernel does as it always did.
idle() {
	eq "enabled $1" "$(systemctl is-enabled memmapd)" disabled
	eq "the timer $1" "$(systemctl is-enabled memmapd-metrics.timer)" disabled
	eq "the timer is $1" "$(systemctl is-active memmapd-metrics.timer)" inactive
	eq "memmapd $1" "$(systemctl is-active memmapd)" inactive
	eq "the claim $1" "$(systemctl is-active memmapd-claim)" inactive
	eq "autoprobe $1" "$(autoprobe)" 1
	refute "the module is loaded $1" [ -e /sys/module/memmapd_kmem ]
}

# The daemon alone: it runs, and says that there is no module.
daemon() {
	check "memmapd installed" apt install /packages/memmapd_*.deb
	idle "after installing"
	check "its messages are explained" \
		eval 'journalctl --list-catalog | grep "memmapd.*is taken in"'
	check "installed again" dpkg -i /packages/memmapd_*.deb
	idle "after installing again"
	check "started without the module" systemctl start memmapd
	eq "module" "$(memmapctl --json | jp /kernel/module)" false
	check "the bus lets everybody look" as_nobody memmapctl status
	refute "and nobody reload" as_nobody memmapctl reload
	check "stopped" systemctl stop memmapd
	wait_for 10 eval '[ "$(autoprobe)" = 1 ]' || die "autoprobe is still off"
}

module() {
	check "memmapd-dkms installed" apt install /packages/memmapd-dkms_*.deb
	dkms status
	eq "dkms" "$(dkms status memmapd | sed 's/.*: //')" installed
	check "for this kernel" eval 'dkms status memmapd | grep -F "$kver"'
	eq "signed by" "$(modinfo -F signer memmapd_kmem)" "DKMS module signing key"
	idle "after building the module"
	check "the module" modprobe memmapd_kmem
}

# used: the device is taken in, by a policy of the administrator.
used() {
	printf '{ "version": 1, "defaults": { "memmap": "ram" } }\n' >/etc/memmapd/policy.json
	check "enabled" systemctl enable --now memmapd
	check "dax_hmem" modprobe dax_hmem
	wait_device dax0.0 online 240
	eq "online" "$(blocks_online 1)" 32
	eq "the driver" "$(basename "$(readlink $dax/devices/dax0.0/driver)")" memmapd_kmem
	eq "policy" "$(memmapctl --json | jp /daemon/policy)" /etc/memmapd/policy.json
	eq "autoprobe" "$(autoprobe)" 0
	check "timer" systemctl enable --now memmapd-metrics.timer
	check "numbers" systemctl start memmapd-metrics.service
	check "they are there" grep -q "^memmapd_up 1" $prom
	snapshot /test/before
	map=$(map)
}

# unchanged DESC: the memory, as it was taken in.
unchanged() {
	same "memory $1" /test/before
	eq "map $1" "$(map)" "$map"
	check "the module is still loaded $1" [ -e /sys/module/memmapd_kmem ]
}

upgraded() {
	pid=$(property MainPID memmapd) claim=$(property InvocationID memmapd-claim)
	check "upgraded" apt install /packages/next/memmapd_*.deb /packages/next/memmapd-dkms_*.deb
	eq "memmapd" "$(version memmapd)" 0.1.0+next
	eq "memmapd-dkms" "$(version memmapd-dkms)" 0.1.0+next
	unchanged "after the upgrade"
	eq "what dkms has" "$(dkms status memmapd | sed 's/[,:].*//; s/.*\///')" 0.1.0+next
	eq "memmapd runs" "$(systemctl is-active memmapd)" active
	refute "as the process it was" [ "$(property MainPID memmapd)" = "$pid" ]
	eq "the claim was never let go" "$(property InvocationID memmapd-claim)" "$claim"
	eq "enabled" "$(systemctl is-enabled memmapd)" enabled
	eq "the timer" "$(systemctl is-enabled memmapd-metrics.timer)" enabled
	eq "the timer is" "$(systemctl is-active memmapd-metrics.timer)" active
	eq "policy" "$(memmapctl --json | jp /daemon/policy)" /etc/memmapd/policy.json
	wait_device dax0.0 online 60
	eq "map in the description" "$(dev /map)" "$map"
	eq "failed units" "$(failed_units)" ""
}

purged() {
	check "purged" apt purge memmapd memmapd-dkms
	unchanged "after the purge"
	eq "autoprobe" "$(autoprobe)" 1
	eq "what dkms has" "$(dkms status memmapd)" ""
	refute "the unit is known" systemctl cat memmapd
	refute "the timer is known" systemctl cat memmapd-metrics.timer
	eq "the timer is" "$(systemctl is-active memmapd-metrics.timer)" inactive
	eq "memmapd runs" "$(pidof memmapd)" ""
	eq "failed units" "$(failed_units)" ""
	files >/test/files.after
	# The keys that dkms made stay: other modules are signed with them.
	grep -v '^/var/lib/dkms/mok\.' /test/files.after | diff /test/files.before - ||
		die "the purge left something"
	refute "a module in use can be unloaded" rmmod memmapd_kmem
}

# What is held can be given back without any of the packages.
given_back() {
	check "offline" offline 1
	check "unplugged" eval 'echo 0-31 >$dax/devices/dax0.0/memmapd/unplug'
	eq "blocks of node 1" "$(blocks 1)" ""
	check "unloaded" rmmod memmapd_kmem
}

mkdir -p ${prom%/*}
files >/test/files.before
daemon
module
used
upgraded
purged
given_back
note "$(($(now) / 1000)) s"
