#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# node02's driver is reloaded and rebound many times, while node01 and a program
# on the host send to it without a pause: nothing comes to it twice over all its
# lives, and nothing that was sent to a former one.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

# reborn_by WAY COMMAND: after each of node02's lives
reborn_by() {
	vm exec --timeout 1800 -n node02 -- famez-lives -f 1,3 -n 200 -r "$LIVES" -c "$2" \
		>"$tmp/got" && grep -q "^$LIVES lives, .* 0 wrong" "$tmp/got"
	ok "$1, $LIVES times: nothing comes twice, or out of order"
	on node01 cat /tmp/bg >"$tmp/sent"
	all_excused 1 "$tmp/sent"; ok 'or late from the other guest'
	all_excused 3 "$tmp/host.out"; ok 'or from the host'
}

boot 2
load; ok 'the driver loads in two guests'
start host "$bin/famez-lives" -d "$FAMEZ_VM_DIR/switch.sock" -t 2
switch_says 'peer 3 up'; ok 'a program on the host is peer 3'
background node01 'famez-lives -t 2'

reborn_by 'rmmod and insmod' 'rmmod famez_bridge && insmod /famez/famez_bridge.ko'
reborn_by 'unbind and bind' 'cd /sys/bus/pci/drivers/famez_bridge && set -- 0*:* &&
echo $1 >unbind && echo $1 >bind'

# its child goes with it, perhaps before it could be killed itself
on node01 'kill $(pidof famez-lives | tr " " "\n" | sort -n | head -n 1)' && [ ! -s "$tmp/host.err" ] && crash host
ok 'the senders have gone on to the end'
on node01 famezctl ping 2 --count 1 >/dev/null; ok 'and the last life talks'
healthy all; ok 'no kernel has complained'
plan_complete
