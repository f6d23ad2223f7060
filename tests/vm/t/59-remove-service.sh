# SPDX-License-Identifier: LGPL-2.1-or-later
# Orders to memmapd as a service of a whole system: in its sandbox, over the real bus, by
# root and not by anybody.
# vm: ram=1G hmem=4G
# image: systemd
# timeout: 300
. /test/guest.sh

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# hmem comes by itself unless a file of the image says otherwise.
udevadm settle
rm -f /etc/modprobe.d/vm.conf
# By default some blocks would be in the kernel zone, and stay.
policy ''
mkdir -p /etc/memmapd
cp /run/policy.json /etc/memmapd/
check "enabled" systemctl enable --now memmapd
check "dax_hmem loaded" modprobe dax_hmem
wait_device dax0.0 online 60

refute "nobody may remove" as_nobody memmapctl remove dax0.0
refute "nobody may hold" as_nobody busctl --system call \
	org.memmapd1 /org/memmapd1 org.memmapd1.Manager Hold s dax0.0
eq "online" "$(blocks_online 1)" 32
as_nobody memmapctl monitor --json >/run/events &
monitor=$!
wait_for 20 grep -q online /run/events || die "nobody may not look"

keeper 1 4 /run/keeper pin &
hog=$!
wait_for 20 grep -q "^in" /run/keeper || die "no keeper"
memmapctl remove --deadline 10s dax0.0 >/run/out 2>&1
eq "status" $? 5
cat /run/out
check "pages are counted in the sandbox" grep -F "of its pages are in use" /run/out
eq "online" "$(blocks_online 1)" 32
kill $hog
wait $hog 2>/dev/null

check "removed" memmapctl remove dax0.0
eq "blocks" "$(blocks 1 | wc -w)" 0
check "nobody has seen it" wait_for 10 grep -F '"result":"done"' /run/events
kill $monitor
check "restart" systemctl restart memmapd
sleep 1
eq "state after a restart" "$(dev /state)" removed
check "catalog" journalctl --update-catalog
journalctl --no-pager -x -u memmapd >/run/explained
for subject in "Memory of dax0.0 could not be taken out" "The memory of dax0.0 is back" \
	"dax0.0 is taken out"; do
	check "catalog: $subject" grep -F "Subject: $subject" /run/explained
done
check "held" memmapctl hold dax0.0
check "released" memmapctl release dax0.0
check "taken in again" memmapctl online dax0.0
wait_device dax0.0 online 60
eq "online" "$(blocks_online 1)" 32
eq "what has failed" "$(systemctl list-units --failed --no-legend --plain)" ""
