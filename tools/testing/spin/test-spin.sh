#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The models of the message protocol beside this: spin goes through all their
# states and finds no fault; and it finds one in each that is broken in one place.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../wire/wire-lib.sh"
models=$top/tools/testing/spin
cd "$tmp" || exit 1

# search safety|progress MODEL [DEFINITION...]: through all states. Safety: none is
# bad. Progress: nothing goes on for ever without a message being read.
search() {
	local build=(-DSAFETY -DNOREDUCE) run=()

	[ "$1" = safety ] || { build=(-DNP) run=(-l); }
	rm -f pan*
	spin -a "${@:3}" "$models/$2.pml" >spin.log 2>&1 &&
		gcc -w -O2 -DCOLLAPSE -DMEMLIM=1024 "${build[@]}" -o pan pan.c &&
		./pan -m2000000 "${run[@]}" >pan.log
}

# holds WHAT KIND MODEL [DEFINITION...]: no fault, and nothing left out
holds() {
	local states=none found=

	search "${@:2}" && states=$(sed -n 's/^ *\(.*\) states, stored.*/\1/p' pan.log)
	grep -q 'errors: 0$' pan.log &&
		! grep -E 'not completed|search depth|out of memory' pan.log &&
		found=nothing
	[ "$found" ]
	ok "$3, $1: $states states"
}

# breaks MUTANT KIND MODEL [DEFINITION...]: finds a fault of the protocol; not of
# the model, as more stores than it has room for would be
breaks() {
	local fault=nothing

	search "${@:2}" "-D$1" && fault=$(sed -n 's/^pan:1: \(.*\) (at .*/\1/p' pan.log)
	[[ $fault = 'non-progress cycle' || $fault = 'assertion violated'* &&
		$fault != *q_full* ]]
	ok "$3 with $1: $fault"
}

holds 'no lost wake-up' safety doorbell
for mutant in ARM_AFTER_LOOK NO_BARRIER_IN_ARM NO_LOOK_AFTER_ARM \
	WAIT_AFTER_LOOK NO_BARRIER_IN_WAIT NO_LOOK_AFTER_WAIT \
	NO_BARRIER_IN_TX_MUST_RING NO_BARRIER_IN_RX_MUST_RING RING_BEFORE_MARK; do
	breaks $mutant safety doorbell
done
holds 'no ringing for ever' progress doorbell
breaks RING_BACK progress doorbell

holds 'no lost wake-up, record or room, one reader stuck' safety credits
holds 'the same, with larger boxes' safety credits -DWINDOW=2
for mutant in NO_HELP ONE_LOOK NO_WAKE_FOR_BOX ARM_ONCE GRANT_AFTER_LOOK; do
	breaks $mutant safety credits
done
holds 'no asking for ever' progress credits
breaks ASK_AND_ANSWER progress credits

holds 'nobody sleeps beside its message' safety readers
for mutant in LATE_SLEEPER NO_WAKE_FOR_BOX NO_LATER; do
	breaks $mutant safety readers
done

holds 'the sender restarts' safety generations -DSENDERS=2 -DRECEIVERS=1
for mutant in NO_TAKING_BACK ACCEPT_FIRST NO_TX_READY NO_SECOND_LOOK NO_DRAIN \
	NO_RING_AFTER_PAIR NO_BARRIER_IN_RAISE NO_BARRIER_IN_TAKE; do
	breaks $mutant safety generations -DSENDERS=2 -DRECEIVERS=1
done
holds 'the receiver restarts' safety generations -DSENDERS=1 -DRECEIVERS=2
for mutant in NO_FIRST_LOOK ACCEPT_FIRST; do
	breaks $mutant safety generations -DSENDERS=1 -DRECEIVERS=2
done

plan_complete
