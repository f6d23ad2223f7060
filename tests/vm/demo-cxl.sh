# SPDX-License-Identifier: LGPL-2.1-or-later
# What the machine of "./dev demo --cxl" does, for somebody who looks on.  Lines with "#"
# are what it is about, "$" what is typed, "|" what the journal says.
# vm: ram=1G cxl=0
# image: systemd
# tools: cxl
# kernel: 6.12 7: CXL memory comes as a dax device since 6.3
# timeout: 900
. /test/guest.sh

cxl=/sys/bus/cxl/devices
tell() { echo; echo "# $*"; }
show() {
	echo "\$ $*"
	"$@" || die "$*"
}
# pages_on NODE: pages that the sitter has there.
pages_on() { grep -o " N$1=[0-9]*" "/proc/$sitter/numa_maps" | cut -d= -f2 | awk '{ n += $1 } END { print n + 0 }'; }
# where: what was asked for is one mapping, of 6144 pages.
where() { show grep anon=6144 "/proc/$sitter/numa_maps"; }

tell "A machine with 1 GiB of RAM, and a CXL slot with nothing in it."
modprobe -a cxl_acpi cxl_pci cxl_mem dax_cxl || die "no CXL modules"
udevadm settle
show free -m
show ls $cxl
refute "an expander" [ -e $cxl/mem0 ] >/dev/null

tell "memmapd makes no regions of expanders unless the policy says so.  Ours does:"
mkdir -p /etc/memmapd
cat >/etc/memmapd/policy.json <<'END'
{
  "version": 1,
  "defaults": { "create_region": true, "use": { "removable": true } }
}
END
show cat /etc/memmapd/policy.json
show memmapctl check /etc/memmapd/policy.json
journalctl -f -n all --since now -o cat -t memmapd | sed -u 's/^/| /' &
show systemctl -q enable --now memmapd

tell "A card with 512 MiB is put in now."
hmp object_add memory-backend-ram,id=mem-card,size=512M,share=on || die "no memory for the card"
hmp device_add cxl-type3,id=card,bus=port0,volatile-memdev=mem-card,sn=4711 || die "the card was not put in"
begun=$(now)
wait_device dax0.0 online 200 >/dev/null
taken=$(($(now) - begun))
wait_for 10 eval 'journalctl -o cat -t memmapd | grep -q "Node 1 gained"'
sleep 1

tell "It was found, made a region, and its memory taken in:"
show cxl list -M -R
show memmapctl status
show free -m
eq "MiB of node 1" "$(($(memtotal 1) / MiB > 400))" 1 >/dev/null

tell "A program takes 24 MiB of it, and looks again and again whether all is still there."
sitter 1 24 >/run/sitter &
sitter=$!
wait_for 120 grep -q ready /run/sitter || die "no sitter"
where
between "pages on the card" "$(pages_on 1)" 6000 6200 >/dev/null

tell "The card has to go.  What is on it moves into RAM, and the program goes on."
echo "\$ memmapctl remove mem0"
memmapctl remove mem0 >/run/removed 2>&1 || die "$(cat /run/removed)"
sleep 1
cat /run/removed
where
eq "pages on the card" "$(pages_on 1)" 0 >/dev/null
check "the program lives" kill -0 "$sitter" >/dev/null
show cxl list -M -i
refute "a region" [ -e $cxl/region0 ] >/dev/null

tell "Now the card is pulled.  Nobody misses it."
hmp device_del card || die "the card does not go"
wait_for 90 eval "! hmp qom-list /machine/peripheral | grep -qw card" || die "the card is still there"
wait_for 10 [ ! -e $cxl/mem0 ] || die "mem0 is still there"
show ls $cxl
kill "$sitter"
wait "$sitter" || die "the program found something else in its memory"
show free -m
note "card in to memory online: $((taken / 1000)).$((taken % 1000 / 100)) s; drained and pulled, no page lost"
