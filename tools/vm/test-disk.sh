#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# famez-vm up --image, with a disk that has famez-vm's own kernel and initramfs on it where a
# Debian has them: what of a disk is read, what is forgotten, and what is said of disks that
# cannot be booted. Debians from famez-vm image are in test-image.sh.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../testing/wire/wire-lib.sh"
own_boot
export FAMEZ_VM_DIR=$tmp/vm PATH=$PATH:/usr/sbin:/sbin
kernel=${FAMEZ_KERNEL:-$("$top/build/bin/famez-vm" kernel)}
disk="$tmp/a disk"

vm() {
	"$top/build/bin/famez-vm" "$@" 2>"$tmp/said" >"$tmp/out"
}

bring_down() {
	vm down
	finish
}
trap bring_down EXIT

# refused CODE REGEX ARGS...: up ends so, and says why
refused() {
	local code=$1 regex=$2

	shift 2
	vm up "$@"
	[ $? -eq "$code" ] && grep -Eq -- "$regex" "$tmp/said" || {
		cat "$tmp/said" >&2
		false
	}
}

# make_disk FILE: of what is in $tmp/root
make_disk() {
	truncate -s 128M "$1" && mke2fs -q -F -t ext4 -L famez -d "$tmp/root" "$1"
}

# ---- disks that cannot be booted ----

refused 1 "image $tmp/none: No such file.*'famez-vm image' makes one" 1 --image "$tmp/none"; ok 'no disk'
truncate -s 1M "$tmp/zero"; refused 1 'has no ext4 file system' 1 --image "$tmp/zero"; ok 'nothing on it'
mkdir -p "$tmp/root/boot"
make_disk "$tmp/bare"; refused 1 'has no link /vmlinuz' 1 --image "$tmp/bare"; ok 'a file system without a kernel'
ln -s boot/vmlinuz-1 "$tmp/root/vmlinuz"
make_disk "$tmp/bare"; refused 1 'has no /boot/vmlinuz-1, to which /vmlinuz leads' 1 --image "$tmp/bare"; ok 'a link to a kernel that is not there'
e2label "$tmp/bare" other; refused 1 "is not labelled famez.*'e2label $tmp/bare famez'" 1 --image "$tmp/bare"; ok 'a disk that its kernel would not find'
[ -z "$(find "$tmp" -name 'bare.*' -o -name 'zero.*')" ] && [ -z "$(ls "$FAMEZ_BUILD/boot")" ]; ok 'nothing is left of them'
refused 2 'for one guest' 2 --image "$tmp/bare" --keep; ok 'two that write to one disk'
refused 2 'has its own kernel' 1 --image "$tmp/bare" --kernel "$kernel"; ok 'another kernel'
refused 2 'pc has no PCI Express' 1 --machine pc --root-port; ok 'a root port where there is none'

# ---- one that can ----

# in guests: the label of ext4's superblock; a line at the disk's end
label='modprobe virtio_blk && [ -b /dev/vda ] && dd if=/dev/vda bs=8 skip=143 count=1'
change='modprobe virtio_blk && [ -b /dev/vda ] && echo changed | dd of=/dev/vda bs=1M seek=127 && sync'

vm initramfs --kernel "$kernel" --module virtio_blk --module button --module evdev --output "$tmp/root/boot/initrd-1"
cp "$FAMEZ_BUILD/kernels/$kernel/boot/vmlinuz-$kernel" "$tmp/root/boot/vmlinuz-1"
ln -s boot/initrd-1 "$tmp/root/initrd.img"
make_disk "$disk" && cp "$disk" "$tmp/before"
vm up 1 --image "$disk" --no-switch --no-device & vm up 1 --first 2 --dir "$tmp/vm2" --image "$disk" --no-switch --no-device
wait $! && vm exec -n node01 true && vm exec -n --dir "$tmp/vm2" node02 "$label" && grep -q ^famez "$tmp/out"
ok 'two fabrics boot from one disk at once, whose path has a space'
vm exec -n node01 "$change && dd if=/dev/vda bs=8 skip=$((127 * 1024 * 1024 / 8)) count=1"; grep -qx changed "$tmp/out"
ok 'a guest writes to its own'
vm down && vm down --dir "$tmp/vm2" && cmp "$disk" "$tmp/before"; ok 'and that is forgotten'
vm up 1 --image "$disk" --keep --no-switch --no-device && vm exec -n node01 "$change"
refused 1 'Failed to get .*lock' 1 --first 2 --dir "$tmp/vm2" --image "$disk" --keep --no-switch --no-device; ok 'no second guest has a disk that is kept'
vm exec -n node01 'poweroff -f; sleep 1000'; vm wait node01; vm down && [ "$(tail -c 1M "$disk" | head -c 7)" = changed ]
ok 'there it is kept'
# its power button is heard by nobody before that
listen='modprobe button; modprobe evdev; for e in /dev/input/event*; do head -c 1 $e >/dev/null && poweroff -f & done; wait'
vm up 1 --image "$disk" --keep --no-switch --no-device
: >"$tmp/down"; "$top/build/bin/famez-vm" down 2>>"$tmp/down" & down=$!
"$bin/wire-wait" -p $down "$tmp/down" 'node01 shuts down' >/dev/null && { vm exec -n node01 "$listen"; wait $down; } &&
	[ "$(wc -l <"$tmp/down")" -eq 1 ]; ok 'a guest that boots yet is asked again to shut down'
debugfs -w -R 'feature needs_recovery' "$tmp/before" 2>/dev/null
vm up 1 --image "$tmp/before" --no-switch --no-device && grep -q 'note: .* was not shut down' "$tmp/said"; ok 'one that was cut off is booted, and said to be'
plan_complete
