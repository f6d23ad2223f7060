# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel refuses to bring a block online, the first, a middle or the last one, and
# goes on refusing it: after the tries that the policy asks for, all that was taken in
# is taken out again, and the machine is as it was. Blocks that the kernel does not let
# go stay, and are told.
# variant: ram ram=1G hmem=640M
# variant: device ram=1G hmem=640M mom=1
# timeout: 400
. /test/guest.sh

full=rrrrr
[ "$VARIANT" = ram ] || full=ddddd

# The kernel's error injection is on while memmapd writes to one file, see fault.so.c.
memmapd() { LD_PRELOAD=/usr/local/bin/fault.so exec memmapd "$@" 2>>/run/log; }

comes() {
	: >/run/log
	check "hmem comes" modprobe dax_hmem
}

inject MEM_GOING_ONLINE 0
inject MEM_GOING_OFFLINE 0
check "module" modprobe memmapd_kmem
no_autoprobe
snapshot /run/before
policy "\"memmap\": \"$VARIANT\", \"order\": \"ascending\", \"on_failure\": \"rollback\",
	\"retry\": { \"times\": 1, \"delay\": \"2s\" }"
start_memmapd /run/policy.json
for k in 0 2 4; do
	echo "memory/memory$((32 + k))/state MEM_GOING_ONLINE -5" >/run/fault
	comes
	wait_device dax0.0 rolled-back 60
	cat /run/log
	eq "said" "$(dev /message)" "1 blocks failed, and 4 others were taken out again."
	# Both tries say the same, within a minute.
	eq "said why" "$(grep -c "Cannot online memory$((32 + k)): Input/output error" /run/log)" 1
	eq "announced" "$(grep -c "try 1 of 1 follows in 2 s" /run/log)" 1
	eq "map" "$(map)" "....."
	eq "blocks there" "$(echo $(blocks 1))" ""
	check "hmem goes" modprobe -r dax_hmem
	wait_for 20 eval '! memmapctl explain dax0.0' || die "still shown"
	same "nothing stayed" /run/before
done

# From the start of the taking out on, the kernel does not let go of anything.
echo "memory/memory34/state MEM_GOING_ONLINE -5" >/run/fault
comes
wait_for 60 grep -q "follows in" /run/log || die "no second try"
inject MEM_GOING_OFFLINE -16
wait_device dax0.0 rolled-back 60
cat /run/log
eq "said" "$(dev /message)" \
	"1 blocks failed, and 0 others were taken out again; the rest is in use and stays."
eq "named" "$(grep -c "Cannot take back memory3[0-9]: Device or resource busy. It stays." /run/log)" 4
eq "online" "$(blocks_online 1)" 4
usable 1 32 33 35 36

# When the cause is gone, a reload takes in the rest.
inject MEM_GOING_OFFLINE 0
rm /run/fault
check "reload" memmapctl reload
wait_device dax0.0 online 60
eq "map" "$(map)" $full
eq "online" "$(blocks_online 1)" 5
