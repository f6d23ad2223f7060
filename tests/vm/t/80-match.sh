# SPDX-License-Identifier: LGPL-2.1-or-later
# Of two expanders with regions of their own, one is known to the policy by its serial
# number: it gets the rule, also through "all", "any" and "not"; the other does not.  So
# they do by the root decoder of their region, their firmware and where they are plugged in.
# What cannot be known, as the health of an expander, matches neither way, and that is
# explained.  A snapshot has what it takes to decide the same elsewhere.
# vm: cxl=256M,256M
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# tools: cxl
# timeout: 300
. /test/guest.sh

load_cxl mem0 mem1
modprobe memmapd_kmem
for m in 0 1; do
	read -r serial <"/sys/bus/cxl/devices/mem$m/serial"
	eval "serial$m=$serial"
	echo "mem$m has $serial"
done
refute "they have the same" [ "$serial0" = "$serial1" ]
# The machine numbers them as it has plugged them in; the kernel in what order it likes.
one=mem0 other=mem1
if [ $((serial0)) -gt $((serial1)) ]; then
	set -- "$serial0" "$serial1"
	one=mem1 other=mem0 serial0=$2 serial1=$1
fi
read -r firmware </sys/bus/cxl/devices/mem0/firmware_version
echo "firmware: $firmware"
cat >/run/policy.json <<-END
	{ "version": 1, "defaults": { "zone": "movable" }, "rules": [
	  { "name": "in bad health", "match": { "health": "failing" }, "action": "ignore" },
	  { "name": "not in good health", "match": { "not": { "health": "ok" } }, "action": "ignore" },
	  { "name": "somebody else's",
	    "match": { "any": [ { "vendor_id": "0xffff" }, { "uuid": "0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44" } ] },
	    "action": "ignore" },
	  { "name": "elsewhere", "action": "ignore",
	    "match": { "any": [ { "decoder": "decoder0.[!01]" }, { "expander_node": 1 },
	                        { "firmware": "not $firmware" } ] } },
	  { "name": "that one",
	    "match": { "all": [ { "memdev": "mem*" }, { "serial": "$serial1" },
	                        { "decoder": "decoder0.1" }, { "expander_node": 0 },
	                        { "firmware": "${firmware%?}?" } ],
	               "any": [ { "region": "region7" }, { "vendor_id": "0x8086" } ],
	               "not": { "serial": "$serial0" } },
	    "action": "plug" },
	  { "name": "the others", "match": { "not": { "decoder": "*.1" } } }
	] }
END
check "policy" memmapctl check /run/policy.json
start_memmapd /run/policy.json
cxl_region 0 $one
first=$DAX
cxl_region 1 $other
second=$DAX
wait_device "$first" online 100
wait_device "$second" plugged 100
eq "rule of $first" "$(dev /rule "$first")" "the others"
eq "rule of $second" "$(dev /rule "$second")" "that one"
eq "serial" "$(dev /memdevs/0/serial "$first") $(dev /memdevs/0/serial "$second")" \
	"$serial0 $serial1"
eq "vendor" "$(dev /memdevs/0/vendor_id "$first")" 0x8086
eq "root decoders" "$(dev /decoder "$first") $(dev /decoder "$second")" "decoder0.0 decoder0.1"
eq "their nodes" "$(dev /memdevs/0/numa_node "$first") $(dev /memdevs/0/numa_node "$second")" "0 0"
eq "health" "$(dev /memdevs/0/health "$first")" null
memmapctl explain "$second" >/run/text
cat /run/text
check "explained" grep -q 'Rule 1, "in bad health", does not match, as this machine does not tell the "health"' /run/text
check "explained" grep -q 'Rule 2, "not in good health", does not match' /run/text
check "shown" grep -q "$other .*serial $serial1 vendor 0x8086" /run/text

check "snapshot" memmapctl snapshot /run/copy
memmapctl plan --snapshot /run/copy --policy /run/policy.json --json >/run/plan || die "no plan"
eq "rules by the snapshot" "$(jp /devices/0/rule </run/plan), $(jp /devices/1/rule </run/plan)" \
	"the others, that one"
