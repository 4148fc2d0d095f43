#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh smoke|check|check-full [TEST...]: runs the tests of the table beside
# this, two side by side; logs are in build/logs.
#
# FAMEZ_KERNEL: the guests' kernel (default: the headers that are installed)

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
here=tools/testing
logs=build/logs
# one hang guard for each test, generous; check-mutants has a shorter one
guard=${FAMEZ_GUARD:-3600}

# A test's own part: run_one NAME PLANNED COMMAND
if [ "$1" = --one ]; then
	name=$2 planned=$3
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
	printf '%-12s %4d checks %5d s  %s\n' "$name" "$planned" \
		$((SECONDS - start)) "$verdict"
	[ "$verdict" = passed ] || {
		grep -hE '^not ok|^#|ERROR|error|FAILED' "$logs/$name.log" "$logs/$name.err"
		tail -n 15 "$logs/$name.err"
	} | sed 's/^/    /' | head -n 60
	exit 0
fi

run=$1
shift
case $run in
smoke | check) column=2 ;;
check-full) column=3 ;;
*)
	echo "usage: run.sh smoke|check|check-full [TEST...]" >&2
	exit 2
	;;
esac

while read -r name counts; do
	case $name in '' | '#'*) continue ;; esac
	# shellcheck disable=SC2086
	set_to=$(echo $counts | cut -d' ' -f$((column - 1)))
	export "$name=${!name:-$set_to}"
done <$here/counts

export FAMEZ_BUILD=$top/build
export FAMEZ_SERVER=$top/build/testing/famez-server-asan
export FAMEZ_KERNEL=${FAMEZ_KERNEL:-$(build/bin/famez-vm kernel)}
[ -n "$FAMEZ_KERNEL" ] || exit 1
build/bin/famez-vm kernel >/dev/null && $here/guests/image.sh "$FAMEZ_KERNEL" || exit 1

rm -rf $logs
mkdir -p $logs
wanted=${run%-full}
list=$(while read -r name planned in command; do
	case $name in '' | '#'*) continue ;; esac
	[ "$in" = "$wanted" ] || continue
	[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	eval "echo $name $planned $command"
done <$here/tests)

echo "$run on Linux $FAMEZ_KERNEL, $(echo "$list" | wc -l) tests, ACCEL=${ACCEL:-tcg}"
start=$SECONDS
echo "$list" | xargs -P 2 -L 1 $here/run.sh --one
passed=$(grep -lx passed $logs/*.result | wc -l)
failed=$(($(echo "$list" | wc -l) - passed))
checks=0
for result in $(grep -lx passed $logs/*.result); do
	name=$(basename "$result" .result)
	checks=$((checks + $(awk -v n="$name" '$1 == n { print $2 }' $here/tests)))
done
echo "$checks checks in $((SECONDS - start)) s; logs in $logs"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
