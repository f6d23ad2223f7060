# SPDX-License-Identifier: LGPL-2.1-or-later
# The systemd image: all of Debian's services come up.
# vm: ram=2G hmem=1G
# image: systemd
# timeout: 240
# payload: none
. /test/guest.sh

check "multi-user" systemctl is-active multi-user.target
eq "nothing has failed" "$(systemctl list-units --failed --no-legend --plain)" ""
check "the journal has the boot" \
	eval 'journalctl -b --no-pager -o cat | grep "Reached target.*[Mm]ulti-[Uu]ser"'
check "the bus answers" busctl --system call org.freedesktop.DBus / org.freedesktop.DBus GetId
check "polkit answers" busctl --system get-property org.freedesktop.PolicyKit1 \
	/org/freedesktop/PolicyKit1/Authority org.freedesktop.PolicyKit1.Authority BackendName
eq "memory blocks are of 128 MiB" "$(block_size)" $((128 * MiB))
load_hmem
echo "booted in $(now) ms"
