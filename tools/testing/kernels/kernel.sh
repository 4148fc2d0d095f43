#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh LABEL: has a kernel of the table "kernels" ready: its image and
# modules in build/kernels, its headers and compiler in build/chroots. Prints
# its version.
#
# kernel.sh --all: does so for each, and prints labels and versions
# kernel.sh --labels: prints the labels alone
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."

# what the kernel's makefiles call, besides the compiler
tools='make bash dash coreutils sed grep mawk findutils diffutils perl'

# rows N [M VALUE]: column N of the rows whose column M is VALUE
rows() {
	awk -v n="$1" -v m="${2:-1}" -v value="${3:-}" \
		'!/^#/ && NF && (value == "" || $m == value) { print $n }' "$here/kernels"
}

# ready LABEL: it is, and its version printed
ready() {
	suite=$(rows 2 1 "$1")
	flavour=$(rows 3 1 "$1")
	# one tree for all kernels of a suite
	packages=$tools
	for each in $(rows 3 2 "$suite"); do
		packages="$packages linux-image-$each linux-headers-$each"
	done
	# shellcheck disable=SC2086
	"$here/chroot.sh" "$suite" "$suite" $packages
	tree=build/chroots/$suite
	version=$(cd "$tree/lib/modules" && echo *[0-9]-"$flavour")
	FAMEZ_BUILD=build tools/vm/kernel.sh --from "$tree" --version "$version"
}

case $#${1:-} in
1--labels) rows 1 ;;
1--all)
	for label in $(rows 1); do
		version=$(ready "$label")
		printf '%-10s%s\n' "$label" "$version"
	done
	;;
1?*)
	[ -n "$(rows 1 1 "$1")" ] || {
		echo "there is no kernel '$1'; expected one of: $(rows 1 | paste -sd' ')" >&2
		exit 1
	}
	ready "$1"
	;;
*)
	echo "usage: kernel.sh LABEL | --all | --labels" >&2
	exit 2
	;;
esac
