#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Channels on first use: a fabric for 63 clients in 8 MiB, with room for few of their
# pairs.  Guests get what they want while there is some, are told when there is none,
# and let go of what they had with the dead.  Each is offered more vectors than an x86
# guest with one CPU has, and arms those that it gets.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock
# 16 for each client, 2 of which are those with the switch; in pairs
pairs=$((63 * 14 / 2))

# crowd COUNT [talk]: peers on the host
crowd() {
	start crowd "$bin/famez-crowd" "$socket" "$@"
	saw crowd "^${2:-attach}ed " >/dev/null
}

# disperse: they are gone, and their ids free
disperse() {
	local free

	free=$(grep -c ' free$' "$FAMEZ_VM_DIR/switch.log")
	quit crowd && switch_says ' free$' $((free + $1))
}

boot 3 --size 8M --clients 63 --vectors 210
load; ok 'the driver loads in three guests'
armed=$(on node01 cat /sys/class/famez/famez_bridge/vectors_armed)
[ "$armed" -gt 100 ] && [ "$armed" -le 210 ]; ok "with $armed of 210 vectors"
[ "$(on node01 cat /sys/class/famez/famez_bridge/message_max)" = 1000 ]
ok 'the longest message is that of the short rings'
on node01 famezctl ping server --count 1 >/dev/null; ok 'the switch is there'
on node01 famezctl ping node02 --count 1 >/dev/null; ok 'another guest on first use'
background node02 "famez-flood -t 1 -f 1 -m 1000 -n $FLOOD_MESSAGES; echo done"
on node01 famez-flood -t 2 -f 2 -m 1000 -n "$FLOOD_MESSAGES" >/dev/null && says node02 ^done
ok "$FLOOD_MESSAGES messages each way"

crowd 20
on node01 "for id in \$(seq 4 23); do famezctl ping \$id --count 1 --timeout 60000 || exit; done" >/dev/null
ok 'a guest speaks with 20 on the host, one after the other'
disperse 20; ok 'they go'

# all that the guests do not need: 20 of them were let go of
crowd 32 talk && grep -qx "talked $((pairs - 1))" "$tmp/crowd.out"
ok "32 others get all $((pairs - 1)) that are left"
switch_says 'no channel is left for peers'; ok 'the switch tells'
! on node03 famezctl send node01 hello 2>"$tmp/err" && grep -q 'no channel' "$tmp/err"
ok 'a third guest gets none, and is told'
! on node03 famezctl send --nonblock node01 hello 2>"$tmp/err"
on node03 famezctl ping server --count 1 >/dev/null; ok 'it reaches the switch'
[ "$(on node03 cat /sys/class/famez/famez_bridge/peers/1/tx_no_channel)" -gt 0 ]; ok 'which is counted'
on node01 famezctl ping node02 --count 1 >/dev/null; ok 'who has one keeps it'
disperse 32
on node03 famezctl send node01 hello && on node01 famezctl recv | grep -q hello
ok 'when the others are gone, it gets one'

on all rmmod famez_bridge && load; ok 'the driver unloads, and loads'
on node02 famezctl ping node01 --count 1 >/dev/null; ok 'and speaks as before'

read -r switch _ <"$FAMEZ_VM_DIR/switch.pid"
kill "$switch"; while kill -0 "$switch" 2>/dev/null; do :; done
! on node03 famezctl send node02 hello 2>"$tmp/err" && grep -q 'no channel' "$tmp/err"
ok 'without a switch nobody gets a new one'
on node01 famezctl ping node02 --count 1 >/dev/null; ok 'and who has one keeps it'
healthy all; ok 'no kernel has complained'
plan_complete
