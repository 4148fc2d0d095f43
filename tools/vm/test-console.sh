#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# famez-vm console as a person has it: on a terminal, which script(1) plays.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/../testing/guests/guests.sh"

export tmp
PATH=$tools:$PATH

# What the person's terminal runs; it keeps notes of the terminal's state.
cat >"$tmp/terminal.sh" <<'END'
stty rows 33 cols 99
tty >"$tmp/tty"
stty -g >"$tmp/before"
sh -c 'echo $$ >"$tmp/famez-vm.pid"; exec famez-vm console node01'
# the shell may have left its prompt there
printf '\ncode %s\n' $?
stty -g >"$tmp/after"
END

# at_terminal: a console begins
at_terminal() {
	rm -f "$tmp/after"
	start con env TERM=vt100 script -qec "sh $tmp/terminal.sh" /dev/null
	saw con 'leaves it' >/dev/null
}

# key OCTAL: without an end of line
key() {
	printf "\\$1" >&"${in[con]}"
}

# left_with CODE: the console has ended so, and the terminal is as before
left_with() {
	saw con '^code' >/dev/null
	ends con
	grep -q "^code $1.\?\$" "$tmp/con.out" && cmp "$tmp/before" "$tmp/after"
}

boot 1 --no-switch --no-device

# ---- a shell on a terminal ----

at_terminal
# typed before the guest can have answered
tell con 'echo "$(stty size) $TERM $(tty)"'
saw con '^33 99 vt100 /dev/pts/' >/dev/null
ok 'a shell on a terminal, with the size and name of ours'
stty -F "$(cat "$tmp/tty")" rows 40 cols 120
tell con 'until [ "$(stty size)" = "40 120" ]; do :; done; echo "follow"ed'
saw con '^followed' >/dev/null
ok 'its size follows'
tell con 'sh -c "echo beg\un; exec sleep 4321"'
saw con '^begun' >/dev/null
key 003
tell con 'echo "interrupt"ed: $?'
saw con '^interrupted: 130' >/dev/null
ok "Ctrl-C is the guest's"
tell con 'echo "<4>the kernel"" speaks" >/dev/kmsg'
saw con '\] the kernel speaks' >/dev/null
ok 'what the kernel says comes in between'
tell con 'echo "WARNING: typed by a person"; echo print"ed"'
saw con '^printed' >/dev/null
vm check node01
ok 'what a person types is no complaint of the kernel'
tell con 'exit 9'
left_with 9; ok "it ends as the shell does, and leaves the terminal as it was"

# ---- ways out ----

at_terminal
tell con 'echo $$ >/tmp/shell; sh -c "echo beg\un; exec sleep 4321"'
saw con '^begun' >/dev/null
key 035
left_with 0; ok 'Ctrl-] leaves it'
on node01 'while kill -0 "$(cat /tmp/shell)" || pidof sleep; do :; done' >/dev/null 2>&1
ok 'and nothing stays in the guest'
at_terminal
kill -TERM "$(cat "$tmp/famez-vm.pid")"
left_with 143; ok 'SIGTERM ends it, and leaves the terminal as it was'
vm qmp node01 stop >/dev/null
at_terminal
key 035
left_with 0; ok 'Ctrl-] leaves a guest that does not answer'
vm qmp node01 cont >/dev/null

# ---- no terminal ----

[ "$(echo 'hostname; tty' | vm console node01)" = "node01
not a tty" ]
ok 'a script for it comes by standard input'
echo 'exit 5' | vm console 1
[ $? -eq 5 ]; ok 'and its exit code back'

# ---- a guest in trouble ----

on --ignore-console node01 'echo "<4>WARNING: test" >/dev/kmsg'
[ "$(echo hostname | vm console node01)" = node01 ]
ok 'it lets one in where the kernel has complained'
at_terminal
tell con 'echo "he"re'
saw con '^here' >/dev/null
kill -9 "$(cat "$FAMEZ_VM_DIR/node01/qemu.pid")"
left_with 125; ok 'the end of QEMU ends it, and leaves the terminal as it was'
vm console all </dev/null 2>"$tmp/err"
[ $? -eq 2 ]; ok 'it is for one guest'
plan_complete
