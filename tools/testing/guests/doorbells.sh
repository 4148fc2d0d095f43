#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Doorbells ring only for sleepers: counted by /proc/interrupts.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

boot 2
load; ok "the driver loads in both guests"

# at_most N BEFORE AFTER TEXT
at_most() {
	[ $(($3 - $2)) -le "$1" ]
	ok "$4 ($(($3 - $2)) interrupts)"
}

# ---- the reader is held ----

background node02 'famezctl recv --count 101'
on node01 'echo 2:first >/dev/famez_bridge'
says node02 '^1:first$'
on node02 'kill -STOP $(pidof famezctl)'
before=$(interrupts node02)
on node01 'i=0; while [ $i -lt 100 ]; do echo 2:$i >/dev/famez_bridge || exit 1; i=$((i + 1)); done'
ok "100 messages to a reader that is stopped"
at_most 1 "$before" "$(interrupts node02)" "cost at most one interrupt"
on node02 'kill -CONT $(pidof famezctl)'
says node02 '^1:99$' && [ "$(on node02 'grep -c ^1: /tmp/bg')" -eq 101 ]
ok "it then reads them all"

# ---- the reader is awake ----

background node02 'famez-flood -b -f 1 -n 501 -m 16'
says node02 '^awake'
before=$(interrupts node02)
on node01 famez-flood -t 2 -n 501 -m 16
says node02 'from 1: 501 messages'; ok "501 messages to a reader that never sleeps"
# the first finds an idle channel, whose reader might as well have been asleep
at_most 1 "$before" "$(interrupts node02)" "cost one interrupt for the first, none after"

# ---- the sender sleeps on a full ring ----

on node01 'head -c 4096 /dev/zero >/tmp/long
full=0
while [ $full -lt 2 ]; do
	if famezctl send --nonblock 2 </tmp/long 2>/dev/null; then
		full=0
		echo sent
	else
		# what the ring had was drained when the ping came back
		famezctl ping 2 --count 1 >/dev/null
		full=$((full + 1))
	fi
done' >"$tmp/sent"
sent=$(wc -l <"$tmp/sent")
[ "$sent" -ge 12 ]; ok "a ring and a buffer fill up after $sent messages of 4096 bytes"
for seconds in 0 0.2; do
	! on node01 "famezctl send --timeout $seconds 2 </tmp/long" 2>"$tmp/err" &&
		grep -q "no room for a message within $seconds seconds" "$tmp/err"
	ok "send --timeout $seconds says that there was no room in time"
done
background node01 'famezctl send --timeout 3600 2 </tmp/long; echo done $?'
on node01 'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done'
ok "the next sender sleeps"
before=$(interrupts node01)
on node02 famezctl recv --raw --count $((sent + 1)) >"$tmp/all"
[ "$(wc -c <"$tmp/all")" -eq $((4096 * (sent + 1))) ]
ok "reading brings all of them"
says node01 '^done 0$'; ok "and wakes the sender"
at_most 1 "$before" "$(interrupts node01)" "at the cost of at most one interrupt"

# ---- two wait for each other, and nobody reads ----

for pair in 'node01 2' 'node02 1'; do
	set -- $pair
	fill "$1" "$2"
	background "$1" "famezctl send $2 </tmp/long; echo done \$?"
	on "$1" 'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done'
done
one=$(interrupts node01)
two=$(interrupts node02)
on all 'sleep 1'
at_most 0 "$one" "$(interrupts node01)" "two senders that wait for each other do not wake each other"
at_most 0 "$two" "$(interrupts node02)" "at either end"
on all 'until grep -q done /tmp/bg && ! famezctl recv --raw --nonblock >/dev/null; do
	famezctl recv --raw --nonblock >/dev/null; done' 2>/dev/null
says node01 '^done 0$' && says node02 '^done 0$'; ok "and go on when somebody reads"

# ---- nobody does anything ----

one=$(interrupts node01)
two=$(interrupts node02)
on all 'sleep 3'
at_most 0 "$one" "$(interrupts node01)" "an idle fabric interrupts nobody"
at_most 0 "$two" "$(interrupts node02)" "at either end"
healthy all; ok "no kernel has complained"
plan_complete
