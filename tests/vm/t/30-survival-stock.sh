# SPDX-License-Identifier: LGPL-2.1-or-later
# Contrast to 30-survival: the same machines with the stock driver.  Some take all of
# the memory, the others are lost, or live on with nothing gained and no memory left.
# matrix: ram=768M/1G/2G hmem=16G/64G/256G
# group: survival
# timeout: 300
# payload: none
# allow-kernel: .
# may-die: stock kmem
. /test/guest.sh

load_hmem
begun=$(now)
bind_kmem dax0.0
online 1
taken=$((($(now) - begun) / 1000))
read -r size </sys/bus/dax/devices/dax0.0/size
online=$(blocks_online 1)
left=$(($(available) / MiB))
if [ "$online" = $((size / (128 * MiB))) ]; then
	note "all online, $taken s"
else
	eq "online" "$online" 0
	note "none online, $left MiB left"
fi
