#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# famez-vm kernel: unpack Debian's stock kernel into the build directory, so
# that guests never depend on what the host has in /boot.
set -eu

usage()
{
	cat <<'USAGE'
usage: famez-vm kernel [--release SUITE]
       famez-vm kernel --from TREE --version VERSION

Fetches the kernel that Debian's linux-image-amd64 stands for, unpacks it
into $FAMEZ_BUILD/kernels/VERSION (FAMEZ_BUILD is "build" if unset), and
prints VERSION. A kernel that is there already is not fetched again. From then
on it is the guests' default kernel.

  --release SUITE   take it from this suite (bookworm, trixie, ...), which
                    must be in the machine's apt sources
  --from TREE       fetch nothing: copy (or link) the kernel that lies in TREE,
                    as boot/vmlinuz-VERSION and lib/modules/VERSION. The default
                    stays what it was
  --version VERSION which of those in TREE
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
	fi | sed -n "s/^Depends:.*\\(${1%-*}-[0-9][^ ,]*\\).*/\\1/p" |
		sort -V | tail -n 1
}

# What apt would install as the kernel, into $version
find_version()
{
	image=$(real_package linux-image-amd64 "$release")
	[ -n "$image" ] ||
		fail "apt knows no linux-image-amd64${release:+ in suite '$release'}; expected the package in the machine's apt sources. Add the suite and run 'apt-get update'"
	version=${image#linux-image-}
	headers=$(real_package linux-headers-amd64 "$release")
	[ "${headers#linux-headers-}" = "$version" ] || {
		echo "famez-vm kernel: linux-image-amd64 is $version, but linux-headers-amd64 is ${headers#linux-headers-}:" >&2
		echo "  modules built against these headers will not load. Run 'apt-get update'." >&2
	}
}

# Download and unpack it into $work/root. From 7.2 on, the image is a package
# that only depends on those with image and modules.
fetch()
{
	parts=$(apt-cache show --no-all-versions "$image" |
		sed -n 's/^Depends: //p' | tr ', ' '\n\n' |
		grep -E "^linux-(binary|modules)-" || :)
	echo "famez-vm kernel: fetching $image" >&2
	# shellcheck disable=SC2086
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download \
		"$image" $parts >&2) ||
		fail "apt-get could not download $image; is the network there, is 'apt-get update' recent?"
	for package in "$work"/*.deb; do
		dpkg-deb -x "$package" "$work/root" ||
			fail "dpkg-deb could not unpack ${package##*/}"
	done
}

# Copy it from the tree $from into $work/root, by links where these are possible
copy()
{
	[ -d "$from/lib/modules/$version" ] ||
		fail "there is no lib/modules/$version in $from; expected a tree with an unpacked kernel. It has: $(ls "$from/lib/modules" 2>/dev/null | tr '\n' ' ')"
	mkdir -p "$work/root/boot" "$work/root/lib/modules"
	for file in "$from"/boot/*-"$version" "$from/lib/modules/$version"; do
		to=$work/root/${file#"$from"/}
		[ ! -e "$file" ] || cp -al "$file" "$to" 2>/dev/null ||
			cp -a "$file" "${to%/*}/"
	done
}

# Bring what is in $work/root into the shape that famez-vm knows
shape()
{
	# Depmod wants lib/modules, which newer packages have below usr/
	[ -d "$work/root/lib/modules" ] || ln -s usr/lib "$work/root/lib"
	# and vmlinuz is beside the modules in newest ones
	image=$work/root/boot/vmlinuz-$version
	if [ ! -e "$image" ]; then
		mkdir -p "$work/root/boot"
		ln -s "../lib/modules/$version/vmlinuz" "$image"
	fi
	[ -e "$image" ] ||
		fail "the kernel $version comes without vmlinuz; expected it as boot/vmlinuz-$version or lib/modules/$version/vmlinuz"
	depmod -b "$work/root" "$version"
	: > "$work/root/.complete"
	chmod 755 "$work/root"
}

release=
from=
version=
while [ $# -gt 0 ]; do
	case $1 in
	--release | --from | --version)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		eval "${1#--}=\$2"
		shift ;;
	--release=*) release=${1#*=} ;;
	--from=*) from=${1#*=} ;;
	--version=*) version=${1#*=} ;;
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

case ${from:+from}${version:+version} in
'' | fromversion) ;;
*) echo "famez-vm kernel: --from and --version belong together" >&2
   usage >&2
   exit 2 ;;
esac
[ -n "$from" ] || find_version

kernels=${FAMEZ_BUILD:-build}/kernels
mkdir -p "$kernels"
if [ ! -e "$kernels/$version/.complete" ]; then
	work=$(mktemp -d "$kernels/.fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	# apt's own user must be able to write into the directory
	chmod 755 "$work"
	mkdir "$work/root"
	if [ -n "$from" ]; then copy; else fetch; fi
	shape
	# A run at the same time may have been faster; its result is as good
	[ -e "$kernels/$version" ] || mv -T "$work/root" "$kernels/$version" ||
		[ -e "$kernels/$version/.complete" ] ||
		fail "cannot move the kernel to $kernels/$version"
fi
if [ -z "$from" ]; then
	ln -s "$version" "$kernels/.default.$$"
	mv -T "$kernels/.default.$$" "$kernels/.default"
fi
echo "$version"
