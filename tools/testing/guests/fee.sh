#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests as components of Gen-Z's link layer, and among peers that know F.E.E.'s
# mailslots alone: those of fee-client.py, on the host.

# shellcheck source=tools/testing/guests/fee-peers.sh
. "$(dirname "$0")/fee-peers.sh"

# value NODE NAME: an attribute of its bridge
value() {
	on "$1" cat "$BRIDGE/$2"
}

# configured ID [COUNT]: so often
configured() {
	saw sw "^peer $1 configured: CID ${1}00, SID 27" "${2:-1}" >/dev/null
}

start sw "${FAMEZ_SERVER:-$tools/famez-server}" --socket "$tmp/sw.sock" --backing memfd: --verbose
saw sw '^famez-server: ready' >/dev/null
boot 1 --socket "$tmp/sw.sock" && boot 1 --first 2 --socket "$tmp/sw.sock"
load node01 && load node02; ok 'the driver loads in two guests'

# ---- the link layer ----

configured 1 && configured 2; ok 'the switch configures them'
diff <(sed -n 's/^link: \(to \)\{0,1\}peer 1: /\1/p' "$tmp/sw.out" | head -n 7) - >&2 <<'TRACE'
Link CTL Peer-Attribute!EZT=1
to Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2
Link RFC TTC=27us!EZT=3
to CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=100,SID=27,Tag=1!EZT=4
Standalone Acknowledgment Tag=1,Reason=OK!EZT=5
to Link CTL Peer-Attribute!EZT=6
Link CTL ACK cclass=FAMEZbridge,CID0=100,SID0=27!EZT=7
TRACE
ok 'step by step, as its trackers tell'
[ "$(on node02 "cd $BRIDGE && [ ! -e manager ] && cat link_state link_partner cid0 sid0 pfmcid pfmsid c_class max_interface" | paste -sd' ')" = \
	'configured FabricSwitch 200 27 1500 27 FAMEZbridge 1' ]
ok 'sysfs shows what came of it'
ctl node02 peers >"$tmp/peers"; ctl node02 peers --json | grep -q '"cid":100'; ok 'peers see each other'"'"'s'
ctl node01 link >"$tmp/link"; diff "$tmp/link" - >&2 <<'LINK'; ok 'famezctl link, too'
state: configured
cid,sid: 100,27
manager: 1500,27
class: FAMEZbridge
switch: 1500,27 FabricSwitch
LINK
ctl node01 link --json | grep -q '"switch_class":"FabricSwitch"' && ctl node01 link rfc | grep -qx 'cid,sid: 100,27' &&
	[ "$(grep -c '^link: peer 1: Link RFC' "$tmp/sw.out")" -eq 2 ] && configured 1 2
ok 'and has it asked once more'
ctl node02 link say node01 Link CTL Peer-Attribute && ! ctl node02 link say node01 Hello 2>"$tmp/err" && grep -q 'no word of the link layer' "$tmp/err"
ok 'it says words of the link layer, and nothing else'
on node01 'rmmod famez_bridge' && load node01 && configured 1 3; ok 'who loads the driver anew goes through it again'
on node01 'rmmod famez_bridge' && saw sw '^peer 1 down' 2 >/dev/null && kill -STOP "${pid[sw]}" && load node01; kill -CONT "${pid[sw]}"
configured 1 4; ok 'also with a switch that hears it late'
on node02 'echo 100,27:by CID and SID >/dev/famez_bridge' && [ "$(ctl node01 recv --raw --timeout 60)" = 'by CID and SID' ]; ok 'text goes to CID and SID'
ctl node02 send 100,27 'by a program' && [ "$(ctl node01 recv --raw --timeout 60)" = 'by a program' ]; ok 'so does a program'"'"'s'
on node02 'printf 900,27:x | dd of=/dev/famez_bridge 2>&1' | grep -qi 'no route to host'; ok 'those that were not given out are unreachable'
ctl node02 send node01 'named by id' && [ "$(on node01 'dd if=/dev/famez_bridge bs=4200 count=1 2>/dev/null')" = '2:named by id' ]; ok 'read gives ids'
on node01 'echo Y >/sys/module/famez_bridge/parameters/read_cid' && ctl node02 send node01 'named by CID' &&
	[ "$(on node01 'dd if=/dev/famez_bridge bs=4200 count=1 2>/dev/null')" = '200,27:named by CID' ]
ok 'or CID and SID'
on node01 "echo Bridge-of-node01 >$BRIDGE/c_class" && ctl node02 peers | grep -q 'node01 .*Bridge-of-node01$'; ok 'a class can be chosen'
! on node01 "echo 'a b' >$BRIDGE/c_class" 2>/dev/null && ! on node01 "echo a,b >$BRIDGE/c_class" 2>/dev/null &&
	! on node01 "echo 0123456789012345678901234567890123 >$BRIDGE/c_class" 2>/dev/null &&
	[ "$(value node01 c_class)" = Bridge-of-node01 ]
ok 'not every one'

# ---- F.E.E.'s ----

fee z03; ok 'one of F.E.E.'"'"'s attaches'
ctl node01 peers | grep -Eq ' 3  z03 .* mailslot .*Debugger$'; ok 'a guest sees it'
tell z03 'link CTL Peer-Attribute'; hears z03 '15->3 Link CTL ACK .*'; tell z03 rfc; configured 3
tag=$(sed -n 's/^15->3 CTL-Write.*,Tag=\([0-9]*\)!.*/\1/p' "$tmp/z03.out")
traced z03 <<TRACE
3->15 Link CTL Peer-Attribute!EZT=1
15->3 Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2
3->15 Link RFC TTC=27us!EZT=1
15->3 CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=300,SID=27,Tag=$tag!EZT=2
3->15 Standalone Acknowledgment Tag=$tag,Reason=OK!EZT=3
15->3 Link CTL Peer-Attribute!EZT=4
3->15 Link CTL ACK cclass=Debugger,CID0=300,SID0=27!EZT=5
TRACE
ok 'the switch configures it, step by step'
ctl node01 send z03 'by name' && hears z03 '1->3 by name'; ok 'a guest sends to it, by name'
on node01 'echo 3:by id >/dev/famez_bridge' && hears z03 '1->3 by id'; ok 'by id'
on node01 'echo 300,27:by CID >/dev/famez_bridge' && hears z03 '1->3 by CID'; ok 'by CID and SID'
ctl node01 ping -c 3 z03 >/dev/null; ok 'and pings it'
tell z03 'send 1 good day'; [ "$(ctl node01 recv --raw --timeout 60)" = 'good day' ]; ok 'it sends to a guest, which does not see its tracker'
tell z03 'ping 2'; hears z03 '2->3 pong!EZT=2'; ok 'and is answered'
tell z03 'raw 1 4c696e6b2043544c20506565722d417474726962757465'
hears z03 '1->3 Link CTL ACK cclass=Bridge-of-node01,CID0=100,SID0=27'; ok 'and told what the guest is'
tell z03 'send 1 Link CTL nothing'; [ "$(ctl node01 recv --raw --timeout 60)" = 'Link CTL nothing' ]; ok 'what only looks like a word of the link layer is read'
tell z03 "send 2 CTL-Write Space=0,PFMCID=1,PFMSID=1,CID=7,SID=7,Tag=9"; tell z03 'ping 2'; hears z03 '2->3 pong!EZT=2'
[ "$(value node02 cid0)" = 200 ]; ok 'who is not the switch configures nobody'

# ---- the link layer between the two, step by step ----

# after N COMMAND...: and until the old one has said and heard N messages
after() {
	local before

	before=$(messages z03)
	"${@:2}"
	saw z03 '^[0-9]+->[0-9]' $((before + $1)) >/dev/null
}

tell z03 'patience 600'
since=$(messages z03)
after 2 tell z03 'send 1 Link CTL Peer-Attribute'
after 1 tell z03 'send 1 Link RFC TTC=27us'
# no guest is a manager, but by hand
after 2 ctl node01 link say z03 'CTL-Write Space=0,PFMCID=100,PFMSID=27,CID=301,SID=27,Tag=4!EZT=2'
after 2 ctl node01 link say z03 'Link CTL Peer-Attribute!EZT=4'
after 2 ctl node01 link say z03 'ping!EZT=6'
traced z03 "$since" <<'TRACE'
3->1 Link CTL Peer-Attribute!EZT=1
1->3 Link CTL ACK cclass=Bridge-of-node01,CID0=100,SID0=27!EZT=2
3->1 Link RFC TTC=27us!EZT=1
1->3 CTL-Write Space=0,PFMCID=100,PFMSID=27,CID=301,SID=27,Tag=4!EZT=2
3->1 Standalone Acknowledgment Tag=4,Reason=OK!EZT=3
1->3 Link CTL Peer-Attribute!EZT=4
3->1 Link CTL ACK cclass=Debugger,CID0=301,SID0=27!EZT=5
1->3 ping!EZT=6
3->1 pong!EZT=7
TRACE
ok 'step by step: what an old one asks of a guest'
since=$(messages z03)
after 2 ctl node01 link say z03 'Link CTL Peer-Attribute!EZT=1'
after 1 ctl node01 link say z03 'Link RFC TTC=27us!EZT=3'
# behind what is not answered, a ping, which is: an answer would have come before
for text in 'CTL-Write Space=0,PFMCID=300,PFMSID=27,CID=7,SID=7,Tag=9' 'Standalone Acknowledgment Tag=9,Reason=OK' \
	'Link RFC TTC=27us' 'Link CTL ACK cclass=Debugger,CID0=300,SID0=27'; do
	after 1 tell z03 "send 1 $text"
	after 2 tell z03 'ping 1'
done
traced z03 "$since" <<'TRACE'
1->3 Link CTL Peer-Attribute!EZT=1
3->1 Link CTL ACK cclass=Debugger,CID0=301,SID0=27!EZT=2
1->3 Link RFC TTC=27us!EZT=3
3->1 CTL-Write Space=0,PFMCID=300,PFMSID=27,CID=7,SID=7,Tag=9!EZT=1
3->1 ping!EZT=1
1->3 pong!EZT=2
3->1 Standalone Acknowledgment Tag=9,Reason=OK!EZT=1
3->1 ping!EZT=1
1->3 pong!EZT=2
3->1 Link RFC TTC=27us!EZT=1
3->1 ping!EZT=1
1->3 pong!EZT=2
3->1 Link CTL ACK cclass=Debugger,CID0=300,SID0=27!EZT=1
3->1 ping!EZT=1
1->3 pong!EZT=2
TRACE
ok 'and a guest of an old one'
[ "$(on node01 "cd $BRIDGE && cat link_state cid0 sid0 pfmcid link_partner" | paste -sd' ')" = 'configured 100 27 1500 FabricSwitch' ] &&
	! ctl node01 recv --nonblock 2>/dev/null
ok 'of which nothing is left, and programs read nothing'
tell z03 'patience 1.05'

# ---- limits ----

head -c 383 /dev/zero | tr '\0' x >"$tmp/longest"
vm exec node01 -- famezctl send z03 <"$tmp/longest" && saw z03 '^1->3 x{383}$' >/dev/null; ok 'it gets 383 bytes'
! (cat "$tmp/longest"; printf y) | vm exec node01 -- famezctl send z03 2>"$tmp/err" && grep -q '1 to 383 bytes' "$tmp/err"; ok 'no more'
! ctl node01 send --port 5 z03 x 2>"$tmp/err" && grep -q 'opened that port' "$tmp/err"; ok 'and has no ports' || cat "$tmp/err" >&2
for text in '' ff fe80 6e6f206e756d6265722145 6e6f206e756d626572214548543d; do tell z03 "raw 1 ${text:-00}"; done
tell z03 "raw 1 $(printf '%0768d' 0)"; tell z03 'send 1 behind all that'
for ((i = 0; i < 9; i++)); do [ "$(ctl node01 recv --raw --timeout 60 | tr -d '\0')" != 'behind all that' ] || break; done
[ $i -lt 9 ]; ok 'whatever it sends, what follows is read'
[ "$(on node01 "cat $BRIDGE/totals/rx_garbage")" -ge 1 ]; ok 'what cannot be is counted'

# ---- who does not read ----

for ((i = 0; i < 9; i++)); do tell z03 "send 2 number $i"; done
tell z03 'ping 15'; hears z03 '15->3 pong!EZT=2'; ok 'a guest that does not read takes eight, and is in nobody'"'"'s way'
for ((i = 0; i < 8; i++)); do ctl node02 recv --raw --timeout 60; echo; done | diff - <(seq -f 'number %g' 0 7) >&2; ok 'which it has in order'
tell z03 mute; hears z03 'done mute'
! ctl node01 send --timeout 0.5 z03 'to the deaf' 2>"$tmp/err" && grep -q 'within 0.5 seconds' "$tmp/err"; ok 'who does not read in time is told of'
ctl node01 send node02 'past it' && [ "$(ctl node02 recv --raw --timeout 60)" = 'past it' ]; ok 'others are reached meanwhile'
# whoever finds that a message was not read in time
on node01 'for i in 1 2 3; do famezctl send z03 "deaf to $i" & waits="$waits $!"; done
told=0; for pid in $waits; do wait $pid || told=$((told + 1)); done
[ $told -eq 3 ]' 2>"$tmp/err"; ok 'so is each of three who wait for their turn'
tell z03 hear; hears z03 'done hear'
ctl node01 send z03 'once more' && hears z03 '1->3 once more' && ! grep -q 'to the deaf\|deaf to' "$tmp/z03.out"; ok 'what was taken back is not read'

# ---- all to all, with kills ----

for n in 4 5; do fee z0$n; done
for node in node01 node02; do background $node 'famezctl listen'; done
# F.E.E.'s read nothing while they wait for their slot: so one after the other
for ((i = 0; i < 5; i++)); do
	for n in 3 4 5; do
		for to in 1 2 3 4 5; do
			[ $to -eq $n ] || tell z0$n "send $to m$i"
			[ $to -lt 3 ] || [ $to -eq $n ] || hears z0$to "$n->$to m$i!EZT=1"
		done
	done
done
for node in 1 2; do
	on node0$node 'for i in 1 2 3; do famezctl send $((i + 2)) from-'$node'-$i || exit; done'
done
ok 'guests send to each, while each sends to each'
for n in 3 4 5; do
	for node in node01 node02; do says $node "^$n \\(z0$n\\): m4\$"; done
	hears z0$n "1->$n from-1-$((n - 2))" && hears z0$n "2->$n from-2-$((n - 2))"
done
for node in node01 node02; do on $node 'grep -c "): m" /tmp/bg'; done | paste -sd' ' | grep -qx '15 15'; ok 'all of it comes, once'
crash z04; saw sw '^peer 4 free' >/dev/null
! ctl node01 send 4 x 2>/dev/null; ok 'one that was killed is gone'
tell z05 'send 1 still here'; says node01 '^5 \(z05\): still here$'; ok 'the others are not'
on all 'kill $(pidof famezctl); rmmod famez_bridge'; tell z03 'link CTL Peer-Attribute'; hears z03 '15->3 Link CTL ACK.*'
ok 'guests leave'
quit z03; quit z05
healthy all; ok 'no kernel has complained'
plan_complete
