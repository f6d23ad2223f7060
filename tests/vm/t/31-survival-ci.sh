# SPDX-License-Identifier: LGPL-2.1-or-later
# Those of the machines of 30-survival that tell the most: the smallest with seeds,
# with its memmap on the device, and one with four times as much to place.
# variant: seed ram=768M hmem=64G
# variant: device ram=768M hmem=64G mom=1
# variant: huge ram=1G hmem=256G
# timeout: 400
# file: t/30-survival.sh /test/survival.sh
. /test/survival.sh
