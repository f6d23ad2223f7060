# SPDX-License-Identifier: LGPL-2.1-or-later
# What memmapd costs while nothing happens, beside three daemons that also mostly wait:
# memory, time to start, and how often it wakes.  Each line "@BENCH" is the JSON of one
# daemon; idle.py reads them.
# vm: ram=2G hmem=4G
# image: systemd
# cmdline: psi=1
# file: bench/peers /
# timeout: 600
. /test/guest.sh

services="memmapd bolt irqbalance systemd-oomd"
starts=5
seconds=120

property() { systemctl show --value -p "$1" "$2"; }

# processes SERVICE: all that it has.
processes() { cat "/sys/fs/cgroup$(property ControlGroup "$1")/cgroup.procs"; }

# start_ms SERVICE: from the moment systemd begins with it until it says that it is there.
start_ms() {
	systemctl stop "$1" 2>/dev/null
	systemctl start "$1" || die "$1 does not start"
	_from=$(property InactiveExitTimestampMonotonic "$1")
	echo $((($(property ActiveEnterTimestampMonotonic "$1") - _from) / 1000))
}

# rollup SERVICE KEY: KiB, as smaps_rollup has them.
rollup() {
	for _pid in $(processes "$1"); do
		cat "/proc/$_pid/smaps_rollup"
	done | awk -v key="$2:" '$1 == key { sum += $2 } END { print sum + 0 }'
}

# wakes SERVICE: how often its threads have begun to wait so far.
wakes() {
	for _pid in $(processes "$1"); do
		cat /proc/"$_pid"/task/*/status
	done | awk '$1 == "voluntary_ctxt_switches:" { sum += $2 } END { print sum + 0 }'
}

systemd-sysusers
# In turn, so that what else goes on, here or on the host, is not one daemon's alone.
for round in $(seq $starts); do
	for service in $services; do
		ms=$(start_ms "$service") || exit 1
		[ "$round" = 1 ] || printf ', ' >>"/run/start.$service"
		printf %s "$ms" >>"/run/start.$service"
	done
done
check "dax_hmem loaded" modprobe dax_hmem
wait_device dax0.0 online 60
sleep 20
for service in $services; do
	wakes "$service" >"/run/wakes.$service"
done
sleep $seconds
for service in $services; do
	n=$(($(wakes "$service") - $(cat "/run/wakes.$service")))
	echo "@BENCH {\"service\": \"$service\", \"type\": \"$(property Type "$service")\"," \
		"\"start_ms\": [$(cat "/run/start.$service")]," \
		"\"pss_kib\": $(rollup "$service" Pss)," \
		"\"private_kib\": $(($(rollup "$service" Private_Dirty) + $(rollup "$service" Private_Clean)))," \
		"\"wakes\": $n, \"seconds\": $seconds}"
done
