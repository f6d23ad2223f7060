# SPDX-License-Identifier: LGPL-2.1-or-later
# What an operator sees of a device in a whole system: the list, the map, the journal with
# its catalog, and the numbers that a timer writes for node_exporter.
# vm: ram=700M hmem=16G
# image: systemd
# timeout: 300
. /test/guest.sh

prom=/var/lib/prometheus/node-exporter/memmapd.prom
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# metric NAME [LABEL]: its value.
metric() { sed -n "s/^$1\({.*${2-}.*}\)\{0,1\} //p" $prom; }

udevadm settle
rm -f /etc/modprobe.d/vm.conf
# Seeds, so that there is more to see than one kind of block.
policy '"memmap": "seed"'
mkdir -p /etc/memmapd
cp /run/policy.json /etc/memmapd/
check "enabled" systemctl enable --now memmapd
check "dax_hmem loaded" modprobe dax_hmem
wait_device dax0.0 online 120

as_nobody memmapctl list --no-legend >/run/list || die "no list"
cat /run/list
eq "its line" "$(awk '{ print NF, $1, $2, $3, $4, $5, $6, $7 }' /run/list)" \
	"7 dax0.0 online 16G 16G 1 hmem hmem.0"

as_nobody memmapctl map dax0.0 >/run/map || die "no map"
cat /run/map
sed -n 's/^ *[0-9][0-9]* \([^ ]*\)$/\1/p' /run/map | tr -d '\n' | fold -w 1 >/run/cells
echo >>/run/cells
: >/run/truth
i=0
for block in $(blocks 1); do
	i=$((i + 1))
	case $(zone_of "$block") in
	Normal) echo '#' ;;
	Movable) map | cut -c $i ;;
	*) echo '?' ;;
	esac
done >/run/truth
eq "blocks" "$(wc -l </run/truth)" 128
check "the map is what the kernel says" cmp /run/truth /run/cells
between "seeds" "$(grep -c '#' /run/cells)" 2 6
memmapctl map --json >/run/map.json
eq "the first run" "$(jp /devices/0/runs/0/seed </run/map.json)" true
eq "from" "$(jp /devices/0/runs/0/from </run/map.json)" 0

check "catalog" journalctl --update-catalog
memmapctl show dax0.0 >/run/shown || die "no show"
cat /run/shown
check "sizes" grep -F "Online: 16384 of 16384 MiB, 128 of 128 blocks of 128 MiB" /run/shown
check "what it said" grep -F "All 128 blocks are online" /run/shown
memmapctl log -x -n1 dax0.0 >/run/lines || die "no log"
cat /run/lines
check "the catalog" grep -F "    Subject: dax0.0 is taken in" /run/lines
eq "as journalctl has it" "$(memmapctl log dax0.0 | wc -l)" \
	"$(journalctl --no-pager -q -o cat MEMMAPD_DEVICE=dax0.0 _UID=0 SYSLOG_IDENTIFIER=memmapd | wc -l)"
eq "of the last hour" "$(memmapctl log --since -1h dax0.0 | wc -l)" \
	"$(memmapctl log dax0.0 | wc -l)"
# Whoever sends a message in the name of memmapd is not root.
as_nobody logger -t memmapd "forged" || die "no logger"
wait_for 10 eval 'journalctl -q -o cat | grep -q "^forged"' || die "the journal lost it"
refute "forged messages are shown" eval 'memmapctl log | grep forged'
refute "nobody may read the journal" as_nobody memmapctl log

as_nobody memmapctl plot --json dax0.0 >/run/timeline || die "no timeline"
eq "blocks of the timeline" "$(jp /map </run/timeline | tr -d '\n' | wc -c)" 128
eq "its map" "$(jp /map </run/timeline)" "$(dev /map)"
eq "its states" "$(jp /states </run/timeline)" "$(dev /states)"
between "the first block came online after" "$(jp /online/0 </run/timeline)" \
	"$(jp /plugged/0 </run/timeline)" "$(jp /usec </run/timeline)"
eq "memory at first" "$(jp /samples/0/total </run/timeline)" 0
check "a drawing" memmapctl plot -o /run/plot.svg dax0.0
between "blocks in the drawing" "$(grep -c 'class="hosted"' /run/plot.svg)" 120 128

check "timer" systemctl start memmapd-metrics.timer
check "the service has nothing to do" systemctl start memmapd-metrics.service
refute "without node_exporter there is no file" [ -e $prom ]
mkdir -p ${prom%/*}
chown nobody ${prom%/*}
check "the service" systemctl start memmapd-metrics.service
cat $prom
eq "up" "$(metric memmapd_up)" 1
eq "size" "$(metric memmapd_device_size_bytes)" $((16 * GiB))
eq "online" "$(($(metric memmapd_device_online_bytes movable) + \
	$(metric memmapd_device_online_bytes kernel)))" $((16 * GiB))
eq "state" "$(metric memmapd_device_state 'state="online"')" 1
check "everybody may read it" as_nobody grep -q '^# EOF' $prom
eq "what is there" "$(ls ${prom%/*})" memmapd.prom
# The next minute, by the timer.
before=$(metric memmapd_collected_timestamp_seconds)
check "memmapd stopped" systemctl stop memmapd
wait_for 80 eval '[ "$(metric memmapd_up)" = 0 ]' || die "the timer does not write"
between "later by seconds" $(($(metric memmapd_collected_timestamp_seconds) - before)) 1 300
eq "what has failed" "$(systemctl list-units --failed --no-legend --plain)" ""
