# SPDX-License-Identifier: LGPL-2.1-or-later
# Thousands of events about memory.
# overflow: while memmapd is stopped, more come than the kernel keeps for it, and those of
# a device that comes, and of one that goes, are lost: it looks again, and sees both.
# storm: 300000 while it runs, faster than it can take them: it answers meanwhile, sees
# what happened in the middle, and is no larger than before.
# variant: overflow ram=1G hmem=1G
# variant: storm ram=1G hmem=1G
# timeout: 300
. /test/guest.sh

memmapd() { exec memmapd "$@" 2>>/run/log; }

# start_storm N: of so many events.
start_storm() {
	rm -f /run/storm
	storm "$1" >/run/storm &
	storm=$!
	wait_for 10 grep -q listening /run/storm || die "nobody listens"
	udevadm trigger --action=change $sysmem/memory0
}

# storm_of N: so many events, by the time it returns.
storm_of() {
	start_storm "$1"
	wait $storm || die "no storm"
	cat /run/storm
}

# queue COLUMN: of memmapd's queue of events of udev's; 5: bytes in it, 9: events that were
# lost as it was full.
queue() {
	awk -v pid="$memmapd_pid" -v column="$1" \
		'$2 == 15 && $3 == pid && $4 == "00000002" { print $column }' /proc/net/netlink
}
stopped() { grep -q '^State:.T' "/proc/$memmapd_pid/status"; }
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$memmapd_pid/status"; }

# overflow: memmapd is stopped, and what comes from now on is lost.
overflow() {
	kill -STOP "$memmapd_pid"
	wait_for 10 stopped || die "memmapd does not stop"
	_before=$(queue 9)
	timed "storm" storm_of 100000
	between "events that were lost" $(($(queue 9) - _before)) 1000 100000
	lost=$(queue 9)
}

policy ''
case $VARIANT in
overflow)
	no_autoprobe
	start_memmapd /run/policy.json
	eq "events that were lost" "$(queue 9)" 0
	overflow
	load_hmem
	check "those of the device are lost" [ "$(queue 9)" -gt "$lost" ]
	kill -CONT "$memmapd_pid"
	wait_device dax0.0 online 60
	eq "online" "$(blocks_online 1)" 8
	eq "said" "$(grep -c "uevents were lost; looking at everything again" /run/log)" 1

	overflow
	eq "unplugged" "$(put 7-0 /sys/bus/dax/devices/dax0.0/memmapd/unplug)" ok
	check "hmem goes" modprobe -r dax_hmem
	udevadm settle
	check "those of the device are lost" [ "$(queue 9)" -gt "$lost" ]
	kill -CONT "$memmapd_pid"
	wait_for 30 eval '! memmapctl explain dax0.0' || die "still shown"
	wait_for 10 grep -q "dax0.0: The device is gone\.$" /run/log || die "not told"
	;;
storm)
	load_hmem
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	storm_of 2000
	wait_for 20 eval '[ "$(queue 5)" = 0 ]' || die "it does not come to an end"
	before=$(rss)
	start_storm 300000
	sleep 0.3
	check "memmapd answers" timed "status" memmapctl status
	check "while it is on" kill -0 $storm
	echo offline >$sysmem/memory35/state || die "offline"
	timed "the rest" wait $storm || die "no storm"
	wait_for 60 eval '[ "$(queue 5)" = 0 ]' || die "it does not come to an end"
	wait_device dax0.0 degraded 20
	eq "online" "$(dev /blocks/online) $(blocks_online 1)" "7 7"
	after=$(rss)
	note "resident $before KiB before, $after KiB after; $(queue 9) events lost"
	between "it has grown by (KiB)" $((after - before)) -100000 1023
	;;
esac
cat /run/log
