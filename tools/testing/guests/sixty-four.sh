#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# 64 peers, each of them with one vector: the switch, two guests and 61 programs on the
# host, all to all.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

boot 2 --size 512M --clients 63 --vectors 1
load; ok 'the driver loads in two guests, with one vector'
for i in 1 2; do
	start "guest$i" vm exec --timeout 1800 "node0$i" -- famez-flood \
		-a 63 -n "$PEERS_MESSAGES"
done
for i in {1..61}; do
	start "host$i" "$bin/famez-flood" -d "$socket" -a 63 -n "$PEERS_MESSAGES"
done
for who in guest1 guest2; do
	ends $who && [ "$(grep -c "$PEERS_MESSAGES messages, all in order" \
		"$tmp/$who.out")" -eq 62 ]
	ok "$who: $PEERS_MESSAGES messages from each of the others"
done
for ((i = 1; i <= 61; i++)); do
	ends "host$i" && [ "$(grep -c "$PEERS_MESSAGES messages, all in order" \
		"$tmp/host$i.out")" -eq 62 ] || break
done
[ $i -eq 62 ]; ok "61 on the host: $PEERS_MESSAGES messages from each of the others"
healthy all; ok "no kernel has complained"
plan_complete
