#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# chroot.sh NAME SUITE PACKAGE...: unpacks packages of a Debian suite, and all
# that they depend on, into build/chroots/NAME. They are not configured: that is
# enough to run a compiler, takes half the time, and needs no root.
#
# A tree that is there with the same packages is left alone: remove it to have
# it made of the suite as it is now.
set -eu
cd "$(dirname "$0")/../../.."
name=$1
suite=$2
shift 2
tree=build/chroots/$name

fail() {
	echo "chroot.sh: $*" >&2
	exit 1
}

# shellcheck source=tools/vm/suite.sh
. tools/vm/suite.sh

mkdir -p build/chroots
exec 9>build/chroots/.lock
flock 9
[ "$(cat "$tree/.packages" 2>/dev/null)" != "$suite $*" ] || exit 0
command -v mmdebstrap >/dev/null ||
	fail "mmdebstrap is missing; run tools/testing/install-deps.sh"

work=$(mktemp -d build/chroots/.new.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
suite_sources "$suite" >"$work/sources.list"
grep -q . "$work/sources.list" ||
	fail "apt knows no Debian mirror; expected one in the machine's apt sources. Run 'apt-get update'"
suite_options "$suite" >"$work/apt.conf"
mode=chrootless
[ "$(id -u)" != 0 ] || mode=root

echo "chroot.sh: unpacking $* of $suite into $tree" >&2
# awk is a link that mawk's configuration would make; locales nobody reads
mmdebstrap --quiet --variant=extract --mode=$mode --format=directory \
	--aptopt="$work/apt.conf" --include="$(echo "$*" | tr ' ' ,)" \
	--extract-hook='[ ! -e "$1/usr/bin/mawk" ] || ln -s mawk "$1/usr/bin/awk"' \
	--extract-hook='rm -rf "$1/usr/share/locale" "$1/usr/share/doc" "$1/usr/share/info"' \
	"$suite" "$work/tree" - <"$work/sources.list" >&2 ||
	fail "mmdebstrap could not unpack $suite: see above; is the network there, and debian-archive-keyring recent?"
echo "$suite $*" >"$work/tree/.packages"
chmod 755 "$work/tree"
rm -rf "$tree"
mv "$work/tree" "$tree"
