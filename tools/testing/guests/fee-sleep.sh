#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests sleep (suspend to RAM) among peers that know F.E.E.'s mailslots alone: node01 among
# clients on famez's switch, node02 on a server of F.E.E.'s kind. What was sent before,
# meanwhile and afterwards comes, or its sender was told.

# shellcheck source=tools/testing/guests/fee-peers.sh
. "$(dirname "$0")/fee-peers.sh"

# asleep NODE [COMMAND]: and a program there, which has just begun to wait
asleep() {
	on "$1" "setsid sh -c '${2:-true}; echo exit \$?' </dev/null >/tmp/told 2>&1 &
until grep -q ^exit /tmp/told || grep -q famez_mail /proc/\$(pidof famezctl)/wchan; do :; done 2>/dev/null
setsid sh -c 'echo mem >/sys/power/state' </dev/null >/dev/null 2>&1 &"
	until vm qmp "$1" query-status | grep -q suspended; do :; done
}

wake() {
	vm qmp "$1" system_wakeup >/dev/null
}

# reads NODE LINE...: these messages, of each sender in order
reads() {
	local node=$1 i

	shift
	for ((i = 0; i < $#; i++)); do
		ctl "$node" recv --timeout 120 || return
	done | sort -s -t: -k1,1n | diff - <(printf '%s\n' "$@") >&2 &&
		! ctl "$node" recv --nonblock 2>/dev/null
}

start sw "${FAMEZ_SERVER:-$tools/famez-server}" --socket "$tmp/sw.sock" --backing memfd: --verbose
start server "$top/tools/testing/wire/fee-server.py" "$tmp/fee.sock"
saw sw '^famez-server: ready' >/dev/null && saw server '^ready' >/dev/null
# after a suspend q35 cannot be powered off
boot 1 --machine pc --socket "$tmp/sw.sock" && boot 1 --first 2 --machine pc --socket "$tmp/fee.sock:16"
load node01 && load node02; ok 'the driver loads in two guests'

# ---- among clients ----

fee z02 && fee z03 && saw sw '^peer 1 configured' >/dev/null; ok 'two of F.E.E.'"'"'s attach'
tell z02 'patience 600'; tell z03 'patience 600'
# what there is no place for stays with who has sent it
for i in 0 1 2 3 4 5 6 7 8; do tell z03 "send 1 evening $i"; done
hears z03 'done send' 9
tell z02 mute; hears z02 'done mute'
ctl node01 send --nonblock z02 'over night'; ok 'a guest has sent to one who does not read'
asleep node01; ok 'the guest sleeps'
! "$tools/famez-client" -S "$tmp/sw.sock" send 1 x 2>"$tmp/err" && grep -q 'no driver' "$tmp/err"; ok 'others are told'
tell z02 'send 1 in the night'; hears z02 'done send'
wake node01; saw sw '^peer 1 configured' 2 >/dev/null; ok 'it wakes, and is configured again'
# who hears only now; the answer comes when that was read, if it ever is
tell z02 hear; tell z02 'ping 1'; hears z02 '1->2 pong!EZT=2'
grep -qx '1->2 over night' "$tmp/z02.out"; ok 'what it has sent before is read'
reads node01 '2:in the night' 3:'evening '{0..8}; ok 'what came before, and meanwhile, is read'
ctl node01 send z02 'good morning' && hears z02 '1->2 good morning' && ctl node01 send z03 'and to you' && hears z03 '1->3 and to you'
ok 'it sends to each'
tell z02 'send 1 and to you'; tell z03 'send 1 too'; reads node01 '2:and to you' '3:too'; ok 'each sends to it'
ctl node01 ping -c 3 z02 >/dev/null && ctl node01 ping -c 3 z03 >/dev/null; ok 'it pings each'
since=$(messages z02)
tell z02 'ping 1'; hears z02 '1->2 pong!EZT=2' 2
tell z02 'send 1 Link CTL Peer-Attribute'; hears z02 '1->2 Link CTL ACK .*!EZT=2'
ctl node01 link say z02 'CTL-Write Space=0,PFMCID=100,PFMSID=27,CID=200,SID=27,Tag=3!EZT=1'
traced z02 "$since" <<'TRACE'
2->1 ping!EZT=1
1->2 pong!EZT=2
2->1 Link CTL Peer-Attribute!EZT=1
1->2 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=2
1->2 CTL-Write Space=0,PFMCID=100,PFMSID=27,CID=200,SID=27,Tag=3!EZT=1
2->1 Standalone Acknowledgment Tag=3,Reason=OK!EZT=2
TRACE
ok 'words of the link layer go both ways, step by step'

# ---- on their server ----

hears server '1->15 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7'
tell server 'patience 600'
for i in 0 1 2 3 4; do tell server "send 1 evening $i"; done
hears server 'done send' 5
tell server mute; hears server 'done mute'
asleep node02 'famezctl send server "over night"'; ok 'on a server of F.E.E.'"'"'s: a guest sleeps amid a send'
tell server 'send 1 in the night'; hears server 'done send' 6
wake node02; on node02 true; tell server hear
hears server '1->15 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7' 2; ok 'it wakes, and is configured again'
# read, or not in time: words to the server were behind it
on node02 wire-wait /tmp/told ^exit >/dev/null
if on node02 grep -qx 'exit 0' /tmp/told; then
	grep -qx '1->15 over night' "$tmp/server.out"
else
	! grep -qx '1->15 over night' "$tmp/server.out"
fi
ok 'and who sent is told the truth'
reads node02 15:'evening '{0..4} '15:in the night'; ok 'what came before, and meanwhile, is read'
ctl node02 send server 'good morning' && hears server '1->15 good morning'; ok 'it sends'
tell server 'send 1 and to you'; reads node02 '15:and to you'; ok 'and is sent to'
ctl node02 ping -c 3 server >/dev/null && tell server 'ping 1' && hears server '1->15 pong!EZT=2'; ok 'pings go both ways'
[ "$(on node02 "cd $BRIDGE && cat link_state cid0" | paste -sd' ')" = 'configured 100' ]; ok 'sysfs says so'
! grep '^bad' "$tmp/server.out"; ok 'each message was as F.E.E.'"'"'s driver writes it'
healthy all; ok 'no kernel has complained'
plan_complete
