# SPDX-License-Identifier: LGPL-2.1-or-later
# An NVDIMM's namespace is known to the policy by the UUID that ndctl shows: that of
# another leaves it alone, its own takes it in.
# vm: ram=1G nvdimm=2G
. /test/guest.sh

# rule UUID: what a policy of this rule alone would say of the device.
rule() {
	printf '{ "version": 1, "defaults": { "zone": "movable" }, "rules": [
		{ "name": "that one", "match": { "uuid": "%s" } } ] }\n' "$1" >/run/policy.json
}

load_nvdimm
make_devdax 0
wait_for 5 [ -e /sys/bus/dax/devices/dax0.0 ] || die "no dax0.0"
ndctl list -N -n namespace0.0 >/run/list || die "ndctl list"
cat /run/list
uuid=$(jp /0/uuid </run/list) || die "ndctl tells no UUID"
other=$(cat /proc/sys/kernel/random/uuid)
rule "$other"
start_memmapd /run/policy.json
wait_device dax0.0 ignored 30
eq "online" "$(blocks_online 1)" 0
rule "$(echo "$uuid" | tr a-f A-F)"
check "reload" memmapctl reload
wait_device dax0.0 online 60
eq "rule" "$(dev /rule)" "that one"
eq "online" "$(blocks_online 1)" "$(dev /blocks/total)"
memmapctl explain dax0.0 >/run/text
cat /run/text
check "shown" grep -q "$uuid" /run/text
check "snapshot" memmapctl snapshot /run/copy
eq "by the snapshot" "$(memmapctl plan --snapshot /run/copy --policy /run/policy.json --json |
	jp /devices/0/rule)" "that one"
