#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How FAM and the control area are mapped, wherever firmware has put the BAR: under
# an uncached MTRR, as SeaBIOS does below 4 GiB and OVMF anywhere, or not.  What is
# read are the page tables, by QEMU; they must be write-back, and huge where that can
# be.  A speed would tell nothing, as the emulator does not know memory types.
# Not on the debug kernel: QEMU would print its sanitizer's terabytes, too.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

# guest NUMBER OPTIONS...: boots one, as others boot
guest() {
	vm up 1 --first "$1" --initramfs "$image" --socket "$tmp/switch" "${@:2}" \
		>"$tmp/up$1" 2>&1 || cat "$tmp/up$1" >&2
}

# bar NODE DEVICE: start and end of its BAR 2, 16 digits each
bar() {
	on "$1" "sed -n '3s/0x\([^ ]*\) 0x\([^ ]*\) .*/\1 \2/p' /sys/class/famez/${2#/dev/}/device/resource"
}

# touched NODE DEVICE BYTES: a program has touched all of FAM, and holds the CPU
touched() {
	read -r first last < <(bar "$1" "$2")
	background "$1" "famez-touch -s $2 $3"
	says "$1" '^touched$'
}

# read_tables NODE: the page tables' entries for that BAR, of the program that runs and
# of the kernel: an address and QEMU's flags for each
read_tables() {
	vm qmp "$1" '{"execute": "human-monitor-command", "arguments": {"command-line": "info tlb"}}' |
		sed 's/\\r\\n/\n/g; s/[":]//g' |
		awk -v first="x$first" -v last="x$last" \
			'NF == 3 && "x" $2 >= first && "x" $2 <= last { print $2, $3 }' >"$tmp/tables"
}

# tables NODE: when it is that program that runs, as it nearly always is
tables() {
	until read_tables "$1" && grep -q ' .......U.$' "$tmp/tables"; do :; done
	on "$1" 'kill -9 $(pidof famez-touch)'
}

# entries FLAGS: how many have such flags, of XGPDACTUW
entries() {
	grep -cE " $1\$" "$tmp/tables"
}

# mapped SMALL HUGE: so many pages of the program, all of them write-back
mapped() {
	[ "$(entries '..-....U.')" -eq "$1" ] && [ "$(entries '..P....U.')" -eq "$2" ] &&
		[ "$(entries '.....--U.')" -eq $(($1 + $2)) ] || {
		echo "# not $1 and $2, but $(cut -d' ' -f2 "$tmp/tables" | sort | uniq -c | paste -sd';')"
		false
	}
}

# kernel_write_back: the kernel has some of it mapped, and no page uncached
kernel_write_back() {
	[ "$(entries '.......-.')" -gt 0 ] &&
		[ "$(entries '.....--[-].')" -eq "$(entries '.......-.')" ]
}

# tells NODE FAM CONTROL: what famezctl says of both mappings
tells() {
	on "$1" famezctl info >"$tmp/info"
	grep -qx "fam mapping: $2" "$tmp/info" && grep -qx "control mapping: $3" "$tmp/info" || {
		grep mapping "$tmp/info"
		false
	}
}

# lies NODE below|above: the doorbell device's BAR, seen from 4 GiB
lies() {
	read -r first last < <(bar "$1" /dev/famez_bridge)
	[ "$2" = "$([ $((16#$first)) -lt $((1 << 32)) ] && echo below || echo above)" ]
}

start switch "$tools/famez-server" --socket "$tmp/switch" --backing "$tmp/fabric"
saw switch '^famez-server: ready' >/dev/null
truncate -s 1G "$tmp/giant"
truncate -s 1M "$tmp/disk"
ovmf=(--memory 512M --qemu -bios --qemu /usr/share/ovmf/OVMF.fd)

guest 1 --machine pc --bar low --device virtio-blk-pci,drive=disk --qemu -drive \
	--qemu "file=$tmp/disk,if=none,id=disk,format=raw,file.locking=off,snapshot=on" &
boots=($!)
guest 2 --machine q35 --plain "$tmp/giant:1G" &
wait "${boots[@]}" $!
guest 3 --machine q35 "${ovmf[@]}" --qemu -cpu --qemu qemu64,phys-bits=46 &
boots=($!)
guest 4 --machine pc "${ovmf[@]}" &
wait "${boots[@]}" $!
load; ok 'the driver loads in guests with their BARs in various places'

# What this kernel can do
small='write-back, pages of 4 KiB'
config=$top/build/kernels/$FAMEZ_KERNEL
config=$(find "$config/boot/config-$FAMEZ_KERNEL" "$config/lib/modules/$FAMEZ_KERNEL/config" 2>/dev/null)
[ -n "$config" ]; ok "this kernel's configuration is known"
if grep -q '^CONFIG_TRANSPARENT_HUGEPAGE=y' "$config"; then
	large='write-back, pages of 2 MiB'
	most=2097152
else
	echo '# this kernel has no huge pages for programs'
	large=$small
	most=4096
fi
if grep -q '^CONFIG_VMAP_PFN=y' "$config"; then
	low=$small
else
	echo '# this kernel cannot map the control area write-back under an uncached MTRR'
	low='uncached, .*'
fi
fam=$((56 << 20))

# ---- Under an uncached MTRR ----

for guest in 'node01 below pc, SeaBIOS' 'node03 above q35, OVMF, 46 bits' \
	'node04 above pc, OVMF'; do
	read -r node place text <<<"$guest"
	lies "$node" "$place"; ok "$text: the BAR is $place 4 GiB"
	touched "$node" /dev/famez_bridge $fam && tables "$node"
	mapped $((fam / 4096)) 0; ok "$text: a program's pages are write-back, and small"
	[ "$low" != "$small" ] || kernel_write_back; ok "$text: so are the kernel's"
	tells "$node" "$small" "$low"; ok "$text: famezctl info says that"
	on "$node" 'dmesg | grep -q "messages will be slow"' && [ "$low" != "$small" ] ||
		[ "$low" = "$small" ]
	ok "$text: the kernel warns where it could not"
done

# ---- Not under one ----

# huge BYTES: a program's pages are as large as they can be
huge() {
	if [ $most -eq 4096 ]; then
		mapped $(($1 / most)) 0
	else
		mapped 0 $(($1 / most))
	fi
}

lies node02 above; ok 'q35, SeaBIOS: the BAR is above 4 GiB'
touched node02 /dev/famez_bridge $fam && tables node02
huge $fam; ok "a program's pages are write-back, and huge"
kernel_write_back; ok "so are the kernel's"
tells node02 "$large" 'write-back, pages of 2 MiB'; ok 'famezctl info says that'
touched node02 /dev/famez_fam $((1 << 30)) && tables node02
huge $((1 << 30)); ok 'so are those of a gibibyte of a plain device'
[ "$(on node02 'sed -n "s/^faults: //p" /tmp/bg')" -le 600 ]; ok 'to touch it took hundreds of faults'
! on node02 dmesg | grep 'messages will be slow'; ok 'the kernel does not warn'

# ---- What is done to pages: to small ones here, to huge ones in uapi.sh ----

background node02 'famez-flood -e'
says node02 'echo: ready'
on node01 modprobe virtio_blk
# they have joined in any order
on node01 test-mappings "$(on node02 cat /sys/class/famez/famez_bridge/id)" >"$tmp/test-mappings.log" 2>"$tmp/test-mappings.err"
complete "$tmp/test-mappings.log"; ok 'test-mappings: any part of them, and what is done to memory'
on node02 'kill $(pidof famez-flood)'
touched node02 /dev/famez_bridge $fam
on node02 'echo $(basename $(readlink /sys/class/famez/famez_bridge/device)) >/sys/bus/pci/drivers/famez_bridge/unbind'
# nearly always the program's tables, as above
for _ in 1 2 3; do read_tables node02; [ ! -s "$tmp/tables" ] || break; done
[ ! -s "$tmp/tables" ]; ok 'when the driver is unbound, nothing of the BAR is mapped'
healthy all; ok 'no kernel has complained'
plan_complete
