# SPDX-License-Identifier: LGPL-2.1-or-later
# What operators of tiered memory set by hand is set by "after_online" once a device is
# online, survives memmapd, and is put back when the last device that asked for it is
# removed, but for what somebody else changed.  A kernel without such a file is told.
# variant: one ram=1G hmem=1G
# variant: two ram=1G hmem=512M,512M
# timeout: 240
. /test/guest.sh

demotion=/sys/kernel/mm/numa/demotion_enabled
balancing=/proc/sys/kernel/numa_balancing
weights=/sys/kernel/mm/mempolicy/weighted_interleave
memmapd() { exec memmapd "$@" 2>>/run/log; }

# of FILE: what it has, "-" if it is not there.
of() { cat "$1" 2>/dev/null || echo -; }
all() {
	for _file in $demotion $balancing $weights/auto $weights/node1 $weights/node2; do
		of $_file
	done | xargs
}
# outcome SETTING [DEVICE]
outcome() {
	for _i in 0 1 2 3; do
		[ "$(dev /after_online/$_i/setting "${2:-dax0.0}")" = "$1" ] || continue
		dev /after_online/$_i/outcome "${2:-dax0.0}"
		return
	done
}
# said N TEXT: so many lines of memmapd's.
said() { eq "\"$2\" was said" "$(grep -c -F -e "$2" /run/log)" "$1"; }
# again SIGNAL: memmapd ends so, and another one starts.
again() {
	kill "-$1" "$memmapd_pid"
	wait "$memmapd_pid"
	start_memmapd /run/policy.json
}
# weight N: what a weight is to be, where there are weights.
weight() { kernel 6.1 && echo - || echo "$1"; }

# put_back: all is as it was.  Of "auto", newer kernels let that be only where they know of
# bandwidths, which these machines do not have.
put_back() {
	wait_for 3 eval '[ "$(all)" = "$before" ]' && return
	[ "$(of $weights/auto)" = false ] || return 1
	said 1 "$weights/auto stays false: this kernel knows of no bandwidths"
	[ "$(all)" = "$(echo "$before" | sed 's/true\( [^ ]* [^ ]*\)$/false\1/')" ]
}

load_hmem
before=$(all)
tiering=$(($(cat $balancing) | 2))
refute "tiering is on already" [ "$(cat $balancing)" = $tiering ]

one() {
	policy '"after_online": { "demotion": true, "interleave_weight": 3,
		"numa_balancing": "tiering" }'
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	memmapctl explain dax0.0 | sed -n '/^After online/,$p'
	eq "demotion" "$(cat $demotion)" true
	eq "balancing" "$(cat $balancing)" $tiering
	eq "weight" "$(of $weights/node1)" "$(weight 3)"
	eq "outcome" "$(outcome demotion) $(outcome numa_balancing)" "set set"
	if kernel 6.1; then
		eq "outcome of the weight" "$(outcome interleave_weight)" missing
		said 1 "This kernel has no $weights/node1, which came with Linux 6.9."
	else
		eq "outcome of the weight" "$(outcome interleave_weight)" set
	fi

	# Neither of them sets anything anew.
	online=$(all) lines=$(grep -c "is .* now; it was" /run/log)
	again TERM
	again KILL
	wait_device dax0.0 online 30
	eq "after restarts" "$(all)" "$online"
	eq "lines" "$(grep -c "is .* now; it was" /run/log)" "$lines"
	check "removed" memmapctl remove dax0.0
	put_back || die "not put back: $(all), was $before"

	# Somebody else has the last word.
	check "taken in" memmapctl online dax0.0
	wait_device dax0.0 online 60
	wait_for 10 eval '[ "$(cat $balancing)" = $tiering ]' || die "balancing is not set again"
	check "by hand" eval "echo 1 >$balancing"
	check "looked at" memmapctl reload
	wait_for 10 eval '[ "$(outcome numa_balancing)" = changed ]' || die "it is not noticed"
	said 1 "Somebody else changed $balancing from $tiering to 1. It is left as it is."
	check "removed" memmapctl remove dax0.0
	wait_for 10 eval '[ "$(cat $demotion)" = false ]' || die "demotion is not put back"
	eq "balancing" "$(cat $balancing)" 1
}

# rules FIRST SECOND: what the two devices ask for.
rules() {
	printf '{ "version": 1, "defaults": { "zone": "movable" }, "rules": [
		{ "name": "a", "match": { "device": "dax0.0" }, %s },
		{ "name": "b", "match": { "device": "dax1.0" }, %s } ] }\n' "$1" "$2" >/run/policy.json
}

two() {
	first='"after_online": { "demotion": true, "interleave_weight": 3 }'
	rules "$first" '"action": "ignore"'
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
	rules "$first" '"after_online": { "demotion": false, "interleave_weight": 5 }'
	check "both" memmapctl reload
	wait_device dax1.0 online 60
	eq "demotion" "$(cat $demotion)" true
	eq "the others" "$(outcome demotion dax1.0)" another
	said 1 "$demotion is not set to false: dax0.0 was first, and asks for true."
	eq "weights" "$(of $weights/node1) $(of $weights/node2)" "$(weight 3) $(weight 5)"
	check "removed" memmapctl remove dax0.0
	wait_for 10 eval '[ "$(cat $demotion)" = false ]' || die "the second one has no say"
	eq "weight" "$(of $weights/node2)" "$(weight 5)"
	check "removed" memmapctl remove dax1.0
	put_back || die "not put back: $(all), was $before"
}

$VARIANT
cat /run/log
