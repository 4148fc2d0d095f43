#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests on a server of F.E.E.'s kind, which knows mailslots alone: fee-server.py. All but
# ports, events and FAM works, to the byte.

# shellcheck source=tools/testing/guests/fee-peers.sh
. "$(dirname "$0")/fee-peers.sh"

start server "$top/tools/testing/wire/fee-server.py" "$tmp/fee.sock"
saw server '^ready' >/dev/null
boot 1 --socket "$tmp/fee.sock:16" && boot 1 --first 2 --socket "$tmp/fee.sock:16"
load node01; ok 'the driver loads'
on node01 'dmesg | grep -q "id 1 of 16, 16 of 16 vectors, 0 MiB of FAM, messages by mailslots alone" &&
! dd if=/dev/null of=/dev/famez_bridge conv=fsync 2>/dev/null'; ok 'and says what this is'
hears server '1->15 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7'; ok 'the server has configured it'
traced server <<'TRACE'
1->15 Link CTL Peer-Attribute!EZT=1
15->1 Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2
1->15 Link RFC TTC=27us!EZT=3
15->1 CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=100,SID=27,Tag=1!EZT=4
1->15 Standalone Acknowledgment Tag=1,Reason=OK!EZT=5
15->1 Link CTL Peer-Attribute!EZT=6
1->15 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7
TRACE
ok 'step by step'
[ "$(on node01 "cd $BRIDGE && cat config link_state cid0 id server_id peers_max message_max" | paste -sd' ')" = \
	'mailslots configured 100 1 15 16 383' ]
ok 'sysfs says so'
ctl node01 info | grep -qx 'config: mailslots'; ok 'and famezctl'
load node02 && hears server '2->15 Link CTL ACK cclass=FAMEZbridge,CID0=200,SID0=27!EZT=7'; ok 'a second guest'
ctl node01 peers >"$tmp/peers"
[ "$(awk '{ print $2 }' "$tmp/peers" | paste -sd' ')" = 'NAME 1 node02 Z-switch' ]; ok 'they see each other, and the server'
ctl node01 send server 'to the server' && hears server '1->15 to the server'; ok 'a guest sends to the server'
tell server 'send 1 from the server'; [ "$(ctl node01 recv --raw --timeout 60)" = 'from the server' ]; ok 'which sends to a guest'
ctl node01 send node02 'by name' && [ "$(ctl node02 recv --timeout 60)" = '1:by name' ]; ok 'guests send to each other, by name'
on node02 'echo 100,27:by CID >/dev/famez_bridge' && [ "$(ctl node01 recv --timeout 60)" = '2:by CID' ]; ok 'and by CID and SID'
ctl node01 ping -c 3 server >/dev/null && ctl node01 ping -c 3 node02 >/dev/null; ok 'pings'
tell server 'ping 2'; hears server '2->15 pong!EZT=2'; ok 'are answered'
head -c 383 /dev/zero | tr '\0' x >"$tmp/longest"
vm exec node01 -- famezctl send node02 <"$tmp/longest" && [ "$(ctl node02 recv --raw --timeout 60)" = "$(cat "$tmp/longest")" ]; ok '383 bytes'
! (cat "$tmp/longest"; printf y) | vm exec node01 -- famezctl send node02 2>/dev/null; ok 'no more'
! ctl node01 send 9 x 2>"$tmp/err" && grep -q 'no such peer' "$tmp/err"; ok 'who is not there is told of'
! ctl node01 monitor --timeout 1 >/dev/null 2>&1 && ! ctl node01 recv --nonblock --port 5 >/dev/null 2>&1; ok 'there are no events, and no ports'
for ((i = 0; i < 30; i++)); do ctl node01 send node02 "number $i" || break; [ "$(ctl node02 recv --raw --timeout 60)" = "number $i" ] || break; done
[ $i -eq 30 ]; ok 'thirty in order'
tell server mute; hears server 'done mute'
! ctl node01 send --timeout 0.5 server 'unread' 2>/dev/null; ok 'a server that does not read is told of'
tell server hear; hears server 'done hear'
ctl node01 send server 'read' && hears server '1->15 read' && ! grep -q unread "$tmp/server.out"; ok 'and gets the next'
on node01 'rmmod famez_bridge' && [ "$(ctl node02 peers | grep -c ' attached ')" -eq 1 ] && ! ctl node02 send 1 x 2>"$tmp/err" && grep -q 'no driver' "$tmp/err"
ok 'who has unloaded the driver is attached'
load node01 && hears server '1->15 Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7' 2; ok 'and comes again'
! grep '^bad' "$tmp/server.out"; ok 'each message was as F.E.E.'"'"'s driver writes it'
healthy all; ok 'no kernel has complained'
plan_complete
