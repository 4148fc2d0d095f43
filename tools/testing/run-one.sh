#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run-one.sh NAME CHECKS LABEL COLUMN VERSION COMMAND...: runs one test for run.sh, on
# guests with that kernel and with the counts of that column, and judges it.

set -u
here=$(dirname "$0")
logs=build/logs
# a hang guard, generous; check-full and check-mutants have their own
guard=${FAMEZ_GUARD:-900}
# a shell test ends its own children, and needs the time to
export WIRE_GUARD=$((guard - 10))

name=$1 planned=$2 label=$3 column=$4
export FAMEZ_KERNEL=$5
shift 5
[ "$label" != debug-2cpu ] || export FAMEZ_CPUS=2
# shellcheck source=tools/testing/matrix.sh
. "$here/matrix.sh"
case $label in *+*) matrix_environment "$label" ;; esac
while read -r count numbers; do
	case $count in '' | '#'*) continue ;; esac
	# shellcheck disable=SC2086
	set_to=$(echo $numbers | cut -d' ' -f$((column - 1)))
	export "$count=${!count:-$set_to}"
done <"$here/counts"

start=$SECONDS
timeout -k 30 $guard bash -c "$*" >"$logs/$name.log" 2>"$logs/$name.err" </dev/null
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
	echo "its last lines:"
	tail -qn 5 "$logs/$name.log"
	tail -qn 15 "$logs/$name.err"
} | sed 's/^/    /' | head -n 60 | tee "$logs/$name.report"
exit 0
