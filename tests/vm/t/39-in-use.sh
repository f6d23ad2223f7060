# SPDX-License-Identifier: LGPL-2.1-or-later
# More than RAM can hold is put into the memory that was taken in; the kernel, which
# needs memory of its own for that, finds it on the device too.
# variant: kernel ram=768M hmem=16G
# variant: seed ram=768M hmem=16G
# timeout: 200
. /test/guest.sh

case $VARIANT in
kernel) policy '"zone": "kernel"' ;;
seed) policy '"memmap": "seed"' ;;
esac
load_hmem
start_memmapd /run/policy.json
wait_device dax0.0 online 100
left=$(memfree_ram)
mkdir /run/large
check "a large tmpfs" mount -t tmpfs -o size=4G large /run/large
check "a file" timed "writing" dd if=/dev/zero of=/run/large/file bs=1M \
	count=$((left / MiB + 256)) status=none
between "on the device (MiB)" $((($(memtotal 1) - $(memfree 1)) / MiB)) 200 16384
check "memmapd still answers" memmapctl status
