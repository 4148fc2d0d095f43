#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make demo, as it is, when a step fails, and when it is interrupted: each time
# nothing is left behind. And make demo-shell, with all that it tells users to do.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../testing/wire/wire-lib.sh"

# The demo makes its state directory here, so that others' are not ours.
export TMPDIR=$tmp
demo=$top/tools/vm/demo.sh

# clean: no process, directory, socket or shm object of the demo's
clean() {
	local left

	left=$(ls -d "$tmp"/famez-demo.* /dev/shm/"$name"* 2>/dev/null
		pgrep -af "$tmp/famez-demo")
	[ -z "$left" ] || {
		echo "# left: $left"
		false
	}
}

# state: the name of the demo's directory, once it is there
state() {
	name=$(sed -n 's/.*state in .*\/\(famez-demo\.[A-Za-z0-9]*\).*/\1/p' "$tmp/demo.out")
	[ -n "$name" ]
}

start demo "$demo"
ends demo; ok 'the demo runs'
state && grep -q "the host found [0-9a-f]\{32\} in /dev/shm/$name" "$tmp/demo.out"
ok 'the host finds the pattern in the backing file'
clean; ok 'and leaves nothing behind'

start demo "$demo" --shell
ends demo; ok 'with --shell it runs, too'
state
sed -n '/are yours now/,$s/^    //p' "$tmp/demo.out" >"$tmp/commands"
(cd "$top" && bash -e "$tmp/commands") </dev/null >"$tmp/by-hand.out" 2>"$tmp/by-hand.err"
ok 'and each command that it names then does'
grep -qx '1:hello by hand' "$tmp/by-hand.out"
ok 'a message passes by hand'
grep -qx '[0-9]*:hello from the host' "$tmp/by-hand.out"
ok 'and one from the host'
clean; ok 'the last one leaves nothing behind'

start demo env FAMEZ_DEMO_FAIL=6 "$demo" --shell
! ends demo; ok 'a step that fails fails the demo'
state && clean; ok 'and leaves nothing behind'

# As a terminal's Ctrl-C: to all of its process group.
start demo setsid "$demo"
saw demo '^3\.' >/dev/null
state
kill -INT -- "-${pid[demo]}"
ends demo
[ $? -eq 130 ]; ok 'Ctrl-C ends it with 130'
clean; ok 'and leaves nothing behind'

start demo "$demo"
saw demo '^2\.' >/dev/null
kill -TERM "${pid[demo]}"
ends demo
[ $? -eq 143 ]; ok 'SIGTERM while the guests boot ends it with 143'
clean; ok 'and leaves nothing behind'
plan_complete
