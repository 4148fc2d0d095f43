#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build-module.sh KERNEL DIRECTORY [make arguments]: builds famez's modules for
# one kernel from a copy of the sources there: with its headers as installed, or
# beside it in build/kernels, or where tools/testing/kernels has unpacked them
# together with their compiler.
set -eu
kernel=$1
dir=$2
shift 2
top=$(cd "$(dirname "$0")/../.." && pwd)

# build DIRECTORY MAKE-ARGUMENTS...: where the headers are
build() {
	sources=$1
	shift
	for headers in "/lib/modules/$kernel/build" \
		"$top/build/kernels/$kernel/lib/modules/$kernel/build"; do
		[ -d "$headers" ] || continue
		make -C "$headers" M="$sources" "$@"
		return
	done
	for tree in "$top"/build/chroots/*; do
		[ -d "$tree/usr/src/linux-headers-$kernel" ] || continue
		"$top/tools/testing/kernels/enter.sh" "$tree" "$sources" \
			make -C "/usr/src/linux-headers-$kernel" M=/famez "$@"
		return
	done
	echo "no headers of kernel $kernel: install linux-headers-$kernel," >&2
	echo "or run 'make kernels', if it is one of tools/testing/kernels/kernels" >&2
	return 1
}

mkdir -p "$dir"
# only what changed, so that make rebuilds only that
cp -ru Kbuild drivers include uapi "$dir"/
find "$dir" -name '*.ko' -newer "$dir/famez_bridge.ko" -delete 2>/dev/null || true
build "$(realpath "$dir")" -j"$(nproc)" "$@" modules >"$dir/build.log" 2>&1 || {
	cat "$dir/build.log" >&2
	exit 1
}
cp "$dir"/drivers/*/*.ko "$dir"/
