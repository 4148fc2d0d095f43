#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Doorbells and eventfds for programs that bring their own protocol: on a famez
# fabric, and on a raw server, whose memory is its user's to the last byte.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

sock=$tmp/sock
bell=/sys/class/famez/famez_bridge/vectors/5/interrupts

# id NODE
id() {
	on "$1" famezctl info | sed -n 's/^id: //p'
}

# program NODE ARGS...: test-vectors runs there, and ends as planned
program() {
	on "$1" test-vectors "${@:2}" >"$tmp/program.log" 2>"$tmp/program.err"
	complete "$tmp/program.log"
}

# bounce ROUNDS: two guests ring each other in turn
bounce() {
	local one two

	one=$(id node01)
	two=$(id node02)
	rung1=$(on node01 cat $bell)
	rung2=$(on node02 cat $bell)
	background node02 "test-vectors serve $one $1"
	says node02 '^listening' && program node01 bounce "$two" "$1" &&
		says node02 "^PLAN-COMPLETE $1" &&
		[ $(($(on node01 cat $bell) - rung1)) -eq "$1" ] &&
		[ $(($(on node02 cat $bell) - rung2)) -eq "$1" ]
}

# shell NODE: famezctl ring and wait
shell() {
	background "$1" 'famezctl wait --vector 5 --count 2; echo exit $?'
	says "$1" '^waiting on vector 5' &&
		on "$2" famezctl ring --vector 6 "$(id "$1")" &&
		on "$2" famezctl ring --vector 5 "$(id "$1")" && says "$1" '^rung: 1' &&
		on "$2" famezctl ring -v 5 "$(id "$1")" && says "$1" '^exit 0' &&
		[ "$(on "$1" grep -c rung: /tmp/bg)" -eq 2 ]
}

# fails TEXT COMMAND...: with that message
fails() {
	! "${@:2}" >"$tmp/out" 2>"$tmp/err" && grep -q "$1" "$tmp/err"
}

# rebind NODE ACTION: unbind or bind the device
rebind() {
	on "$1" "cd /sys/bus/pci/devices && for d in *; do
	[ \$(cat \$d/device) = 0x1110 ] && echo \$d >/sys/bus/pci/drivers/famez_bridge/$2
done; true"
}

# sleeps NODE: to memory, and wakes
sleeps() {
	reborn "$1" 'setsid sh -c "echo mem >/sys/power/state" </dev/null >/dev/null 2>&1 &'
	until vm qmp "$1" query-status | grep -q suspended; do :; done
	vm qmp "$1" system_wakeup >/dev/null && reborn "$1" true
}

# both: what works on any doorbell device
both() {
	program node01; ok "$1: test-vectors: every call with good and bad arguments"
	bounce 2000; ok "$1: 2000 rings each way, each an interrupt and counted once"
	shell node01 node02; ok "$1: famezctl ring and wait"
	fails 'within 0.1 seconds' on node01 famezctl wait --vector 5 --timeout 0.1
	ok "$1: wait --timeout"
	fails 'no vector 16' on node01 famezctl wait --vector 16
	ok "$1: wait: a vector that is not there"
	background node01 'test-vectors hold'
	says node01 '^holding' && rebind node01 unbind && says node01 '^PLAN-COMPLETE' &&
		rebind node01 bind && on node01 '[ -e /dev/famez_bridge ]'
	ok "$1: unbound while a program listens: it is told, and the device comes back"
	background node02 'famezctl wait --vector 5; echo exit $?'
	says node02 '^waiting' && sleeps node02 &&
		on node01 famezctl ring --vector 5 "$(id node02)" &&
		reborn node02 wire-wait /tmp/bg '^exit 0' >/dev/null
	ok "$1: who listens still does after a suspend"
}

# ---- A famez fabric -----------------------------------------------------------

boot 2
load; ok 'famez: the driver loads in both guests'
background node02 'famez-flood -e'
says node02 'echo: ready'
start flood vm exec --timeout 1800 node01 -- famez-flood -t 2 -f 2 -n "$FLOOD_MESSAGES"
program node01; ok 'famez: test-vectors beside messages'
ends flood && grep -q "$FLOOD_MESSAGES messages, all in order and whole" "$tmp/flood.out"
ok 'famez: which have lost nothing'
on node02 'kill $(pidof famez-flood)'
both famez
fails 'no peer has a vector 16' on node01 famezctl ring --vector 16 2
ok 'famez: ring: a vector that no peer has'
fails 'no such peer' on node01 famezctl ring 9; ok 'famez: ring: nobody'
on node01 famezctl ring server; ok 'famez: ring: the switch'
start host "$tools/famez-client" -S "$FAMEZ_VM_DIR/switch.sock" wait --vector 5
saw host '^waiting' >/dev/null
on node01 famezctl ring --vector 5 3 && ends host && grep -q '^rung: 1' "$tmp/host.out"
ok 'famez: a guest rings a program on the host'
background node01 'famezctl wait --vector 5; echo exit $?'
says node01 '^waiting' && "$tools/famez-client" -S "$FAMEZ_VM_DIR/switch.sock" ring --vector 5 1 &&
	says node01 '^exit 0'
ok 'famez: and is rung by one'
healthy all; ok 'famez: no kernel has complained'
vm down >/dev/null

# ---- A raw server ---------------------------------------------------------------

# server SIZE: of random bytes
server() {
	start server "$bin/wire-server" -S "$sock" -n 16 -l "$1" --random --file "$tmp/memory"
	saw server '^ready' >/dev/null
}

unchanged() {
	answer server '^check ' check | grep -q '^check unchanged'
}

server 4M
boot 2 --no-switch --socket "$sock"
load && on node01 "dmesg | grep -c 'famez_bridge: id 0, 16 of 16 vectors, 4096 KiB of FAM, no messages: a raw server'" >/dev/null
ok 'raw: the driver loads in both guests, and says what it has found'
on node01 famezctl list | grep -Eq '^/dev/famez_bridge +raw +0 ' &&
	on node02 famezctl info | grep -q '^config: raw' && [ "$(id node02)" -eq 1 ] &&
	[ "$(on node01 'cd /sys/class/famez/famez_bridge && echo *')" = \
		'config dev device fam fam_memory_type fam_offset fam_region fam_size fam_status id memory_size power subsystem uevent vectors vectors_armed vectors_offered' ] &&
	[ "$(on node01 cat /sys/class/famez/famez_bridge/config)" = raw ]
ok 'raw: famezctl list, info and sysfs say so'
both raw
on node01 famezctl ring 60000 --vector 60000; ok 'raw: ring: who is there nobody knows'
for command in peers 'ping 1' 'send 1 x' 'recv --nonblock' listen monitor stats 'ring server' 'ring name'; do
	fails 'messages need one on famez-server' on node01 famezctl $command
	ok "raw: famezctl $command: there are no messages, and it says so"
done
on node01 famezctl read 0 4M | cmp - "$tmp/memory" && unchanged
ok 'raw: FAM is all of the memory, and not a byte of it was written'
on node01 famezctl write 0 --text first && on node01 famezctl write 4194300 --text last &&
	[ "$(on node02 famezctl read 0 5)" = first ] && [ "$(tail -c 4 "$tmp/memory")" = last ]
ok 'raw: what programs write, others see, from the first byte to the last'
healthy all; ok 'raw: no kernel has complained'
vm down >/dev/null
quit server
rm "$tmp/memory"

server 4096
boot 1 --no-switch --socket "$sock"
load && program node01 && on node01 famezctl read 0 4K | cmp - "$tmp/memory" && unchanged &&
	on node01 rmmod famez_bridge && unchanged
ok 'raw: the smallest memory that there is, likewise'
healthy all; ok 'raw: and no kernel has complained'
vm down >/dev/null
quit server
plan_complete
