#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A switch whose socket is systemd's: systemd-socket-activate listens, and starts it when
# somebody connects; what it tells systemd goes to a socket that this test reads.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire-lib.sh"

program=${FAMEZ_SERVER:-$top/build/bin/famez-server}
sock=$tmp/sw.sock

# host ARGS...: famez-client
host() {
	timeout 60 "$top/build/bin/famez-client" -S "$sock" "$@"
}

# activate ARGS...: the switch, when somebody comes
activate() {
	start sw systemd-socket-activate --listen="$sock" -E NOTIFY_SOCKET="$tmp/notify" "$@"
	until [ -S "$sock" ]; do kill -0 "${pid[sw]}" || return; done
}

start notify python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$tmp/notify"
saw notify '^bound' >/dev/null
activate "$program" --backing memfd: --clients 3; ok 'systemd listens'
! grep -q ready "$tmp/sw.out"; ok 'nothing runs before somebody comes'
host ping server -c 1 >/dev/null; ok 'who comes is served'
saw sw "^famez-server: ready: socket $sock, " >/dev/null; ok 'the switch knows its place'
saw notify '^READY=1' >/dev/null && saw notify '^STATUS=3 clients at most, memory memfd:' >/dev/null; ok 'and tells systemd that it is ready'
[ ! -e "$sock.lock" ]; ok 'there is nothing to lock'
kill "${pid[sw]}"; ends sw && saw notify '^STOPPING=1' >/dev/null; ok 'it ends, and says so'
[ -S "$sock" ]; ok 'the socket stays systemd'"'"'s'
rm "$sock"
activate --datagram "$program" --backing memfd:
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b"x", sys.argv[1])' "$sock"
! ends sw && grep -q 'one listening UNIX stream socket is expected' "$tmp/sw.err"; ok 'another kind of socket is refused'
for unit in famez-server@.service famez-server@.socket; do
	cp "$top/tools/install/$unit" "$tmp/" && sed -i "s,/usr/bin/famez-server,$program," "$tmp/$unit"
done
! systemd-analyze verify --man=no "$tmp"/famez-server@.s* 2>&1 | grep famez; ok 'systemd finds nothing wrong with the units'
plan_complete
