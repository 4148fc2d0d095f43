#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two guests: each call of the device, text, floods, and the driver's reload.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

boot 2
load; ok "the driver loads in both guests"
[ "$(on all 'dmesg | grep -c "famez_bridge.*: id"' | sort)" = "node01: 1
node02: 1" ]
ok "with one line each"
switch_says 'peer 1 up: node01' && switch_says 'peer 2 up: node02'
ok "the switch knows both by name"

# ---- every call, and what can be wrong with it ----

background node02 'famez-flood -e'
says node02 'echo: ready'
on node01 test-device 2 node02 >"$tmp/device.log" 2>"$tmp/device.err"
complete "$tmp/device.log"; ok "test-device: every call with good and bad arguments"
on node02 'kill $(pidof famez-flood)'

# ---- echo and cat ----

background node02 'cat /dev/famez_bridge'
on node01 'echo 2:by id >/dev/famez_bridge && echo node02:by name >/dev/famez_bridge'
says node02 '^1:by name$'; ok "echo in one guest, cat in the other"
on node02 'kill $(pidof cat)'
on node01 'echo server:to the switch >/dev/famez_bridge'
switch_says 'message from 1 \(node01\): to the switch'; ok "echo to the switch"
# dash's echo does not tell errno
! on node01 'echo nobody:x | cat >/dev/famez_bridge' 2>"$tmp/err" &&
	grep -qi 'no route to host' "$tmp/err"
ok "echo to nobody fails, and says why"

# ---- FAM ----

head -c 1000000 /dev/urandom >"$tmp/pattern"
"$tools/famez-vm" exec node01 -- famezctl write 1234567 <"$tmp/pattern" &&
	on node02 famezctl read 1234567 1000000 | cmp - "$tmp/pattern"
ok "a random megabyte, written in one guest, read in the other"
! on node01 famezctl write 55M --text x 2>/dev/null ||
	on node01 famezctl read 58720255 1 >/dev/null
ok "the last byte of FAM"
! on node01 famezctl read 58720255 2 >/dev/null 2>&1
ok "not a byte behind it"

# ---- floods ----

(on node01 famez-flood -t 2 -f 2 -n "$FLOOD_MESSAGES") >"$tmp/flood1" 2>&1 &
one=$!
on node02 famez-flood -t 1 -f 1 -n "$FLOOD_MESSAGES" >"$tmp/flood2" 2>&1
two=$?
wait $one && [ $two -eq 0 ] &&
	grep -q "from 2: $FLOOD_MESSAGES messages, all in order and whole" "$tmp/flood1" &&
	grep -q "from 1: $FLOOD_MESSAGES messages, all in order and whole" "$tmp/flood2"
ok "both ways at once, $FLOOD_MESSAGES messages of random length each"
on node01 '! famezctl recv --nonblock' 2>/dev/null >&2 &&
	on node02 '! famezctl recv --nonblock' 2>/dev/null >&2
ok "and not one more"

# ---- no room ----

fill node01 2
on node01 'for text in one two; do printf "$text%04093d" 0 >/tmp/$text; done'
background node01 'famezctl send 2 </tmp/one & famezctl send 2 </tmp/two & wait; echo both'
on node01 'until [ $(cat /proc/[0-9]*/wchan 2>/dev/null | grep -ao famez_ | wc -l) -ge 2 ]; do :; done'
! on node01 'famezctl send --timeout 0.1 2 </tmp/long' 2>"$tmp/err" && grep -q 'no room' "$tmp/err"
ok "a third sender waits no longer than it wants to"
on node02 'until grep -aq ^1:one /tmp/all && grep -aq ^1:two /tmp/all; do
	famezctl recv >>/tmp/all
done 2>/dev/null'
says node01 both && on node02 '! famezctl recv --nonblock' 2>/dev/null
ok "two that sleep both find room"

qemu=$(cut -d' ' -f1 "$FAMEZ_VM_DIR/node02/qemu.pid")
kill -STOP "$qemu"
! on node01 'echo x >/tmp/x; for text in /tmp/long /tmp/x; do
	while famezctl send --nonblock 2 <$text; do :; done
done 2>/dev/null; famezctl ping 2 --count 1 --timeout 100 >/dev/null'
ok "a ping of a guest that stands still, and whose ring is full, times out"
! "$tools/famezctl" -d "$FAMEZ_VM_DIR/switch.sock" ping node02 --count 1 --timeout 100 >/dev/null
ok "so does one from the host"
background node01 'famezctl ping 2 --count 1 --timeout 3600000'
on node01 'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done'
kill -CONT "$qemu"
says node01 'answer to 1'; ok "and one that waits is answered when it goes on"
on node02 'while famezctl recv --nonblock; do :; done' >/dev/null 2>&1

# ---- reload ----

on node02 'rmmod famez_bridge'
switch_says 'peer 2 down'; ok "rmmod takes the peer down"
! on node01 'echo 2:x >/dev/famez_bridge' 2>"$tmp/err"
ok "who has no driver cannot be sent to"
on node02 '[ ! -e /dev/famez_bridge ]'; ok "its device node is gone"
load node02 && on node01 famezctl ping 2 --count 1 >/dev/null
ok "insmod brings it back"
on node01 'echo 2:again >/dev/famez_bridge' &&
	[ "$(on node02 famezctl recv)" = "1:again" ]
ok "and messages pass again"
! on node02 'exec 3<>/dev/famez_bridge; rmmod famez_bridge' 2>/dev/null
ok "rmmod is refused while the device is open"
healthy all; ok "no kernel has complained"
plan_complete
