#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# famez-vm kernel: unpack Debian's stock kernel into the build directory, so
# that guests never depend on what the host has in /boot.
set -eu

usage()
{
	cat <<'USAGE'
usage: famez-vm kernel [--release SUITE]

Fetches the kernel that Debian's linux-image-amd64 stands for, unpacks it
into $FAMEZ_BUILD/kernels/VERSION (FAMEZ_BUILD is "build" if unset), and
prints VERSION. A kernel that is there already is not fetched again.

  --release SUITE   take it from this suite (bookworm, trixie, ...), which
                    must be in the machine's apt sources
USAGE
}

fail()
{
	echo "famez-vm kernel: $*" >&2
	exit 1
}

# The newest versioned package that the meta package $1 depends on, in suite
# $2 and what Debian adds to it, or in whatever apt itself would install.
real_package()
{
	if [ -n "$2" ]; then
		for suite in "$2" "$2-updates" "$2-security"; do
			apt-cache show --no-all-versions "$1/$suite" 2>/dev/null || :
		done
	else
		apt-cache show --no-all-versions "$1" 2>/dev/null || :
	fi | sed -n 's/^Depends: *\(linux-[a-z]*-[0-9][^ ,]*\).*/\1/p' |
		sort -V | tail -n 1
}

release=
while [ $# -gt 0 ]; do
	case $1 in
	--release)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		release=$2
		shift ;;
	--release=*) release=${1#*=} ;;
	-h | --help) usage; exit 0 ;;
	*) echo "famez-vm kernel: '$1' is not understood" >&2
	   usage >&2
	   exit 2 ;;
	esac
	shift
done

for tool in apt-cache apt-get dpkg-deb depmod; do
	PATH=$PATH:/usr/sbin:/sbin
	command -v $tool >/dev/null ||
		fail "$tool is missing; famez-vm kernel needs Debian's apt, dpkg and kmod"
done

image=$(real_package linux-image-amd64 "$release")
[ -n "$image" ] ||
	fail "apt knows no linux-image-amd64${release:+ in suite '$release'}; expected the package in the machine's apt sources. Add the suite and run 'apt-get update'"
version=${image#linux-image-}

headers=$(real_package linux-headers-amd64 "$release")
if [ "${headers#linux-headers-}" != "$version" ]; then
	echo "famez-vm kernel: linux-image-amd64 is $version, but linux-headers-amd64 is ${headers#linux-headers-}:" >&2
	echo "  modules built against these headers will not load. Run 'apt-get update'." >&2
fi

kernels=${FAMEZ_BUILD:-build}/kernels
if [ ! -e "$kernels/$version/.complete" ]; then
	mkdir -p "$kernels"
	work=$(mktemp -d "$kernels/.fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	# apt's own user must be able to write into the directory
	chmod 755 "$work"
	echo "famez-vm kernel: fetching $image" >&2
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download \
		"$image" >&2) ||
		fail "apt-get could not download $image; is the network there, is 'apt-get update' recent?"
	mkdir "$work/root"
	dpkg-deb -x "$work"/linux-image-*.deb "$work/root" ||
		fail "dpkg-deb could not unpack $image"
	# Depmod wants lib/modules, which newer packages have below usr/
	[ -d "$work/root/lib/modules" ] || ln -s usr/lib "$work/root/lib"
	depmod -b "$work/root" "$version"
	: > "$work/root/.complete"
	chmod 755 "$work/root"
	# A run at the same time may have been faster; its result is as good
	[ -e "$kernels/$version" ] || mv -T "$work/root" "$kernels/$version" ||
		[ -e "$kernels/$version/.complete" ] ||
		fail "cannot move the kernel to $kernels/$version"
fi
echo "$version"
