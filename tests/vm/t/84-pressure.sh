# SPDX-License-Identifier: LGPL-2.1-or-later
# While tasks wait for memory, memmapd waits, and says so once; when that is over it
# goes on and ends. The pressure is real: more is written to a file of tmpfs in a small
# memory cgroup than that may hold, so that its reader is always in reclaim.
# vm: ram=1G hmem=1G
# timeout: 300
. /test/guest.sh

[ -e /proc/pressure/memory ] || die "no PSI in this kernel"
mkdir -p /run/cg
check "cgroups" mount -t cgroup2 none /run/cg
check "memory controller" eval 'echo +memory >/run/cg/cgroup.subtree_control'
mkdir /run/cg/small
echo 4M >/run/cg/small/memory.high

# pressed: the average is above the limit.
pressed() { awk '$1 == "some" { sub("avg10=", "", $2); exit !($2 + 0 > 20) }' /proc/pressure/memory; }

(
	echo 0 >/run/cg/small/cgroup.procs
	mkdir -p /run/full
	mount -t tmpfs -o size=64M none /run/full
	while :; do dd if=/dev/zero of=/run/full/data bs=1M count=32 2>/dev/null; done
) &
squeeze=$!
wait_for 60 pressed || die "no pressure: $(cat /proc/pressure/memory)"
cat /proc/pressure/memory

load_hmem
policy '"memmap": "ram", "pressure": { "slow": "5%", "stop": "15%" }'
memmapd() { exec memmapd "$@" 2>>/run/log; }
start_memmapd /run/policy.json
wait_for 30 eval '[ "$(dev /progress/pace)" = stopped ]' || die "not stopped: $(dev /message)"
memmapctl status
check "shown" eval "memmapctl status | grep -q 'Waits for memory pressure to fall'"
sleep 3
eq "blocks online" "$(blocks_online 1)" 0
eq "said" "$(grep -c "Waits for memory pressure to fall" /run/log)" 1
check "it is still so" pressed

kill -9 $squeeze
for p in $(cat /run/cg/small/cgroup.procs); do kill -9 "$p"; done
wait_device dax0.0 online 100
cat /run/log
eq "map" "$(map)" rrrrrrrr
eq "said" "$(grep -c "Waits for memory pressure to fall" /run/log)" 1
