# SPDX-License-Identifier: LGPL-2.1-or-later
# The initramfs has the kernel's drivers, and its default brings their memory online
# before systemd, and so the claim, has a say, in the kernel zone: memmapd leaves it alone,
# and says so in the journal and to who asks.
# vm: ram=1G hmem=1G
# image: systemd
# cmdline: systemd.wants=memmapd.service vm.early=kmem,dax_hmem
# kernel: 6.12 7: on 6.1, kmem does not take this memory by itself
# timeout: 300
. /test/guest.sh

said() { journalctl --no-pager -o cat -u memmapd | grep -F -e "$1"; }
driver() { basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)"; }

eq "memmapd" "$(systemctl is-active memmapd)" active
eq "the claim" "$(systemctl is-active memmapd-claim)" active
eq "autoprobe" "$(cat /sys/bus/dax/drivers_autoprobe)" 0
eq "driver" "$(driver)" kmem
eq "online" "$(blocks_online 1)" 8
wait_device dax0.0 refused 60
check "journal" said "dax0.0: Refused. The driver kmem holds it and its memory is in use."
check "status" eval 'memmapctl status | grep "^dax0.0.*refused.*8/8"'
eq "online" "$(blocks_online 1)" 8
# In the kernel zone, the kernel has put things there that stay: only a restart helps.
refute "it can be taken offline" daxctl offline-memory dax0.0
sleep 1
eq "state, driver" "$(dev /state) $(driver)" "refused kmem"
