# SPDX-License-Identifier: LGPL-2.1-or-later
# What the second machine of "./dev demo" does, for somebody who looks on.  Lines
# with "#" are what it is about, "$" what is typed, "|" what the journal says.
# vm: ram=768M hotplug=yes
# image: systemd
# timeout: 400
. /test/guest.sh

tell() { echo; echo "# $*"; }
show() {
	echo "\$ $*"
	"$@" || die "$*"
}
row() { memmapctl status dax0.0 2>/dev/null | grep '^dax0.0 '; }

tell "A machine with 768 MiB of RAM, just booted."
show free -m
before=$(memfree_ram)

tell "memmapd leaves persistent memory alone unless a rule names it.  Ours does:"
mkdir -p /etc/memmapd
cat >/etc/memmapd/policy.json <<'END'
{
  "version": 1,
  "rules": [ { "name": "DIMMs", "match": { "backing": "pmem" } } ]
}
END
show cat /etc/memmapd/policy.json
show memmapctl check /etc/memmapd/policy.json
journalctl -f -n all --since now -o cat -t memmapd | sed -u 's/^/| /' &
show systemctl -q enable --now memmapd

tell "A DIMM of 64 GiB is put in now.  Its memmap is 1 GiB: more than all free RAM."
modprobe -a nfit nd_pmem dax_pmem
hmp object_add memory-backend-ram,id=dimm,size=64G,reserve=off || die "no memory for the DIMM"
hmp device_add nvdimm,id=dimm0,memdev=dimm,node=1 || die "the DIMM was not put in"
wait_for 10 [ -e /sys/bus/nd/devices/namespace0.0 ] || die "no namespace0.0"
echo "\$ ndctl create-namespace -f -e namespace0.0 -m devdax --map=mem"
ndctl create-namespace -f -e namespace0.0 -m devdax --map=mem >/dev/null || die "no dax device"
begun=$(now)

until [ "$(dev /state)" = online ]; do
	[ $(($(now) - begun)) -lt 200000 ] || die "not online: $(dev /message)"
	[ -z "$(row)" ] || row
	sleep 2
done
taken=$((($(now) - begun) / 1000))
wait_for 10 eval 'journalctl -o cat -t memmapd | grep -q "in seeds. Node"'

tell "What became of it, and why:"
show memmapctl status
show memmapctl explain dax0.0

tell "The machine lives, and has 64 GiB more:"
show free -m
used=$(((before - $(memfree_ram)) / MiB))
gained=$(($(memtotal 1) / MiB))

tell "It serves: a file that RAM could not hold."
mkdir /run/large
show mount -t tmpfs -o size=2G large /run/large
show dd if=/dev/zero of=/run/large/file bs=1M count=1200 status=none
show ls -sh /run/large/file
note "all $gained MiB online after $taken s, for $used MiB of RAM"
