# SPDX-License-Identifier: LGPL-2.1-or-later
# More than fits into RAM, in tmpfs and in a process: the new memory serves, and the
# kernel still finds memory for itself.
# variant: movable ram=768M hmem=16G
# variant: kernel ram=768M hmem=16G
# variant: seed ram=768M hmem=16G
# variant: small ram=2G hmem=4G
# group: use
# timeout: 200
. /test/guest.sh

case $VARIANT in
kernel) policy '"zone": "kernel"' ;;
seed) policy '"memmap": "seed"' ;;
*) policy '' ;;
esac
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 100
left=$(memfree_ram)
mkdir /run/large
check "a large tmpfs" mount -t tmpfs -o size=4G large /run/large
check "filled" dd if=/dev/zero of=/run/large/file bs=1M count=$((left / MiB + 256)) status=none
between "on the device (MiB)" $((($(memtotal 1) - $(memfree 1)) / MiB)) 200 100000
check "the daemon still answers" memmapctl status
rm /run/large/file
anonymous() { head -c $((left + 256 * MiB)) /dev/zero | sort | wc -c; }
eq "a process with as much" "$(head -c $((left + 256 * MiB)) /dev/zero | tail -c $((left + 256 * MiB)) | wc -c)" $((left + 256 * MiB))
