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
	'config dev device fam fam_memory_type fam_offset fam_region fam_size fam_status memory_size power subsystem uevent' ] &&
	[ "$(on node01 cat /sys/class/famez/famez_fam/config)" = plain ]
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
counts node01 peers/2/tx_messages 0 node01 'famezctl send server x'
counts node01 totals/tx_messages 1 node01 'famezctl send server x'
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
# With PREEMPT_RT the handler is a thread, which several interrupts may wake once.
test=-eq
on node01 uname -v | grep -q PREEMPT_RT && test=-le
for node in node01 node02; do
	[ "$(on $node "cat $sys/vectors/*/interrupts" | awk '{ n += $1 } END { print n }')" $test "$(interrupts $node)" ]
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

# ---- famezctl stats ----

# files NODE: all counters, as sysfs has them
files() {
	on "$1" "cd $sys && grep -r . peers totals vectors rx_waits" | sort
}

# members: the same, of the JSON on standard input
members() {
	perl -MJSON::PP -0777 -ne 'my $all = decode_json($_);
		sub flat {
			my ($at, $of) = @_;
			print "$at/$_:$of->{$_}\n" for grep { !/^(id|name|vector)$/ } keys %$of;
		}
		flat("peers/$_->{id}", $_) for @{$all->{peers}};
		flat("vectors/$_->{vector}", $_) for @{$all->{vectors}};
		flat("totals", $all->{totals}) if $all->{totals};
		print "rx_waits:$all->{rx_waits}\n" if exists $all->{rx_waits};' | sort
}

# row DIRECTORY: its counters that have a column of the table
columns='tx_messages tx_bytes tx_doorbells tx_waits rx_messages rx_bytes rx_doorbells'
row() {
	on node01 "cd $sys/$1 && for i in $columns; do cat \$i; done" | xargs
}

# rest DIRECTORY: its counters that have no column and are not zero
rest() {
	on node01 "cd $sys/$1 && for i in *; do echo \$i \$(cat \$i); done" |
		awk -v c=" $columns " '!index(c, " " $1 " ") && $2 { printf "%s%s %s", n++ ? ", " : "", $1, $2 }'
}

# refuses TEXT COMMAND...: fails, with that message
refuses() {
	! "${@:2}" >"$tmp/out" 2>"$tmp/err" && grep -q "$1" "$tmp/err" && [ ! -s "$tmp/out" ]
}

on node01 famezctl stats --json >"$tmp/json"
diff <(files node01) <(members <"$tmp/json") >&2; ok 'stats --json has every counter of sysfs'
! grep -E ':"[0-9]' "$tmp/json" >&2; ok 'as numbers'
on node01 'mknod /tmp/odd c $(tr : " " </sys/class/famez/famez_bridge/dev) && famezctl --device /tmp/odd stats --json' |
	cmp - "$tmp/json"
ok 'a device under another name has the same counters'
on node01 famezctl stats >"$tmp/stats"
for who in '2:node02:peers/2' 'total:-:totals'; do
	IFS=: read -r id name dir <<<"$who"
	grep -qx " *$id  *$name  *$(row "$dir" | sed 's/ /  */g')" "$tmp/stats"
	ok "stats: a row of $dir"
	[ -n "$(rest "$dir")" ] && grep -qxE "$id( \\($name\\))?: $(rest "$dir")" "$tmp/stats"
	ok "and what else is not zero"
done
diff <(files node01 | sed -n 's,^vectors/\(.*\)/interrupts:\([1-9].*\),vector \1: interrupts \2,p' | sort -V) \
	<(grep ^vector "$tmp/stats") >&2
ok 'and the vectors that had interrupts'
diff <(files node01 | grep '^peers/2/') <(on node01 famezctl stats --json node02 | members) >&2 &&
	[ "$(on node01 famezctl stats 2 | wc -l)" -eq 3 ]
ok 'stats PEER: its counters alone'
[ "$(on node01 famezctl stats --all | grep -c '^vector ')" -eq "$(value node01 vectors_armed)" ] &&
	on node01 famezctl stats --all 2 | grep -q 'rx_garbage 0, '
ok 'stats --all: what is zero, too'
refuses "no peer 'nobody'" on node01 famezctl stats nobody &&
	refuses "nothing is counted of '1'" on node01 famezctl stats 2 1 &&
	refuses "nothing is counted of '9'" on node01 famezctl stats 9
ok 'no counters: of an unknown name, of itself, of an id that was never up'
for command in stats 'monitor --counters 1'; do
	# shellcheck disable=SC2086
	refuses 'socket has no counters' "$tools/famezctl" --device "$FAMEZ_VM_DIR/switch.sock" $command &&
		refuses 'FAM alone' on node01 "famezctl --device /dev/famez_fam $command"
	ok "$command: not of a socket, not of a plain device"
done

# ---- famezctl monitor ----

# watch COMMAND: in node01, and waits until it has seen what was there before
watch() {
	background node01 "$1; echo ended \$?"
	on node01 'until grep -q famez /proc/$(pidof famezctl)/wchan 2>/dev/null; do usleep 1000; done'
}

unwatch() {
	on node01 'kill $(pidof famezctl)'
	says node01 '^ended'
}

# told: the sums of what it has told, as the lines of files()
told() {
	on node01 cat /tmp/bg | tr -d ',:+()' | awk '
		$2 == "vector" { at = "vectors/" $3; i = 4 }
		$2 != "vector" { at = "peers/" $2; i = 4 }
		{ for (; i < NF; i += 2) sum[at "/" $i] += $(i + 1) }
		END { for (i in sum) print i ":" sum[i] }' | sort
}

# since BEFORE: what has changed in sysfs, likewise
since() {
	awk -F: 'NR == FNR { before[$1] = $2; next }
		$1 ~ /^(peers|vectors)/ && $2 != before[$1] { print $1 ":" $2 - before[$1] }' "$1" <(files node01) | sort
}

refuses 'no event within 1 seconds' on node01 'famezctl monitor --counters 0.05 --count 1 --timeout 1'
ok 'monitor --counters: no line while nothing moves'
files node01 >"$tmp/before"
watch 'famezctl monitor --counters 0.05'
on node01 "$three; famezctl ping 2 --count 2 --interval 0; famezctl send 9 x" >/dev/null 2>&1
on node02 'famezctl recv --count 3 --raw; echo 1:back >/dev/famez_bridge' >/dev/null
on node01 famezctl recv >/dev/null
for ((tries = 0; tries < 50; tries++)); do
	since "$tmp/before" >"$tmp/since"
	! told | cmp -s - "$tmp/since" || break
done
told | diff "$tmp/since" - >&2 && grep -q '^peers/2/tx_messages:3$' "$tmp/since" &&
	grep -q '^peers/2/rx_messages:1$' "$tmp/since" && grep -q '^vectors/' "$tmp/since"
ok 'what it tells adds up to what sysfs shows'
unwatch
watch 'famezctl monitor --counters 0.05 --count 1'
on node01 'famezctl ping 2 --count 1' >/dev/null
says node01 '^ended 0$' && [ "$(on node01 'grep -c . /tmp/bg; grep -c " +" /tmp/bg' | xargs)" = '2 1' ]
ok 'monitor --count: that many lines, of counters, too'
start bell "$bin/wire-client" -S "$FAMEZ_VM_DIR/switch.sock" -n "$(value node01 vectors_offered)" --stay
saw bell '^ok id=' >/dev/null
on node01 "until famezctl peers | grep -q '^ *$(own_id bell) .*attached'; do usleep 1000; done"
watch 'famezctl monitor --counters 0.05 --json'
rung=$(value node01 vectors/5/interrupts)
tell bell 'ring 1 5'
says node01 '"event":"counters","vector":5,"moved":.*"interrupts":1'
[ "$(value node01 vectors/5/interrupts)" -eq $((rung + 1)) ]
ok 'a doorbell that an ivshmem client rings shows on its vector'
unwatch
on node01 'grep "^{" /tmp/bg' | perl -MJSON::PP -ne '
	$vector++ if decode_json($_)->{vector}; END { exit !$vector }'
ok 'each line is JSON'
quit bell
watch 'famezctl monitor --counters 0.05'
on node01 'd=$(basename $(readlink -f /sys/class/famez/famez_bridge/device))
echo $d >/sys/bus/pci/drivers/famez_bridge/unbind; echo $d >/sys/bus/pci/drivers/famez_bridge/bind'
says node01 '^ended 1$' && on node01 'grep -q "device has gone" /tmp/bg'
ok 'a device that goes ends it, and it says so'

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
healthy all; ok 'no kernel has complained'
plan_complete
