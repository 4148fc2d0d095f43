# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A guest as the host: the switch runs in node01, with programs beside it.

# serve OPTIONS...: the switch is ready
serve() {
	background node01 "famez-server --socket /tmp/switch $*; echo ended"
	says node01 '^famez-server: ready'
}

# ended: it has
ended() {
	on node01 'kill $(pidof famez-server)'
	says node01 '^ended'
}

# peer COMMAND...: famezctl as a program beside it
peer() {
	on node01 famezctl --device /tmp/switch "$@"
}

# refuses TEXT OPTIONS...: and says why
refuses() {
	! on node01 famez-server --socket /tmp/switch --quiet "${@:2}" 2>"$tmp/err" &&
		grep -q "$1" "$tmp/err" || {
		cat "$tmp/err"
		false
	}
}
