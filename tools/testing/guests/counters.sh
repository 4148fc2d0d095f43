#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# sysfs and the tracepoints: what they show is what happened.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

sys=/sys/class/famez/famez_bridge

# value NODE FILE
value() {
	on "$1" "cat $sys/$2"
}

# counts NODE FILE BY WHERE COMMAND: a command in a guest changes a counter by so
# many; it may fail, as some count failures
counts() {
	local before

	before=$(value "$1" "$2")
	on "$4" "$5" >"$tmp/out" 2>&1
	[ $(($(value "$1" "$2") - before)) -eq "$3" ]
	ok "$1: $2 + $3: $5"
}

boot 2 --device 'ivshmem-plain,memdev=m' --qemu -object \
	--qemu "memory-backend-ram,id=m,size=1M,share=on"
load; ok 'the driver loads in both guests'

# ---- sysfs ----

on node01 'famezctl ping 2 --count 1' >/dev/null
on node01 "cd $sys && find . -type f ! -path '*/power/*' ! -name uevent ! -name dev" |
	sed 's,^\./,,; s,^peers/[0-9]*/,peers/<id>/,; s,^vectors/[0-9]*/,vectors/<n>/,; /^totals/d' |
	sort -u >"$tmp/there"
sed -n 's,^What:.*/<device>/\(.*[^/]\)$,\1,p' "$top/Documentation/ABI/sysfs-class-famez" |
	sort >"$tmp/documented"
diff "$tmp/documented" "$tmp/there" >&2; ok 'each file is documented, and there'
diff <(on node01 "ls $sys/peers/2") <(on node01 "ls $sys/totals") >&2
ok 'totals has what a peer has'
on node01 famezctl info >"$tmp/info"
for pair in 'id:id' 'config:config' 'name:node_name' 'generation:generation' \
	'server id:server_id' 'peers max:peers_max' 'vectors offered:vectors_offered' \
	'vectors armed:vectors_armed' 'longest message:message_max' 'fabric:fabric' \
	'memory size:memory_size' 'fam offset:fam_offset' 'fam size:fam_size'; do
	[ "$(sed -n "s/^${pair%:*}: \([^ ]*\).*/\1/p" "$tmp/info")" = "$(value node01 "${pair#*:}")" ] ||
		echo "# ${pair#*:} differs" >&2
done 2>"$tmp/differ"
[ ! -s "$tmp/differ" ]; ok 'what sysfs says of the bridge is what info says'
[ "$(value node01 peers_up)" -eq 2 ]; ok 'two peers are up: the other guest and the switch'
[ "$(on node01 'cd /sys/class/famez/famez_fam && echo *')" = \
	'config dev device fam_offset fam_size memory_size power subsystem uevent' ]
ok 'a plain device shows its memory alone'


# ---- counters ----

three='for i in 1 2 3; do famezctl send 2 12345; done'
counts node01 peers/2/tx_messages 3 node01 "$three"
counts node02 peers/1/rx_messages 0 node01 "$three"
counts node02 peers/1/rx_messages 3 node02 'famezctl recv --count 3'
counts node02 peers/1/rx_bytes 15 node02 'famezctl recv --count 3'
counts node01 peers/2/tx_bytes 15 node01 "$three"
counts node02 totals/rx_bytes 15 node02 'famezctl recv --count 3'
counts node01 peers/2/tx_pings 4 node01 'famezctl ping 2 --count 4 --interval 0'
counts node02 peers/1/rx_pings 4 node01 'famezctl ping 2 --count 4 --interval 0'
counts node02 rx_waits 1 node02 'famezctl recv --timeout 0.1'
counts node01 totals/tx_absent 1 node01 'famezctl send 9 x'
counts node01 peers/2/tx_too_long 1 node01 '{ echo -n 2:; head -c 4097 /dev/zero; } | dd of=/dev/famez_bridge bs=5000 iflag=fullblock'
on node01 "echo 2:123456789 >/dev/famez_bridge"
counts node02 peers/1/rx_too_long 1 node02 'dd if=/dev/famez_bridge bs=4 count=1'
on node02 famezctl recv >/dev/null
# it tries more than once before it says that there is no room
full=$(value node01 peers/2/tx_full)
on node01 'head -c 4096 /dev/zero >/tmp/long
while famezctl send --nonblock 2 </tmp/long; do :; done' 2>/dev/null
[ "$(value node01 peers/2/tx_full)" -gt "$full" ]; ok 'node01: peers/2/tx_full: sends without room'
waits=$(value node01 peers/2/tx_waits)
background node01 'famezctl send 2 </tmp/long; echo sent'
on node01 "until [ \$(cat $sys/peers/2/tx_waits) -eq $((waits + 1)) ]; do usleep 1000; done"
ok 'node01: peers/2/tx_waits + 1: a sender sleeps'
on node02 'while famezctl recv --nonblock --raw >/dev/null; do :; done' 2>/dev/null
says node01 '^sent'
[ "$(value node01 peers/2/tx_waits)" -eq $((waits + 1)) ]; ok 'and once only'
for node in node01 node02; do
	[ "$(on $node "cat $sys/vectors/*/interrupts" | awk '{ n += $1 } END { print n }')" -eq "$(interrupts $node)" ]
	ok "$node: the vectors' interrupts are those that the kernel counts"
done
[ "$(value node01 peers/2/tx_doorbells)" -ge "$(value node02 peers/1/rx_doorbells)" ] &&
	[ "$(value node02 peers/1/rx_doorbells)" -gt 0 ]
ok 'no more marks are found than were left'
on node02 'while famezctl recv --nonblock --raw >/dev/null; do :; done' 2>/dev/null
on node01 famezctl send 2 unread
on node02 rmmod famez_bridge
counts node01 peers/2/tx_resets 1 node01 'famezctl send 2 x'
counts node01 peers/2/tx_down 1 node01 'famezctl send 2 x'
[ "$(value node01 peers_up)" -eq 1 ]; ok 'one peer is left; its counters stay'
load node02

# ---- tracepoints ----

# traced NODE REGEX: how many lines of the trace match
traced() {
	on "$1" "grep -cE '$2' /sys/kernel/tracing/trace"
}

on all 'mount -t tracefs t /sys/kernel/tracing 2>/dev/null
echo 1 >/sys/kernel/tracing/events/famez/enable'
on node01 "$three; famezctl ping 2 --count 1" >/dev/null
on node02 'famezctl recv --count 3' >/dev/null
[ "$(traced node01 'famez_send: bridge=0 peer=2 type=1 length=5$')" -eq 3 ] &&
	[ "$(traced node02 'famez_receive: bridge=0 peer=1 type=1 length=5$')" -eq 3 ]
ok 'famez_send and famez_receive: three messages'
[ "$(traced node01 'famez_send: bridge=0 peer=2 type=2 ')" -eq 1 ] &&
	[ "$(traced node02 'famez_receive: bridge=0 peer=1 type=2 ')" -eq 1 ]
ok 'and a ping'
[ "$(traced node01 'famez_doorbell: bridge=0 peer=2 vector=1$')" -gt 0 ] &&
	[ "$(traced node02 'famez_interrupt: bridge=0 vector=1$')" -gt 0 ]
ok 'famez_doorbell and famez_interrupt'
on node02 rmmod famez_bridge
on node01 'until famezctl peers | grep -q "^ *2 .*attached"; do usleep 1000; done'
[ "$(traced node01 'famez_peer: bridge=0 peer=2 state=attached generation=00000000')" -eq 1 ]
ok 'famez_peer: the driver is gone'
vm check all; ok 'no kernel has complained'
plan_complete
