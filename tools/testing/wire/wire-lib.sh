# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What test-wire.sh and test-switch.sh have in common: programs with a name,
# whose standard input is a pipe and whose output a file, and TAP-like results.
# Nothing sleeps: wire-wait sees lines come.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
bin=${WIRE_BIN:-$top/build/testing}

# Hangs end here, with all children: timeout(1) signals its process group.
if [ -z "$WIRE_GUARDED" ]; then
	WIRE_GUARDED=1 exec timeout -k 10 "${WIRE_GUARD:-3600}" bash "$0" "$@"
fi

tmp=$(mktemp -d)
tests=0
failures=0
declare -A pid in

# Ends what we started, by process id, and waits for its end.
finish() {
	local p

	for p in "${pid[@]}"; do
		kill -9 "$p" 2>/dev/null
	done
	wait
	rm -rf "$tmp"
}
trap finish EXIT
# a guard that ends us must not leave what we started
trap 'exit 143' HUP INT TERM

# ok TEXT: the last command decides.
ok() {
	local status=$?

	tests=$((tests + 1))
	if [ $status -eq 0 ]; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		failures=$((failures + 1))
		# What the programs that ran until now complained of.
		(cd "$tmp" && grep -E '^(violation|error)' ./*.out
			tail -n 3 ./*.err) 2>/dev/null | sed 's/^/#   /'
	fi
}

# skip TEXT
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP"
}

plan_complete() {
	if [ $failures -ne 0 ]; then
		echo "# $failures of $tests failed"
		exit 1
	fi
	echo "PLAN-COMPLETE $tests"
	exit 0
}

# start NAME COMMAND...: in the background; see tell and saw.
start() {
	local name=$1 fd
	shift

	rm -f "$tmp/$name.in"
	mkfifo "$tmp/$name.in"
	fd=${in[$name]}
	[ -n "$fd" ] && exec {fd}>&-
	# Both ways, so that no open() waits for its other side.
	exec {fd}<>"$tmp/$name.in"
	in[$name]=$fd
	# Here, not in the child: what waits for its lines finds none of old.
	: >"$tmp/$name.out"
	: >"$tmp/$name.err"
	"$@" <"$tmp/$name.in" >>"$tmp/$name.out" 2>>"$tmp/$name.err" &
	pid[$name]=$!
}

# tell NAME LINE: on its standard input
tell() {
	echo "$2" >&"${in[$1]}"
}

# saw NAME REGEX [COUNT]: waits for a line of its output, and prints it.
saw() {
	"$bin/wire-wait" -p "${pid[$1]}" "$tmp/$1.out" "$2" ${3:+"$3"}
}

# ends NAME: waits for its end; its exit code is the result.
ends() {
	local p=${pid[$1]} fd=${in[$1]} status

	wait "$p"
	status=$?
	unset "pid[$1]"
	exec {fd}>&-
	unset "in[$1]"
	return $status
}

# quit NAME: asks for its end, and waits for it.
quit() {
	tell "$1" quit
	ends "$1"
}

# crash NAME: the end comes without any warning.
crash() {
	kill -9 "${pid[$1]}"
	ends "$1" 2>/dev/null
	return 0
}

# answer NAME REGEX LINE: tells it LINE, prints the next line that matches.
answer() {
	local have

	have=$(grep -Ec "$2" "$tmp/$1.out")
	tell "$1" "$3"
	saw "$1" "$2" $((have + 1))
}

# own_id NAME: which a client was given
own_id() {
	sed -n 's/^ok id=\([0-9]*\) .*/\1/p' "$tmp/$1.out"
}

# rung NAME VECTOR: how often, so far
rung() {
	awk -v v="$2" '$1 == "rung" && $2 == v { n += $3 } END { print n + 0 }' \
		"$tmp/$1.out"
}

# messages NAME: how many a program of F.E.E.'s kind has said and heard so far
messages() {
	grep -c '^[0-9]*->[0-9]' "$tmp/$1.out"
}

# traced NAME [COUNT] <LINES: those, and no others, behind the first COUNT
traced() {
	local lines behind=${2:-0}

	mapfile -t lines
	saw "$1" '^[0-9]+->[0-9]' $((behind + ${#lines[@]})) >/dev/null
	diff <(grep '^[0-9]*->[0-9]' "$tmp/$1.out" | tail -n +$((behind + 1))) \
		<(printf '%s\n' "${lines[@]}") >&2
}

# le64 NUMBER...: as hexadecimal digits in the order of memory
le64() {
	local n i

	for n; do
		for i in 0 8 16 24 32 40 48 56; do
			printf '%02x' $((n >> i & 255))
		done
	done
}

# hex TEXT
hex() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
}

# own_boot: $FAMEZ_BUILD is build/, but for what guests of this test's disks boot
own_boot() {
	mkdir "$tmp/build" && ln -s "$top"/build/* "$tmp/build" && rm -f "$tmp/build/boot"
	export FAMEZ_BUILD=$tmp/build
}

# put_bytes FILE OFFSET HEX: changes bytes
put_bytes() {
	printf '%b' "$(echo "$3" | sed 's/../\\x&/g')" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# header_sum FILE: as its header's checksum should be
header_sum() {
	local byte i=0 sum=2166136261

	for byte in $(od -An -v -tu1 -j 64 -N 256 "$1"); do
		[ $((i & ~3)) -ne 20 ] || byte=0
		sum=$(((sum ^ byte) * 16777619 & 0xffffffff))
		i=$((i + 1))
	done
	le64 $sum | cut -c1-8
}

# fee_reads_race SOCKET VECTORS: a client that reads as soon as it is woken. The server
# can win that race for certain only if it may keep others off its CPU: what is
# shown here for other users is reported, and no verdict.
fee_reads_race() {
	local i missed=0

	for ((i = 0; i < 50; i++)); do
		"$bin/wire-client" -S "$1" -n "$2" --fee-reads >/dev/null ||
			missed=$((missed + 1))
	done
	echo "# first read of 24 bytes: missed $missed of 50 times"
	[ "$(id -u)" -ne 0 ] || [ $missed -le 5 ]
}

# qemu NAME SOCKET VECTORS: a machine without a guest; QMP on its pipe.
qemu() {
	# shellcheck disable=SC2086 # a command with its words
	start "$1" ${QEMU:-qemu-system-x86_64} -nodefaults -display none -accel tcg -S \
		-chardev "socket,path=$2,id=c" \
		-device "ivshmem-doorbell,chardev=c,vectors=$3" -qmp stdio
	saw "$1" QMP >/dev/null &&
		answer "$1" return '{"execute":"qmp_capabilities"}' >/dev/null
}

# qmp NAME: one command there and back
qmp() {
	answer "$1" return '{"execute":"query-status"}' >/dev/null
}

# qemu_quit NAME
qemu_quit() {
	tell "$1" '{"execute":"quit"}'
	ends "$1"
}
