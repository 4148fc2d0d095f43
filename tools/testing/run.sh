#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh smoke|check|check-full|check-kernels [TEST...]: runs the tests of the
# table beside this, two side by side; logs are in build/logs.
#
# check-kernels: on each kernel of tools/testing/kernels/kernels
# KERNEL: one of these by its label; only what runs in guests is tested then
# FAMEZ_KERNEL: any other that lies in build/kernels, by its version
# Default: the one that "famez-vm kernel" fetches

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
here=tools/testing
logs=build/logs

run=$1
shift
column=2
labels=${KERNEL:-default}
wanted='check guest core'
[ -z "${KERNEL:-}" ] || wanted='guest core'
case $run in
smoke) wanted=smoke ;;
check) ;;
check-full) column=3 ;;
check-kernels)
	wanted=core
	labels=$($here/kernels/kernel.sh --labels) || exit 1
	;;
*)
	echo "usage: run.sh smoke|check|check-full|check-kernels [TEST...]" >&2
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

# kernel LABEL: its version; it is fetched, and the guests' file system made
kernel() {
	local version

	if [ "$1" != default ]; then
		version=$($here/kernels/kernel.sh "$1") || return
	else
		version=$(build/bin/famez-vm kernel) || return
		version=${FAMEZ_KERNEL:-$version}
	fi
	$here/guests/image.sh "$version" && echo "$version"
}

# tests RUNS VERSION SUFFIX TEST...: the table's rows of these runs, for run-one.sh
tests() {
	local runs=$1 version=$2 suffix=$3 name planned in command

	shift 3
	while read -r name planned in command; do
		case $name in '' | '#'*) continue ;; esac
		case " $runs " in *" $in "*) ;; *) continue ;; esac
		[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
		eval "echo $name$suffix $planned $version $command"
	done <$here/tests
}

# result NAME: of a test that has run
result() {
	cat "$logs/$1.result" 2>/dev/null
}

# matrix: for each test, how it went on each kernel
matrix() {
	local name label

	printf '\n%-12s' ''
	# shellcheck disable=SC2086
	printf '%-10s' $labels
	for name in $(echo "$list" | sed -n 's/@.*//p' | sort -u); do
		printf '\n%-12s' "$name"
		for label in $labels; do
			[ "$(result "$name@$label")" = passed ] &&
				printf '%-10s' passed || printf '%-10s' FAILED
		done
	done
	printf '\n\n'
}

rm -rf $logs
mkdir -p $logs
list=
for label in $labels; do
	version=$(kernel "$label") || exit 1
	echo "$run on Linux $version, ACCEL=${ACCEL:-tcg}"
	suffix=
	[ "$run" != check-kernels ] || suffix=@$label
	list+=$(tests "$wanted" "$version" "$suffix" "$@")$'\n'
done
[ "$run" != check-kernels ] || list=$(tests mixed "$version" '' "$@")$'\n'$list
list=$(echo "$list" | grep .) || {
	echo "no test of $run is called $*; they are in $here/tests" >&2
	exit 1
}

start=$SECONDS
echo "$list" | xargs -P 2 -L 1 $here/run-one.sh
[ "$run" != check-kernels ] || matrix
passed=0
checks=0
while read -r name planned _; do
	[ "$(result "$name")" = passed ] || continue
	passed=$((passed + 1))
	checks=$((checks + planned))
done <<<"$list"
failed=$(($(echo "$list" | wc -l) - passed))
echo "$checks checks in $((SECONDS - start)) s; logs in $logs"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
