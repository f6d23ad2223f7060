# SPDX-License-Identifier: LGPL-2.1-or-later
# How long it takes to bring a device online, by the order of its blocks.
# variant: fast ram=1G hmem=128G mom=1
# variant: descending ram=1G hmem=128G mom=1
# variant: ascending ram=1G hmem=128G mom=1
# group: order
# timeout: 300
. /test/guest.sh

load_hmem
policy "\"memmap\": \"device\", \"order\": \"$VARIANT\""
begun=$(now)
start_memmapd /run/policy.json
wait_device dax0.0 online 250
taken=$(($(now) - begun))
eq "online" "$(blocks_online 1)" 1024
note "$((taken / 1000)).$((taken % 1000 / 100)) s for 1024 blocks"
