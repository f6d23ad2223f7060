# SPDX-License-Identifier: LGPL-2.1-or-later
# What README shows: a device whose memmap does not fit into RAM is taken in by the default
# policy.  What memmapctl says of it goes to the log; "draw" takes it from there.
# vm: ram=768M hmem=32G
# timeout: 300
. /test/guest.sh

# show NAME CMD...: what a command prints, for docs/pictures/NAME.  The log has no control
# characters.
show() {
	_name=$1
	shift
	echo "@PICTURE $_name $*"
	"$@" >/run/shown || die "$*"
	sed "s/$(printf '\033')/@ESC/g" /run/shown
	echo "@END"
}

load_hmem
start_memmapd /usr/share/memmapd/policy.json
wait_device dax0.0 online 120
eq "online" "$(blocks_online 1)" 256
show map.svg memmapctl --color always map dax0.0
memmapctl explain dax0.0
show timeline.svg memmapctl plot dax0.0
