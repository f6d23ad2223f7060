# SPDX-License-Identifier: LGPL-2.1-or-later
# ndctl's own test of daxctl, unmodified: an NVDIMM's namespace becomes a dax device, RAM,
# and a dax device again, by hand and while memmapd runs.  Alone, it shows that it is not
# the machine that it passes or fails by.
# variant: alone ram=2G hotplug=yes
# variant: memmapd ram=2G hotplug=yes
# image: systemd
# group: ndctl
# file: ndctl/test /ndctl
# file: ndctl/jq /jq
# timeout: 300
. /test/guest.sh

export NDCTL=ndctl DAXCTL=daxctl CXL=cxl
# It wants jq, which the machine does not have; here with its libraries.
export PATH="$PATH:/jq" LD_LIBRARY_PATH=/jq
autoprobe=/sys/bus/dax/drivers_autoprobe

# It is ndctl that decides which drivers there are.
rm -f /etc/modprobe.d/vm.conf
probed=1
if [ "$VARIANT" = memmapd ]; then
	check "enabled" systemctl enable --now memmapd
	probed=0
fi
check "modules" modprobe -a nfit nd_pmem dax_pmem device_dax
eq "autoprobe" "$(cat $autoprobe)" $probed
plug_nvdimm n1 6G 1 label-size=128K
wait_for 10 [ -e /sys/bus/nd/devices/namespace0.0 ] || die "no namespace"
udevadm settle
check "out of the way" ndctl disable-region region0
check "labels" ndctl init-labels -f nmem0
check "and back" ndctl enable-region region0
udevadm settle

# 77 is what it ends with when it finds nothing to test.
cd /ndctl || die "ndctl's tests are not there"
bash -Ex ./daxctl-devices.sh
eq "ndctl's own test" $? 0
eq "autoprobe" "$(cat $autoprobe)" $probed
if [ "$VARIANT" = memmapd ]; then
	eq "memmapd" "$(systemctl is-active memmapd)" active
	eq "of errors in the journal" "$(journalctl -u memmapd -p err -q --no-pager)" ""
	journalctl -u memmapd --no-pager -o cat
fi
