#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# wire-client and wire-server against each other, and wire-server against QEMU:
# a test of the tests.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire-lib.sh"

sock=$tmp/sock

# server ARGS...: a fresh one
server() {
	start server "$bin/wire-server" -S "$sock" "$@"
	saw server '^ready' >/dev/null
}

# client NAME ARGS...
client() {
	start "$1" "$bin/wire-client" -S "$sock" "${@:2}"
}

# stays NAME VECTORS ARGS...: a client that has been through its handshake
stays() {
	client "$1" -n "$2" --stay "${@:3}"
	saw "$1" '^ok' >/dev/null
}

# The server's side of a leave is done.
left() {
	saw server "^leave $1\$" >/dev/null
}

# ---- usage ----

"$bin/wire-client" 2>/dev/null
[ $? -eq 2 ]; ok "client: no socket is wrong usage"
"$bin/wire-client" -S "$sock" --stay 2>/dev/null
[ $? -eq 2 ]; ok "client: a handshake without -n is wrong usage"
"$bin/wire-server" -S "$sock" -n 0 2>/dev/null
[ $? -eq 2 ] && [ ! -e "$sock" ]; ok "server: no vectors is wrong usage"
"$bin/wire-server" -S "$sock" -l 4x 2>/dev/null
[ $? -eq 2 ] && [ ! -e "$sock" ]; ok "server: a size 4x is wrong usage"

# ---- raw ----

# The client first: it waits for a server that is still to come.
client early -n 3 --transcript
server -l 1M -n 3 --random --seed 7
ends early; ok "raw: the client waits for its server"
diff "$tmp/early.out" - <<'TEXT'
0 nofd
0 nofd
-1 fd
0 fd
0 fd
0 fd
ok id=0 vectors=3 size=1048576 peers=
TEXT
ok "raw: the transcript of a first client"
left 0

stays a 3 && stays b 3 --fee-reads --patient && stays c 3
grep -qx 'ok id=3 vectors=3 size=1048576 peers=1,2' "$tmp/c.out"
ok "raw: ids count up, peers come in order of joining"
saw a '^join 3$' >/dev/null && saw b '^join 3$' >/dev/null
ok "raw: a join is announced"

tell a 'ring 3 2'; tell a 'ring 3 2'; tell b 'ring 3 0'; tell c 'ring 3 1'
saw a rang 2 >/dev/null && saw b rang >/dev/null && saw c rang >/dev/null &&
	answer c synced sync >/dev/null
[ "$(rung c 0) $(rung c 1) $(rung c 2)" = "1 1 2" ]
ok "raw: rings arrive on their vectors, none is lost"
answer a error 'ring 9 0' >/dev/null && answer a error 'ring 3 3' >/dev/null
ok "raw: no ring for an unknown peer or vector"
answer server '^rings$' rings >/dev/null; ok "raw: the server is no peer"

answer server '^check unchanged$' check >/dev/null
ok "raw: the server's memory is unchanged"
before=$(answer server ^sum sum)
[ "$before" = "sum $(answer a ^sum 'sum 0 1M' | cut -d' ' -f4)" ]
ok "raw: server and client agree on the sum"
byte=$(answer b ^peek 'peek 0xffff0 1' | cut -d' ' -f3)
new=$(printf '%02x' $((0x$byte ^ 0x5a)))
answer a ^poked "poke 0xffff0 $new" >/dev/null
[ "$(answer b ^peek 'peek 0xffff0 1')" = "peek 1048560 $new" ]
ok "raw: one client's bytes are another's"
[ "$(answer server ^check check)" = \
	"check changed at 1048560: was $byte is $new" ]
ok "raw: check finds one byte"
tell server snap; answer server '^check unchanged$' check >/dev/null
ok "raw: snap takes the memory as it is"
answer a ^poked "poke 0xffff0 $byte" >/dev/null
kill -USR1 "${pid[server]}"; saw server ^sum 2 >/dev/null
[ "$(tail -n 1 "$tmp/server.out")" = "$before" ]; ok "raw: SIGUSR1 prints the sum"
answer a error 'peek 1M 1' >/dev/null && answer a error 'poke 0 123' >/dev/null &&
	answer a error 'peek 0 0xffffffffffffffff' >/dev/null
ok "raw: no peek or poke outside the memory"

crash a; left 1
saw b '^leave 1$' >/dev/null && saw c '^leave 1$' >/dev/null
ok "raw: a crash is announced as a leave"
stays d 3; grep -q 'id=4 .* peers=2,3$' "$tmp/d.out"; ok "raw: no id is used twice"
saw b '^join 4$' >/dev/null; ok "raw: leave and join come in reads of 8 bytes"

n=0; for k in 0 1 2 3 4 12 15; do
	"$bin/wire-client" -S "$sock" --die-after $k || n=$((n + 1))
done
[ $n -eq 0 ]; ok "raw: clients die within the handshake"
stays e 3; saw server '^leave 11$' >/dev/null; ok "raw: the server outlives them"
"$bin/wire-client" -S "$sock" --send-byte | grep -qx 'closed by server'
ok "raw: who sends a byte is dropped"
"$bin/wire-client" -S "$sock" -n 3 --send-byte | grep -qx 'closed by server'
ok "raw: even after the handshake"
client mute --quiet-never-read; saw mute connected >/dev/null
stays f 3; ok "raw: a client that never reads is in nobody's way"
"$bin/wire-client" -S "$sock" -n 4 >"$tmp/wrong.out"
[ $? -eq 1 ] && grep -q '^violation: rule 4' "$tmp/wrong.out"
ok "the client notices 3 vectors for 4"
"$bin/wire-client" -S "$sock" -n 2 >"$tmp/wrong.out"
[ $? -eq 1 ] && grep -q '^violation: joins: .* more than 2' "$tmp/wrong.out"
ok "the client notices 3 vectors for 2"

kill "${pid[server]}"; ends server && [ ! -e "$sock" ]
ok "raw: SIGTERM ends the server, without a trace"
saw b '^closed by server$' >/dev/null && ends b; ok "raw: its clients notice"
for name in c d e f; do ends $name; done; quit mute

server -l 3M; "$bin/wire-client" -S "$sock" -n 1 >"$tmp/wrong.out"
[ $? -eq 1 ] && grep -q '^violation: rule 3' "$tmp/wrong.out"
ok "the client notices 3 MiB"
quit server

server -n 4
"$bin/wire-client" -S "$sock" -n 4 --fee-reads --patient >/dev/null
ok "fee-reads: 24 bytes, then 8 and 8"
fee_reads_race "$sock" 4; ok "fee-reads: an impatient client finds 24 bytes, too"
quit server

shm=/wire-test-$$
server --shm $shm -l 8192; [ -e /dev/shm$shm ]; ok "server: --shm"
"$bin/wire-server" -S "$sock.2" --shm $shm 2>/dev/null
[ $? -eq 1 ] && [ ! -e "$sock.2" ]; ok "server: --shm in use is refused"
quit server; [ ! -e /dev/shm$shm ]; ok "server: --shm is removed"
printf 'mine' >"$tmp/file"
server --file "$tmp/file" -l 8192; quit server
[ "$(stat -c %s "$tmp/file") $(head -c 4 "$tmp/file")" = "8192 mine" ]
ok "server: --file stays, with what was in it"

server --max 0; "$bin/wire-client" -S "$sock" -n 1 >"$tmp/wrong.out"
[ $? -eq 3 ] && grep -qx 'refused -1' "$tmp/wrong.out"; ok "refusal is exit code 3"
"$bin/wire-client" -S "$sock" --die-after 2 >/dev/null
[ $? -eq 3 ]; ok "refusal is exit code 3 with --die-after, too"
quit server

# ---- F.E.E.'s ----

server --fee 2
grep -qx 'ready fee size=4096 vectors=4' "$tmp/server.out"; ok "fee: small mailbox"
stays a 4; grep -qx 'ok id=1 vectors=4 size=4096 peers=3' "$tmp/a.out"
ok "fee: ids from 1, the server is a peer"
stays b 4; grep -q 'id=2 .* peers=1,3$' "$tmp/b.out"; ok "fee: the server comes last"
client c -n 4; ends c; [ $? -eq 3 ]; ok "fee: full is full"
[ "$(answer a ^peek 'peek 0 40')" = "peek 0 $(le64 512 128 2 4 3)" ]
ok "fee: the globals"
[ "$(answer a ^peek 'peek 1536 45')" = \
	"peek 1536 $(hex Z-switch)$(le64 0 0 0)$(hex FabricSwitch)00" ]
ok "fee: the server's slot"
[ "$(answer a ^peek 'peek 1056 16')" = "peek 1056 $(hex 'Driverless QEMU')00" ]
ok "fee: a client's class"
[ "$(answer a ^peek 'peek 1096 8')" = "peek 1096 $(le64 2)" ]; ok "fee: peer_id"
answer server '^check unchanged$' check >/dev/null; ok "fee: nobody else wrote"
answer b ^poked "poke 1152 $(hex ping)00" >/dev/null &&
	answer b ^poked "poke 1088 $(le64 4)" >/dev/null; tell b 'ring 3 2'
[ "$(saw server ^rung)" = "rung 2 1 buflen=4 text=ping" ]
ok "fee: the server is rung, and reads the slot"
[ "$(answer server ^rings rings)" = "rings 2=1" ]; ok "fee: rings are counted"
answer server '^check changed at 1088' check >/dev/null; ok "fee: buflen is seen"
quit b; saw a '^leave 2$' >/dev/null; ok "fee: a leave"
[ "$(answer a ^peek 'peek 1056 1')" = "peek 1056 00" ]; ok "fee: the class is cleared"
client c -n 4; ends c; [ $? -eq 3 ]; ok "fee: no id is used twice"
quit a; quit server

server --fee 14 --ack -l 1M --random
stays a 16; grep -q 'id=1 vectors=16 size=1048576 peers=15' "$tmp/a.out"
ok "fee: 14 clients"
answer a ^poked "poke 576 $(le64 1)" >/dev/null
tell a 'ring 15 1'; saw server ^rung >/dev/null
# Printed before it is acknowledged, so ask the server something in between.
answer server ^rings rings >/dev/null
[ "$(answer a ^peek 'peek 576 8')" = "peek 576 $(le64 0)" ]; ok "fee: --ack"
quit a; quit server

# ---- QEMU ----

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip "no QEMU"
	plan_complete
fi

# Everything sent has been read, and QEMU came back to its main loop since.
drained() {
	local i

	for ((i = 0; i < 500; i++)); do
		qmp "$1" || return 1
		[ "$(answer server ^unread unread)" = "unread 0" ] && qmp "$1" &&
			return
	done
	return 1
}

for kind in "raw:-n 16 -l 1M --random" "fee:--fee 14"; do
	# shellcheck disable=SC2086 # two words and more
	server ${kind#*:}
	kind=${kind%%:*}
	stays a 16
	qemu vm "$sock" 16; ok "$kind: QEMU attaches"
	saw a ^join >/dev/null; ok "$kind: QEMU is announced"
	stays b 16; crash a; drained vm && [ ! -s "$tmp/vm.err" ]
	ok "$kind: QEMU has no objections"
	saw b ^leave >/dev/null; answer server '^check unchanged' check >/dev/null
	ok "$kind: QEMU writes nothing"
	qemu_quit vm && [ ! -s "$tmp/vm.err" ]; ok "$kind: QEMU ends well"
	saw b ^leave 2 >/dev/null; ok "$kind: QEMU's end is a leave"
	quit b; quit server
done

server --max 0
qemu vm "$sock" 16; ends vm; status=$?
# 124 and more: killed, by a guard or by itself
[ $status -gt 0 ] && [ $status -lt 124 ] && [ "$(wc -l <"$tmp/vm.err")" -eq 1 ]
ok "QEMU is refused cleanly"
quit server

plan_complete
