#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# enter.sh TREE DIRECTORY COMMAND...: runs a command in a tree of chroot.sh's,
# where DIRECTORY is /famez. Mounts are seen by the command alone, and go with
# it. Who is not root needs user namespaces, which Debian allows.
set -eu
user=
[ "$(id -u)" = 0 ] || user=--map-root-user
mkdir -p "$1/famez"
# the kernel's objtool wants /proc
# shellcheck disable=SC2016
exec unshare $user --mount sh -euc '
	tree=$1
	mount --rbind /proc "$tree/proc"
	mount --rbind /dev "$tree/dev"
	mount --bind "$2" "$tree/famez"
	shift 2
	# there are no locales, and the makefiles unset LC_ALL
	export LANG=C LC_CTYPE=C
	exec chroot "$tree" "$@"
' sh "$@"
