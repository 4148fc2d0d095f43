#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Doorbell devices that nothing can be done with: no oops, not a byte written,
# one line that says why.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

sock=$tmp/sock

# refuses REASON: the driver loads, and leaves the device alone
refuses() {
	load node01 && on node01 '[ ! -e /dev/famez_bridge ]' &&
		[ "$(on node01 "dmesg | grep -c 'not bound: .*$1'")" -eq 1 ] &&
		on node01 rmmod famez_bridge
}

# device NAME REASON VECTORS SERVER-ARGS...: a doorbell device of somebody else's
device() {
	start server "$bin/wire-server" -S "$sock" -n 16 "${@:4}"
	saw server '^ready' >/dev/null
	boot 1 --no-switch --socket "$sock:$3"
	refuses "$2"; ok "$1: refused in one line"
	answer server '^check ' check | grep -q '^check unchanged'
	ok "$1: not a byte of its memory was written"
	! grep -q '^rung' "$tmp/server.out"; ok "$1: nobody was rung"
	healthy node01; ok "$1: no kernel has complained"
	vm down >/dev/null
	quit server
}

device "F.E.E.'s mailbox, and too few vectors" 'its switch rings more vectors' 8 --fee 14 -l 8192
# the magic number where a famez header has it, and nothing else of one
truncate -s 4M "$tmp/memory"
printf 'FAMEZFAM' | dd of="$tmp/memory" bs=1 seek=64 conv=notrunc status=none
device 'a control area that is damaged' 'control area is damaged' 16 -l 4M --file "$tmp/memory"

plan_complete
