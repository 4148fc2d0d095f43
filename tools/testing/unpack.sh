#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# unpack.sh PACKAGE: fetches a Debian package, for guests to run, and unpacks it
# into build/packages, prints where.  The host does not install it.
set -eu
package=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
packages=$top/build/packages

if [ ! -d "$packages/$package" ]; then
	mkdir -p "$packages"
	work=$(mktemp -d "$packages/.fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download \
		"$package" >&2) || {
		echo "unpack.sh: apt-get could not download $package; is the network there, is 'apt-get update' recent?" >&2
		exit 1
	}
	dpkg-deb -x "$work/$package"_*.deb "$work/root"
	# all of it, or nothing
	mv -T "$work/root" "$packages/$package"
fi
echo "$packages/$package"
