# SPDX-License-Identifier: LGPL-2.1-or-later
# As a service, with all that its unit forbids: an expander becomes a region, is removed,
# and is taken in again by order.  It makes no difference which was there first, the
# service or the kernel's modules for CXL.
# variant: before ram=1G cxl=256M
# variant: late ram=1G cxl=256M
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# image: systemd
# tools: cxl
# timeout: 400
. /test/guest.sh

mkdir -p /etc/memmapd
policy '"memmap": "ram", "create_region": true'
cp /run/policy.json /etc/memmapd/
[ $VARIANT = late ] || load_cxl mem0
check "service" systemctl enable --now memmapd
[ $VARIANT = before ] || { modprobe -a cxl_acpi cxl_pci cxl_mem dax_cxl || die "no CXL modules"; }
wait_device dax0.0 online 200
eq "online" "$(blocks_online 1)" 2
eq "remove" "$(memmapctl remove mem0 | tail -n 1)" \
	"mem0: Removed: region0 is destroyed; mem0 is disabled. The card can be pulled."
eq "blocks" "$(blocks 1 | wc -l)" 0
check "restart" systemctl restart memmapd
sleep 2
refute "it is enabled" [ -e /sys/bus/cxl/devices/mem0/driver ]
check "apply" memmapctl apply mem0
wait_device dax0.0 online 200
eq "complaints" "$(journalctl -o cat -p err -u memmapd)" ""
journalctl --no-pager -o cat -u memmapd
