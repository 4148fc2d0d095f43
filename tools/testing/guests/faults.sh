#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each place where the driver, or the kernel on its behalf, allocates memory or
# copies a program's, fails once: see test-faults.  For the debug kernel.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

# few vectors, as each has the same places; no message rings the last
boot 2 --vectors 3
load
background node01 'famez-flood -e'
says node01 'echo: ready'; ok 'a peer sends everything back'

faulty node02; ok 'the kernel can have faults'

start faults vm exec --timeout 3000 -n node02 -- test-faults 1 "$(pci_device node02)"
# events, for it to read
saw faults 'OK \] test_device' >/dev/null
for ((i = 0; i < 5; i++)); do
	"$tools/famezctl" -d "$FAMEZ_VM_DIR/switch.sock" ping node01 --count 1 >/dev/null
done
ends faults && complete "$tmp/faults.out"
ok 'every place has failed once, and everything works'
grep '^# ' "$tmp/faults.out"

on node02 rmmod famez_bridge && load node02 &&
	on node02 famezctl ping node01 --count 1 >/dev/null
ok 'the driver loads again, and its peer is there'
healthy all; ok 'no kernel has complained'
plan_complete
