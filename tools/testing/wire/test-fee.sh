#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# F.E.E.'s clients on famez's switch, byte by byte: what fee-client.py shows of its
# conversations, with the switch, with one of its kind, and with programs of famez.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire-lib.sh"

program=${FAMEZ_SERVER:-$top/build/bin/famez-server}
sock=$tmp/sw.sock

switch() {
	start sw "$program" --socket "$sock" --backing memfd: "$@"
	saw sw '^famez-server: ready' >/dev/null
}

down() {
	kill "${pid[sw]}"
	ends sw
}

# fee NAME: a client of F.E.E.'s
fee() {
	start "$1" "$top/tools/testing/wire/fee-client.py" "$sock" "$1"
	saw "$1" '^attached' >/dev/null
}

# host ARGS...: famez-client
host() {
	timeout 60 "$top/build/bin/famez-client" -S "$sock" "$@"
}

# heard NAME LINE...: those, one behind the other, are the last that it shows
heard() {
	local name=$1

	shift
	saw "$name" "^$(printf '%s' "${*: -1}" | sed 's/[][().*^$+?{|\\]/\\&/g')\$" >/dev/null
	tail -n $# "$tmp/$name.out" | diff - <(printf '%s\n' "$@") >"$tmp/diff" || {
		sed 's/^/# /' "$tmp/diff"
		false
	}
}

# picture LINE: the switch's, as it is now, has it
picture() {
	local before

	before=$(grep -c '^ port' "$tmp/sw.out")
	tell z01 dump
	saw sw '^ port' $((before + 1)) >/dev/null
	saw sw "^ *[0-9]+ .*Z-s[a-z]*\$" $((before + 1)) >/dev/null
	tac "$tmp/sw.out" | sed '/^ port/q' | grep -Eq "$1"
}

# ---- the switch ----

switch --verbose && fee z01 && heard z01 'attached 1 peers 1 15'; ok 'one of F.E.E.'"'"'s attaches'
tell z01 'link CTL Peer-Attribute'
heard z01 '1->15 Link CTL Peer-Attribute!EZT=1' 'done link' '15->1 Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2'
ok 'the switch says what it is'
tell z01 rfc
heard z01 '1->15 Link RFC TTC=27us!EZT=1' 'done rfc' \
	'15->1 CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=100,SID=27,Tag=1!EZT=2' \
	'1->15 Standalone Acknowledgment Tag=1,Reason=OK!EZT=3' \
	'15->1 Link CTL Peer-Attribute!EZT=4' \
	'1->15 Link CTL ACK cclass=Debugger,CID0=100,SID0=27!EZT=5'
ok 'and configures it, step by step'
tell z01 'ping server'; heard z01 '1->15 ping!EZT=1' 'done ping' '15->1 pong!EZT=2'; ok 'and answers pings'
picture '^    1  mailslot   100,27      Debugger          z01$' && picture '^   15  up         1500,27     FabricSwitch      Z-switch$'
ok 'its picture has both'
tell z01 'send server good day'; saw sw '^message from 1 \(z01\): good day$' >/dev/null; ok 'a message is shown, without its tracker'
for text in 'Link RFC TTC=27' 'Link RFC TTC=x' 'link RFC TTC=27us' 'CTL-Write Space=0' 'Link CTL' 'ping pong'; do
	tell z01 "send server $text"
	saw sw "^message from 1 \(z01\): $text\$" >/dev/null || break
done
ok 'what only looks like a word of the link layer is a message'
before=$(grep -c '^link: to' "$tmp/sw.out")
tell z01 'send server Standalone Acknowledgment Tag=77,Reason=OK'
tell z01 'send server Link CTL NAK'
tell z01 'send server CTL-Write Space=0,PFMCID=1,PFMSID=1,CID=1,SID=1,Tag=9'
tell z01 'send server Link CTL ACK C-Class=x,CID0=1,SID0=1'
tell z01 'ping server'; saw sw '^link: to peer 1: pong' 2 >/dev/null
[ "$(grep -c '^link: to' "$tmp/sw.out")" -eq $((before + 1)) ] && picture '1500,27'; ok 'what is not for a switch changes nothing'

# ---- hostile ----

# raw TEXT: without a tracker, and whatever it is
raw() {
	tell z01 "raw 15 $(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')"
}

raw 'no number!EZT='; saw sw '^message from 1 \(z01\): no number!EZT=$' >/dev/null; ok 'a tracker without a number is text'
tell z01 'raw 15 ff80fe'; saw sw '^message from 1 \(z01\): \\xff\\x80\\xfe$' >/dev/null; ok 'so is what is not UTF-8'
raw "$(printf '%0383d' 7)"; saw sw '\(383 bytes\)$' >/dev/null; ok '383 bytes'
tell z01 "raw 15 $(printf '%0768d' 0)"; raw 'after it'; saw sw '^message from 1 \(z01\): after it$' >/dev/null
! grep -q '384 bytes' "$tmp/sw.out"; ok '384 are no message, and in nobody'"'"'s way'
raw "ping!EZT=4294967296"; raw "Link RFC TTC=4294967296us"; raw "$(printf 'Link CTL ACK cclass=%0200d,CID0=1,SID0=2' 3)"
tell z01 'ping server'; saw sw '^link: to peer 1: pong' 3 >/dev/null; ok 'numbers and words that are too long are text'

# ---- each other ----

fee z02 && heard z01 'joined 2'; ok 'another attaches'
tell z01 'send 2 hello there'; heard z02 '1->2 hello there!EZT=1'; ok 'they speak with each other'
tell z02 'ping 1'; heard z02 '1->2 pong!EZT=2'; ok 'and ping each other'

# ---- programs of famez ----

host peers >"$tmp/peers"; grep -Eq ' 1  z01 .* mailslot .*Debugger$' "$tmp/peers"; ok 'a program sees them'
host send z01 'from a program' && heard z01 'joined 3' '3->1 from a program'; ok 'and sends to one of them, by name'
host send 100,27 'by CID and SID' && heard z01 '3->1 by CID and SID'; ok 'and by CID and SID'
! host send 900,27 x 2>"$tmp/err" && grep -q "no peer '900,27'" "$tmp/err"; ok 'those that were not given out are nobody'
host ping -c 2 z02 >"$tmp/ping"; ok 'it pings one' || cat "$tmp/ping" >&2
host link rfc | grep -qx 'state: configured' && host link say z01 Link CTL Peer-Attribute &&
	saw z01 '^[0-9]->1 Link CTL Peer-Attribute$' >/dev/null
ok 'it is a component, and says words of the link layer'
FAMEZ_NAME=alice start listener "$top/build/bin/famez-client" -S "$sock" listen
until sed -n '/^peer 3 up: alice/,$p' "$tmp/sw.out" | grep -q '^peer 3 configured'; do :; done; ok 'it is configured itself'
tell z01 'send 3 to alice'; saw listener '^1 \(z01\): to alice$' >/dev/null; ok 'what one of them sends is read'
tell z02 'ping 3'; heard z02 '3->2 pong!EZT=2'; ok 'and a ping answered'
head -c 383 /dev/zero | tr '\0' x >"$tmp/longest"
host send z01 <"$tmp/longest" && saw z01 "^4->1 x{383}\$" >/dev/null; ok 'of 383 bytes'
! (cat "$tmp/longest"; printf y) | host send z01 2>"$tmp/err" && grep -q '1 to 383 bytes; the message has 384' "$tmp/err"; ok 'of no more'
for ((i = 0; i < 50; i++)); do tell z02 "send 3 number $i"; done
saw listener '^2 \(z02\): number 49$' >/dev/null && [ "$(grep -c '^2 (z02): number' "$tmp/listener.out")" -eq 50 ]; ok 'fifty in a row'
! grep -q overwrites "$tmp/z02.out"; ok 'none of which had to wait'

# ---- a person's ----

FAMEZ_NAME=carol start console "$top/build/bin/famez-client" -S "$sock" console
tell console who; saw console '^[* ] +1  mailslot  100,27  Debugger  z01$' >/dev/null; ok 'console: who'
tell console 'send z01 hello; there'; saw z01 '^4->1 hello; there$' >/dev/null; ok 'send'
tell z01 'send 4 good day'; saw console '^1 \(z01\): good day$' >/dev/null; ok 'what comes is shown'
tell console 'p z02; ping server'; saw console '^peer 2: pong after' >/dev/null && saw console '^peer 15: pong after' >/dev/null; ok 'ping, by its first letter'
tell console 'spoof z02 z01 not from me'; heard z01 '2->1 not from me'; ok 'spoof'
tell console rfc; saw sw '^link: peer 4: Link RFC TTC=27us!EZT=1$' >/dev/null; ok 'rfc'
tell console 'link CTL Peer-Attribute'; saw sw '^link: peer 4: Link CTL Peer-Attribute!EZT=1$' 2 >/dev/null; ok 'link'
before=$(grep -c '^ port' "$tmp/sw.out"); tell console dump; saw sw '^ port' $((before + 1)) >/dev/null; ok 'dump'
tell console 'int 3 0; int 3 99; int 9 0; int nobody 0; fly'
saw console "^'fly' is no command; 'help' lists them\$" >/dev/null &&
	[ "$(grep -c '^peer 3: Invalid argument\|^peer 9: \|^no peer .nobody' "$tmp/console.out")" -eq 3 ]
ok 'int, and what cannot be'
tell console 'send others to all'; saw z01 '^4->1 to all$' >/dev/null && saw z02 '^4->2 to all$' >/dev/null && saw listener ': to all$' >/dev/null; ok 'others'
quit console; saw sw '^peer 4 free' >/dev/null; ok 'quit'
# a terminal: what was typed is edited, and comes again
printf 'pinx\bg server\n\033[A\nquit\n' |
	timeout 60 script -qec "$top/build/bin/famez-client -S $sock console" /dev/null >"$tmp/terminal" 2>&1
[ "$(grep -c 'peer 15: pong after' "$tmp/terminal")" -eq 2 ]; ok 'on a terminal lines are edited, and remembered' || cat "$tmp/terminal"

# ---- who does not read ----

tell z01 mute; heard z01 'done mute'
! host send --timeout 0.3 z01 'to the deaf' 2>"$tmp/err" && grep -q 'within 0.3 seconds' "$tmp/err"; ok 'who does not read in time is told of, and the message taken back'
tell z01 'ping server'; tell z02 'ping server'
saw z02 '^15->2 pong' 1 >/dev/null; ok 'and nobody waits for him for ever'
tell z01 hear; heard z01 'done hear'
host send z01 'again' && saw z01 '^4->1 again$' >/dev/null; ok 'when he reads again, he gets the next'
! grep -q 'to the deaf' "$tmp/z01.out"; ok 'not what was taken back'
crash z02; saw sw '^peer 2 free' >/dev/null && ! host send 2 x 2>/dev/null; ok 'one that was killed is gone'
crash listener; quit z01; down; ok 'the end'

# ---- no manager ----

switch --no-manager --verbose && fee z01
tell z01 rfc; tell z01 'link CTL Peer-Attribute'
heard z01 '15->1 Link CTL ACK cclass=FabricSwitch,CID0=0,SID0=0!EZT=2' && ! grep -q CTL-Write "$tmp/z01.out"
ok 'who manages nothing leaves a request unanswered'
picture ' Z-server$'; ok 'and has another name'
quit z01; down
! "$program" --socket "$sock" --silent 2>"$tmp/err" && grep -q -- 'add --no-manager' "$tmp/err"; ok '--silent manages nothing'
switch --no-manager --silent && fee z01 && heard z01 'attached 1 peers 1'; ok 'a silent switch is nobody'"'"'s peer'
fee z02 && tell z02 'send 1 hello' && heard z01 '2->1 hello!EZT=1'; ok 'its clients are each other'"'"'s'
start bob env FAMEZ_NAME=bob "$top/build/bin/famez-client" -S "$sock" listen
until host peers | grep -q ' bob .* up '; do :; done
host send bob 'quietly' && saw bob ': quietly$' >/dev/null; ok 'programs, too'
crash bob; until ! host peers | grep -q ' bob '; do :; done; ok 'and see each other go'
quit z01; quit z02; down
plan_complete
