# SPDX-License-Identifier: LGPL-2.1-or-later
# The same with the kernel's own driver, which gives a device back as a whole.
# vm: ram=2G hmem=4G
# timeout: 300
. /test/guest.sh

load_hmem
rm "/lib/modules/$(uname -r)/"*/memmapd_kmem.ko*
modprobe kmem
snapshot /run/before
policy '"memmap": "auto"'
run_memmapd /run/policy.json
wait_device dax0.0 online 120
kernel 6.1 && backend=plain || backend=native
eq "the backend" "$(dev /backend)" $backend

keeper 1 4 /run/keeper pin &
hog=$!
wait_for 20 grep -q "^in" /run/keeper || die "no keeper"
memmapctl remove --deadline 10s dax0.0 >/run/out 2>&1
eq "status" $? 5
cat /run/out
check "the block is named" grep -E "memory[0-9]+ \(block [0-9]+, node 1, movable zone\)" /run/out
eq "online" "$(blocks_online 1)" 32
all_in_zone 1 Movable
eq "its driver" "$(dev /driver)" kmem
kill $hog
wait $hog 2>/dev/null

check "removed" timed "32 blocks out" memmapctl remove dax0.0
same "as before" /run/before
eq "its driver" "$(dev /driver)" null
kill "$memmapd_pid"
wait "$memmapd_pid"
run_memmapd /run/policy.json
sleep 2
eq "state after a restart" "$(dev /state)" removed
check "taken in" memmapctl online dax0.0
wait_device dax0.0 online 60
eq "online" "$(blocks_online 1)" 32
eq "the backend" "$(dev /backend)" $backend
