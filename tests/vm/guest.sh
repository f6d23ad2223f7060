# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Sourced by every test, inside the machine: ". /test/guest.sh".  The shell
# is dash, the tools are busybox's or, in the systemd image, Debian's.  TEST and VARIANT hold the names of both.

set -u

sysmem=/sys/devices/system/memory
sysnode=/sys/devices/system/node
GiB=$((1024 * 1024 * 1024))
MiB=$((1024 * 1024))

# ---------------------------------------------------------------- verdicts

# die MSG: the test has failed.
die() {
	echo "die: $*"
	[ -s /test/why ] || echo "$*" >/test/why
	exit 1
}

# check DESC CMD...: CMD succeeds.
check() {
	local _desc=$1
	shift
	"$@" || die "$_desc: status $?: $*"
	echo "ok: $_desc"
}

# refute DESC CMD...: CMD fails.
refute() {
	local _desc=$1
	shift
	! "$@" || die "$_desc: succeeded: $*"
	echo "ok: not: $_desc"
}

# eq DESC ACTUAL EXPECTED
eq() {
	[ "$2" = "$3" ] || die "$1: is '$2', should be '$3'"
	echo "ok: $1: $2"
}

# between DESC NUMBER LOW HIGH
between() {
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || die "$1: is $2, should be $3 to $4"
	echo "ok: $1: $2"
}

# note TEXT: the runner shows it beside the test's verdict.
note() { echo "@NOTE $*"; }

# ---------------------------------------------------------------- time

# Times to wait are those of an idle host, with room; a busy one gets so many times
# as much.
patience=3

# now: milliseconds since boot.
now() {
	read -r _up _ </proc/uptime
	_ms=${_up#*.}0
	echo $((${_up%.*} * 1000 + ${_ms#0}))
}

# wait_for SECONDS CMD...: until CMD succeeds; fails if it does not in time.
wait_for() {
	local _until=$(($(now) + $1 * 1000 * patience))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt "$_until" ] || return 1
		sleep 0.1
	done
}

# timed DESC CMD...: runs CMD, prints how long it took.
timed() {
	local _desc=$1
	shift
	local _t0=$(now) _status
	"$@"
	_status=$?
	echo "time: $_desc: $(($(now) - _t0)) ms"
	return $_status
}

# kernel SERIES: true if it is of that one (6.1, 6.12, 7).
kernel() {
	case $(uname -r) in
	"$1".*) return 0 ;;
	esac
	return 1
}

# first_seed_stays: true where the threads that a node gets with its first block
# (kswapd, kcompactd) are put on the node itself, and so pin that block if it is in
# the kernel zone.
first_seed_stays() { ! kernel 6.1 && ! kernel 6.12; }

# ---------------------------------------------------------------- the runner

# hmp COMMAND...: a command for QEMU's monitor.  Prints what that said; success
# is to have said nothing.
hmp() {
	echo "@HMP $*" >/dev/ttyS1
	read -r _answer </dev/ttyS1
	_answer=${_answer#@HMP}
	[ -z "${_answer# }" ] && return 0
	echo "${_answer# }"
	return 1
}

# ---------------------------------------------------------------- memory

# _meminfo NODE KEY: bytes; 0 of a node without memory.
_meminfo() {
	[ -e "$sysnode/node$1/meminfo" ] || { echo 0; return; }
	awk -v key="$2:" '$3 == key { printf "%.0f\n", $4 * 1024 }' "$sysnode/node$1/meminfo"
}
memtotal() { _meminfo "$1" MemTotal; }
memfree() { _meminfo "$1" MemFree; }

# available: bytes the machine says it has left.
available() { awk '$1 == "MemAvailable:" { printf "%.0f\n", $2 * 1024 }' /proc/meminfo; }

block_size() {
	read -r _hex <$sysmem/block_size_bytes
	echo $((0x$_hex))
}

# blocks NODE: numbers of the node's memory blocks, ascending.
blocks() {
	for _path in "$sysnode/node$1"/memory[0-9]*; do
		[ -e "$_path" ] && echo "${_path##*/memory}"
	done | sort -n
}

# blocks_online NODE: how many are online.
blocks_online() {
	cat "$sysnode/node$1"/memory[0-9]*/state 2>/dev/null | grep -c '^online'
}

# zone_of BLOCK: Normal, Movable, ... or "offline".
zone_of() {
	read -r _state <"$sysmem/memory$1/state"
	[ "$_state" = online ] || { echo "$_state"; return; }
	read -r _zone _ <"$sysmem/memory$1/valid_zones"
	echo "$_zone"
}

# online NODE [HOW]: brings all blocks of a node online (HOW: online,
# online_movable, online_kernel); fails at the first that does not.
online() {
	for _block in $(blocks "$1"); do
		read -r _state <"$sysmem/memory$_block/state"
		[ "$_state" = online ] ||
			echo "${2:-online_movable}" >"$sysmem/memory$_block/state" || return 1
	done
}

# offline NODE
offline() {
	for _block in $(blocks "$1"); do
		read -r _state <"$sysmem/memory$_block/state"
		[ "$_state" = offline ] ||
			echo offline >"$sysmem/memory$_block/state" || return 1
	done
}

# self_hosted BLOCK: true if the memmap of an online block lies on itself.
self_hosted() { [ "$(kpageflags "$1")" = 512 ]; }

# snapshot FILE: the physical address map and the memory blocks.
snapshot() {
	cat /proc/iomem >"$1"
	for _path in "$sysmem"/memory[0-9]*; do
		read -r _state <"$_path/state"
		read -r _zone _ <"$_path/valid_zones"
		[ "$_state" = online ] || _zone=
		echo "${_path##*/} $_state $_zone"
	done >>"$1"
}

# same DESC FILE: nothing has changed since "snapshot FILE".
same() {
	snapshot "$2.now"
	diff "$2" "$2.now" || die "$1: iomem or memory blocks differ"
	echo "ok: $1"
}

# usable NODE BLOCK...: the memory of a node can be written and read, and it is in
# exactly these blocks: all but a little of it is used, so that each has its share.
usable() {
	_node=$1
	shift
	eq "node $_node holds data in" "$(fill "$_node" $(($(memfree "$_node") / MiB - 64)))" "$*"
}

# inject ACTION ERROR: from now on, the kernel refuses this to every memory block with
# that error (negative; 0 ends it).
inject() {
	modprobe memory-notifier-error-inject || die "no error injection"
	echo "$2" >"/sys/kernel/debug/notifier-error-inject/memory/actions/$1/error" ||
		die "$1 $2 not injected"
}

# ---------------------------------------------------------------- dax devices

# no_autoprobe: dax devices stay without a driver until one is asked for.
no_autoprobe() {
	check "autoprobe off" eval 'echo 0 >/sys/bus/dax/drivers_autoprobe'
}

# load_hmem [DEVICE]: the soft-reserved memory appears as dax0.0, ...
load_hmem() {
	no_autoprobe
	check "dax_hmem loaded" modprobe dax_hmem
	wait_for 10 [ -e "/sys/bus/dax/devices/${1:-dax0.0}" ] || die "no ${1:-dax0.0}"
	udevadm settle
}

# load_nvdimm: the modules NVDIMMs need, once.
load_nvdimm() {
	no_autoprobe
	check "NVDIMM modules" modprobe -a nfit nd_pmem dax_pmem
	udevadm settle
}

# make_devdax N: turns namespaceN.0 into a dax device.
make_devdax() {
	wait_for 10 [ -e "/sys/bus/nd/devices/namespace$1.0" ] || die "no namespace$1.0"
	check "devdax namespace $1" ndctl create-namespace -f -e "namespace$1.0" -m devdax --map=mem
	udevadm settle
}

# plug_nvdimm ID SIZE NODE [OPTION]: inserts one while the machine runs ("hotplug=yes").
plug_nvdimm() {
	check "memory for $1" hmp "object_add memory-backend-ram,id=mem-$1,size=$2,reserve=off"
	check "NVDIMM $1" hmp "device_add nvdimm,id=$1,memdev=mem-$1,node=$3${4:+,$4}"
}

# load_cxl MEMDEV...: these expanders can be used ("cxl=", "# tools: cxl"); mem0 is the
# first.
load_cxl() {
	no_autoprobe
	check "CXL modules" modprobe -a cxl_acpi cxl_pci cxl_mem dax_cxl
	for _memdev; do
		wait_for 30 [ -e "/sys/bus/cxl/devices/$_memdev/driver" ] || die "no $_memdev"
	done
	udevadm settle
}

# cxl_region N MEMDEV...: makes a region of these in window N, the first is 0.  Leaves
# its name in REGION and that of its dax device in DAX.
cxl_region() {
	_decoder=decoder0.$1
	shift
	REGION=$(cxl create-region -m -t ram -d "$_decoder" -w $# "$@" | jp /region) ||
		die "no region of $*"
	DAX=dax${REGION#region}.0
	wait_for 10 [ -e "/sys/bus/dax/devices/$DAX" ] || die "no $DAX"
	udevadm settle
	echo "ok: $REGION of $* is $DAX"
}

# plug_cxl ID SIZE PORT: inserts an expander of that size into root port PORT, the
# first is 0.
plug_cxl() {
	check "memory for $1" hmp "object_add memory-backend-ram,id=mem-$1,size=$2,share=on"
	check "expander $1" hmp \
		"device_add cxl-type3,id=$1,bus=port$3,volatile-memdev=mem-$1,sn=$((100 + $3))"
}

# unplug_cxl ID: pulls it out again, as with the button beside the slot; cxl0 and so on
# are those that were there from the start.
unplug_cxl() {
	check "expander $1 is pulled" hmp "device_del $1"
	wait_for 90 eval "! hmp qom-list /machine/peripheral | grep -qw $1" ||
		die "expander $1 is still there"
}

# two_ranges: dax0.0 gets the first quarter and the second half of its region,
# dax0.1 what lies between.
two_ranges() {
	_dax=/sys/bus/dax/devices
	read -r _size <$_dax/dax0.0/size
	check "dax0.0 shrunk" eval "echo $((_size / 4)) >$_dax/dax0.0/size"
	check "dax0.1 made" eval "echo 1 >$_dax/dax0.0/../dax_region/create"
	wait_for 5 [ -e $_dax/dax0.1 ] || die "no dax0.1"
	check "dax0.1 sized" eval "echo $((_size / 4)) >$_dax/dax0.1/size"
	check "dax0.0 grown" eval "echo $((_size * 3 / 4)) >$_dax/dax0.0/size"
	udevadm settle
}

# bind_kmem DEVICE: stock kmem takes it; the status is that of the write.  Newer
# kernels know that hmem is for kmem, and on new_id would bind all there is of it.
bind_kmem() {
	modprobe kmem || return 1
	_how=new_id
	case $(readlink -f "/sys/bus/dax/devices/$1") in
	*/hmem.*) kernel 6.1 || _how=bind ;;
	esac
	echo "$1" >"/sys/bus/dax/drivers/kmem/$_how" || return 1
	[ -e "/sys/bus/dax/devices/$1/driver" ]
}

# ---------------------------------------------------------------- memmapd

# policy JSON: the text of a policy's "defaults" becomes /run/policy.json.  All is to
# be movable unless it says otherwise: most tests are not about zones.
policy() {
	case $1 in
	*'"zone"'*) set -- "$1" ;;
	*) set -- "\"zone\": \"movable\"${1:+, }$1" ;;
	esac
	printf '{ "version": 1, "defaults": { %s } }\n' "$1" >/run/policy.json
}

# start_memmapd POLICYFILE: with this policy, ready when it returns.
start_memmapd() {
	modprobe memmapd_kmem || die "no memmapd_kmem"
	run_memmapd "$1"
}

# run_memmapd POLICYFILE: the same, with what modules there are.
run_memmapd() {
	memmapd --policy "$1" &
	memmapd_pid=$!
	wait_for 10 memmapctl status || die "memmapd did not come up"
}

# dev POINTER [DEVICE]: a value of the device's description.
dev() { memmapctl explain --json "${2:-dax0.0}" | jp "$1"; }

# wait_device DEVICE STATE SECONDS
wait_device() {
	_until=$(($(now) + $3 * 1000 * patience))
	until [ "$(dev /state "$1" 2>/dev/null)" = "$2" ]; do
		if [ "$(now)" -gt "$_until" ]; then
			memmapctl explain "$1"
			die "$1 is $(dev /state "$1"), not $2, after $(($3 * patience)) s: $(dev /message "$1")"
		fi
		sleep 0.2
	done
	echo "ok: $1 is $2: $(dev /message "$1")"
}

# map [DEVICE]: the module's own.
map() { cat "/sys/bus/dax/devices/${1:-dax0.0}/memmapd/map"; }

# count LETTER [DEVICE]: how many blocks have it in the map.
count() { map "${2:-dax0.0}" | tr -cd "$1" | wc -c; }

# all_in_zone NODE ZONE: of its online blocks.
all_in_zone() {
	for _b in $(blocks "$1"); do
		[ "$(zone_of "$_b")" = "$2" ] || die "memory$_b is in $(zone_of "$_b"), not $2"
	done
	echo "ok: all blocks of node $1 in $2"
}

# memfree_ram: bytes free on node 0, what can be dropped dropped.  What lies in the
# lists of the CPUs is free as well, and not in MemFree.
memfree_ram() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "Node" { mine = $2 == "0," }
	     mine && $1 == "pages" && $2 == "free" { n += $3 }
	     mine && $1 == "count:" { n += $2 }
	     END { printf "%.0f\n", n * 4096 }' /proc/zoneinfo
}
