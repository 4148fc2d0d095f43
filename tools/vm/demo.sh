#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make demo: two guests exchange messages and share memory.  Whatever happens,
# nothing is left behind.  FAMEZ_DEMO_FAIL=N makes step N fail, for the tests.
#
# make demo-shell, with --shell: if all goes well, the guests stay, for whoever
# wants to go on by hand.

set -eu
keep=
if [ "$*" = --shell ]; then
	keep=yes
elif [ $# -gt 0 ]; then
	echo "usage: demo.sh [--shell]" >&2
	exit 2
fi
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
export FAMEZ_BUILD=$top/build
FAMEZ_VM_DIR=$(mktemp -d "${TMPDIR:-/tmp}/famez-demo.XXXXXX")
export FAMEZ_VM_DIR
backing=$(basename "$FAMEZ_VM_DIR")
vm=build/bin/famez-vm
number=0
begin=$(date +%s.%N)
since=$begin

finish() {
	status=$?
	trap - EXIT INT TERM HUP
	if [ $status -eq 0 ] && [ -n "$keep" ]; then
		over_to_you
		exit 0
	fi
	$vm down >/dev/null 2>&1 || status=1
	rm -rf "$FAMEZ_VM_DIR"
	if [ $status -eq 0 ]; then
		echo
		echo "done in $(seconds "$begin") s; everything is taken down again"
	else
		echo
		echo "the demo has failed; everything is taken down again" >&2
	fi
	exit $status
}
# What to do with guests that stay; test-demo.sh runs these lines.
over_to_you() {
	cat <<END

done in $(seconds "$begin") s; the two guests are yours now. In $top:

    export FAMEZ_VM_DIR=$FAMEZ_VM_DIR

enters a guest (Ctrl-] leaves it again):

    $vm console node01

sends a message by hand, and receives it:

    $vm exec node01 'echo "node02:hello by hand" >/dev/famez_bridge'
    $vm exec node02 'head -n 1 /dev/famez_bridge'

is one more peer, on the host:

    build/bin/famez-client --socket \$FAMEZ_VM_DIR/switch.sock peers
    build/bin/famez-client --socket \$FAMEZ_VM_DIR/switch.sock send node01 'hello from the host'
    $vm exec node01 famezctl recv

and ends all of it:

    $vm down
END
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

seconds() {
	awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'
}

# step TEXT: announces what comes, and how long the one before took
step() {
	[ $number -eq 0 ] || echo "    ($(seconds "$since") s)"
	since=$(date +%s.%N)
	number=$((number + 1))
	echo
	echo "$number. $1"
	[ "${FAMEZ_DEMO_FAIL:-}" != $number ]
}

show() {
	sed 's/^/    /'
}

on() {
	$vm exec -n "$@"
}

interrupts() {
	on "$1" "awk '/famez_bridge/ && \$2 { print \$1, \$2, \$NF }' /proc/interrupts"
}

step "Debian's stock kernel and a small file system with our driver"
kernel=$($vm kernel)
tools/testing/build-module.sh "$kernel" "build/modules/$kernel"
$vm initramfs --kernel "$kernel" --output build/demo-initramfs.img \
	--add "build/modules/$kernel/famez_bridge.ko" \
	--add build/bin/famezctl >/dev/null
echo "Linux $kernel, $(du -h build/demo-initramfs.img | cut -f1) of file system" | show

step 'The switch, and two guests beside each other'
$vm up 2 --kernel "$kernel" --initramfs build/demo-initramfs.img \
	--backing "$backing" | show

step 'insmod famez_bridge.ko in each'
on all insmod /famez/famez_bridge.ko
on all 'dmesg | grep "famez_bridge: id"' | show

step 'What the switch sees'
show <"$FAMEZ_VM_DIR/switch.log"
on node01 famezctl peers | show

step 'Interrupts so far'
for node in node01 node02; do
	interrupts $node | sed "s/^/$node: /" | show
done

step 'node01 sends to node02, and is answered'
on node02 'setsid sh -c "
	famezctl recv >/tmp/request
	famezctl send node01 \"I am node02, and I have read: \$(cat /tmp/request)\"
" </dev/null >/dev/null 2>&1 &'
on node01 'echo "node02:hello, who is there?" >/dev/famez_bridge'
answer=$(on node01 famezctl recv --timeout 60)
echo "$answer" | show
case $answer in
*'I am node02, and I have read: 1:hello, who is there?'*) ;;
*) false ;;
esac
on node01 famezctl ping node02 --count 3 | show

step 'node01 writes a random pattern into FAM, node02 and the host read it'
pattern=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
offset=$((4096 * (RANDOM % 1000)))
on node01 famezctl write $offset --text "$pattern"
read_back=$(on node02 famezctl read $offset ${#pattern})
fam=$(on node01 famezctl info | awk '/^fam offset:/ { print $3 }')
on_host=$(dd if="/dev/shm/$backing" bs=1 skip=$((fam + offset)) \
	count=${#pattern} status=none)
{
	echo "node01 wrote   $pattern at $offset"
	echo "node02 read    $read_back"
	echo "the host found $on_host in /dev/shm/$backing"
} | show
[ "$read_back" = "$pattern" ]
[ "$on_host" = "$pattern" ]

step 'Interrupts now: one for each time that somebody slept'
for node in node01 node02; do
	interrupts $node | sed "s/^/$node: /" | show
done
$vm check all

echo "    ($(seconds "$since") s)"
