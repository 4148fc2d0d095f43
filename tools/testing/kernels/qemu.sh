#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh: unpacks the newest QEMU that Debian has, and prints the name of a
# program that runs it here, with files and sockets of this machine.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
"$here/chroot.sh" qemu-newest sid qemu-system-x86

tree=$PWD/build/chroots/qemu-newest
program=$PWD/build/qemu-newest/qemu-system-x86_64
mkdir -p "${program%/*}"
# with the libraries, modules and firmware that it was made for
cat >"$program.new" <<PROGRAM
#!/bin/sh
QEMU_MODULE_DIR=$tree/usr/lib/x86_64-linux-gnu/qemu \\
exec $tree/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \\
	--library-path $tree/usr/lib/x86_64-linux-gnu \\
	$tree/usr/bin/qemu-system-x86_64 \\
	-L $tree/usr/share/qemu -L $tree/usr/share/seabios "\$@"
PROGRAM
chmod +x "$program.new"
mv "$program.new" "$program"
"$program" --version >&2
echo "$program"
