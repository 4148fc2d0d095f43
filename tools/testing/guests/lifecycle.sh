#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# node02 lives and dies in every way there is; node01 hears of it, a sender that
# sleeps is woken, the reborn peer talks again, and node01 and node03 lose nothing
# of what they say to each other all the while.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

# A guest that began anew is judged by its console only at the end.
on2() {
	vm exec --timeout 1800 -n --ignore-console node02 "$@"
}

# heard TEXT COUNT: node01's monitor has told so often of node02
heard() {
	on node01 wire-wait /tmp/monitor " 2 \([^)]*\) $1" "$2" >/dev/null
}

# asleep: a program in node01 sleeps, as node02 does not read
asleep() {
	background node01 'famezctl send 2 </tmp/long; echo "exit $?"; famezctl send 2 short; echo "then $?"'
	# the monitor is the other famezctl, and older
	on node01 'until set -- $(pidof famezctl | tr " " "\n" | sort -nr) &&
	[ $# -eq 2 ] && grep -q famez /proc/$1/wchan; do :; done 2>/dev/null'
}

# fill: until the next sender has to sleep
fill() {
	on node01 'full=0
while [ $full -lt 2 ]; do
	if famezctl send --nonblock 2 </tmp/long 2>/dev/null; then
		full=0
	else
		famezctl ping 2 --count 1 >/dev/null
		full=$((full + 1))
	fi
done'
}

downs=0
ups=0

# down WAY: node02 is down
down() {
	downs=$((downs + 1))
	heard 'down' $downs; ok "$1: heard of"
}

# up WAY: node02's driver runs again, and it talks
up() {
	ups=$((ups + 1))
	on2 insmod /famez/famez_bridge.ko && heard 'up' $ups &&
		on node01 famezctl ping 2 --count 1 >/dev/null &&
		on node01 'echo 2:again >/dev/famez_bridge' &&
		[ "$(on2 famezctl recv)" = 1:again ]
	ok "$1: node02 is up again, and talks"
}

boot 3
load; ok 'the driver loads in three guests'
on node01 'head -c 4096 /dev/zero >/tmp/long
setsid famezctl monitor </dev/null >/tmp/monitor 2>&1 &
until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done 2>/dev/null'
start flood1 vm exec --timeout 1800 node01 -- famez-flood -t 3 -f 3 -n "$LIFE_MESSAGES"
start flood3 vm exec --timeout 1800 node03 -- famez-flood -t 1 -f 1 -n "$LIFE_MESSAGES"

on2 rmmod famez_bridge
down 'rmmod'
up 'rmmod'

fill
asleep
on2 'reboot -f' >/dev/null 2>&1
down 'reboot -f'
says node01 '^then [0-9]' && on node01 'grep -q "^exit 1" /tmp/bg && grep -q restarted /tmp/bg'
ok 'a sender that slept is told that its peer was reset'
on node01 'grep -qi "no driver\|attached" /tmp/bg'; ok 'and the next that it has no driver'
up 'reboot -f'

on2 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
down 'panic'
vm qmp node02 system_reset >/dev/null
up 'panic'

# A reset gives no sign before the driver starts again: until then messages go
# into the channel, and are told as lost.
vm qmp node02 system_reset >/dev/null
on2 'true' && on node01 'echo 2:lost >/dev/famez_bridge'
ok 'a reset gives no sign'
downs=$((downs + 1))
ups=$((ups + 1))
on2 insmod /famez/famez_bridge.ko && heard 'down' $downs && heard 'up' $ups
ok 'until the driver starts again'
! on node01 famezctl send 2 x 2>"$tmp/err" && grep -q restarted "$tmp/err"
ok 'the next sender is told'
[ "$(on2 'famezctl recv --nonblock' 2>/dev/null)" = '' ]
ok 'nothing of it is delivered to the newborn'
on node01 famezctl ping 2 --count 1 >/dev/null; ok 'which talks'

on2 'setsid sh -c "echo mem >/sys/power/state" </dev/null >/dev/null 2>&1 &'
down 'suspend'
vm qmp node02 system_wakeup >/dev/null
ups=$((ups + 1))
heard 'up' $ups && on node01 famezctl ping 2 --count 1 >/dev/null
ok 'resume: node02 is up again, and talks'

kill -9 "$(cut -d' ' -f1 "$FAMEZ_VM_DIR/node02/qemu.pid")"
down 'SIGKILL of QEMU'
heard 'left' 1; ok 'it has left'
! on node01 famezctl send 2 x 2>"$tmp/err"
! on node01 famezctl send 2 x 2>"$tmp/err" && grep -qi 'no such peer' "$tmp/err"
ok 'it cannot be sent to'
vm down node02 >/dev/null
vm up 1 --first 2 --initramfs "$image" >/dev/null
heard 'joined' 1; ok 'another QEMU joins'
up 'another QEMU'

on2 'poweroff -f' >/dev/null 2>&1
down 'poweroff -f'
heard 'left' 2; ok 'and it has left'

for who in flood1 flood3; do
	ends $who && grep -q "$LIFE_MESSAGES messages, all in order" "$tmp/$who.out"
	ok "$who: $LIFE_MESSAGES messages between the survivors, none lost"
done
vm check node01 && vm check node03; ok "no survivor's kernel has complained"
plan_complete
