# SPDX-License-Identifier: LGPL-2.1-or-later
# With "create_region", expanders become regions by themselves: those that are there at
# the start, one that is inserted later, two that are interleaved.  Half a region that a
# killed daemon leaves is finished or deleted, and what somebody else made is let be.  What
# waits for more expanders or cannot be made is shown by status, with the reason, for as
# long as it is so.
# variant: live cxl=256M+0
# variant: interleaved cxl=256M+256M
# variant: killed cxl=256M
# variant: shown cxl=256M+0
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 400
. /test/guest.sh

cxl=/sys/bus/cxl/devices
memmapd() { exec memmapd "$@" 2>>/run/log; }

# sizes: of all regions that there are (MiB), and how many are committed.
sizes() {
	for region in $cxl/region*; do
		[ -e "$region" ] && echo "$(($(cat "$region/size") / MiB)) $(cat "$region/commit")"
	done
}

# region POINTER: of what is said of the first region that is not there yet.
region() {
	memmapctl --json | jp "/regions/0/$1" 2>/dev/null
}

create='"memmap": "ram", "create_region":'
case $VARIANT in
live)
	policy "$create true"
	load_cxl mem0
	start_memmapd /run/policy.json
	wait_device dax0.0 online 200
	eq "of mem0" "$(sizes)" "256 1"
	plug_cxl late 512M 1
	wait_device dax1.0 online 200
	eq "regions" "$(sizes | sort | xargs)" "256 1 512 1"
	eq "said" "$(grep -c "Made of mem[01] in decoder0.0: [0-9]* MiB\.$" /run/log)" 2
	eq "online" "$(blocks_online 1)" 6
	;;
interleaved)
	policy "$create { \"ways\": 2, \"granularity\": 1024 }"
	load_cxl mem0 mem1
	start_memmapd /run/policy.json
	wait_device dax0.0 online 200
	eq "region" "$(sizes)" "512 1"
	eq "interleaving" "$(cat $cxl/region0/interleave_ways $cxl/region0/interleave_granularity | xargs)" \
		"2 1024"
	eq "online" "$(blocks_online 1)" 4
	check "a little of it can be used" eval 'fill 1 8'
	;;
shown)
	policy "$create { \"ways\": 2 }"
	load_cxl mem0
	start_memmapd /run/policy.json
	wait_for 30 eval '[ "$(region state)" = waiting ]' || die "not shown: $(memmapctl --json)"
	eq "who waits" "$(region memdevs/0)" mem0
	memmapctl status >/run/text
	check "shown" grep -q "^mem0: A region in decoder0.0 takes 2 expanders, and there are 1; waiting" /run/text
	policy "$create true"
	wait_device dax0.0 online 200
	eq "shown now" "$(region state)" ""
	# The window has addresses for 4 GiB.
	plug_cxl late 8G 1
	wait_for 30 eval '[ "$(region state)" = failed ]' || die "not shown: $(memmapctl --json)"
	eq "what failed" "$(region memdevs/0) $(region tries)" "mem1 1"
	memmapctl status >/run/text
	cat /run/text
	check "shown" grep -q "^mem1: No region is made of mem1 in decoder0.0: there is no room for it.*reload\" tries again\.$" /run/text
	check "expander is disabled" cxl disable-memdev mem1
	unplug_cxl late
	wait_for 30 eval '[ -z "$(region state)" ]' || die "still shown: $(memmapctl --json)"
	cat /run/log
	exit 0
	;;
killed)
	policy ''
	load_cxl mem0
	# As a daemon leaves it that was killed in the middle.
	name=$(cat $cxl/decoder0.0/create_ram_region)
	mkdir -p /run/memmapd
	echo '[ "mem0" ]' >/run/memmapd/region-$name.json
	check "region" eval 'echo $name >$cxl/decoder0.0/create_ram_region'
	check "interleaving" eval 'echo 256 >$cxl/$name/interleave_granularity && echo 1 >$cxl/$name/interleave_ways'
	check "size" eval 'echo $((256 * MiB)) >$cxl/$name/size'
	decoder=$(cd $cxl && echo decoder[1-9]*.0 | tr " " "\n" | while read -r d; do
		[ -e "$d/dpa_size" ] && echo "$d" && break; done)
	check "mode" eval 'echo ram >$cxl/$decoder/mode'
	check "memory" eval 'echo $((256 * MiB)) >$cxl/$decoder/dpa_size'
	start_memmapd /run/policy.json
	wait_for 60 [ ! -e /run/memmapd/region-$name.json ] || die "not put right: $(cat /run/log)"
	eq "regions" "$(sizes)" ""
	eq "memory of the decoder" "$(($(cat $cxl/$decoder/dpa_size)))" 0
	check "said" grep -q "$name: It was left half made .* deleted\.$" /run/log
	# All but switched on.
	kill -KILL "$memmapd_pid"
	wait "$memmapd_pid" 2>/dev/null
	cxl_region 0 mem0
	echo "$REGION" >$cxl/$REGION/driver/unbind
	echo '[ "mem0" ]' >/run/memmapd/region-$REGION.json
	wait_for 10 [ ! -e "/sys/bus/dax/devices/$DAX" ] || die "$DAX is still there"
	start_memmapd /run/policy.json
	wait_device "$DAX" online 200
	check "said" grep -q "$REGION: It was left half made .* finished\.$" /run/log
	;;
esac
cat /run/log
refute "anything failed" grep -E "No region|half made.*cannot" /run/log
