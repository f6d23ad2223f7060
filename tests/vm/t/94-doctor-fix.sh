# SPDX-License-Identifier: LGPL-2.1-or-later
# "doctor --fix" on a whole system: what it writes is what GRUB and modprobe read, and
# with it neither the kernel's own driver comes first any more, nor a rule of udev's that
# brings memory online.
# vm: ram=1G hmem=4G
# image: systemd
# file: /usr/sbin/grub-mkconfig /usr/sbin/grub-mkconfig
# timeout: 240
. /test/guest.sh

dax=/sys/bus/dax
grub=/etc/default/grub.d/memmapd.cfg
kmem=/etc/modprobe.d/memmapd.conf
parameter=memory_hotplug.memmap_on_memory=1

driver() { basename "$(readlink $dax/devices/dax0.0/driver)"; }

# appear: the device comes, and udev does with it what it does by itself.
appear() {
	check "dax_hmem loaded" modprobe dax_hmem
	wait_for 10 [ -e $dax/devices/dax0.0 ] || die "no dax0.0"
	udevadm settle
}

# vanish: as before a boot, with no driver loaded.
vanish() {
	check "offline" offline 1
	check "kmem lets it go" eval "echo dax0.0 >$dax/drivers/kmem/unbind"
	check "unloaded" modprobe -r dax_hmem kmem device_dax
	refute "dax0.0 is there" [ -e $dax/devices/dax0.0 ]
}

# triggered: what becomes of a block that is offline when udev hears of it.
triggered() {
	echo offline >"$block/state" || return
	udevadm trigger --action=add --settle "$block"
	cat "$block/state"
}

systemctl disable --now memmapd 2>/dev/null
udevadm settle
# It kept hmem from being loaded at boot.
rm -f /etc/modprobe.d/vm.conf
udevadm control --reload
# What the package grub2-common has: it makes a file of all that grub-mkconfig reads.
cat >/usr/sbin/update-grub <<'END'
#!/bin/sh
. /etc/default/grub
for file in /etc/default/grub.d/*.cfg; do [ ! -e "$file" ] || . "$file"; done
echo "linux /vmlinuz $GRUB_CMDLINE_LINUX_DEFAULT" >/run/grub.cfg
END
chmod 755 /usr/sbin/update-grub
mkdir -p /etc/default
echo 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"' >/etc/default/grub

# Nothing that cannot be moved is to be in the block that goes out and in below.
check "movable" eval "echo online_movable >$sysmem/auto_online_blocks"
cat >/usr/lib/udev/rules.d/40-hotadd.rules <<'END'
SUBSYSTEM=="memory", ACTION=="add", TEST=="state", ATTR{state}!="online", \
  ATTR{state}="online_movable"
SUBSYSTEM=="memory", ACTION=="add", ENV{SEEN}="1"
SUBSYSTEM=="cpu", ACTION=="add", TEST=="online", ATTR{online}!="1", ATTR{online}="1"
END
udevadm control --reload
appear
wait_for 20 [ -e /sys/module/kmem ] || die "udev does not load kmem"
# Newer kernels know that this memory is for kmem; on 6.1 device_dax has it.
if kernel 6.1; then
	echo dax0.0 >$dax/drivers/device_dax/unbind
	bind_kmem dax0.0 || die "kmem does not take it"
fi
wait_for 20 eval '[ "$(driver)" = kmem ]' || die "kmem does not have it: $(driver)"
note "without the fix: $(driver)"
memmapctl doctor
check "the doctor has seen it" eval 'memmapctl doctor | grep -F "had dax0.0 before memmapd"'

for block in /sys/devices/system/node/node1/memory[0-9]*; do break; done
check "and the rule" eval 'memmapctl doctor | grep -F "/usr/lib/udev/rules.d/40-hotadd.rules, line 1-2."'
eq "with the rule" "$(triggered)" online

memmapctl doctor --fix </dev/null >/run/shown 2>/run/said
eq "nobody to ask" $? 7
cat /run/shown /run/said
check "it is shown" grep -F "+blacklist kmem" /run/shown
refute "it is there" [ -e $kmem ]
refute "the other is there" [ -e $grub ]

setpriv --reuid=65534 --regid=65534 --clear-groups memmapctl doctor --fix --yes
eq "nobody may" $? 1
refute "it is there" [ -e $grub ]

check "fixed" memmapctl doctor --fix --yes
eq "what GRUB boots with" "$(cat /run/grub.cfg)" "linux /vmlinuz quiet $parameter"
modprobe -c | grep -Fx "blacklist kmem" || die "modprobe does not know it"
eq "its mode" "$(stat -c %a $kmem)" 644
check "twice is as good" memmapctl doctor --fix --yes
check "the doctor does not find the rule" eval 'memmapctl doctor | grep "good .*udev"'
# It looks whether its rules are others every three seconds.
sleep 4
eq "without the rule" "$(triggered)" offline
echo online_movable >"$block/state"
check "the others are there" grep '^SUBSYSTEM=="cpu"' /etc/udev/rules.d/40-hotadd.rules

vanish
udevadm control --reload
appear
sleep 3
refute "kmem is loaded" [ -e /sys/module/kmem ]
note "with it: $(driver)"

# memmapd comes late, and decides over it all the same.
if [ -e $dax/devices/dax0.0/driver ]; then
	echo dax0.0 >"$dax/drivers/$(driver)/unbind"
fi
check "enabled" systemctl enable --now memmapd
wait_device dax0.0 online 60
eq "the driver" "$(driver)" memmapd_kmem
eq "online" "$(blocks_online 1)" 32
refute "the doctor still finds it" eval 'memmapctl doctor | grep -F "before memmapd could"'

# Undone, it is as before.
check "undone" rm $grub $kmem
check "grub" update-grub
eq "what GRUB boots with" "$(cat /run/grub.cfg)" "linux /vmlinuz quiet"
modprobe -c | grep -Fx "blacklist kmem" && die "modprobe still knows it"
eq "online" "$(blocks_online 1)" 32
