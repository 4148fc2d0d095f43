#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Programs on the host on servers that know nothing of famez: one of F.E.E.'s kind
# (fee-server.py), which has mailslots alone, and one of QEMU's (wire-server), which has
# doorbells and memory. Neither is ours, and neither are the bytes that go to them.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire-lib.sh"

sock=$tmp/sock
tools=$top/build/bin

# ctl ARGS...: famezctl, which must not hang
ctl() {
	timeout 60 "$tools/famezctl" --device "$sock" "$@" 2>"$tmp/error"
}

# refused TEXT ARGS...: it says why
refused() {
	! ctl "${@:2}" >/dev/null && grep -q -- "$1" "$tmp/error" || {
		cat "$tmp/error" >&2
		false
	}
}

# listener NAME VERB...: a program that stays
listener() {
	FAMEZ_NAME=$1 start "$1" "$tools/famez-client" -S "$sock" "${@:2}"
}

# hears NAME LINE
hears() {
	saw "$1" "^$2\$" >/dev/null
}

# gone NAME: it ends, as there is nobody any more
gone() {
	! ends "$1" && grep -q 'the switch.* gone' "$tmp/$1.err"
}

# ---- mailslots alone ----

fee() {
	start server "$top/tools/testing/wire/fee-server.py" "$sock" --reuse
	saw server '^ready' >/dev/null
}

fee
[ "$(ctl info | sed -n 's/^\(config\|id\|server id\|peers max\|vectors armed\|longest message\|fam size\): //p' | paste -sd' ')" = \
	'mailslots 1 15 16 16 383 0' ]; ok 'what a server of F.E.E.'"'"'s offers'
listener one console
hears server 'joined 1' && tell one who && saw one '^\*    1  up .* one$' >/dev/null
tell one rfc; hears server '1->15 Link CTL ACK cclass=HostProgram,CID0=100,SID0=27!EZT=5'
traced server <<'TRACE'
1->15 Link RFC TTC=27us!EZT=1
15->1 CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=100,SID=27,Tag=1!EZT=2
1->15 Standalone Acknowledgment Tag=1,Reason=OK!EZT=3
15->1 Link CTL Peer-Attribute!EZT=4
1->15 Link CTL ACK cclass=HostProgram,CID0=100,SID0=27!EZT=5
TRACE
ok 'a program is configured, step by step, and says nothing else'
[ "$(ctl link rfc | paste -sd' ')" = 'state: configured cid,sid: 200,27 manager: 1500,27 class: HostProgram switch: 1500,27 FabricSwitch' ]
ok 'so is famezctl'
ctl peers >"$tmp/peers"; [ "$(awk '$1 == 1 || $1 == 15 { print $2, $4, $NF }' "$tmp/peers" | paste -sd' ')" = 'one mailslot HostProgram Z-switch mailslot FabricSwitch' ]
ok 'peers see each other'
ctl send server 'good day' && hears server '[0-9]*->15 good day'; ok 'the server gets a message'
ctl ping -c 3 server >/dev/null; ok 'and answers pings'
tell server 'send 1 to you'; hears one '15 \(Z-switch\): to you'; ok 'and sends one'
ctl send one 'by name' && hears one '[0-9]+ \(.*\): by name'; ok 'programs send to each other'
ctl ping -c 3 one >/dev/null; ok 'and ping'
head -c 383 /dev/zero | tr '\0' x >"$tmp/longest"
ctl send one <"$tmp/longest" && saw one ': x{383}$' >/dev/null; ok '383 bytes'
printf y >>"$tmp/longest"; ! ctl send one <"$tmp/longest" && grep -q '384 bytes, at most 383' "$tmp/error"; ok 'no more'
refused 'no such peer' send 9 x && refused 'without ports' recv --nonblock --port 5 && refused 'without ports' monitor &&
	refused 'no famez fabric' region list
ok 'there are no ports, events and regions'
listener two wait --vector 3
hears two 'waiting on vector 3' && ctl ring two --vector 3 && hears two 'rung: 1' && ends two; ok 'doorbells'
ctl link say server dump && hears server '[0-9]*->15 dump'; ok 'a word is said before its program ends'
tell one 'rfc;ping server'; hears one 'peer 15: pong after .*'; ok 'and one that waits for the slot'
tell server mute; hears server 'done mute'
refused 'within 0.5 seconds' send --timeout 0.5 server unread; ok 'who does not read is told of'
tell server hear; hears server 'done hear'
ctl send server read && hears server '[0-9]*->15 read' && ! grep -q unread "$tmp/server.out"; ok 'and what was taken back is not read'
! grep '^bad' "$tmp/server.out"; ok 'each message was as F.E.E.'"'"'s driver writes it'
at=$(find "/proc/${pid[server]}/fd" -lname '*mailbox*' | head -n 1)
dd if=/dev/zero of="$at" bs=8 count=1 conv=notrunc status=none; tell one 'send server x'
gone one; ok 'who finds the mailbox overwritten ends'
crash server; rm "$sock"
fee; listener one listen; hears server 'joined 1'; crash server; gone one; ok 'so does who finds the server gone'
rm "$sock"

# ---- doorbells alone ----

raw() {
	start server "$bin/wire-server" -S "$sock" -n 4 "$@"
	saw server '^ready' >/dev/null
}

raw --random -l 4M
[ "$(ctl info | sed -n 's/^\(config\|id\|server id\|peers max\|vectors armed\|longest message\|fam offset\|fam size\): //p' | paste -sd' ')" = \
	'raw 0 0 0 4 0 0 4194304 (4 MiB)' ]; ok 'what a raw server offers; its first id is 0'
for verb in 'send 0 x' 'ping 0' 'recv --nonblock' 'recv --nonblock --port 5' link monitor; do
	# shellcheck disable=SC2086
	refused 'FAM alone' $verb || break
done
ok 'messages are refused, and why is said'
listener one console
saw server '^join 7' >/dev/null; tell one who; saw one '^\*    7  attached' >/dev/null; ok 'who is there, the server tells programs'
# two that follow each other closely may come as one
listener two wait --vector 2
hears two 'waiting on vector 2'; tell one 'int 8 2'; hears two 'rung: 1' && ends two; ok 'a doorbell, by number'
listener two wait --vector 3
hears two 'waiting on vector 3'; tell one 'int all'; hears two 'rung: 1' && ends two; ok 'and all of them'
ctl ring 7 --vector 1 && hears one 'doorbell: vector 1'; ok 'are shown by a console'
refused 'no such peer' ring 77 --vector 0 && refused 'vector 9' ring 7 --vector 9 && refused 'no vector 9' wait --vector 9; ok 'those that are not there are told of'
answer server '^check ' check | grep -q '^check unchanged'; ok 'not a byte of the memory was written'
head -c 5000 /dev/urandom >"$tmp/bytes"; ctl write 12288 <"$tmp/bytes" && ctl read 12288 5000 | cmp - "$tmp/bytes"; ok 'but by who writes FAM'
answer server '^check ' check | grep -q '^check changed'; ok 'which the server has'
crash server; gone one; ok 'who finds the server gone ends'
rm -f "$sock"
truncate -s 4M "$tmp/memory"
printf 'FAMEZFAM' | dd of="$tmp/memory" bs=1 seek=64 conv=notrunc status=none
raw --file "$tmp/memory" -l 4M
refused 'damaged' info; ok 'a control area that is damaged is no raw memory'
quit server
plan_complete
