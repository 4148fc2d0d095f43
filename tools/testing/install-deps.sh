#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian packages that demo and tests need, where they are missing.
set -eu
packages="build-essential pkg-config linux-headers-amd64 linux-source-6.1
qemu-system-x86 busybox-static kmod cpio zstd xz-utils sparse
libsystemd-dev libjson-c-dev libcmocka-dev"

missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
		grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	command -v sudo >/dev/null || {
		echo "missing packages:$missing" >&2
		echo "run this as root, or install them: apt install$missing" >&2
		exit 1
	}
fi
echo "installing:$missing"
log=$(mktemp)
{
	$sudo apt-get update &&
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends $missing
} >"$log" 2>&1 </dev/null || {
	cat "$log" >&2
	rm -f "$log"
	exit 1
}
rm -f "$log"
