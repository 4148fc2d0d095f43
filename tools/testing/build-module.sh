#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build-module.sh KERNEL DIRECTORY [make arguments]: builds famez's modules for
# one kernel, whose headers are installed, from a copy of the sources there.
set -eu
kernel=$1
dir=$2
shift 2
headers=/lib/modules/$kernel/build
if [ ! -d "$headers" ]; then
	echo "no headers of kernel $kernel: install linux-headers-$kernel" >&2
	exit 1
fi
mkdir -p "$dir"
# only what changed, so that make rebuilds only that
cp -ru Kbuild drivers include uapi "$dir"/
find "$dir" -name '*.ko' -newer "$dir/famez_bridge.ko" -delete 2>/dev/null || true
make -C "$headers" M="$(realpath "$dir")" "$@" modules >"$dir/build.log" 2>&1 || {
	cat "$dir/build.log" >&2
	exit 1
}
cp "$dir"/drivers/*/*.ko "$dir"/
