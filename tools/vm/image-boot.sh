#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# image-boot.sh IMAGE: copies the kernel that the image would boot, and its initrd, to
# IMAGE.vmlinuz and IMAGE.initrd, unless those are newer than it. Reads the file system as
# it is, so that neither root nor a boot loader is needed.
set -eu
image=$1
PATH=$PATH:/usr/sbin:/sbin
[ ! -e "$image.initrd" ] || [ "$image" -nt "$image.initrd" ] || exit 0
command -v debugfs >/dev/null || {
	echo "famez-vm up: debugfs is missing; install the package e2fsprogs" >&2
	exit 1
}

# Debian keeps links to the newest kernel in /
dump() {
	target=$(debugfs -R "stat /$1" "$image" 2>/dev/null | sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')
	rm -f "$2.new"
	[ -z "$target" ] || debugfs -R "dump /$target $2.new" "$image" 2>/dev/null
	[ -s "$2.new" ] || {
		echo "famez-vm up: $image has no /$1; expected an ext4 file system with a Debian kernel, as famez-vm image makes" >&2
		exit 1
	}
	mv "$2.new" "$2"
}

dump vmlinuz "$image.vmlinuz"
dump initrd.img "$image.initrd"
