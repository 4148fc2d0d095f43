#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A switch with room for a thousand: so many programs on the host join, hear of each
# other, and leave, all at once, twice.  What the switch has taken for them it has given
# back then, but for the eventfds of ids, which it keeps for the next owners.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire/wire-lib.sh"

sock=$tmp/s

# descriptors: of the switch
descriptors() {
	find "/proc/${pid[sw]}/fd" -type l | wc -l
}

# memory: of the switch's own, in kB
memory() {
	awk '/RssAnon/ { print $2 }' "/proc/${pid[sw]}/status"
}

# crowd ROUND: comes and goes
crowd() {
	start crowd "$bin/famez-crowd" "$sock" "$CROWD"
	saw crowd "^attached $CROWD\$" >/dev/null &&
		[ "$("$top/build/bin/famez-client" -S "$sock" peers | grep -c famez-crowd)" -eq "$CROWD" ]
	ok "$CROWD programs join"
	quit crowd && saw sw '^peer [0-9]* free' $(($1 * (CROWD + 1))) >/dev/null
	ok "they leave, and their ids are free"
}

ulimit -n "$(ulimit -Hn)"
# not the one with sanitizers, which keeps what was freed
start sw "$top/build/bin/famez-server" --socket "$sock" --backing "famez-thousand.$$" \
	--size 256M --clients 1000 --vectors 1
saw sw '^famez-server: ready' >/dev/null; ok 'a switch for 1000 clients with 256 MiB'
before=$(descriptors)
crowd 1
once=$(descriptors) memory=$(memory)
# and that of who asked for the list
[ "$once" -eq $((before + CROWD + 1)) ]; ok "each id keeps its eventfd"
crowd 2
[ "$(descriptors)" -eq "$once" ]; ok "the second time costs no descriptor"
again=$(memory)
[ "$again" -le $((memory + 512)) ]; ok "nor memory ($memory kB, then $again kB)"
kill "${pid[sw]}"; ends sw; ok 'the switch ends well'
plan_complete
