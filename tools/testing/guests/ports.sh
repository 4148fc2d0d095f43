#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ports, batches and eventfds (test-ports) between two guests, from the host to a
# guest, and from a guest to the host; what is discarded is counted; a program that
# dies closes its port.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

# counter NODE PEER NAME
counter() {
	on "$1" cat "/sys/class/famez/famez_bridge/peers/$2/$3"
}

boot 2
load; ok 'the driver loads in two guests'
background node02 port-server
says node02 '^ready'; ok 'a peer serves ports'

start guest vm exec --timeout 1800 -n node01 -- test-ports 2 "$PORT_MESSAGES"
ends guest && complete "$tmp/guest.out"; ok 'from a guest to a guest'
[ "$(counter node02 1 rx_discarded)" -gt 0 ]; ok 'what was not read is counted'
[ "$(counter node01 2 tx_refused)" -gt 0 ]; ok 'and what nobody wanted'

start host "$bin/test-ports" -d "$socket" 2 "$PORT_MESSAGES"
ends host && complete "$tmp/host.out"; ok 'from the host to a guest'

start server "$bin/port-server" -d "$socket"
saw server '^ready' >/dev/null
id=$("$tools/famez-client" -S "$socket" peers | awk '/port-server/ { print $1 }' | grep -vx 2)
start guest vm exec --timeout 1800 -n node01 -- test-ports "$id" "$PORT_MESSAGES"
ends guest && complete "$tmp/guest.out"; ok 'from a guest to the host'

# Whoever allocates is named in the trace; opening the device does.  Only what modules
# from ours on do is written down: so nothing of it is written over.
on node01 'mount -t tracefs t /sys/kernel/tracing 2>/dev/null
start=$(sed -n "s/^famez_bridge.* 0x/0x/p" /proc/modules | cut -d" " -f1)
cd /sys/kernel/tracing && echo >trace
for e in kmalloc kmalloc_node kmem_cache_alloc kmem_cache_alloc_node; do
	[ -e events/kmem/$e ] || continue
	echo "call_site >= $start" >events/kmem/$e/filter &&
	echo 1 >events/kmem/$e/enable || exit
done'
start flood vm exec --timeout 1800 -n node02 -- famez-flood -f 1 -n "$PORT_MESSAGES"
on node01 famez-flood -t 2 -n "$PORT_MESSAGES" >/dev/null && ends flood
ok "$PORT_MESSAGES messages to port 0"
on node01 'cd /sys/kernel/tracing && echo 0 >tracing_on && grep famez_open trace >/dev/null &&
! grep "\[famez_bridge\]" trace | grep -v famez_open'
ok 'and no allocation for any of them'

# The file of a program that is killed is closed.
background node01 'famezctl recv --port 77; echo ended'
on node01 'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done 2>/dev/null'
on node02 famezctl send --port 77 1 hello; says node01 hello
ok 'famezctl sends to a port'
background node01 'exec famezctl recv --port 77'
on node01 'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done 2>/dev/null
kill -9 $(pidof famezctl); while [ "$(pidof famezctl)" ]; do :; done'
! on node02 famezctl send --port 77 1 hello 2>"$tmp/err" && grep -q 'opened that port' "$tmp/err"
ok 'a port is closed when its program is killed'

healthy all; ok 'no kernel has complained'
plan_complete
