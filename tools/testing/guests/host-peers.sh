#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Peers on the host are killed: while a guest sleeps in a send to them, while they
# sleep in a send to a guest, and in mid-stream.  Guest and host hear of it, the
# next owner of the id gets none of the old one's mail, and the switch gets its
# descriptors back.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

client() {
	"$tools/famez-client" -S "$socket" "$@"
}

# descriptors TEST...: those of the switch that find's TEST is true of.  It has dealt
# with all that was before, as it answers.
descriptors() {
	on node01 famezctl ping server --count 1 >/dev/null
	find "/proc/$(cut -d' ' -f1 "$FAMEZ_VM_DIR/switch.pid")/fd" -type l "$@" | wc -l
}

eventfd='anon_inode:\[eventfd\]'

lives=0

# killed NAME: and all know it, and its id is free
killed() {
	crash "$1"
	lives=$((lives + 1))
	heard 3 down $lives && heard 3 left $lives && switch_says '^peer 3 free' $lives
}

# born NAME COMMAND...: a peer on the host, with the id that all of them have
born() {
	start "$1" "${@:2}"
	heard 3 up $((lives + 1))
}

boot 1
load; ok 'the driver loads in a guest'
watch

born first "$tools/famez-client" -S "$socket" monitor
killed first; ok 'a peer on the host is killed: heard of'
before=$(descriptors ! -lname "$eventfd")

born reader "$tools/famez-client" -S "$socket" monitor
fill node01 3
asleep node01 3
killed reader; ok 'one that does not read is killed while the guest sleeps in a send to it'
says node01 '^then 1' && [ "$(told)" = 'restarted exit 1 no such peer then 1' ]
ok 'who slept is told that messages were lost, and the next that there is no such peer'

born next "$tools/famez-client" -S "$socket" listen
on node01 'echo 3:fresh >/dev/famez_bridge' && saw next . | grep -q '^1 (node01): fresh$'
ok "the id's next owner gets its own mail alone"
killed next

born sender "$bin/famez-lives" -d "$socket" -t 1
saw sender '^full' >/dev/null; ok 'one on the host sleeps in a send to the guest'
killed sender; ok 'it is killed'
background node01 'famez-lives -f 3'
"$bin/famez-lives" -d "$socket" -t 1 -n 10 >/dev/null; ok "the id's next owner says ten words, and goes"
client send 1 '' && says node01 'lives, .* 0 wrong'
ok 'what there is of both comes in order, and once'

# ---- In mid-stream ------------------------------------------------------------------

background node01 'famez-lives -f 3'
"$bin/famez-lives" -d "$socket" -t 1 -n 500 -r "$LIVES" >"$tmp/sent"
ok "a sender on the host is killed $LIVES times"
client send 1 '' && says node01 'lives, .* 0 wrong'; ok 'nothing of it comes twice, or late'

background node01 'famez-lives -t 3'
"$bin/famez-lives" -d "$socket" -f 1 -n 500 -r "$LIVES" >"$tmp/got"
ok "a receiver on the host is killed $LIVES times: nothing comes twice"
on node01 'kill $(pidof famez-lives); cat /tmp/bg' >"$tmp/sent"
all_excused 1 "$tmp/sent"; ok 'or to a later life'

[ "$(descriptors ! -lname "$eventfd")" -eq "$before" ]
ok "the switch has its descriptors back"
ids=$(grep -o 'peer [0-9]* joined' "$FAMEZ_VM_DIR/switch.log" | sort -u | wc -l)
[ "$(descriptors -lname "$eventfd")" -eq $((16 * (ids + 1) + 1)) ]
ok 'and 16 eventfds for each id that it ever gave out, and itself, and one for syncs'
healthy node01; ok "the guest's kernel has not complained"
plan_complete
