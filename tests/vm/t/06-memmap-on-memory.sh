# SPDX-License-Identifier: LGPL-2.1-or-later
# The helper that finds a block's own memmap, tried on blocks that surely have
# one, or surely not: DIMMs of one block, added by the kernel itself.
# variant: on ram=1G hotplug=yes mom=1
# variant: off ram=1G hotplug=yes
# payload: none
. /test/guest.sh

# The default of newer kernels would bring it online, as kernel memory.
echo offline >$sysmem/auto_online_blocks
check "memory for a DIMM" hmp object_add memory-backend-ram,id=mem-dimm,size=128M
check "the DIMM" hmp device_add pc-dimm,id=dimm,memdev=mem-dimm,node=1
wait_for 10 [ -e $sysnode/node1/meminfo ] || die "no node 1"
wait_for 5 eval '[ "$(blocks 1)" ]' || die "no block"
block=$(blocks 1)
check "online" online 1 online_movable
echo "kpageflags: $(kpageflags "$block")"
if [ "$VARIANT" = on ]; then
	check "the memmap lies on the block" self_hosted "$block"
	eq "MemTotal" "$(memtotal 1)" $((126 * MiB))
else
	refute "the memmap lies in RAM" self_hosted "$block"
	eq "MemTotal" "$(memtotal 1)" $((128 * MiB))
fi
check "error injection" modprobe memory-notifier-error-inject
check "offline" offline 1
echo -12 >/sys/kernel/debug/notifier-error-inject/memory/actions/MEM_GOING_ONLINE/error
refute "an injected error" online 1
