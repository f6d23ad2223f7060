# SPDX-License-Identifier: LGPL-2.1-or-later
# Persistent memory that no rule names is left alone, and its contents are what
# they were; a rule that names it takes it in.
# vm: ram=1G nvdimm=2G
. /test/guest.sh

load_nvdimm
make_devdax 0
wait_for 5 [ -e /sys/bus/dax/devices/dax0.0 ] || die "no dax0.0"
# The driver it would have without memmapd; the device waits, as autoprobe is off.
check "device_dax" modprobe device_dax
refute "waits" [ -e /sys/bus/dax/devices/dax0.0/driver ]
printf '{ "version": 1, "rules": [ { "name": "everything", "match": {} } ] }\n' >/run/policy.json
start_memmapd /run/policy.json
wait_device dax0.0 ignored 30
eq "handed to its own driver" "$(basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)")" device_dax
wait_for 5 [ -c /dev/dax0.0 ] || die "no /dev/dax0.0"
check "written" daxrw write /dev/dax0.0 "precious data"
check "reload" memmapctl reload
sleep 1
wait_device dax0.0 ignored 30
eq "contents" "$(daxrw read /dev/dax0.0)" "precious data"
eq "nothing online" "$(blocks_online 1)" 0

# With a rule, but while a process has it mapped: not either.
daxrw hold /dev/dax0.0 &
holder=$!
sleep 0.5
printf '{ "version": 1, "rules": [ { "name": "take it", "match": { "backing": "pmem" } } ] }\n' >/run/policy.json
check "reload" memmapctl reload
wait_device dax0.0 refused 30
dev /message | grep -q "open" || die "does not say that it is open"
eq "contents" "$(daxrw read /dev/dax0.0)" "precious data"
kill $holder
wait $holder 2>/dev/null
check "reload" memmapctl reload
wait_device dax0.0 online 60
eq "online" "$(blocks_online 1)" "$(dev /blocks/total)"
