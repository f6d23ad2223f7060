# SPDX-License-Identifier: LGPL-2.1-or-later
# A kernel that enforces signatures refuses the module; memmapd says exactly that, and
# takes the memory in with the kernel's own driver.
# vm: ram=2G hmem=4G
# cmdline: module.sig_enforce=1
# expect-kernel: Loading of unsigned module is rejected
. /test/guest.sh

load_hmem
refute "the module is loaded" /usr/libexec/memmapd/memmapd-load-module 2>/run/message
cat /run/message
check "the signature is why" grep -F \
	"the kernel refuses the signature of memmapd_kmem (Key was rejected by service)" /run/message
policy '"memmap": "auto"'
run_memmapd /run/policy.json
wait_device dax0.0 online 60
memmapctl status
memmapctl explain dax0.0
check "status says why" eval 'memmapctl status | grep -F "refuses the signature"'
refute "the doctor sees nothing wrong" memmapctl doctor
check "he knows the remedy" eval 'memmapctl doctor | grep -F "SECURE BOOT"'
check "explain says why" eval 'memmapctl explain dax0.0 | grep -F "refuses the signature"'
kernel 6.1 && backend=plain || backend=native
eq "the backend" "$(dev /backend)" $backend
eq "blocks online" "$(blocks_online 1)" 32
