# SPDX-License-Identifier: LGPL-2.1-or-later
# How long a device takes to come in and to go out, with memmapd and without: all
# contenders in turn on the same device, several times over.  Each line "@BENCH" is
# the JSON of one way, in or out; report.py reads them.
#
# "In" begins before the device appears and "last" is the last block online; "out" ends
# when the last block is gone.  All want the movable zone, as who takes memory out must.
# variant: 128 ram=4G hmem=16G mom=1
# variant: 384 ram=4G hmem=48G mom=1
# variant: 1024 ram=4G hmem=128G mom=1
# variant: 2g ram=64G hmem=128G mom=1 cost=6G
# timeout: 3600
# file: ../bench/guest/contenders.sh /test/contenders.sh
. /test/guest.sh

rounds=3
dax=/sys/bus/dax

disappear() { echo hmem.0 >/sys/bus/platform/drivers/hmem/unbind; }

# measured CONTENDER WAY PID CMD...: one line of the result.
measured() {
	_contender=$1 _way=$2 _pid=$3
	shift 3
	[ "$_way" = in ] && _event=online || _event=remove
	_ram=$(memfree_ram)
	_line=$(timeline $_event "$count" "$_pid" "$@") || die "$_contender, $_way"
	_ram=$((_ram - $(memfree_ram)))
	echo "@BENCH {\"variant\": \"$VARIANT\", \"round\": $round, \"contender\": \"$_contender\"," \
		"\"way\": \"$_way\", \"ram\": $_ram, $_line}"
}

# all_online, none_left: what was measured has come true.
all_online() { [ "$(blocks_online 1)" = "$count" ] || die "$1: $(blocks_online 1) blocks online"; }
none_left() { [ -z "$(blocks 1)" ] || die "$1: blocks left"; }

# ---------------------------------------------------------------- rounds

# once CONTENDER [PID]: in, and out again, by the functions of its name.
once() {
	_who=${1%%-*}
	measured "$1" in "${2:-0}" sh /test/contenders.sh "${_who}_in"
	all_online "$1"
	measured "$1" out "${2:-0}" sh /test/contenders.sh "${_who}_out"
	none_left "$1"
}

# stock CONTENDER: by kmem, which binds by itself for all but daxctl.
stock() {
	modprobe -a kmem device_dax || die "no kmem"
	[ "$1" = daxctl ]
	echo $? >$dax/drivers_autoprobe
	[ "$1" = auto ] && auto=online_movable || auto=offline
	echo $auto >$sysmem/auto_online_blocks
	once "$1"
	echo 0 >$dax/drivers_autoprobe
	disappear
	# device_dax would go on knowing the device that daxctl gave it.
	modprobe -r kmem device_dax
}

bare() {
	modprobe memmapd_kmem || die "no memmapd_kmem"
	once bare
	disappear
}

# ours NAME DEFAULTS: memmapd with this policy.
ours() {
	policy "$2"
	rm -rf /var/lib/memmapd /run/memmapd
	run_memmapd /run/policy.json
	once "$1" "$memmapd_pid"
	kill "$memmapd_pid"
	wait "$memmapd_pid"
	disappear
}

# half: leaves RAM for the memmaps of half the device, for a mixed placement.
half() {
	echo $(($(available) - count * block_size / 64 / 2))
}

contenders() {
	stock auto
	stock loop
	stock daxctl
	bare
	modprobe memmapd_kmem
	ours memmapd-ram '"memmap": "ram"'
	ours memmapd-device '"memmap": "device"'
	ours memmapd-seed '"memmap": "seed"'
	ours memmapd-mixed "\"memmap\": \"mixed\", \"ram_reserve\": $(half)"
	modprobe -r memmapd_kmem
	modprobe kmem
	ours memmapd-native '"memmap": "ram", "backend": "native"'
	modprobe -r kmem
}

load_hmem
read -r size </sys/bus/dax/devices/dax0.0/size
read -r start <$dax/devices/dax0.0/resource
block_size=$(block_size)
export count=$((size / block_size)) first=$((start / block_size))
disappear
round=1
while [ $round -le $rounds ]; do
	contenders
	round=$((round + 1))
done
