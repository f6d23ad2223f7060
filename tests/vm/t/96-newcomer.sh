# SPDX-License-Identifier: LGPL-2.1-or-later
# What README.md says, done by somebody who has nothing else: its commands are typed as they
# stand there, in that order, on a Debian 13 with systemd.  Each has to succeed, and what came
# of it is looked at.  It fails if README gets a command that nothing is known of here, or
# loses one.  While memmapd runs, a CXL card is put in, and is pulled at the end.
#
# Not as on a real machine: there is no network, so what the packages want is installed
# before, with the headers of this kernel only; "./dev package" was run on Debian 12, where
# it is for; the card and the processors are QEMU's; of GRUB there is grub-mkconfig alone.
# vm: ram=8G sockets=2 cxl=0 cost=2G
# image: dkms
# payload: none
# tools: cxl
# file: deb /root/memmapd/build/deb
# file: /usr/sbin/grub-mkconfig /usr/sbin/grub-mkconfig
# texts: ../../README.md /test/readme
# group: package
# kernel: 6.12: it is that of Debian 13
# timeout: 600
. /test/guest.sh

export DEBIAN_FRONTEND=noninteractive
cxl=/sys/bus/cxl/devices
dax=/sys/bus/dax
kver=$(uname -r)
rule="expanders of node 2 hold huge pages"
own=/etc/memmapd/policy.json
grub=/etc/default/grub.d/memmapd.cfg
said=/test/said

# typed LINE: as root where the sources are, with nobody at the terminal.
typed() {
	echo "# $1"
	local _begun=$(now) _status
	{
		sh -c "$1" 2>&1
		echo $? >/test/status
	} </dev/null | tee $said
	read -r _status </test/status
	[ "$_status" = 0 ] || die "$1: status $_status"
	echo "time: $1: $(($(now) - _begun)) ms"
}

# answered LINE: at a terminal, with "y" to what is asked.
answered() {
	echo "# $1"
	echo y | script -qec "$1" $said >/dev/null || die "$1: status $?"
	cat $said
}

# says TEXT...: what was typed last has printed that.
says() {
	for _text; do
		grep -qF -e "$_text" $said || die "$line: does not say '$_text'"
		echo "ok: it says: $_text"
	done
}

active() { systemctl is-active "$1"; }
policy_in_force() { memmapctl --json | jp /daemon/policy; }
driver() { basename "$(readlink $dax/devices/dax0.0/driver)"; }

# Installed, memmapd does nothing.
installed() {
	for package in memmapd memmapd-dkms; do
		eq "$package" "$(dpkg-query -W -f '${db:Status-Status}' $package)" installed
	done
	eq "dkms" "$(dkms status memmapd | sed 's/^[^,]*, //')" "$kver, x86_64: installed"
	eq "its module is" "$(modinfo -n memmapd_kmem | sed 's/\.ko.*//')" \
		"/lib/modules/$kver/updates/dkms/memmapd_kmem"
	eq "enabled" "$(systemctl is-enabled memmapd)" disabled
	eq "memmapd" "$(active memmapd)" inactive
	eq "autoprobe" "$(cat $dax/drivers_autoprobe)" 1
	refute "the module is loaded" [ -e /sys/module/memmapd_kmem ]
}

enabled() {
	eq "enabled" "$(systemctl is-enabled memmapd)" enabled
	eq "memmapd" "$(active memmapd)" active
	eq "the claim" "$(active memmapd-claim)" active
	eq "autoprobe" "$(cat $dax/drivers_autoprobe)" 0
	check "the module is loaded" [ -e /sys/module/memmapd_kmem ]
	eq "policy" "$(policy_in_force)" /usr/share/memmapd/policy.json
}

# edited: README's policy becomes the newcomer's, with what it says of cards.
edited() {
	sed '/"defaults"/s/: { /&"create_region": true, /' /test/readme/five-minutes-1.json >policy.json
	eq "create_region" "$(jp /defaults/create_region <policy.json)" true
	eq "the rule" "$(jp /rules/1/name <policy.json)" "$rule"
}

# plugged: nobody does anything but to put it in.
plugged() {
	snapshot /test/before
	plug_cxl card 512M 0
	wait_device dax0.0 online 60
	eq "online" "$(blocks_online 2)" 4
	all_in_zone 2 Normal
	eq "node 2 has (MiB)" "$(($(memtotal 2) / MiB))" 512
	wait_for 20 [ -e /sys/module/kmem ] || die "udev does not load the kernel's own driver"
	eq "the driver" "$(driver)" memmapd_kmem
	check "a little of it can be used" eval 'fill 2 2'
}

in_force() {
	wait_for 20 eval '[ "$(policy_in_force)" = $own ]' || die "the policy is not noticed"
	eq "errors" "$(memmapctl --json | jp /daemon/policy_error)" null
}

# drawn: a bar for each block, and the legend's.
drawn() {
	check "it is whole" eval 'tail -n 1 dax0.0.svg | grep "</svg>$"'
	eq "blocks in it" "$(grep -c '<rect class="ram-kernel"' dax0.0.svg)" $((4 + 1))
}

mended() {
	says "Write this? [y/N]" "$grub is written."
	check "it is there" grep "memory_hotplug.memmap_on_memory=1" $grub
}

removed() {
	eq "blocks" "$(blocks 2)" ""
	eq "state" "$(dev /state)" removed
	check "the card is enabled" [ -e $cxl/mem0/driver ]
}

# pulled: nothing is left of it.
pulled() {
	eq "regions" "$(echo $cxl/region*)" "$cxl/region*"
	refute "it is enabled" [ -e $cxl/mem0/driver ]
	eq "devices" "$(ls $dax/devices)" ""
	eq "orphans" "$(cat $dax/drivers/memmapd_kmem/orphans)" ""
	unplug_cxl card
	same "the machine is as it was" /test/before
	eq "failed units" "$(systemctl list-units --failed --no-legend --plain)" ""
	eq "complaints" "$(journalctl -q -o cat -p err -u memmapd)" ""
}

# step LINE: types it, and looks what came of it.
step() {
	case $1 in
	"memmapctl doctor --fix") answered "$1" ;;
	"./dev package") ;;
	*) typed "$1" ;;
	esac
	case $1 in
	"./dev package") check "packages" ls build/deb/memmapd_*.deb build/deb/memmapd-dkms_*.deb ;;
	"apt-get install "*) installed ;;
	"systemctl enable --now memmapd") enabled && edited ;;
	"memmapctl check "*) says "good, 2 rules" ;;
	"memmapctl plan "*) says "Policy: policy.json" "There are no dax devices." ;;
	"memmapctl diff "*) says "There are no dax devices." ;;
	"cp "*) in_force && plugged ;;
	"memmapctl status") says "policy $own" "memmapd_kmem loaded" "4/4 ram 4  kernel" "$rule" ;;
	"memmapctl explain dax0.0") says "Rule 2 matches: \"$rule\"." \
		"Node 0 can carry all memmaps: 8.0 MiB" "4 in RAM: 8 MiB" ;;
	"memmapctl map dax0.0") says "     0 RRRR" ;;
	"memmapctl log -x dax0.0") says "dax0.0: All 4 blocks are online" "Subject: dax0.0 is taken in" ;;
	"journalctl -u memmapd") says "dax0.0: All 4 blocks are online" "Made of mem0 in decoder0.0" ;;
	"memmapctl plot dax0.0 "*) drawn ;;
	"memmapctl metrics") says "memmapd_up 1" \
		'memmapd_device_online_bytes{device="dax0.0",node="2",region="region0",zone="kernel"} 536870912' ;;
	"memmapctl doctor") says "1 dax device, and nothing wrong with it." ;;
	"memmapctl doctor --fix") mended ;;
	"memmapctl remove dax0.0") says "dax0.0: Removed: all of its memory is taken out" && removed ;;
	"memmapctl remove mem0") says "The card can be pulled." && pulled ;;
	*) die "README has a command that is not looked at here: $1" ;;
	esac
}

cd /root/memmapd || die "no packages"
# A dax device is not kept from anybody.
rm /etc/modprobe.d/vm.conf
udevadm control --reload
cat /test/readme/install /test/readme/five-minutes >/test/lines || die "README has other headings"
verbs=
while read -r line <&3; do
	step "$line"
	verbs="$verbs$(echo "$line" | sed 's/^memmapctl //; s/ .*//') "
done 3</test/lines
eq "README has" "$verbs" "./dev apt-get systemctl check plan diff cp status explain map log journalctl plot metrics doctor doctor remove remove "
note "$(($(now) / 1000)) s"
