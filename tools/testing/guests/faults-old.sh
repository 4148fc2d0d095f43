#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As faults.sh, of what goes to and comes from a client of F.E.E.'s, which knows mailslots
# alone. For the debug kernel.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

# few vectors, as a bind has places for each
boot 1 --clients 2 --vectors 4
load
start z02 "$top/tools/testing/wire/fee-client.py" "$FAMEZ_VM_DIR/switch.sock" z02
saw z02 '^attached 2 ' >/dev/null && tell z02 'patience 600' && tell z02 echo && saw z02 '^done echo' >/dev/null
ok 'a peer sends everything back'
faulty node01; ok 'the kernel can have faults'
start faults vm exec --timeout 3000 -n node01 -- test-faults 2 "$(pci_device node01)" old
ends faults && complete "$tmp/faults.out"; ok 'every place has failed once, and everything works'
grep '^# ' "$tmp/faults.out"
said=$(sed -n 's/^# said: //p' "$tmp/faults.out")
[ "$said" -gt 0 ] && [ "$(grep -cx '1->2 Link CTL NAK' "$tmp/z02.out")" -eq "$said" ]
ok 'each word that a program was told is said was heard, once'
! grep '^responder\|^overwrites' "$tmp/z02.out"; ok 'nothing was for another, or half read'
on node01 rmmod famez_bridge && load node01 && on node01 famezctl ping z02 --count 1 >/dev/null
ok 'the driver loads again, and its peer is there'
healthy all; ok 'no kernel has complained'
plan_complete
