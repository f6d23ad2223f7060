# SPDX-License-Identifier: LGPL-2.1-or-later
# What an operator took out stays out, also across a restart of the daemon; a
# device that went and came back is taken in anew.
# vm: ram=1G hmem=1G
. /test/guest.sh

policy ''
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 60
echo offline >/sys/devices/system/memory/memory35/state || die "offline"
wait_device dax0.0 degraded 30
eq "online" "$(dev /blocks/online)" 7
check "unplug" sh -c "echo 5 >/sys/bus/dax/devices/dax0.0/memmapd/unplug"
kill -9 "$memmapd_pid"
wait "$memmapd_pid" 2>/dev/null
start_memmapd /run/policy.json
wait_device dax0.0 degraded 30
sleep 1
eq "online" "$(blocks_online 1)" 6
check "reload" memmapctl reload
sleep 1
eq "online" "$(blocks_online 1)" 6

# The module's blocks go, the device goes, and comes again under the same name.
for i in 7 6 4 3 2 1 0; do echo $i >/sys/bus/dax/devices/dax0.0/memmapd/unplug || die "unplug $i"; done
check "hmem goes" modprobe -r dax_hmem
wait_for 10 eval '! memmapctl explain dax0.0' || die "still shown"
check "hmem comes" modprobe dax_hmem
wait_device dax0.0 online 60
eq "online" "$(blocks_online 1)" 8
