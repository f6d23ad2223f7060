# SPDX-License-Identifier: LGPL-2.1-or-later
# Nothing fits and the policy forbids seeds: refused, with the parameter that
# would help, and nothing half done.
# vm: ram=700M hmem=62G
# timeout: 240
. /test/guest.sh

policy '"allow_seeds": false'
load_hmem
modprobe memmapd_kmem
snapshot /run/before
start_memmapd /run/policy.json
wait_device dax0.0 refused 30
memmapctl explain dax0.0
dev /message | grep -q "memory_hotplug.memmap_on_memory=1" || die "the parameter is not named"
echo "ok: the message names the parameter"
refute "not bound" [ -e /sys/bus/dax/devices/dax0.0/driver ]
same "nothing changed" /run/before
# The same file with seeds allowed, read again: taken in.
policy '"allow_seeds": true'
check "reload" memmapctl reload
wait_device dax0.0 online 180
