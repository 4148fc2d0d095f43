#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What programs may do with the device, beyond single calls (two.sh): other word
# sizes, files in many hands, peer events, mappings, and calls without sense.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

# program NAME ARGS...: runs it in the first guest
program() {
	on node01 "$@" >"$tmp/$1.log" 2>"$tmp/$1.err"
	complete "$tmp/$1.log"
}

# finished: so did the one in the background
finished() {
	says node01 '^(PLAN-COMPLETE|\[  FAILED  \] [0-9])' &&
		on node01 'tail -n 1 /tmp/bg | grep -q ^PLAN-COMPLETE' || {
		on node01 'cat /tmp/bg' >&2
		false
	}
}

# come_and_go: programs on the host, each a peer for a moment
come_and_go() {
	while "$tools/famez-client" -S "$socket" peers; do :; done >/dev/null
}

truncate -s 1M "$tmp/disk"
boot 2 --device virtio-blk-pci,drive=disk --qemu -drive \
	--qemu "file=$tmp/disk,if=none,id=disk,format=raw,file.locking=off,snapshot=on"
on node01 modprobe virtio_blk
load; ok 'the driver loads in both guests'
background node02 'famez-flood -e'
says node02 'echo: ready'

program test-abi 2; ok 'test-abi: layouts, and every field, as a 64-bit program'
program test-abi32 2; ok 'test-abi32: the same as an i386 program'
diff <(grep -v '^#' "$tmp/test-abi.log") <(grep -v '^#' "$tmp/test-abi32.log") >&2
ok 'and not a check less'

program test-files 2 "$FILES_MESSAGES"
ok "test-files: dup, fork, sockets, kills; $FILES_MESSAGES messages from each of many"
program test-mappings 2; ok 'test-mappings: any part of FAM, and what is done to memory'

# ---- events ----

background node01 'test-events life'
says node01 '^watching$'
start visitor "$tools/famez-client" -S "$socket" listen
says node01 '^up$'
crash visitor
finished; ok 'test-events: a program comes, and is killed'
background node01 'test-events churn'
come_and_go &
pid[churn]=$!
finished; ok 'test-events: programs come and go, and one falls behind'
kill "${pid[churn]}"
wait "${pid[churn]}" 2>/dev/null
unset "pid[churn]"

# ---- no sense ----

program test-fuzz 2 "$FUZZ_ROUNDS"
ok "test-fuzz: $FUZZ_ROUNDS random calls of two threads each, and it works afterwards"
grep '^# seed' "$tmp/test-fuzz.log"

# ---- a SID that no port can be ----

switch=$(cat "$FAMEZ_VM_DIR/switch.pid")
memory=$(find "/proc/${switch%% *}/fd" -lname '*famez-vm-*' -print -quit)

# poke OFFSET: four bytes from standard input, into the memory
poke() {
	dd of="$memory" bs=1 count=4 seek="$1" conv=notrunc 2>/dev/null
}

# where the peer table is says the header; the SID is at byte 12 of a record
word() {
	od -An -tu4 -j "$1" -N 4 "$memory" | tr -d ' '
}
sid=$(($(word 152) + 2 * $(word 164) + 12))
dd if="$memory" of="$tmp/sid" bs=1 count=4 skip=$sid 2>/dev/null
printf '\160\021\001\000' | poke $sid
program test-abi 2 && grep -q 'SID 70000$' "$tmp/test-abi.log"
ok 'test-abi: a message by CID and SID, with a SID above 65535'
poke $sid <"$tmp/sid"

# ---- another switch ----

# fabric_number FROM TO: copies the fabric number, which is at byte 104
fabric_number() {
	dd if="$1" of="$2" bs=1 count=8 conv=notrunc "${@:3}" 2>/dev/null
}

fabric_number "$memory" "$tmp/fabric" skip=104
fabric_number /dev/zero "$memory" seek=104
program test-lost 2; ok 'test-lost: who has taken the memory is not talked to'
fabric_number "$tmp/fabric" "$memory" seek=104

# ---- the last close ----

# holds KIND: so long as there is this, the module stays; then it can go
holds() {
	background node01 "test-files hold $1"
	says node01 '^holding$' &&
		! on node01 'rmmod famez_bridge' 2>/dev/null &&
		on node01 'pid=$(pidof test-files); kill $pid
while [ -e /proc/$pid ]; do usleep 1000; done; rmmod famez_bridge' &&
		load node01
}

holds flight; ok 'a file that is on its way through a socket holds the module'
holds mapping; ok 'a mapping alone holds the module'
program test-abi 2; ok 'all is as before'
vm check all; ok 'no kernel has complained'
plan_complete
