# SPDX-License-Identifier: LGPL-2.1-or-later
# All kinds of nonsense, and some sense, written to each file of the module: what is
# accepted does what kmod/ABI says, what is refused does nothing.
# variant: device ram=1G hmem=1G,256M mom=1
# variant: ram ram=1G hmem=1G,256M
# timeout: 180
# group: debug
# file: debug/words.sh /test/words.sh
. /test/guest.sh
. /test/words.sh

load_hmem dax1.0
echo offline >$sysmem/auto_online_blocks
snapshot /run/before
check "the module" modprobe memmapd_kmem
check "bound" sh -c "echo dax0.0 >$drv/new_id"
leaks_from_here
check "nonsense" fuzz "$(random_seed)" 1500 dax0.0 32 dax1.0
check "bound again" sh -c "echo dax0.0 >$drv/new_id"
check "all out" take_out dax0.0
no_leaks
check "the module goes" modprobe -r memmapd_kmem
same "as before" /run/before
no_leaks
