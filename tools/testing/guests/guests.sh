# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests in guests have in common: a fabric of their own, by famez-vm.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wire/wire-lib.sh"

tools=$top/build/bin
image=$top/build/test-initramfs-$FAMEZ_KERNEL.img
export FAMEZ_BUILD=$top/build
export FAMEZ_VM_DIR=$tmp/vm

# collect: what guests have counted for make coverage, before they end
collect() {
	[ -z "${FAMEZ_COVERAGE:-}" ] || "$top/tools/testing/coverage/collect.sh" >&2
}

vm() {
	[ "$1" != down ] || collect
	"$tools/famez-vm" "$@"
}

# on NODE COMMAND...: runs it in a guest; a kernel's complaint fails it
on() {
	vm exec --timeout 1800 -n "$@"
}

# In the ACPI tables of QEMU's pc is a loop that takes a debug kernel half of its
# boot; q35's have none.
case $FAMEZ_KERNEL in
*-debug) machine=q35 ;;
*) machine=${FAMEZ_MACHINE:-pc} ;;
esac

# boot N ARGS...: N guests
boot() {
	vm up "$1" --initramfs "$image" --machine $machine "${@:2}" >"$tmp/up.out" 2>&1 || {
		cat "$tmp/up.out"
		exit 1
	}
}

load() {
	on "${1:-all}" insmod /famez/famez_bridge.ko
}

# healthy NODE|all: the kernel has not complained; if it looks for leaks, there is
# none.  kmemleak takes nothing for lost that is younger than 5 seconds, nor what
# has changed since it last looked.  What it finds is on the console, too.
healthy() {
	on "$1" 'leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] || exit 0
rmmod famez_bridge 2>/dev/null
sleep 6 && echo scan >$leaks && echo scan >$leaks && ! grep . $leaks' >&2 &&
		vm check "$1"
}

# complete LOG: a program's output ends in its planned count
complete() {
	tail -n 1 "$1" | grep -q '^PLAN-COMPLETE [1-9]' || {
		tail -n 40 "$1" "${1%.log}.err"
		false
	}
}

# interrupts NODE: how many of ours it has had
interrupts() {
	on "$1" "awk '/famez_bridge/ { for (i = 2; i <= NF && \$i ~ /^[0-9]+\$/; i++) n += \$i } END { print n + 0 }' /proc/interrupts"
}

# background NODE COMMAND: leaves it running in a guest; its output in /tmp/bg
background() {
	on "$1" "setsid sh -c '$2' </dev/null >/tmp/bg 2>&1 &"
}

# says NODE REGEX: waits until the background command has said it
says() {
	on "$1" wire-wait /tmp/bg "$2" >/dev/null
}

# reborn NODE COMMAND...: in one that began anew: its console is judged at the end
reborn() {
	vm exec --timeout 1800 -n --ignore-console "$@"
}

# watch: monitors write down what they hear, in node01 and on the host
watch() {
	on node01 'setsid famezctl monitor </dev/null >/tmp/monitor 2>&1 &
until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done 2>/dev/null'
	start monitor "$tools/famez-client" -S "$FAMEZ_VM_DIR/switch.sock" monitor
	on node01 wire-wait /tmp/monitor '\(famez-client[^)]*\) up' >/dev/null
	until grep -q poll "/proc/${pid[monitor]}/wchan"; do
		kill -0 "${pid[monitor]}" || return
	done
}

# heard PEER TEXT [COUNT]: both have told so often of it
heard() {
	on node01 wire-wait /tmp/monitor " $1 \([^)]*\) $2" "${3:-1}" >/dev/null &&
		saw monitor " $1 \([^)]*\) $2" "${3:-1}" >/dev/null
}

# fill NODE PEER: until its next sender has to sleep
fill() {
	on "$1" "head -c 4096 /dev/zero >/tmp/long
full=0
while [ \$full -lt 2 ]; do
	if famezctl send --nonblock $2 </tmp/long 2>/dev/null; then
		full=0
	else
		famezctl ping $2 --count 1 >/dev/null
		full=\$((full + 1))
	fi
done"
}

# asleep NODE PEER: a program there sleeps in a send, and when that has ended,
# sends once more
asleep() {
	background "$1" "famezctl send $2 </tmp/long; echo \"exit \$?\"; famezctl send $2 short; echo \"then \$?\""
	# the monitor is the other famezctl, and older
	on "$1" 'until set -- $(pidof famezctl | tr " " "\n" | sort -nr) &&
	[ $# -eq 2 ] && grep -q famez /proc/$1/wchan; do :; done 2>/dev/null'
}

# told: what the two sends of asleep in node01 came to
told() {
	on node01 cat /tmp/bg | grep -oE 'restarted|attached|no such peer|exit .|then .' |
		paste -sd' '
}

# all_excused PEER SENT [GOT]: what famez-lives got late from a peer was on its way
# when the receiver was reborn, which that peer's own output tells
all_excused() {
	sed -n "s/^late \([0-9]*\) from $1,.*/during \1/p" "${3:-$tmp/got}" |
		grep -vxFf "$2" >"$tmp/inexcusable"
	! grep -m 3 . "$tmp/inexcusable"
}

# switch_says REGEX [COUNT]: waits for a line of the switch
switch_says() {
	local p

	p=$(cat "$FAMEZ_VM_DIR/switch.pid")
	"$bin/wire-wait" -p "${p%% *}" "$FAMEZ_VM_DIR/switch.log" "$1" ${2:+"$2"} >/dev/null
}

# faulty NODE: its kernel can have faults. Quietly, as a report of each looks like a
# complaint; and also where the kernel could wait for memory.
faulty() {
	on "$1" 'cd /sys/kernel/debug
for what in failslab fail_page_alloc fail_usercopy; do
	echo 0 >$what/verbose || exit 1
done
echo N >failslab/ignore-gfp-wait && echo N >fail_page_alloc/ignore-gfp-wait &&
	echo 0 >fail_page_alloc/min-order'
}

# pci_device NODE: its bridge's
pci_device() {
	on "$1" 'cd /sys/class/famez/famez_bridge && basename $(readlink -f device)'
}

bring_down() {
	vm down >/dev/null 2>&1
	finish
}
trap bring_down EXIT
