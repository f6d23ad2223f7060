# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's default, without the boot parameter: the memmap neither fits into RAM
# nor can be on its own block.  Seeds take it: all memory online, and only the
# memmap of the very first block is in RAM.  On newer kernels a seed holds fewer, as
# they keep more of its zone free (58 instead of 62 in 6.12); where it is full before
# its time, one more memmap lands in RAM before that is seen.
# variant: auto ram=700M hmem=62G
# variant: altmap-seeds ram=700M hmem=62G mom=1
# timeout: 240
. /test/guest.sh

case $VARIANT in
auto) policy '' ;;
altmap-seeds) policy '"memmap": "seed"' ;;
esac
load_hmem
modprobe memmapd_kmem
before=$(memfree_ram)
start_memmapd /run/policy.json
wait_device dax0.0 online 180
memmapctl status
memmapctl explain dax0.0
case $VARIANT in
auto)
	r=$(count r)
	between "memmaps in RAM" "$r" 1 $(kernel 6.1 && echo 1 || echo 4)
	eq "memmaps in seeds" "$(count s)" $((496 - r))
	;;
altmap-seeds)
	eq "memmaps in RAM" "$(count r)" 0
	eq "seeds carry their own memmap" "$(count d)" "$(dev /blocks/kernel)"
	;;
esac
eq "online" "$(blocks_online 1)" 496
between "seeds" "$(dev /blocks/kernel)" 8 10
used=$(((before - $(memfree_ram)) / MiB))
[ "$used" -lt 48 ] || die "$used MiB of RAM used"
echo "ok: $used MiB of RAM used"
# A seed holds what others need: it must not go before them.
refute "the first seed goes" sh -c 'echo 0 >/sys/bus/dax/devices/dax0.0/memmapd/unplug'
eq "still online" "$(blocks_online 1)" 496
