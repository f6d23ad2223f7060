# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL in the middle of taking in, several times over: the same end.
# variant: device ram=700M hmem=62G mom=1
# variant: seed ram=700M hmem=62G
# timeout: 300
. /test/guest.sh

policy ''
load_hmem
start_memmapd /run/policy.json
killed=0
for at in 20 110 260 400; do
	wait_for 120 eval '[ "$(blocks_online 1)" -ge '$at' ]' || die "never came to $at"
	kill -9 "$memmapd_pid"
	wait "$memmapd_pid" 2>/dev/null
	then=$(blocks_online 1)
	echo "killed at $then"
	[ "$then" -lt 496 ] && killed=$((killed + 1))
	start_memmapd /run/policy.json
done
[ $killed -ge 3 ] || die "only $killed of the kills came in the middle"
wait_device dax0.0 online 180
eq "online" "$(blocks_online 1)" 496
case $VARIANT in
device) eq "on their own block" "$(count d)" 496 ;;
seed)
	between "in RAM" "$(count r)" 1 $(kernel 6.1 && echo 1 || echo 4)
	between "seeds" "$(dev /blocks/kernel)" 8 10
	;;
esac
