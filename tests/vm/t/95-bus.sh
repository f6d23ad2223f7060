# SPDX-License-Identifier: LGPL-2.1-or-later
# The objects of devices on the real bus: anybody may look and hears of changes, and nobody
# but root changes anything.
# vm: ram=1G hmem=4G
# image: systemd
# timeout: 240
. /test/guest.sh

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
object=/org/memmapd1/device/dax0_2e0
state() { as_nobody busctl get-property org.memmapd1 $object org.memmapd1.Device "$1"; }

udevadm settle
rm -f /etc/modprobe.d/vm.conf
mkdir -p /etc/memmapd
policy ''
cp /run/policy.json /etc/memmapd/
check "enabled" systemctl enable --now memmapd
refute "it is there before the device" state State
check "dax_hmem loaded" modprobe dax_hmem
wait_device dax0.0 online 60

eq "state" "$(state State)" 's "online"'
eq "online" "$(state Online)" "t $((4 * GiB))"
eq "size" "$(state Size)" "t $((4 * GiB))"
check "it is listed" eval 'as_nobody busctl call org.memmapd1 /org/memmapd1 \
	org.freedesktop.DBus.ObjectManager GetManagedObjects | grep -F '"$object"
as_nobody busctl tree --list org.memmapd1 >/run/tree
check "it is in the tree" grep -Fx $object /run/tree
refute "nobody may set" as_nobody busctl set-property org.memmapd1 $object \
	org.memmapd1.Device State s offline
refute "not even root" busctl set-property org.memmapd1 $object org.memmapd1.Device State s x
manager="org.memmapd1 /org/memmapd1 org.memmapd1.Manager"
check "anybody may check" as_nobody busctl call $manager Check "a(ss)" 1 mine '{ "version": 1 }'
refute "nobody may plan" as_nobody busctl call $manager Plan "a(ss)" 0
check "root may" busctl call $manager Plan "a(ss)" 0
refute "nobody may remove" as_nobody memmapctl remove dax0.0
refute "nobody may apply" as_nobody memmapctl apply dax0.0
eq "online" "$(blocks_online 1)" 32
for name in Manager Device; do
	check "$name is described" [ -s /usr/share/dbus-1/interfaces/org.memmapd1.$name.xml ]
done

check "removed" memmapctl remove dax0.0
eq "state" "$(state State)" 's "removed"'
eq "online" "$(state Online)" "t 0"
check "hmem goes" modprobe -r dax_hmem
wait_for 20 eval '! state State' || die "it is still there"
