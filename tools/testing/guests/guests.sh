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

vm() {
	"$tools/famez-vm" "$@"
}

# on NODE COMMAND...: runs it in a guest; a kernel's complaint fails it
on() {
	vm exec --timeout 1800 -n "$@"
}

# boot N ARGS...: N guests, and the driver in each
boot() {
	vm up "$1" --initramfs "$image" "${@:2}" >"$tmp/up.out" 2>&1 || {
		cat "$tmp/up.out"
		exit 1
	}
}

load() {
	on "${1:-all}" insmod /famez/famez_bridge.ko
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

# switch_says REGEX [COUNT]: waits for a line of the switch
switch_says() {
	local p

	p=$(cat "$FAMEZ_VM_DIR/switch.pid")
	"$bin/wire-wait" -p "${p%% *}" "$FAMEZ_VM_DIR/switch.log" "$1" ${2:+"$2"} >/dev/null
}

bring_down() {
	vm down >/dev/null 2>&1
	finish
}
trap bring_down EXIT
