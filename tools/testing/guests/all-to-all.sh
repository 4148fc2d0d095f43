#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Three guests and a program on the host, each to each.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

boot 3
load; ok "the driver loads in three guests"
start host "$bin/famez-flood" -d "$FAMEZ_VM_DIR/switch.sock" \
	-t 1,2,3 -f 1,2,3 -n "$FLOOD_ALL_MESSAGES"
switch_says 'peer 4 up'; ok "the host's program is peer 4"
for i in 1 2 3; do
	others=$(echo 1 2 3 4 | tr ' ' '\n' | grep -v $i | paste -sd,)
	start "guest$i" vm exec --timeout 1800 "node0$i" -- famez-flood \
		-t "$others" -f "$others" -n "$FLOOD_ALL_MESSAGES"
done
for who in host guest1 guest2 guest3; do
	ends $who && [ "$(grep -c "$FLOOD_ALL_MESSAGES messages, all in order" \
		"$tmp/$who.out")" -eq 3 ]
	ok "$who: $FLOOD_ALL_MESSAGES messages from each of the others"
done
"$tools/famezctl" -d "$FAMEZ_VM_DIR/switch.sock" ping node02 --count 1 >/dev/null
ok "famezctl on the host pings a guest"
healthy all; ok "no kernel has complained"
plan_complete
