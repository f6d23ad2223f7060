# SPDX-License-Identifier: LGPL-2.1-or-later
# Processes plug, unplug, look, bind, unbind, load, unload, and bring memory blocks
# online and offline, all at once and at random, for a minute and more.  Nothing breaks, and
# all can be put back as it was.  70-all-at-once does so shortly on every kernel.
# vm: ram=2G hmem=1G+512M,512M mom=1
# timeout: 900
# group: debug
# file: debug/words.sh /test/words.sh
# file: debug/chaos.sh /test/chaos.sh
. /test/guest.sh
. /test/chaos.sh

all_at_once 90
