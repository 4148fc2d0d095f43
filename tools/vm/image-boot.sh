#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# image-boot.sh IMAGE COPY: copies the kernel that the image would boot, and its initrd, to
# COPY.vmlinuz and COPY.initrd.  Reads the file system as it is, so that neither root nor
# a boot loader is needed.  Each time anew, as it takes less than a second, and no date
# tells for certain that a copy is of this image.
set -eu
image=$1
copy=$2
PATH=$PATH:/usr/sbin:/sbin
new=

fail()
{
	echo "famez-vm up: $*" >&2
	exit 1
}

command -v debugfs >/dev/null || fail "debugfs is missing; install the package e2fsprogs"
about=$(dumpe2fs -h "$image" 2>/dev/null) ||
	fail "$image has no ext4 file system on it; expected one as famez-vm image makes, without partitions"
echo "$about" | grep -q '^Filesystem volume name: *famez$' ||
	fail "$image is not labelled famez, as which its kernel looks for it; 'e2label $image famez' does that"
case $about in
*needs_recovery*)
	echo "famez-vm up: note: $image is in use, or was not shut down: what it did last may be missing from the kernel it boots" >&2 ;;
esac

trap '[ -z "$new" ] || rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM
# Two that start at once each have a file of their own, until its name is what it shall be.
# dump NAME FILE: Debian keeps links to the newest kernel in /
dump()
{
	target=$(debugfs -R "stat /$1" "$image" 2>/dev/null |
		sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')
	[ -n "$target" ] || fail "$image has no link /$1; expected one to a kernel, as Debian has it"
	size=$(debugfs -R "stat /$target" "$image" 2>/dev/null | sed -n 's/^User:.* Size: \([0-9]*\)$/\1/p')
	[ -n "$size" ] || fail "$image has no /$target, to which /$1 leads; is its file system whole? Try e2fsck"
	new=$(mktemp "$2.XXXXXX") || fail "cannot write $2"
	debugfs -R "cat /$target" "$image" 2>/dev/null >"$new"
	[ "$(wc -c <"$new")" -eq "$size" ] || fail "cannot write all of $2; is its disk full?"
	mv "$new" "$2"
}

mkdir -p "$(dirname "$copy")"
dump vmlinuz "$copy.vmlinuz"
dump initrd.img "$copy.initrd"
