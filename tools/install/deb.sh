#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh VERSION: builds the Debian packages into build/deb, of the files that git would have (of
# all there are, where this is no git tree), and has lintian look at them.
set -eu
cd "$(dirname "$0")/../.."
version=$1
out=build/deb
rm -rf $out
mkdir -p "$out/famez-$version"
if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files -z --cached --others --exclude-standard | tar c --null -T - | tar x -C "$out/famez-$version"
else
	tar c --exclude=./build . | tar x -C "$out/famez-$version"
fi
(cd "$out/famez-$version" && dpkg-buildpackage --no-sign --build=binary >../build.log 2>&1) || {
	tail -n 30 $out/build.log >&2
	exit 1
}
rm -rf "$out/famez-$version"
lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs "$out"/*.changes
ls $out/*.deb
