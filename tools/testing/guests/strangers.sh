#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who may write every byte of the shared memory does so while guests talk: their
# drivers notice, kernels stand it, and when it stops, everything works again.  What
# the ring does with garbage in each of its words is tested in test-ring.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

memory=$tmp/memory

# hexes OFFSET BYTES: of the shared memory
hexes() {
	od -An -v -tx1 -j "$1" -N "$2" "$memory" | tr -d ' \n'
}

# number OFFSET BYTES: likewise
number() {
	od -An -v -t"u$2" -j "$1" -N "$2" "$memory" | tr -d ' '
}

# put OFFSET: standard input, into the shared memory
put() {
	dd of="$memory" oflag=seek_bytes seek="$1" conv=notrunc status=none
}

# bytes HEX
bytes() {
	printf '%b' "$(echo "$1" | sed 's/../\\x&/g')"
}

# rings NODE: it is, by a client that knows nothing of marks
rings() {
	local before

	before=$(interrupts "node0$1")
	tell client "ring $1 0"
	until [ "$(interrupts "node0$1")" -gt "$before" ]; do :; done
}

# passes: a message, from the one to the other
passes() {
	on node01 "echo '2:$1' >/dev/famez_bridge" && [ "$(on node02 famezctl recv)" = "1:$1" ]
}

boot 2 --backing "$memory"
load; ok 'the driver loads in both guests'
start client "$bin/wire-client" -S "$FAMEZ_VM_DIR/switch.sock" -n 16 --stay
saw client '^ok' >/dev/null; ok 'a client that is no peer of theirs'

# Where the header says that records are, and channels: the first is from 1 to 2
peers=$(number 152 8)
channels=$(number 216 8)
channel=$(number 228 4)
halves=1792

# ---- records ----

on node01 'echo 2:lost >/dev/famez_bridge'
head -c $((channel - halves)) /dev/zero | tr '\0' '\377' | put $((channels + halves))
! on node02 famezctl recv --nonblock 2>/dev/null; ok 'a spoilt record is no message'
[ "$(on node02 cat /sys/class/famez/famez_bridge/peers/1/rx_garbage)" -eq 1 ]
ok 'but counted'
on node02 dmesg | grep -q 'peer 1: garbage in its ring'; ok 'and told of'
passes 'after it'; ok 'the next is a message again'

# ---- the driver's own record ----

vectors=$((peers + 2 * 256 + 72))
bytes 00000000 | put $vectors
rings 2
until [ "$(number $vectors 4)" -eq 16 ]; do :; done; ok 'a spoilt record of the peer table is put right'
# else others would use towards it what it does not know
features=$((peers + 2 * 256 + 92))
bytes 01000000 | put $features
rings 2
until [ "$(number $features 4)" -eq 0 ]; do :; done; ok 'features that it has not, too'

# reserved HEX: all that is reserved of what is guest 2's: its features, too, and its half
# of the channel from 1
reserved() {
	local at size

	while read -r at size; do
		case $1 in
		'') hexes "$at" "$size" ;;
		*) head -c "$size" /dev/zero | tr '\0' "$1" | put "$at" ;;
		esac
	done <<-EOF
		$((peers + 2 * 256 + 92)) 36
		$((peers + 2 * 256 + 192)) 64
		$((channels + 640 + 12)) 52
		$((channels + 704 + 4)) 60
	EOF
}

reserved '\377'
[ "$(reserved '' | sed 's/f//g')" = '' ]; ok 'somebody has left something where a later version may'
on node02 'rmmod famez_bridge && insmod /famez/famez_bridge.ko' && passes 'of another life'
[ "$(reserved '' | sed 's/0//g')" = '' ]; ok 'its next start has not'

# ---- what the switch can do ----

# flushes FEATURES: how an fsync(2) went, and how many flushes node02's driver has done, which
# starts and is asked for one
flushes() {
	on node02 rmmod famez_bridge
	put_bytes "$memory" 96 "$1"
	put_bytes "$memory" 84 "$(header_sum "$memory")"
	on node02 'insmod /famez/famez_bridge.ko && dd if=/dev/null of=/dev/famez_bridge conv=fsync 2>/tmp/dd
	echo $? $(cat /sys/class/famez/famez_bridge/flushes)'
}

[ "$(hexes 96 8)" = 0300000000000000 ] && [ "$(flushes fcffffffffffffff)" = "1 0" ] && on node02 grep -q "Invalid argument" /tmp/dd
ok 'a switch that does not say that it syncs is not asked to'
[ "$(flushes 0300000000000000)" = "0 1" ]; ok 'one that does, is'

# ---- the fabric's number ----

fabric=$(hexes 104 8)
background node02 'cat /dev/famez_bridge'
on node02 'until grep -q famez /proc/$(pidof cat)/wchan; do :; done'
bytes 0102030405060708 | put 104
rings 2
says node02 'No such device'; ok "with another fabric's number, who sleeps is told"
! on node01 'echo 2:x >/dev/famez_bridge' 2>/dev/null; ok 'and nothing can be sent'
rang=/sys/class/famez/famez_bridge/peers/1/tx_doorbells
before=$(on node02 cat $rang)
bytes "$fabric" | put 104
rings 2
on node02 "until [ \$(cat $rang) -gt $before ]; do :; done"; ok 'with the right one again, peers are rung: they may wait for what was not told'
passes 'it is back'; ok 'and messages pass'

# ---- everything ----

# both send, receive and ping, and it matters not whether that succeeds
traffic='for i in $(seq 10); do
	famezctl send --nonblock $0 x; famezctl recv --nonblock
	famezctl ping $0 --count 1 --timeout 50
done >/dev/null 2>&1; :'
(on node01 sh -c "$traffic" 2) &
one=$!
(on node02 sh -c "$traffic" 1) &
two=$!
while kill -0 $one 2>/dev/null || kill -0 $two 2>/dev/null; do
	head -c $((16 * channel)) /dev/urandom | put "$channels"
done
wait $one && wait $two; ok 'channels of random bytes, over and over'
for i in 1 2 3 4 5; do
	on node01 famezctl ping 2 --count 1 >/dev/null && break
done
on node02 'while famezctl recv --nonblock; do :; done' >/dev/null 2>&1
passes 'at last'; ok 'and messages pass when that stops'
quit client
healthy all; ok 'no kernel has complained'
plan_complete
