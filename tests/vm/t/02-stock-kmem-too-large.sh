# SPDX-License-Identifier: LGPL-2.1-or-later
# Contrast: the stock driver takes a device whose memmap cannot fit into RAM.
# It fails, or the machine is lost; that is why this project exists.
# vm: ram=700M hmem=62G
# timeout: 120
# payload: none
# expect-kernel: vmemmap alloc failure|add_pages|invoked oom-killer|probe with driver kmem failed|failed with error -12
# allow-kernel: .
# may-die: stock kmem
. /test/guest.sh

load_hmem
echo "available before: $(($(available) / MiB)) MiB"
timed "bind" bind_kmem dax0.0
echo "status $?, available: $(($(available) / MiB)) MiB"
online 1
echo "online: $(blocks_online 1) blocks"
[ "$(memtotal 1)" = 0 ] || die "stock kmem brought $(memtotal 1) bytes online"
note "alive, with $(($(available) / MiB)) MiB left and nothing gained"
