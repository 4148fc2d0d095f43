# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of guests among programs of F.E.E.'s kind have in common, which know
# mailslots alone: fee-client.py and fee-server.py.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "${BASH_SOURCE[0]}")/guests.sh"

# shellcheck disable=SC2034 # theirs
BRIDGE=/sys/class/famez/famez_bridge

# fee NAME: a client of F.E.E.'s, on the switch at $tmp/sw.sock
fee() {
	start "$1" "$top/tools/testing/wire/fee-client.py" "$tmp/sw.sock" "$1"
	saw "$1" '^attached' >/dev/null
}

# ctl NODE ARGS...: famezctl there, with a limit
ctl() {
	vm exec --timeout 120 -n "$1" -- famezctl "${@:2}"
}

# hears NAME LINE [COUNT]: a program of F.E.E.'s kind does
hears() {
	saw "$1" "^$2\$" ${3:+"$3"} >/dev/null
}
