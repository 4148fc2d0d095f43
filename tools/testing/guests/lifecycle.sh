#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# node02 lives and dies in most of the ways there are (for others, rebirth.sh);
# node01 and a peer on the host hear of it, a sender that sleeps is woken, the
# reborn peer talks again, and node01 and node03 lose nothing of what they say to
# each other all the while.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

downs=0
ups=0

# down WAY: node02 is down
down() {
	downs=$((downs + 1))
	heard 2 'down' $downs; ok "$1: heard of"
}

# up WAY: node02's driver runs again, and it talks
up() {
	ups=$((ups + 1))
	reborn node02 insmod /famez/famez_bridge.ko && heard 2 'up' $ups &&
		on node01 famezctl ping 2 --count 1 >/dev/null &&
		on node01 'echo 2:again >/dev/famez_bridge' &&
		[ "$(reborn node02 famezctl recv)" = 1:again ]
	ok "$1: node02 is up again, and talks"
}

# after a suspend q35 cannot be powered off
boot 3 --machine pc
load; ok 'the driver loads in three guests'
watch
start flood1 vm exec --timeout 1800 node01 -- famez-flood -t 3 -f 3 -n "$LIFE_MESSAGES"
start flood3 vm exec --timeout 1800 node03 -- famez-flood -t 1 -f 1 -n "$LIFE_MESSAGES"

reborn node02 rmmod famez_bridge
down 'rmmod'
up 'rmmod'

fill node01 2
asleep node01 2
reborn node02 'reboot -f' >/dev/null 2>&1
down 'reboot -f'
says node01 '^then [0-9]' && on node01 'grep -q "^exit 1" /tmp/bg && grep -q restarted /tmp/bg'
ok 'a sender that slept is told that its peer was reset'
on node01 'grep -qi "no driver\|attached" /tmp/bg'; ok 'and the next that it has no driver'
up 'reboot -f'

reborn --guard 2 node02 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
down 'panic'
vm qmp node02 system_reset >/dev/null
up 'panic'

# A reset gives no sign before the driver starts again: until then messages go
# into the channel, and are told as lost.
vm qmp node02 system_reset >/dev/null
reborn node02 'true' && on node01 'echo 2:lost >/dev/famez_bridge'
ok 'a reset gives no sign'
downs=$((downs + 1))
ups=$((ups + 1))
reborn node02 insmod /famez/famez_bridge.ko && heard 2 'down' $downs && heard 2 'up' $ups
ok 'until the driver starts again'
! on node01 famezctl send 2 x 2>"$tmp/err" && grep -q restarted "$tmp/err"
ok 'the next sender is told'
[ "$(reborn node02 'famezctl recv --nonblock' 2>/dev/null)" = '' ]
ok 'nothing of it is delivered to the newborn'
on node01 famezctl ping 2 --count 1 >/dev/null; ok 'which talks'

reborn node02 'setsid sh -c "echo mem >/sys/power/state" </dev/null >/dev/null 2>&1 &'
down 'suspend'
# it tells before it sleeps
until vm qmp node02 query-status | grep -q suspended; do :; done
vm qmp node02 system_wakeup >/dev/null
ups=$((ups + 1))
heard 2 'up' $ups && on node01 famezctl ping 2 --count 1 >/dev/null
ok 'resume: node02 is up again, and talks'
collect

kill -9 "$(cut -d' ' -f1 "$FAMEZ_VM_DIR/node02/qemu.pid")"
down 'SIGKILL of QEMU'
heard 2 'left' 1; ok 'it has left'
! on node01 famezctl send 2 x 2>"$tmp/err"
! on node01 famezctl send 2 x 2>"$tmp/err" && grep -qi 'no such peer' "$tmp/err"
ok 'it cannot be sent to'
vm down node02 >/dev/null
vm up 1 --first 2 --initramfs "$image" >/dev/null
heard 2 'joined' 1; ok 'another QEMU joins'
up 'another QEMU'

reborn node02 'poweroff -f' >/dev/null 2>&1
down 'poweroff -f'
heard 2 'left' 2; ok 'and it has left'

for who in flood1 flood3; do
	ends $who && grep -q "$LIFE_MESSAGES messages, all in order" "$tmp/$who.out"
	ok "$who: $LIFE_MESSAGES messages between the survivors, none lost"
done
healthy node01 && healthy node03; ok "no survivor's kernel has complained"
plan_complete
