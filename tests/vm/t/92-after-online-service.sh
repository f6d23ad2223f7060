# SPDX-License-Identifier: LGPL-2.1-or-later
# "after_online" of the policy as a service, which its unit allows to write these files,
# and no others beside them.
# vm: ram=1G hmem=1G
# image: systemd
# timeout: 300
. /test/guest.sh

demotion=/sys/kernel/mm/numa/demotion_enabled
balancing=/proc/sys/kernel/numa_balancing
weight=/sys/kernel/mm/mempolicy/weighted_interleave/node1

# all: what each of the files has, "-" if it is not there.
all() {
	for _file in $demotion $balancing $weight; do
		cat $_file 2>/dev/null || echo -
	done | xargs
}
# can_write FILE: as memmapd could.
can_write() {
	nsenter -m -t "$(systemctl show --value -p MainPID memmapd)" sh -c ": >>$1" 2>/dev/null
}

udevadm settle
rm -f /etc/modprobe.d/vm.conf
mkdir -p /etc/memmapd
policy '"after_online": { "demotion": true, "interleave_weight": 3, "numa_balancing": "tiering" }'
cp /run/policy.json /etc/memmapd/
before=$(all)
kernel 6.1 && weighed=- || weighed=3
online="true $(($(cat $balancing) | 2)) $weighed"
refute "it is so already" [ "$before" = "$online" ]

check "service" systemctl enable --now memmapd
check "dax_hmem loaded" modprobe dax_hmem
wait_device dax0.0 online 60
memmapctl explain dax0.0 | sed -n '/^After online/,$p'
wait_for 10 eval '[ "$(all)" = "$online" ]' || die "is $(all), should be $online"
check "restart" systemctl restart memmapd
wait_device dax0.0 online 30
eq "after a restart" "$(all)" "$online"

check "it may write that" can_write $balancing
for file in /proc/sys/kernel/panic /proc/sys/vm/overcommit_memory /sys/kernel/mm/ksm/run \
	/sys/kernel/mm/transparent_hugepage/enabled /sys/module/memory_hotplug/parameters/online_policy; do
	check "$file is there" [ -e $file ]
	refute "it may write $file" can_write $file
done

check "removed" memmapctl remove dax0.0
wait_for 10 eval '[ "$(all)" = "$before" ]' || die "not put back: $(all), was $before"
check "catalog" journalctl --update-catalog
journalctl --no-pager -x -u memmapd >/run/explained
check "what was done" grep -F "Subject: The machine was tuned for the memory of dax0.0" /run/explained
check "what was undone" grep -F "Subject: What was set for the memory of dax0.0 is put back" /run/explained
kernel 6.1 && check "what is missing" grep -F "This kernel has no $weight" /run/explained
eq "complaints" "$(journalctl -o cat -p err -u memmapd)" ""
