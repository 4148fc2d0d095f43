#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# collect.sh: brings what gcov has counted in the guests of $FAMEZ_VM_DIR, in the
# driver and in programs that have ended, to $FAMEZ_COVERAGE: an archive each.
# guests.sh calls this before guests end.

set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
vm=$top/build/bin/famez-vm

# Programs have left theirs under the names of the host's objects; the kernel's lie
# in files without a size, and go beside them.
# shellcheck disable=SC2016
archive='cd / && kernel=sys/kernel/debug/gcov
find $kernel$0 -name "*.gcda" 2>/dev/null | while read -r file; do
	copy=${file#$kernel/}
	mkdir -p "${copy%/*}" && cat "$file" >"$copy"
done
tar -c -f - $(find ".$0" -name "*.gcda")'

"$vm" status | awk '/^node.* (running|complaint) / { print $1 }' | while read -r node; do
	to=$(mktemp "$FAMEZ_COVERAGE/$node.XXXXXX")
	# a guest whose kernel has failed, or that sleeps, keeps what it has
	"$vm" exec --guard 60 -n --ignore-console "$node" \
		sh -c "$archive" "$top" >"$to" ||
		rm "$to"
done
