#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run-one.sh NAME PLANNED KERNEL COMMAND...: runs one test for run.sh, on guests
# with that kernel, and judges it.

set -u
logs=build/logs
# a hang guard, generous; check-mutants has a shorter one
guard=${FAMEZ_GUARD:-3600}

name=$1 planned=$2
export FAMEZ_KERNEL=$3
shift 3
start=$SECONDS
timeout -k 30 $guard "$@" >"$logs/$name.log" 2>"$logs/$name.err" </dev/null
status=$?
if [ $status -ne 0 ]; then
	verdict="exit $status"
elif grep -q '# SKIP' "$logs/$name.log"; then
	verdict='something was skipped'
elif [ "$(tail -n 1 "$logs/$name.log")" != "PLAN-COMPLETE $planned" ]; then
	verdict="its log does not end in its planned count, $planned"
else
	verdict=passed
fi
echo "$verdict" >"$logs/$name.result"
printf '%-18s %4d checks %5d s  %s\n' "$name" "$planned" \
	$((SECONDS - start)) "$verdict"
[ "$verdict" = passed ] || {
	grep -hE '^not ok|^#|ERROR|error|FAILED' "$logs/$name.log" "$logs/$name.err"
	tail -n 15 "$logs/$name.err"
} | sed 's/^/    /' | head -n 60
exit 0
