#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory barriers in a guest hold for a program on the host, and for another guest.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

rounds=500000

# holds COMMAND...: one side in node01, the other by a command
holds() {
	start other "$@"
	on node01 test-barriers /dev/famez_bridge 0 $rounds >"$tmp/barriers.log" \
		2>"$tmp/barriers.err"
	complete "$tmp/barriers.log" && ends other
}

boot 2
load; ok 'the driver loads in two guests'
holds "$bin/test-barriers" "$FAMEZ_VM_DIR/switch.sock" 1 $rounds
ok 'against a program on the host'
holds "$tools/famez-vm" exec -n node02 -- test-barriers /dev/famez_bridge 1 $rounds
ok 'against another guest'
healthy all; ok 'no kernel has complained'
plan_complete
