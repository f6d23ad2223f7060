# SPDX-License-Identifier: LGPL-2.1-or-later
# Something else fills the seeds while blocks are being plugged.  That is noticed
# before the next add, more seeds are made, and RAM is not used instead.
# vm: ram=700M hmem=62G
# timeout: 240
. /test/guest.sh

policy ''
load_hmem
modprobe memmapd_kmem
before=$(memfree_ram)
memmapd --policy /run/policy.json 2>/run/log &
memmapd_pid=$!
wait_for 60 eval '[ "$(blocks_online 1)" -ge 10 ]' || die "does not begin"
read -r worker _ <"/proc/$memmapd_pid/task/$memmapd_pid/children"
kill -STOP "$worker" || die "no worker to stop"
sleep 0.3
plugged=$(map | tr -d . | wc -c)
[ "$plugged" -lt 60 ] || die "stopped too late, at $plugged blocks"
# All but a little: more would make the machine kill for want of memory on node 1.
free=$(awk '$1 == "Node" { mine = $2 == "1," && $4 == "Normal" }
	mine && $1 == "pages" && $2 == "free" { free = $3 }
	mine && $1 == "high" { print (free - $2) * 4096 }' /proc/zoneinfo)
kernelhog 1 $((free / MiB - 20)) &
hog=$!
sleep 2
kill -CONT "$worker"
wait_device dax0.0 online 180
cat /run/log
grep -q "plan anew" /run/log || die "nobody noticed"
eq "online" "$(blocks_online 1)" 496
# Each is noticed, and costs a new plan.
between "memmaps in RAM" "$(count r)" 1 8
between "seeds" "$(dev /blocks/kernel)" 9 11
kill $hog
used=$(((before - $(memfree_ram)) / MiB))
[ "$used" -lt 48 ] || die "$used MiB of RAM used"
echo "ok: $used MiB of RAM used"
