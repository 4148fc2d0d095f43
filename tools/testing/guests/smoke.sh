#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The quickest sign of life: two guests, a ping, a message, a word of FAM.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

boot 2
load; ok "the driver loads in both guests"
on node01 famezctl ping node02 --count 1 >/dev/null
ok "node01 pings node02"
on node01 'echo 2:hello >/dev/famez_bridge' &&
	[ "$(on node02 famezctl recv)" = "1:hello" ]
ok "a message passes"
on node01 famezctl write 4096 --text famez &&
	[ "$(on node02 famezctl read 4096 5)" = famez ]
ok "what one writes to FAM the other reads"
healthy all; ok "no kernel has complained"
plan_complete
