#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# User-space rings: within a guest, between two, and between a guest and the host; whose
# ends sleep, look, or never ask the kernel; and whose programs are killed and come back.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock
never=4294967295	# looks: it never sleeps

# end NAME NODE|host ARGS...: one end of a ring, begun; it says what it says
end() {
	case $2 in
	host) start "$1" "$bin/famez-ring" -d "$socket" "${@:3}" ;;
	*) start "$1" vm exec --timeout 1800 -n "$2" -- famez-ring "${@:3}" ;;
	esac
}

# well NAME...: each has ended, as it should
well() {
	local name

	for name; do
		ends "$name" && tail -n 1 "$tmp/$name.out" | grep -qx done || {
			cat "$tmp/$name.out" "$tmp/$name.err"
			return 1
		}
	done
}

# stream FROM TO ARGS...: so many records go that way
stream() {
	end to "$2" "${@:3}" "${ring:-s}" recv "$USER_RING_RECORDS"
	end from "$1" -2 "${@:3}" "${ring:-s}" send "$USER_RING_RECORDS"
	well from to
}

# killed: one that sleeps is, as that takes a system call
killed() {
	end to node02 -k $never -c s recv 1000
	end from node01 -2 -k 0 -c s send 1000
	! ends from && ! grep -qx done "$tmp/from.out" || return
	on node02 'kill -9 $(pidof famez-ring)'
	! ends to
}

boot 2
load; ok 'the driver loads in two guests'
on node01 test-rings -n "$USER_RING_RECORDS" /dev/famez_bridge >"$tmp/rings.log" 2>"$tmp/rings.err"
complete "$tmp/rings.log"; ok 'test-rings: in a guest'

stream node01 node02 -k 0; ok "$USER_RING_RECORDS records from guest to guest: both sleep"
stream node02 node01; ok 'and back: as it comes'
case $FAMEZ_KERNEL in
*-debug)	# has no seccomp
	stream node01 node02 -k $never; ok 'both look' ;;
*)
	stream node01 node02 -k $never -c && killed; ok 'both look, and make no system call' ;;
esac
stream node01 host -k 0; ok 'from a guest to the host'
stream host node01 -k 0; ok 'and back'
ring=large stream node01 node02 -k 0 -z 1000000; ok 'a large ring, long records'

# ---- Killed, and back ----

gone='Transport endpoint is not connected' reset='Connection reset by peer'
end echo node01 -k 0 e echo
saw echo ready >/dev/null
end ask node02 -2 -k 0 e ask 500
well ask; saw echo "$gone" >/dev/null; ok 'one that closes its end'
end ask node02 -2 e hold
saw ask ready >/dev/null; on node02 'kill -9 $(pidof famez-ring)'; ends ask
saw echo "$reset" 1 >/dev/null; ok 'one that is killed in another guest: we are told'
end ask host -2 e hold
saw ask ready >/dev/null; kill -9 "${pid[ask]}"; ends ask
saw echo "$reset" 2 >/dev/null; ok 'one that is killed on the host'
for ((i = 0; i < 10; i++)); do
	on node02 "famez-ring -2 -k 0 e ask 1000000 & until grep -q poll /proc/\$!/wchan; do :; done
kill -9 \$!" >/dev/null 2>&1
done
end ask node02 -2 -k 0 e ask 500
well ask; ok 'ten that were killed in the middle, and one that came back'
on node01 'kill -9 $(pidof famez-ring)'; ends echo
end echo node01 -k 0 e echo
end ask node02 -2 -k 0 e ask 500
well ask; ok 'it was killed itself'
! "$bin/famez-ring" -d "$socket" e ask 1 2>"$tmp/taken" && grep -q 'already in use' "$tmp/taken"
ok 'an end that is taken'
end ask node02 -2 -k 0 e hold
saw ask ready >/dev/null
before=$(grep -c "$reset" "$tmp/echo.out")
vm qmp node02 quit >/dev/null; ends ask
saw echo "$reset" $((before + 1)) >/dev/null; ok 'its whole guest is killed'
end ask host -2 -k 0 e ask 500
well ask; ok 'the host comes instead'
healthy node01; ok 'no kernel has complained'
plan_complete
