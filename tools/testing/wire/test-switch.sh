#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# famez's switch as seen from outside, by clients that share no code with it.
# FAMEZ_SERVER names the program.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire-lib.sh"

program=${FAMEZ_SERVER:-$top/build/bin/famez-server}
shm=famez-test-$$
sock=$tmp/sw.sock
all=14
vectors=16

if [ ! -x "$program" ]; then
	echo "no $program" >&2
	exit 1
fi

finish_all() {
	finish
	rm -f "/dev/shm/$shm"*
}
trap finish_all EXIT

# switch ARGS...: a fresh one, where most tests find it
switch() {
	start sw "$program" --socket "$sock" --backing "$shm" "$@"
	saw sw '^famez-server: ready' >/dev/null
}

# down: the end of it; true if it left nothing behind
down() {
	kill "${pid[sw]}"
	ends sw && [ ! -e "$sock" ] && no_shm "$shm"
}

# no_shm NAME: neither it nor anything named after it
no_shm() {
	[ -z "$(find /dev/shm -maxdepth 1 -name "$1*")" ]
}

client() {
	start "$1" "$bin/wire-client" -S "$sock" "${@:2}"
}

# lines REGEX [FIRST]: how many of the switch's (first) lines match
lines() {
	head -n "${2:--0}" "$tmp/sw.out" | grep -c "$1"
}

# stays NAME ARGS...: a client that has been through its handshake. Its
# predecessor's end may still be news to the switch, which then refuses; each
# further try is a way through its event loop.
stays() {
	local i id before

	for ((i = 0; i < 100; i++)); do
		before=$(lines .)
		client "$1" -n "$vectors" --stay "${@:2}"
		if saw "$1" '^ok' >/dev/null; then
			id=$(own_id "$1")
			# A client can know before the switch has said so.
			before=$(lines "peer $id joined" "$before")
			saw sw "peer $id joined" $((before + 1)) >/dev/null
			return
		fi
		ends "$1"
		[ $? -eq 3 ] || return 1
	done
	return 1
}

# gone ID: the switch knows that the last one with this id has left
gone() {
	saw sw "peer $1 left" "$(lines "peer $1 joined")" >/dev/null
}

# visit: a client comes, and is gone, or is refused
visit() {
	local before id

	before=$(lines .)
	id=$("$bin/wire-client" -S "$sock" -n "$vectors" |
		sed -n 's/^ok id=\([0-9]*\) .*/\1/p')
	[ -n "$id" ] || return 0
	before=$(lines "peer $id left" "$before")
	saw sw "peer $id left" $((before + 1)) >/dev/null
}

# settle COMMAND...: true as soon as the command is, each time after a way
# through the switch's event loop
settle() {
	local i

	for ((i = 0; i < 100; i++)); do
		"$@" && return
		visit
	done
	return 1
}

# peer_line NAME: "ID: peers in the order in which they came"
peer_line() {
	sed -n 's/^ok id=\([0-9]*\) .* peers=\(.*\)$/\1: \2/p' "$tmp/$1.out"
}

# slot_has NAME SLOT OFFSET TEXT: and a NUL behind it
slot_has() {
	local at=$(($2 * 512 + $3))

	[ "$(answer "$1" ^peek "peek $at $((${#4} + 1))")" = \
		"peek $at $(hex "$4")00" ]
}

# vector_counts NAME: of the clients' vectors, 1 to 14
vector_counts() {
	local v

	for ((v = 1; v <= all; v++)); do
		echo "$v=$(rung "$1" "$v")"
	done
}

descriptors() {
	find "/proc/${pid[sw]}/fd" -mindepth 1 | wc -l
}

# ---- handshake and memory ----

switch
ok "it starts with nothing but socket and backing named"
[ "$(stat -c %a "$sock")" = 660 ]; ok "the socket is 0660"
[ "$(stat -c %s "/dev/shm/$shm")" = 67108864 ]; ok "the shm object has 64 MiB"

"$bin/wire-client" -S "$sock" -n 16 --transcript >"$tmp/first.out"
ok "handshake of a first client"
{
	printf '0 nofd\n1 nofd\n-1 fd\n'
	printf '15 fd\n%.0s' {1..16}
	printf '1 fd\n%.0s' {1..16}
	echo 'ok id=1 vectors=16 size=67108864 peers=15'
} | diff "$tmp/first.out" -
ok "its transcript, to the letter"
saw sw 'peer 1 joined' >/dev/null && gone 1; ok "the switch prints its join and leave"

stays a && [ "$(peer_line a)" = "1: 15" ]; ok "the lowest free id comes first"
stays b && [ "$(peer_line b)" = "2: 1,15" ]; ok "the switch is the last of the others"
saw a '^join 2$' >/dev/null; ok "the older client hears of the newcomer"
stays c --fee-reads --patient && [ "$(peer_line c)" = "3: 1,2,15" ]
ok "reads of 24, 8, 8 ... bytes, as F.E.E.'s client wants"

[ "$(answer a ^peek 'peek 0 40')" = "peek 0 $(le64 512 128 14 16 15)" ]
ok "bytes 0 to 39"
n=0
for ((i = 1; i <= 15; i++)); do
	at=$((i * 512 + 72))
	[ "$(answer a ^peek "peek $at 8")" = "peek $at $(le64 $i)" ] || n=$i
done
[ $n -eq 0 ]; ok "every slot has its peer_id"
slot_has a 15 0 Z-switch && slot_has a 15 32 FabricSwitch; ok "the switch's own slot"
settle slot_has a 2 32 'Driverless QEMU' && slot_has a 2 0 ''
ok "a client's slot has a class and no name"
answer a ^poked "poke 67108848 $(hex 'sixteen bytes...')" >/dev/null
[ "$(answer c ^peek 'peek 67108848 16')" = \
	"peek 67108848 $(hex 'sixteen bytes...')" ]
ok "the memory is the same for all, to its last byte"

# ---- leaves, and what an id keeps ----

answer b ^poked "poke 1024 $(hex somebody)00" >/dev/null
crash b; gone 2; ok "the switch prints a crash as a leave"
settle slot_has a 2 32 '' && slot_has a 2 0 ''; ok "name and class are emptied"
[ "$(answer a ^peek 'peek 1096 8')" = "peek 1096 $(le64 2)" ]; ok "peer_id is not"
# Meant for the dead.
answer a ^rang 'ring 2 5' >/dev/null && answer c ^rang 'ring 2 6' >/dev/null
stays d && [ "$(peer_line d)" = "2: 1,3,15" ]; ok "the lowest free id is given again"
answer d ^synced sync >/dev/null; [ "$(rung d 5) $(rung d 6)" = "0 0" ]
ok "its new owner hears no rings meant for the old one"
answer a ^rang 'ring 2 5' >/dev/null && saw d '^rung 5 1$' >/dev/null
ok "who knew the old owner can ring the new one"
answer d ^rang 'ring 1 2' >/dev/null && saw a '^rung 2 1$' >/dev/null
ok "and the other way round"
# Rung while the next owner stands at the door: the switch has not looked yet.
quit d; gone 2; saw sw 'peer 2 free' "$(lines 'peer 2 joined')" >/dev/null
kill -STOP "${pid[sw]}"; client d -n "$vectors" --stay
until grep -q unix "/proc/${pid[d]}/wchan"; do :; done
answer a ^rang 'ring 2 5' >/dev/null; kill -CONT "${pid[sw]}"
saw d ^ok >/dev/null && answer d ^synced sync >/dev/null && [ "$(rung d 5)" = 0 ]
ok "nor those that came while it joined"
quit d; gone 2; stays e; own=$(own_id e)
[ "$own" = 2 ] && crash e && gone 2; ok "several owners, one after the other"
stays b --patient && answer a ^synced sync >/dev/null &&
	answer c ^synced sync >/dev/null && [ "$(own_id b)" = 2 ]
ok "and again"
[ "$(grep -c '^join 2$' "$tmp/a.out") $(grep -c '^join 2$' "$tmp/c.out")" = "1 0" ]
ok "each client is told of each id once"
! grep -q '^leave' "$tmp/a.out" "$tmp/c.out"; ok "leaves are announced to no one"

crash b; gone 2
stays e; [ "$(own_id e)" = 2 ]; answer e ^closed close >/dev/null
# It closed its socket and lives: QEMU does, and goes on eating its eventfds.
settle slot_has a 2 32 ''; stays f; [ "$(own_id f)" != 2 ]
ok "an id is not given out while its old process lives"
! peer_line f | grep -q '[ ,]2,'; ok "who joins meanwhile is not told of it"
quit e
lowest_is_2() {
	client g -n 16 --stay
	saw g '^ok' >/dev/null && [ "$(own_id g)" = 2 ] && return
	quit g
	return 1
}
settle lowest_is_2; ok "but is once that is gone"
saw f '^join 2$' >/dev/null; ok "and then is told"
answer a ^synced sync >/dev/null; [ "$(grep -c '^join 2$' "$tmp/a.out")" = 1 ]
ok "who had been told is not told again"
for name in a c f g; do quit $name || break; done; ok "nobody saw a rule broken"
down; ok "SIGTERM ends it without a trace"

# ---- bad clients ----

switch --size 4M
stays a
last=$((3 + 3 * 16)); n=0
for ((k = 0; k <= last; k++)); do
	"$bin/wire-client" -S "$sock" --die-after $k >"$tmp/die.out"
	case $? in
	0) ;;
	3) visit && k=$((k - 1)) && n=$((n + 1)) ;; # once more
	*) n=1000 ;;
	esac
	[ $n -lt 100 ] || break
done
[ $n -lt 100 ]; ok "clients die after 0 to $last messages"
settle lowest_is_2; ok "the next is served"
answer a ^synced sync >/dev/null && answer a ^rang 'ring 2 3' >/dev/null &&
	saw g '^rung 3 1$' >/dev/null
ok "and can be rung by one who saw them all"
quit g
"$bin/wire-client" -S "$sock" --send-byte | grep -qx 'closed by server'
ok "a client that sends a byte at once is dropped"
"$bin/wire-client" -S "$sock" -n 16 --send-byte | grep -qx 'closed by server'
ok "as is one that does so after its handshake"
fee_reads_race "$sock" 16; ok "an impatient client finds 24 bytes at first, too"
settle lowest_is_2; ok "none of them keeps an id"
quit g; quit a; ok "nobody saw a rule broken"
down; ok "SIGTERM ends it without a trace"

vectors=64
switch --size 4M --vectors $vectors
client mute --quiet-never-read; saw mute ^connected >/dev/null
saw sw 'peer 1 joined' >/dev/null
for ((i = 1; i < all; i++)); do
	stays p$i || break
done
[ $i -eq $all ]; ok "13 clients join beside one that never reads"
for ((i = 1; i < all - 1; i++)); do
	answer p$i ^rang "ring $((i + 2)) $i" >/dev/null &&
		saw p$((i + 1)) "^rung $i 1\$" >/dev/null || break
done
[ $i -eq $((all - 1)) ]; ok "and ring each other"
# 64 vectors for each of 14 ids are more than a socket holds.
saw mute '^closed by server' >/dev/null; ok "the one that never reads is dropped"
"$bin/wire-client" -S "$sock" -n $vectors >/dev/null
[ $? -eq 3 ]; ok "its id stays with it while it lives"
quit mute
stays late && [ "$(own_id late)" = 1 ]; ok "and is free when it is gone"
quit late
for ((i = 1; i < all; i++)); do quit p$i || break; done
[ $i -eq $all ]; ok "nobody saw a rule broken"
down; ok "SIGTERM ends it without a trace"
vectors=16

# ---- a full house ----

switch --size 4M
before=$(descriptors)
for ((i = 1; i <= all; i++)); do
	stays p$i && [ "$(own_id p$i)" = $i ] || break
done
[ $i -gt $all ]; ok "14 clients get ids 1 to 14"
"$bin/wire-client" -S "$sock" -n 16 >"$tmp/late.out"
[ $? -eq 3 ] && grep -qx 'refused -1' "$tmp/late.out"; ok "the 15th is refused with -1"

for ((i = 1; i <= all; i++)); do answer p$i ^synced sync >/dev/null; done
for ((i = 1; i <= all; i++)); do vector_counts p$i; done >"$tmp/counts"
n=0
for ((i = 1; i <= all; i++)); do
	[ "$(grep -c '^join' "$tmp/p$i.out")" -eq $((all - i)) ] || n=$i
done
[ $n -eq 0 ]; ok "everyone was told of everyone"
! grep -qv '=0$' "$tmp/counts"; ok "and nobody has been rung"
for ((i = 1; i <= all; i++)); do
	for ((j = 1; j <= all; j++)); do
		[ $i -eq $j ] || tell p$i "ring $j $i"
	done
done
for ((i = 1; i <= all; i++)); do saw p$i ^rang $((all - 1)) >/dev/null; done
for ((i = 1; i <= all; i++)); do answer p$i ^synced sync >/dev/null; done
n=0
for ((i = 1; i <= all; i++)); do
	for ((j = 1; j <= all; j++)); do
		echo "$j=$((i != j))"
	done >"$tmp/wanted"
	vector_counts p$i | cmp -s - "$tmp/wanted" || n=$i
done
[ $n -eq 0 ]; ok "all ring all: each hears each once, on its vector"

crash p7; gone 7
stays p7 && [ "$(own_id p7)" = 7 ]; ok "a freed id serves the 15th"
most=$(descriptors)

n=0
for ((i = 0; i < 186; i++)); do
	k=$((i % all + 1))
	# Ends of both kinds.
	if ((i % 3)); then quit p$k || break; else crash p$k; fi
	gone $k && stays p$k && [ "$(own_id p$k)" = $k ] || break
	n=$((n + 1))
done
[ $n -eq 186 ]; ok "200 clients through 14 ids"
no_more_than_before() { [ "$(descriptors)" -le "$most" ]; }
settle no_more_than_before; ok "they cost no descriptors"
for ((i = 1; i <= all; i++)); do quit p$i || break; gone $i; done
[ $i -gt $all ]; ok "nobody saw a rule broken"
# At most one descriptor more for each id: how it knows that a process is gone.
only_eventfds() { [ "$(descriptors)" -le $((before + all * (16 + 1))) ]; }
settle only_eventfds; ok "what stays open are eventfds"
stays a; down; ok "SIGTERM ends it without a trace, with a client attached"
saw a '^closed by server' >/dev/null && ends a; ok "the client notices"

# ---- other numbers ----

switch --size 1M --clients 6
vectors=8
stays a && grep -qx 'ok id=1 vectors=8 size=1048576 peers=7' "$tmp/a.out"
ok "1 MiB, 6 clients: 8 vectors, and the switch is 7"
[ "$(answer a ^peek 'peek 0 40')" = "peek 0 $(le64 512 128 6 8 7)" ]
ok "bytes 0 to 39 say so"
quit a; down; ok "SIGTERM ends it without a trace"

switch --size 2M --clients 20 --vectors 4
vectors=4
stays a && grep -qx 'ok id=1 vectors=4 size=2097152 peers=21' "$tmp/a.out"
ok "20 clients and 4 vectors"
quit a; down; ok "SIGTERM ends it without a trace"
vectors=16

# ---- what it refuses ----

# no TEXT REGEX ARGS...: refuses ARGS, with a message that matches, and leaves
# nothing behind
no() {
	local status

	timeout --foreground 30 "$program" --socket "$tmp/no.sock" \
		--backing "$shm-no" "${@:3}" >"$tmp/no.out" 2>"$tmp/no.err" </dev/null
	status=$?
	{ [ $status -eq 1 ] || [ $status -eq 2 ]; } &&
		grep -Eiq -- "$2" "$tmp/no.err" && [ ! -e "$tmp/no.sock" ] &&
		no_shm "$shm-no"
	ok "$1"
}

no "3 MiB" '(^|[^0-9])[24] ?M|power of two' --size 3M
no "5000000 bytes" '(^|[^0-9])[48] ?M|power of two' --size 5000000
no "512 KiB" '(^|[^0-9])1 ?M' --size 512K
no "a size of 0" . --size 0
no "a size of abc" abc --size abc
no "a size of -1" . --size=-1
no "a size of 4Mx" 4Mx --size 4Mx
no "a size of 2^64 bytes and more" . --size 99999999999999999999
no "no clients" . --clients 0
no "-3 clients" . --clients=-3
no "x clients" . --clients x
no "70000 clients" . --clients 70000
no "no vectors" . --vectors 0
no "16x vectors" 16x --vectors 16x
no "an unknown option" bogus --bogus
no "a socket where there is no directory" . --socket "$tmp/none/sock"
no "more vectors than any fabric has" 'must be 1 to' --vectors 70000
no "a size beyond any file's" 'too large for any' --size 8388608T
no "clients that do not fit" '--size [0-9]+M would do, or --clients [0-9]+$' \
	--size 1M --clients 200
no "an argument that is no option" "unexpected argument 'here'" here
no "an empty path for its socket" '1 to 107 bytes' --socket ''
no "one that is too long" '1 to 107 bytes' --socket "$tmp/$(printf %0108d 0)"
no "memory without a name" 'not a name' --backing ''
no "memory with too long a name" 'name too long' --backing "$(printf %0300d 0)"
no "a file in no directory" 'cannot be opened' --backing "$tmp/none/fam"
no "a directory as its memory" 'not a regular file' --backing "$tmp/"
touch "$tmp/file"
no "a file where its socket should be" 'not a socket' --socket "$tmp/file"
start other "$bin/wire-server" -S "$tmp/other.sock" -n 1
until [ -S "$tmp/other.sock" ]; do :; done
no "another program's socket" 'another program listens' --socket "$tmp/other.sock"
quit other

# limited LIMIT: the program, under this limit
limited() {
	printf '#!/bin/sh\ntrap "" XFSZ\nulimit %s\nexec "%s" "$@"\n' "$1" "$program" \
		>"$tmp/limited" && chmod +x "$tmp/limited"
	echo "$tmp/limited"
}

program=$(limited '-n 100') no "more vectors than it may have descriptors" \
	'need 302 descriptors, .* is 100; --vectors 2 would do'
program=$(limited '-f 2048') no "more memory than a file may have" \
	'cannot be made that large' --backing "$tmp/large" --size 4M
[ ! -e "$tmp/large" ]; ok "and leaves no file behind"

# ---- what it says ----

"$program" --help | grep -q -- '--vectors N'; ok "--help lists the options"
"$program" --version | grep -q '^famez-server [0-9.]* (control area '; ok "--version"
start sw "$program" --socket "$sock" --backing "$shm" --quiet
until [ -S "$sock" ]; do :; done
"$bin/wire-client" -S "$sock" -n "$vectors" >/dev/null && down && [ ! -s "$tmp/sw.out" ]
ok "--quiet says nothing of who comes and goes"
switch --verbose --clients 1 --vectors 16 && stays a && client b -n "$vectors" && ! ends b &&
	saw sw '^connection of pid [0-9]* refused: no id is free' >/dev/null
ok "--verbose tells why a client was refused"
quit a; down

# ---- F.E.E.'s mailslots ----

# mail TEXT [LENGTH]: client a leaves a message in its slot, and rings the switch
mail() {
	answer a ^poked "poke 640 $(hex "$1")" >/dev/null
	answer a ^poked "poke 576 $(le64 "${2:-${#1}}")" >/dev/null
	tell a 'ring 15 1'
}

switch && stays a
mail 'good day'; saw sw '^message from 1 \(\): good day$' >/dev/null
ok "a message in a slot is read"
settle [ "$(answer a ^peek 'peek 576 8')" = "peek 576 0000000000000000" ]
ok "and the slot emptied"
answer a ^poked "poke 512 $(hex python)" >/dev/null
mail $'a\tb\n'; saw sw '^message from 1 \(python\): a\\x09b$' >/dev/null
ok "its sender is named, and what cannot be printed is shown as a number"
mail "$(printf %0383d 0)"; saw sw '^message from 1 \(python\): 0{200}\.\.\. \(383 bytes\)$' >/dev/null
ok "so is the longest"
mail "$(printf %0384d 1)" 99999; settle [ "$(answer a ^peek 'peek 576 8')" = "peek 576 0000000000000000" ] &&
	[ "$(lines '^message')" = 3 ]
ok "a length beyond the slot is no message's, and emptied"
mail x 0; tell a 'ring 15 0'; visit && [ "$(lines '^message')" = 3 ]
ok "rings without a message are none"

# ---- a header that somebody spoils ----

[ "$(answer a ^peek 'peek 64 16')" = "peek 64 $(hex FAMEZFAM)0100000000000000" ]; ok "the layout is 1.0"
fabric=$(answer a ^peek 'peek 104 8')
answer a ^poked 'poke 104 0102030405060708' >/dev/null
tell a 'ring 15 1'
until grep -q "overwritten the control area's header" "$tmp/sw.err"; do :; done
ok "the switch notices, and says so"
settle [ "$(answer a ^peek 'peek 104 8')" = "$fabric" ]; ok "and makes it good"

# ---- out of descriptors ----

# may_open N: the switch may have so many descriptors more than it has
may_open() {
	local fd=0 free=0

	while [ -e "/proc/${pid[sw]}/fd/$fd" ] || [ $((free++)) -lt "$1" ]; do
		fd=$((fd + 1))
	done
	prlimit --pid "${pid[sw]}" --nofile=$fd:
}

# vectors of an id are made once: c has the second
stays c; may_open 2
client b -n "$vectors"; ends b
[ $? -eq 3 ] && grep -q 'peer 3: no eventfd' "$tmp/sw.err"
ok "without descriptors for a client's vectors it is refused"
may_open 0
client b -n "$vectors"
until grep -q 'no connection can be accepted' "$tmp/sw.err"; do :; done
prlimit --pid "${pid[sw]}" --nofile=1024:
ends b; ok "without one for its socket it waits"
quit a; quit c; down; ok "SIGTERM ends it without a trace"

# ---- side by side, and one after the other ----

switch --size 1M
start sw2 "$program" --socket "$tmp/sw2.sock" --backing "$shm-2" --size 1M
saw sw2 '^famez-server: ready' >/dev/null; ok "two switches side by side"
stays a
start b "$bin/wire-client" -S "$tmp/sw2.sock" -n 16 --stay
saw b ^ok >/dev/null && [ "$(own_id a) $(own_id b)" = "1 1" ]; ok "each has an id 1"
answer a ^poked 'poke 0xffff8 1122334455667788' >/dev/null
[ "$(answer b ^peek 'peek 0xffff8 8')" = "peek 1048568 0000000000000000" ]
ok "each has a memory of its own"

no "a live socket" . --socket "$sock" --size 1M
stays c && [ "$(own_id c)" = 2 ]; ok "whose switch goes on"
quit c
no "a live switch's shm object" . --backing "$shm" --size 1M
[ "$(answer a ^peek 'peek 0xffff8 8')" = "peek 1048568 1122334455667788" ] &&
	[ -e "/dev/shm/$shm" ] && stays c && quit c
ok "whose switch goes on"
quit b
kill "${pid[sw2]}"; ends sw2 && [ ! -e "$tmp/sw2.sock" ] && no_shm "$shm-2"
ok "the second ends without a trace"
stays c; ok "the first goes on"
quit c; quit a

crash sw; [ -S "$sock" ]; switch --size 1M; ok "a stale socket is taken over"
stays a && [ "$(own_id a)" = 1 ]; ok "and served"
[ "$(answer a ^peek 'peek 0xffff8 8')" = "peek 1048568 0000000000000000" ]
ok "a stale shm object's bytes are not"

# O_NONBLOCK is shared by all who hold an eventfd: the switch must not sleep when
# a client clears it, be it in malice or as QEMU does.
stays b; id=$(own_id b); answer b ^blocking block >/dev/null
crash b; gone "$id"; stays b && [ "$(own_id b)" = "$id" ]
ok "eventfds that a client made blocking do not hold the switch up"
quit b; gone "$id"
quit a; down; ok "SIGTERM ends it without a trace"

# ---- regular files ----

# file_switch: on a regular file
file_switch() {
	start sw "$program" --socket "$sock" --backing "$tmp/fam" --size 1M
	saw sw '^famez-server: ready' >/dev/null
}

file_switch && stays a; ok "a regular file as backing"
no "a live switch's regular file" . --backing "$tmp/fam" --size 1M
answer a ^poked 'poke 0xffff8 1122334455667788' >/dev/null
[ "$(answer a ^peek 'peek 0 8')" = "peek 0 $(le64 512)" ]; ok "whose memory is untouched"
quit a; down && [ "$(stat -c %s "$tmp/fam")" = 1048576 ]; ok "it stays after SIGTERM"
file_switch && stays a; ok "it is taken up again"
quit a; crash sw; file_switch && stays a; ok "also after SIGKILL"
quit a; down; ok "SIGTERM ends it"

no "a file made for more clients" 'with --clients 14 --vectors 16' \
	--backing "$tmp/fam" --size 1M --clients 5

put_bytes "$tmp/fam" 84 "$(header_sum "$tmp/fam")"; file_switch && down
ok "a checksum of our own is its own"
put_bytes "$tmp/fam" 72 99
no "a file whose header is damaged" 'is damaged; left alone' --backing "$tmp/fam" --size 1M
put_bytes "$tmp/fam" 84 "$(header_sum "$tmp/fam")"
no "a file of another version" 'another version of famez' --backing "$tmp/fam" --size 1M

# half_switch FILE: takes it up
half_switch() {
	start sw "$program" --socket "$sock" --backing "$1" --size 1M
	saw sw '^famez-server: ready' >/dev/null
}

half_switch "$tmp/half" && stays a && answer a ^poked 'poke 0xffff8 1122334455667788' >/dev/null
quit a; down
put_bytes "$tmp/half" 64 46414d455a4e4557; put_bytes "$tmp/half" 8192 ffffffffffffffff; put_bytes "$tmp/half" 0 0000
half_switch "$tmp/half" && stays a && [ "$(answer a ^peek 'peek 0xffff8 8')" = 'peek 1048568 1122334455667788' ]
ok "a file over whose control area a switch has died, and FAM is as it was"
quit a; down
truncate -s 1M "$tmp/blank"; half_switch "$tmp/blank" && down; ok "or over a new file"
truncate -s 1M "$tmp/other"; put_bytes "$tmp/other" 1048568 01
no "a file with nothing where the control area would be, and something else" 'not empty, and not a fabric' --backing "$tmp/other" --size 1M
head -c 8192 /dev/urandom >"/dev/shm/$shm-other"
no "shared memory that is no switch's" 'no switch has made' --backing "$shm-other" --size 1M
[ "$(stat -c %s "/dev/shm/$shm-other")" = 8192 ]; ok "which stays"
rm "/dev/shm/$shm-other"

start sw "$program" --socket "$sock" --backing "$tmp/new" --size 1M --preallocate
saw sw '^famez-server: ready' >/dev/null && [ "$(stat -c %b "$tmp/new")" -ge 2048 ]
ok "--preallocate has all of a file's blocks"
down
start sw "$program" --socket "$sock" --backing "$tmp/huge" --size 4T
saw sw '^famez-server: ready' >/dev/null && stays a && answer a ^poked 'poke 0x3fffffffff8 1122334455667788' >/dev/null &&
	[ "$(stat -c %s "$tmp/huge")" = 4398046511104 ] && [ "$(stat -c %b "$tmp/huge")" -lt 4194304 ]
ok "4 TiB, which are sparse, to the last byte"
quit a; down; rm "$tmp/huge"

# ---- memory without a name ----

start sw "$program" --socket "$sock" --backing memfd: --size 1M
saw sw '^famez-server: ready: .* memory memfd: \(memfd, 1M\)' >/dev/null && stays a; ok "a memfd as backing"
memory=$(find "/proc/${pid[sw]}/fd" -lname '/memfd:famez*' -print -quit)
! truncate -s 4096 "$memory" 2>/dev/null && ! truncate -s 2M "$memory" 2>/dev/null &&
	[ "$(stat -Lc %s "$memory")" = 1048576 ]
ok "nobody shrinks or grows it"
answer a ^poked 'poke 0xffff8 1122334455667788' >/dev/null
quit a; down; ok "SIGTERM ends it"

# ---- regions that are kept ----

# json NAME OFFSET LENGTH USE: a region
json() {
	printf '{"name":"%s","offset":%s,"length":%s,"use":"%s","creator":1}' "$@"
}

# kept REGIONS...: a file with them
kept() {
	(IFS=,; printf '{"fam_size":524288,"regions":[%s]}' "$*") >"$tmp/kept"
}

# damaged TEXT: a switch with such a file does not start, and leaves it
damaged() {
	[ $# -eq 0 ] || printf '%s' "$1" >"$tmp/kept"
	cp "$tmp/kept" "$tmp/kept.as-it-was"
	! timeout 60 "$program" --socket "$sock" --backing memfd: --size 1M --regions "$tmp/kept" >"$tmp/no.out" 2>&1 </dev/null &&
		grep -Eq 'kept: (damaged|of (another size|more regions) .*); left alone' "$tmp/no.out" && cmp "$tmp/kept" "$tmp/kept.as-it-was"
}

kept "$(json one 0 4096 free)" "$(json two 8192 8192 scratch)"
start sw "$program" --socket "$sock" --backing memfd: --size 1M --regions "$tmp/kept"
saw sw '^famez-server: ready' >/dev/null && stays a; ok "regions that are kept are taken up"
# the table of regions, at 21056, has them
[ "$(answer a ^peek 'peek 21056 3')" = "peek 21056 6f6e65" ]; ok "and are in the table"
quit a; down
i=0
for text in '' '[]' '{}' '{"fam_size":524288}' '{"fam_size":524288,"regions":{}}' \
	'{"fam_size":"x","regions":[]}' '{"fam_size":-1,"regions":[]}' '{"fam_size":4096,"regions":[1]}' \
	'{"fam_size":524288,"regions":[1]}' '{"fam_size":524288,"regions":[{}]}' \
	'{"fam_size":524288,"regions":[{"name":1}]}' 'no JSON'; do
	damaged "$text" || break
	i=$((i + 1))
done
[ $i -eq 12 ]; ok "twelve that are no regions are refused"
long=$(printf %064d 0)
i=0
for region in "$(json "$long" 0 4096 free)" "$(json 'a b' 0 4096 free)" "$(json '' 0 4096 free)" \
	"$(json x 1 4096 free)" "$(json x 0 4095 free)" "$(json x 0 0 free)" "$(json x 524288 4096 free)" \
	"$(json x 520192 8192 free)" "$(json x -4096 4096 free)" "$(json x 0 4096 none)" \
	"$(json x 0 4096 pmem)" "$(json x '"0"' 4096 free)" \
	"$(json x 0 8192 free),$(json y 4096 4096 free)" "$(json x 0 4096 free),$(json x 4096 4096 free)" \
	"$(for n in {0..17}; do json "r$n" $((n * 4096)) 4096 free; echo ,; done | sed '$d')"; do
	kept "$region"
	damaged || break
	i=$((i + 1))
done
[ $i -eq 15 ]; ok "fifteen that cannot be are refused"
rm "$tmp/kept"
start sw "$program" --socket "$sock" --backing memfd: --size 1M --regions "$tmp/kept" --scratch 60K
saw sw '^famez-server: ready' >/dev/null && down && grep -q '"offset":462848' "$tmp/kept"; ok "--scratch is at the end of FAM"
start sw "$program" --socket "$sock" --backing memfd: --size 1M --regions "$tmp/kept" --scratch 60K
saw sw '^famez-server: ready' >/dev/null && down && [ "$(grep -c offset "$tmp/kept")" -eq 1 ]; ok "and is kept"
no "another --scratch than is kept" 'in its way' --backing memfd: --size 1M --regions "$tmp/kept" --scratch 64K
rm "$tmp/kept"
no "more --scratch than FAM" 'in its way' --backing memfd: --size 1M --regions "$tmp/kept" --scratch 1M
no "far more --scratch than FAM" 'in its way' --backing memfd: --size 1M --regions "$tmp/kept" --scratch 18446744073709551615
[ ! -e "$tmp/kept" ]; ok "and no file is left"
no "--regions where none can be written" 'cannot be written' --backing memfd: --size 1M --regions "$tmp/none/kept" --scratch 4K

printf 'a letter to my mother' >"$tmp/letter"
no "a file that is no famez memory" . --backing "$tmp/letter" --size 1M
[ "$(cat "$tmp/letter")" = 'a letter to my mother' ]; ok "which is untouched"
head -c 1048576 /dev/urandom >"$tmp/noise"; noise=$(sha256sum <"$tmp/noise")
no "nor one of the right size" . --backing "$tmp/noise" --size 1M
[ "$(sha256sum <"$tmp/noise")" = "$noise" ]; ok "which is untouched"

# ---- QEMU ----

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip "no QEMU"
	plan_complete
fi

switch --size 1M --clients 2 --vectors 16
stays a; qemu vm "$sock" 16; ok "QEMU attaches"
saw a '^join 2$' >/dev/null; ok "QEMU is announced"
for ((i = 0; i < 5; i++)); do
	quit a && gone 1 && stays a && qmp vm || break
done
[ $i -eq 5 ] && [ ! -s "$tmp/vm.err" ]; ok "QEMU survives joins and leaves of one id"
qemu late "$sock" 16; ends late; status=$?
[ $status -gt 0 ] && [ $status -lt 124 ] && [ "$(wc -l <"$tmp/late.err")" -eq 1 ]
ok "QEMU is refused cleanly by a full switch"
down && qmp vm && qmp vm && [ ! -s "$tmp/vm.err" ]; ok "QEMU outlives the switch"
qemu_quit vm; ok "QEMU ends well"

# Each id that comes brings a QEMU 16 descriptors; there is room for a few.
switch --size 1M --clients 14 --vectors 16
QEMU="prlimit --nofile=200: ${QEMU:-qemu-system-x86_64}" qemu vm "$sock" 16 &&
	saw sw 'peer 1 joined' >/dev/null && qmp vm && stays a
ok "who brings a QEMU no more than it can take joins"
for ((i = 3; i < 15; i++)); do
	client late$i -n 16 --stay && saw late$i ^ok >/dev/null || break
done
ends late$i
[ $? -eq 3 ] && [ $i -lt 15 ] && grep -qx 'refused -1' "$tmp/late$i.out" &&
	saw sw "pid [0-9]* refused: pid ${pid[vm]} may open 200 files, and would need 2" >/dev/null
ok "who brings it more is refused, and the log tells why"
for ((i--; i > 2; i--)); do quit late$i && gone $i || break; done
qmp vm && [ ! -s "$tmp/vm.err" ] && prlimit --pid "${pid[vm]}" --nofile=1024: && stays b
ok "QEMU lives; with room for more, they join"
quit a && gone 2 && quit b && gone 3
start late prlimit --nofile=48 "$bin/wire-client" -S "$sock" -n 16; ends late
[ $? -eq 3 ] && grep -qx 'refused -1' "$tmp/late.out"
ok "who could not take what the others have is refused itself"
qemu_quit vm; down; ok "QEMU and switch end well"

rm -f "$tmp/fam"; file_switch && qemu vm "$sock" 16 && saw sw 'peer 1 joined' >/dev/null
crash sw
no "a file that a QEMU still holds" 'a process still holds it' --backing "$tmp/fam" --size 1M
qemu_quit vm; file_switch && down; ok "and takes it up when that has ended"

plan_complete
