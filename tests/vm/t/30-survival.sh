# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines that have little RAM, or too little, for the memmap of their device; the
# default policy.  All of them live, and have all of the device in the end.  With
# the stock driver, most of those with a large one die: 02-stock-kmem-too-large.
# matrix: ram=768M/1G/2G mom=0/1 hmem=16G/64G/256G
# group: survival
# timeout: 400
. /test/guest.sh

load_hmem
modprobe memmapd_kmem
read -r size </sys/bus/dax/devices/dax0.0/size
total=$((size / (128 * MiB)))
before=$(memfree_ram)
begun=$(now)
start_memmapd /usr/share/memmapd/policy.json
wait_device dax0.0 online 300
taken=$(($(now) - begun))
memmapctl status
memmapctl explain dax0.0
eq "blocks online" "$(blocks_online 1)" $total
used=$(((before - $(memfree_ram)) / MiB))
r=$(count r) d=$(count d) s=$(count s)
eq "blocks with a memmap" $((r + d + s)) $total
# Memmaps in RAM and two pages of tables and records for each block, not more.
between "RAM used (MiB)" $used -16 $((r * 2 + total / 32 + 16))

note "$((taken / 1000)).$((taken % 1000 / 100)) s, RAM $used MiB, r$r d$d s$s"
