#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As many peers as a fabric with guests is for, 256: the switch, two guests and 253
# programs on the host, with 16 vectors each.  Each guest speaks with all of them.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock
host=253

boot 2 --size 256M --clients 255 --vectors 16
load; ok 'the driver loads in two guests'
start crowd "$bin/famez-crowd" "$socket" $host
saw crowd '^attached ' >/dev/null; ok "$host programs join"
for node in node01 node02; do
	until [ "$(on $node cat /sys/class/famez/famez_bridge/peers_up)" -eq 255 ]; do :; done
done
ok 'each guest hears of all'
[ "$(on node01 famezctl peers | grep -c ' host *up ')" -eq $host ]; ok 'famezctl lists them'
for node in node01 node02; do
	on $node 'for id in $(famezctl peers | sed -n "s/^ *\([0-9]*\) .* host .*/\1/p"); do
	famezctl ping $id --count 1 --timeout 60000 && famezctl send $id hello || exit
done' >"$tmp/$node.out" && [ "$(grep -c 'answer to 1' "$tmp/$node.out")" -eq $host ]
	ok "$node: each answers, and takes a message"
done
on node01 famezctl ping node02 --count 1 >/dev/null; ok 'the guests speak with each other'
free=$(grep -c ' free$' "$FAMEZ_VM_DIR/switch.log")
quit crowd && switch_says ' free$' $((free + host)); ok 'all go'
on node01 famezctl ping node02 --count 1 >/dev/null; ok 'and the guests go on'
healthy all; ok 'no kernel has complained'
plan_complete
