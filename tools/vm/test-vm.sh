#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Test of famez-vm itself, with guests that have no doorbell device. Takes the
# programs from FAMEZ_VM_BIN or build/bin, and a kernel from FAMEZ_BUILD.
set -u

here=$(cd "$(dirname "$0")" && pwd)
bin=${FAMEZ_VM_BIN:-$here/../../build/bin}
export FAMEZ_BUILD="${FAMEZ_BUILD:-$here/../../build}"
PATH=$bin:$PATH
tmp=$(mktemp -d /tmp/famez-vm-test.XXXXXX)
export FAMEZ_VM_DIR="$tmp/state"
number=0
failures=0

cleanup()
{
	famez-vm down
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# report STATUS TEXT
report()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		failures=$((failures + 1))
		sed 's/^/# /' "$tmp/out" "$tmp/err" 2>/dev/null | tail -n 40
	fi
}

# try TEXT COMMAND...: it must succeed
try()
{
	text=$1
	shift
	"$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	report $? "$text"
}

# expect CODE TEXT COMMAND...: it must exit so; outputs are left in out and err
expect()
{
	want=$1
	text=$2
	shift 2
	"$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	got=$?
	[ $got -eq "$want" ]
	report $? "$text: exit code $want${got:+ (is $got)}"
}

# The same, within 20 s, where the command's own time limit is far longer
quickly()
{
	before=$(date +%s)
	expect "$@"
	[ $(($(date +%s) - before)) -le 20 ]
	report $? "... within 20 s"
}

has()
{
	grep -q -- "$1" "$tmp/$2"
	report $? "... $2 has '$1'"
}

# in_guest NODE COMMAND-LINE: does such a process run there?
in_guest()
{
	famez-vm exec -n "$1" "ps | grep -v grep | grep -q '$2'"
}

# begun NODE COMMAND-LINE: wait until it does
begun()
{
	for i in $(seq 600); do
		in_guest "$1" "$2" && return 0
		sleep 0.1
	done
	false
	report $? "... '$2' begins in the guest"
}

# gone NODE COMMAND-LINE: no such process in the guest, at once or soon
gone()
{
	left=1
	for i in $(seq 600); do
		if ! in_guest "$1" "$2"; then
			left=0
			break
		fi
		sleep 0.1
	done
	report $left "... no '$2' is left in the guest"
}

qemus()
{
	pgrep -f "[q]emu.*$tmp/state" || :
}

try "kernel" famez-vm kernel
kernel=$(cat "$tmp/out")
[ -f "$FAMEZ_BUILD/kernels/$kernel/boot/vmlinuz-$kernel" ]
report $? "... is unpacked ($kernel)"
export FAMEZ_KERNEL="$kernel"
[ "$(readlink "$FAMEZ_BUILD/kernels/.default")" = "$kernel" ]
report $? "... is the default"
other="env -u FAMEZ_KERNEL FAMEZ_BUILD=$tmp/build famez-vm"
tree=$FAMEZ_BUILD/kernels/$kernel
try "kernel from a tree" $other kernel --from "$tree" --version "$kernel"
cmp "$tree/boot/vmlinuz-$kernel" "$tmp/build/kernels/$kernel/boot/vmlinuz-$kernel"
report $? "... is there"
expect 1 "a tree with another kernel" $other kernel --from "$tree" --version 1.2.3
has "$kernel" err
[ ! -e "$tmp/build/kernels/1.2.3" ]
report $? "... leaves nothing"
expect 1 "no default kernel" $other initramfs
has "famez-vm kernel" err
expect 2 "a tree, and no version" $other kernel --from "$tree"
printf 'hello\n' > "$tmp/data"
try "initramfs with additions" famez-vm initramfs --output "$tmp/initramfs" \
	--add "$tmp/data" --add /usr/bin/env:/usr/local/bin/ --module libnvdimm
up="famez-vm up --initramfs $tmp/initramfs --no-switch --no-device"

# Misuse
expect 2 "unknown verb" famez-vm fly
expect 2 "no number of guests" famez-vm up
expect 2 "option unknown" famez-vm exec --fly node01 true
expect 1 "node unknown" famez-vm exec node01 true
for verb in "" kernel initramfs up qemu-args exec console check status log wait qmp down; do
	famez-vm $verb --help > "$tmp/out" 2>&1 && grep -q usage "$tmp/out" ||
		break
done
report $? "help for each verb"
try "down when nothing is up" famez-vm down

# One version
version=$(sed -n 's/^FAMEZ_VERSION := //p' "$here/../../Makefile")
for program in famez-vm famezctl famez-client famez-server; do
	"$bin/$program" --version
done > "$tmp/out" 2>&1
[ -n "$version" ] && [ "$(awk '{ print $2 }' "$tmp/out" | uniq -c | tr -s ' ')" = " 4 $version" ]
report $? "each program has version $version"
grep -qx "PACKAGE_VERSION=\"$version\"" "$here/../../dkms.conf"
report $? "... and so has dkms.conf"

# Where SeaBIOS places FAM
# bridge TYPE OPTIONS...: the last of a guest's devices, which moves the others
bridge()
{
	kind=$1
	shift
	famez-vm qemu-args 1 --initramfs "$tmp/initramfs" "$@" > "$tmp/out" 2> "$tmp/err"
	[ "$(sed -n 's/^.-device \([^,]*\),.*pref64-reserve=4G.*/\1/p' "$tmp/out")" = "$kind" ]
}
bridge pci-bridge && tail -n 1 "$tmp/out" | grep -q pci-bridge
report $? "a bridge, behind all devices, moves FAM above 4 GiB"
bridge pcie-root-port --machine pc-q35-7.2
report $? "... a root port on q35"
bridge '' --bar low && bridge '' --no-device
report $? "... none where it is to lie low, or there is no FAM"
expect 2 "--bar is nonsense" $up 1 --bar top
has "expected 'high' or 'low'" err

# tcg or kvm
# auto_takes TEXT [QEMU]: what up would take, and the reason
auto_takes()
{
	QEMU=${2:-} ACCEL=auto famez-vm qemu-args 1 \
		--initramfs "$tmp/initramfs" > "$tmp/out" 2> "$tmp/err"
	taken=$(sed -n 's/^.-accel \([a-z]*\).*/\1/p' "$tmp/out")
	[ "$(wc -l < "$tmp/err")" -eq 1 ] &&
		grep -q "ACCEL=auto takes $taken: $1" "$tmp/err"
}
expect 2 "ACCEL is nonsense" env ACCEL=fly $up 1
has "expected tcg, kvm or auto" err
expect 2 "--accel is nonsense" $up 1 --accel fly
[ ! -e "$tmp/state" ]
report $? "... leaves nothing"
(unset ACCEL; famez-vm qemu-args 1 --initramfs "$tmp/initramfs") > "$tmp/out" 2> "$tmp/err"
has '-accel tcg' out
ACCEL=tcg famez-vm qemu-args 1 --accel kvm --initramfs "$tmp/initramfs" > "$tmp/out"
has '-accel kvm' out
auto_takes ''
report $? "auto decides, here for ${taken:-nothing}"
printf '#!/bin/sh\necho "[ 0.0] Linux version 1"; exec sleep 1000\n' > "$tmp/qemu"
chmod +x "$tmp/qemu"
auto_takes "the guests' kernel starts" "$tmp/qemu" && [ "$taken" = kvm ]
report $? "... for kvm if the kernel speaks"
printf '#!/bin/sh\necho "first"; echo "no kvm here" >&2; exit 1\n' > "$tmp/qemu"
auto_takes '.*(no kvm here)' "$tmp/qemu" && [ "$taken" = tcg ]
report $? "... for tcg if QEMU ends, and says why"
printf '#!/bin/sh\nexec sleep 1000\n' > "$tmp/qemu"
auto_takes '.*not say a word' "$tmp/qemu" && [ "$taken" = tcg ]
report $? "... for tcg if nothing comes"
[ -z "$(pgrep -f "$tmp/qemu")" ]
report $? "... and leaves no trial behind"

# Failing starts
expect 1 "up with a device that QEMU does not know" $up 1 --device nonsense
has nonsense err
[ -z "$(qemus)" ] && [ ! -d "$tmp/state/node01" ]
report $? "... leaves nothing"
quickly 1 "up with a kernel that panics" $up 1 --append rdinit=/nowhere
has "Kernel panic" err
printf '#!/bin/sh\necho no such luck\nexit 3\n' > "$tmp/server"
chmod +x "$tmp/server"
expect 1 "up with a switch that fails" env FAMEZ_SERVER="$tmp/server" \
	famez-vm up 1 --initramfs "$tmp/initramfs"
has "no such luck" err
[ -z "$(qemus)" ] && [ ! -e "$tmp/state" ]
report $? "... leaves nothing"
mkdir "$tmp/other" && touch "$tmp/other/precious"
expect 1 "up in a directory with other things" $up 1 --dir "$tmp/other"
famez-vm down --dir "$tmp/other"
[ -e "$tmp/other/precious" ]
report $? "... which down does not touch"

# Commands
try "up 2" $up 2 --plain "$tmp/fam:1M"
try "status" famez-vm status
expect 0 "exec true" famez-vm exec node01 true
expect 7 "exec exit 7" famez-vm exec node02 'exit 7'
expect 127 "exec of no command" famez-vm exec node01 -- /no/such
expect 137 "exec of a killed command" famez-vm exec node01 'kill -9 $$'
expect 3 "outputs" famez-vm exec 1 'echo to out; echo to err >&2; exit 3'
[ "$(cat "$tmp/out")" = "to out" ] && [ "$(cat "$tmp/err")" = "to err" ]
report $? "... come apart"
try "words" famez-vm exec --env 'A=b c' --cwd /famez node01 -- \
	sh -c 'echo "$A" "$1" "$(pwd)"; cat data' x "a  'b"
[ "$(cat "$tmp/out")" = "b c a  'b /famez
hello" ]
report $? "... arrive as they are"
try "added program runs" famez-vm exec node01 /usr/local/bin/env
try "added module loads" famez-vm exec node01 'modprobe libnvdimm && lsmod | grep -q ^libnvdimm'
try "plain device" famez-vm exec all 'grep -q 0x1110 /sys/bus/pci/devices/*/device'
try "qmp" famez-vm qmp node01 query-status
has '"running":true' out
expect 1 "qmp of a wrong command" famez-vm qmp node01 fly

head -c 1048576 /dev/urandom > "$tmp/random"
famez-vm exec node01 cat < "$tmp/random" 2> "$tmp/err" | cmp - "$tmp/random" > "$tmp/out"
report $? "1 MiB of input, there and back"
[ "$(famez-vm exec node01 md5sum < "$tmp/random")" = \
  "$(md5sum < "$tmp/random")" ]
report $? "... with the same sum"
timeout 60 famez-vm exec node01 true < /dev/zero 2> "$tmp/err"
report $? "input that nobody reads and that never ends"
[ "$(famez-vm exec node01 'head -c 8388608 /dev/zero' < /dev/null | wc -c)" = 8388608 ]
report $? "8 MiB of output"
[ "$(famez-vm exec -n node01 'yes' | head -n 1)" = y ]
report $? "output that nobody reads and that never ends"
gone node01 yes

mkdir "$tmp/many"
for i in $(seq 20); do
	famez-vm exec node01 "sleep 1; echo number $i; exit $i" \
		> "$tmp/many/$i" 2>&1 < /dev/null &
	eval "pid$i=$!"
done
wrong=0
for i in $(seq 20); do
	eval "wait \$pid$i"
	[ $? -eq "$i" ] && [ "$(cat "$tmp/many/$i")" = "number $i" ] ||
		wrong=$((wrong + 1))
done
report $wrong "20 commands at once in one guest"
for i in $(seq 100); do
	[ "$(famez-vm exec -n node02 -- echo "$i" 2>&1)" = "$i" ] ||
		wrong=$((wrong + 1))
done
report $wrong "100 commands one after the other"

expect 2 "all" famez-vm exec all 'hostname; echo x >&2; [ "$(hostname)" = node01 ] || exit 2'
[ "$(sort "$tmp/out")" = "node01: node01
node02: node02" ] && [ "$(sort "$tmp/err")" = "node01: x
node02: x" ]
report $? "... names its lines"

# Ends
quickly 124 "timeout" famez-vm exec --timeout 2 node01 'echo begun; sleep 4321 & sleep 4321'
has begun out
gone node01 "sleep 4321"
quickly 0 "child in the background" famez-vm exec node01 'sleep 1234 & echo back'
has back out
try "... lives on" in_guest node01 "sleep 1234"
famez-vm exec -n node01 'sleep 4322' > "$tmp/out" 2> "$tmp/err" &
pid=$!
begun node01 "sleep 4322"
kill -TERM $pid
wait $pid
[ $? -eq 143 ]
report $? "SIGTERM"
gone node01 "sleep 4322"
famez-vm exec node01 'cat > /dev/null' < /dev/zero > "$tmp/out" 2> "$tmp/err" &
pid=$!
begun node01 "cat"
kill -KILL $pid
wait $pid 2> /dev/null
gone node01 "cat"
for i in $(seq 16); do
	[ "$(famez-vm exec node01 cat < "$tmp/data" 2>> "$tmp/err")" = hello ] ||
		wrong=$((wrong + 1))
done
report $wrong "commands after an exec that was killed in the middle of its input"

# A guest that begins anew
quickly 125 "reboot under a command" famez-vm exec node02 'reboot -f; sleep 1000'
has anew err
try "... after which the guest answers again" famez-vm exec node02 true

# Complaints
try "check all" famez-vm check all
expect 0 "harmless words" famez-vm exec node01 'echo "<4>all is well" > /dev/kmsg'
expect 125 "WARNING" famez-vm exec node01 'echo "<4>WARNING: test" > /dev/kmsg'
has '> .*WARNING: test' err
expect 125 "... and from then on" famez-vm exec node01 true
expect 0 "... unless it is to be ignored" famez-vm exec --ignore-console node01 true
expect 1 "... check" famez-vm check node01
expect 1 "... status" famez-vm status
has complaint out
expect 0 "... the other guest is well" famez-vm exec node02 true
quickly 125 "panic" famez-vm exec node02 'echo c > /proc/sysrq-trigger'
has 'sysrq' err
has '^> ' err

# Guests that end
try "down of one" famez-vm down node02
[ ! -e "$tmp/state/node02" ] && [ "$(qemus | wc -l)" -eq 1 ]
report $? "... leaves the other"
try "up of one more" $up 1 --first 2
expect 1 "up of one that runs" $up 1 --first 2
famez-vm exec -n node02 'sleep 1000' > "$tmp/out" 2> "$tmp/err" &
pid=$!
kill -9 "$(cat "$tmp/state/node02/qemu.pid")"
wait $pid
[ $? -eq 125 ]
report $? "QEMU killed under a command: exit code 125"
has "killed by signal 9" err
quickly 125 "... and after it" famez-vm exec node02 true
try "... wait" famez-vm wait node02
has "killed by signal 9" out
expect 1 "... status" famez-vm status
has dead out
sleep 1000 &
stranger=$!
echo $stranger > "$tmp/state/node02/qemu.pid"
try "down of a node whose process number a stranger has" famez-vm down node02
kill -0 $stranger
report $? "... the stranger lives"
kill $stranger
try "up once more" $up 1 --first 2
quickly 125 "poweroff" famez-vm exec node02 'poweroff -f; sleep 1000'
try "... wait" famez-vm wait node02
has "exit status 0" out

pids=$(qemus)
try "down --keep-logs" famez-vm down --keep-logs
[ -s "$tmp/state/node01/console.log" ] && [ ! -e "$tmp/state/node01/qmp.sock" ]
report $? "... keeps them"
try "down" famez-vm down
alive=0
for pid in $pids; do
	[ -e "/proc/$pid" ] && alive=$((alive + 1))
done
[ -n "$pids" ] && [ $alive -eq 0 ] && [ -z "$(qemus)" ] && [ ! -e "$tmp/state" ]
report $? "... leaves no process, no socket, no directory"
try "down twice" famez-vm down

echo "PLAN-COMPLETE $number"
[ $failures -eq 0 ]
