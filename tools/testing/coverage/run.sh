#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [TEST...]: runs the tests, or these, with all that was built for gcov, those
# in guests on the debug kernel, and reports which lines and branches ran.  A line
# that did not, and that the file "reasons" has no reason for, fails.
# run.sh --report: reports once more on what was measured, with reasons as they are
#
# Everything is in build/coverage: the copy of the tree that was built, logs, the
# lists "lines" and "branches", and report.html/.

set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$top" || exit 1
here=$top/tools/testing/coverage
work=$top/build/coverage
tree=$work/tree
export FAMEZ_COVERAGE=$work/guests
# threads count each other's, too; the module is built with it as well
export KCFLAGS=-fprofile-update=atomic

# They run no line of ours that the others do not
without='ring-tsan fabric-tsan man pages lint wire'

# wanted RUNS TEST...: the tests of these runs in the table, or those of them
wanted() {
	awk -v runs=" $1 " -v without=" $without " -v only=" ${*:2} " '
		/^[^#]/ && index(runs, " " $3 " ") && !index(without, " " $1 " ") &&
		(only ~ /^ *$/ || index(only, " " $1 " ")) { print $1 }' tools/testing/tests
}

# At -O0 a line is what it is in the source; there gcc 12 crashes over these warnings.
# No sanitizers, as they add branches of their own.
build() {
	make -s -j2 tests SAN= \
		CFLAGS="-O0 -g --coverage -DFAMEZ_GCOV $KCFLAGS -Wno-format-truncation -Wno-format-overflow"
}

# run TEST...: logs of all runs are kept
run() {
	[ $# -gt 0 ] || return 0
	tools/testing/run.sh check "$@" || failed=1
	cp build/logs/* "$work/logs/"
}

# merge: adds what guests have counted to what the host has
merge() {
	local guest

	mkdir "$work/sum"
	find . -name '*.gcda' -exec cp --parents -t "$work/sum" {} +
	for guest in "$FAMEZ_COVERAGE"/*; do
		[ -e "$guest" ] || continue
		rm -rf "$work/one" "$work/new"
		mkdir "$work/one"
		tar -C "$work/one" -xf "$guest" &&
			gcov-tool merge -o "$work/new" "$work/sum" "$work/one$tree" || return 1
		rm -rf "$work/sum"
		mv "$work/new" "$work/sum"
	done
	cp -a "$work/sum/." .
	rm -rf "$work/one" "$work/sum"
}

# The module was built from a copy of the sources: they are made one again.  What was
# fetched while the driver ran may tell of a way that it was taken -1 times.
measure() {
	gcovr --root . --json "$work/raw.json" --gcov-ignore-parse-errors \
		--filter '(build/modules/[^/]*/)?(drivers|include/famez)/' \
		--filter 'tools/(lib|server|famezctl|client|vm)/' . &&
		sed 's,"build/modules/[^/"]*/,",g' "$work/raw.json" >"$work/coverage.json" &&
		mkdir "$work/report.html" &&
		gcovr --root . --add-tracefile "$work/coverage.json" \
			--html-details "$work/report.html/index.html" &&
		rm "$work/raw.json"
}

report() {
	(cd "$tree" && "$here/report.py" "$work/coverage.json" "$here/reasons" "$work")
}

if [ "${1-}" = --report ]; then
	report
	exit
fi
# the copy shares it
tools/testing/debug-kernel/build.sh >/dev/null || exit 1
rm -rf "$work"
mkdir -p "$FAMEZ_COVERAGE" "$work/logs"
tools/testing/copy-tree.sh "$tree" && cd "$tree" || exit 1
build >"$work/build.log" 2>&1 || {
	tail -n 30 "$work/build.log" >&2
	exit 1
}
failed=0
# shellcheck disable=SC2046
run $(wanted check "$@")
# that the module counts, too; one CPU, as two find races and no other lines
export GCOV_PROFILE=y KERNEL=debug-1cpu
# shellcheck disable=SC2046
run $(wanted 'guest core debug' "$@")
merge >"$work/merge.log" 2>&1 || {
	tail "$work/merge.log" >&2
	exit 1
}
measure && report && [ $failed -eq 0 ]
