# SPDX-License-Identifier: LGPL-2.1-or-later
# The device is there at boot, udev and the kernel have drivers for it, and RAM is
# too small for its memmap: the claim is in time, and memmapd takes it in.
# vm: ram=1G hmem=64G
# image: systemd
# cmdline: systemd.wants=memmapd.service modules_load=dax_hmem,kmem
# file: /dev/null /etc/modprobe.d/vm.conf
# timeout: 300
. /test/guest.sh

# started UNIT: when it was, in microseconds since boot.
started() { systemctl show --value -p ActiveEnterTimestampMonotonic "$1"; }

eq "memmapd" "$(systemctl is-active memmapd)" active
eq "the claim" "$(systemctl is-active memmapd-claim)" active
check "the claim came before udev" \
	[ "$(started memmapd-claim)" -lt "$(started systemd-udevd)" ]
check "kmem is loaded" [ -e /sys/module/kmem ]
wait_device dax0.0 online 200
eq "the driver" "$(basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)")" memmapd_kmem
eq "online" "$(blocks_online 1)" 512
memmapctl status
journalctl --no-pager -o short-monotonic -u memmapd -u memmapd-claim
