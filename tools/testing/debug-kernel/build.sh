#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh: builds the debug kernel from Debian's linux-source-6.1 and the
# configuration beside this, into build/kernels/VERSION, and prints VERSION.
# A kernel that is there is built anew only when one of the two has changed.
set -eu
set -o pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$top"
package=linux-source-6.1
config=tools/testing/debug-kernel/config
work=build/debug-kernel
source=$work/$package
objects=$work/obj
log=$work/build.log

fail() {
	echo "debug kernel: $*" >&2
	exit 1
}

# Its lines, without what is only there for readers
symbols() {
	grep -E '^CONFIG_|^# CONFIG_[A-Z0-9_]* is not set$' $config
}

# Another source is unpacked into an empty directory, as objects are built anew.
unpack() {
	[ "$(cat "$source/.package" 2>/dev/null)" = "$release" ] && return
	rm -rf "$work"
	mkdir -p "$work"
	echo "debug kernel: unpacking $package $release" >&2
	tar -C "$work" -xJf "/usr/src/$package.tar.xz"
	echo "$release" >"$source/.package"
}

configure() {
	mkdir -p "$objects"
	kbuild KCONFIG_ALLCONFIG="$top/$config" allnoconfig >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
	# Kconfig drops without a word what depends on something that is not there
	symbols | grep -vxFf "$objects/.config" >"$work/missing" || return 0
	fail "these lines of $config did not come out of Kconfig;" \
		"look up what they depend on, and name that as well:
$(cat "$work/missing")"
}

kbuild() {
	make -C "$source" O="$top/$objects" LOCALVERSION= "$@"
}

compile() {
	echo "debug kernel: building; some 20 minutes on two cores ($log)" >&2
	kbuild -j"$(nproc)" all 2>&1 | tee "$log" | awk '
		NR % 250 == 0 { printf "debug kernel: %d files\n", NR; fflush() }' >&2 || {
		grep -m 20 -A 10 -E 'rror:|\*\*\*' "$log" >&2 || tail -n 20 "$log" >&2
		fail "did not build; $log has it all"
	}
}

# As a package would be unpacked; lib/modules/VERSION/build is what modules are
# built against.
install_into() {
	kbuild INSTALL_MOD_PATH="$top/$1" INSTALL_MOD_STRIP=1 \
		modules_install >>"$log" 2>&1 || fail "did not install; see $log"
	mkdir "$1/boot"
	cp "$objects/arch/x86/boot/bzImage" "$1/boot/vmlinuz-$version"
	cp "$objects/System.map" "$1/boot/System.map-$version"
	cp "$objects/.config" "$1/boot/config-$version"
	chmod 755 "$1"
	echo "$hash" >"$1/.complete"
}

PATH=$PATH:/usr/sbin:/sbin
mkdir -p build/kernels
# one at a time
exec 9>build/kernels/.debug-kernel.lock
flock 9
release=$(dpkg-query -W -f '${Version}' $package 2>/dev/null) ||
	fail "the package $package is missing; tools/testing/install-deps.sh installs it"
hash=$({ echo "$release"; symbols; } | sha256sum | cut -d' ' -f1)
if have=$(grep -lsx "$hash" build/kernels/*-famez-debug/.complete); then
	basename "$(dirname "$have")"
	exit 0
fi
unpack
configure
compile
version=$(cat "$objects/include/config/kernel.release")
new=$(mktemp -d build/kernels/.debug.XXXXXX)
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
install_into "$new"
rm -rf build/kernels/*-famez-debug
mv -T "$new" "build/kernels/$version"
echo "$version"
