# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Guests that have FAM as pmem and dax: their file system, with ndctl, daxctl and what
# file systems take.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "${BASH_SOURCE[0]}")/guests.sh"

FAM=/sys/class/famez/famez_bridge

# fam_image [fsdev_dax]: what guests boot from here on, with what fam_words have besides;
# $fsdev: that module, if this kernel has it
fam_words=()
fam_image() {
	local modules=$top/build/modules/$FAMEZ_KERNEL word

	fsdev=$(cd "$top/build/kernels/$FAMEZ_KERNEL" && find . -name "${1:-none}.ko*")

	image=$tmp/image
	set --
	for word in bridge pmem dax; do
		set -- "$@" --add "$modules/famez_$word.ko"
	done
	for word in ndctl daxctl mkfs.ext4 mkfs.xfs e2fsck xfs_repair depmod; do
		set -- "$@" --add "$(PATH=$PATH:/usr/sbin command -v $word)"
	done
	for word in "$tools/famezctl" "$bin/famez-ring" "$bin/famez-touch" "$bin/map-file" "$bin/wire-wait"; do
		set -- "$@" --add "$word"
	done
	for word in nd_pmem dax_pmem device_dax ${fsdev:+fsdev_dax} kmem ext4 xfs; do
		set -- "$@" --module $word
	done
	"$tools/famez-vm" initramfs --kernel "$FAMEZ_KERNEL" --output "$image" "$@" "${fam_words[@]}" >/dev/null
}

# fam_load [NODE]: the three modules, and what udev would load for them
fam_load() {
	on "${1:-all}" 'mkdir -p /mnt
for module in nd_pmem dax_pmem device_dax ext4 xfs; do modprobe $module || exit; done
for module in bridge pmem dax; do insmod /famez/famez_$module.ko || exit; done'
}

# value NODE NAME: an attribute of its first bridge
value() {
	on "$1" cat "$FAM/$2"
}

# fam NODE ARGS...: famezctl fam there, silent unless it fails
fam() {
	on "$1" "famezctl fam ${*:2} >/tmp/fam 2>&1 || { cat /tmp/fam; false; }"
}

# refuses NODE TEXT ARGS...: famezctl fam does, and says why
refuses() {
	! on "$1" famezctl fam "${@:3}" >"$tmp/refused" 2>&1 && grep -q "$2" "$tmp/refused" || {
		cat "$tmp/refused"
		false
	}
}

# the_switch: its process
the_switch() {
	cut -d' ' -f1 "$FAMEZ_VM_DIR/switch.pid"
}

# traced OPTIONS...: strace has the switch; untraced lets go of it
traced() {
	start strace strace -f -p "$(the_switch)" -e trace=fdatasync -o "$tmp/trace" "$@"
	"$bin/wire-wait" -p "${pid[strace]}" "$tmp/strace.err" 'attached' >/dev/null
}

untraced() {
	kill "${pid[strace]}"
	ends strace
	true
}
