# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot says of the machine what the machine says of itself, and memmapd does
# what was planned on it.  The snapshot goes to the log: tests/snapshots/update
# --record takes it from there.
# variant: vm ram=1G hmem=64G
# variant: taken ram=1G hmem=4G
# variant: nvdimm ram=2G nvdimm=16G,8G
# variant: server ram=64G sockets=2 cpus=4 hmem=256G,256G cost=4G
# timeout: 300
. /test/guest.sh

case $VARIANT in
nvdimm)
	load_nvdimm
	make_devdax 0
	make_devdax 1
	devices=2
	;;
server) load_hmem dax1.0; devices=2 ;;
*) load_hmem; devices=1 ;;
esac
check "module" modprobe memmapd_kmem
policy '"ram_reserve": "10%"'

# plan OPTION...
plan() { memmapctl plan --policy /run/policy.json "$@"; }

# blocks_of: of a plan, a line for each block: "placement zone".
blocks_of() {
	awk '/^  blocks? [0-9]/ {
		split($2, range, /[-:]/)
		to = $1 == "block" ? range[1] : range[2]
		for (i = range[1]; i <= to; i++)
			print substr($0, index($0, ":") + 2)
	}'
}

# truly: the same of what there is.
truly() {
	for _block in $(blocks "$1"); do zone_of "$_block"; done >/run/zones
	map | sed 's/./&\n/g' | sed -n 's/^r$/memmap in RAM/p; s/^d$/memmap on the block/p
		s/^s$/memmap in a seed/p' >/run/maps
	sed 's/Movable/movable/; s/Normal/kernel/' /run/zones | paste -d, - /run/maps |
		sed 's/,/, /'
}

# record: to the log, in letters.
record() {
	check "snapshot" memmapctl snapshot /run/snapshot
	refute "it says what it missed" grep -q '"path"' /run/snapshot/snapshot.json
	echo "snapshot: begin"
	tar -C /run/snapshot -cz . | base64
	echo "snapshot: end"
}

if [ "$VARIANT" = taken ]; then
	start_memmapd /run/policy.json
	wait_device dax0.0 online 60
fi
record
plan >/run/live
plan --snapshot /run/snapshot >/run/copy
cat /run/copy
eq "devices" "$(grep -c '^dax' /run/copy)" $devices
blocks_of </run/live >/run/live.blocks
blocks_of </run/copy >/run/copy.blocks
check "the copy is as the machine" cmp /run/live.blocks /run/copy.blocks

case $VARIANT in
vm)
	start_memmapd /run/policy.json
	wait_device dax0.0 online 180
	sed 's/; seeds for others//' /run/copy.blocks >/run/planned
	truly 1 >/run/true
	eq "blocks planned" "$(wc -l </run/planned)" 512
	if kernel 6.1; then
		check "memmapd did as planned" cmp /run/planned /run/true
	else
		# These put more of their own into the seeds, which memmapd notices.
		between "in RAM, one planned" "$(grep -c RAM /run/true)" 1 5
		between "in the kernel zone" "$(grep -c kernel /run/true)" \
			"$(grep -c kernel /run/planned)" $(($(grep -c kernel /run/planned) + 2))
	fi
	;;
taken)
	check "nothing left to do" grep -q '^dax0.0: online' /run/copy
	plan --snapshot /run/snapshot --fresh >/run/fresh
	cat /run/fresh
	check "was to be done" grep -q '^dax0.0: planned' /run/fresh
	;;
nvdimm) eq "left alone" "$(grep -c '^dax.*: ignored' /run/copy)" 2 ;;
server) eq "planned" "$(grep -c '^dax.*: planned' /run/copy)" 2 ;;
esac
