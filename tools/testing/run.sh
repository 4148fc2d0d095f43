#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh smoke|check|check-full|check-kernels [TEST...]: runs the tests of the
# table beside this, two side by side; logs are in build/logs.
#
# check-kernels: on each kernel of tools/testing/kernels/kernels, and on the debug
#	kernel
# KERNEL: one of these by its label, or "debug"; only what runs in guests is tested
#	then, on the debug kernel with one CPU and with two
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
check-full)
	column=3
	wanted="$wanted check-full"
	;;
check-kernels)
	wanted=core
	labels="$($here/kernels/kernel.sh --labels) debug" || exit 1
	;;
*)
	echo "usage: run.sh smoke|check|check-full|check-kernels [TEST...]" >&2
	exit 2
	;;
esac
[ "$run:${KERNEL:-}" != check:debug ] || column=4

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

	case $1 in
	default)
		version=$(build/bin/famez-vm kernel) || return
		version=${FAMEZ_KERNEL:-$version}
		;;
	debug) version=$($here/debug-kernel/build.sh) || return ;;
	*) version=$($here/kernels/kernel.sh "$1") || return ;;
	esac
	$here/guests/image.sh "$version" && echo "$version"
}

# with_cpus LABEL NAME PLANNED VERSION COMMAND...: a line for run-one.sh; for the
# debug kernel, which is to find races, a second one with two CPUs
with_cpus() {
	local label=$1 name=$2 planned=$3 version=$4

	shift 4
	echo "$name $planned $version $*"
	[ "$label" != debug ] ||
		echo "$name-2cpu $planned $version env FAMEZ_CPUS=2 $*"
}

# tests RUNS LABEL VERSION SUFFIX TEST...: the table's rows of these runs
tests() {
	local runs=$1 label=$2 version=$3 suffix=$4 name planned in command

	shift 4
	while read -r name planned in command; do
		case $name in '' | '#'*) continue ;; esac
		case " $runs " in *" $in "*) ;; *) continue ;; esac
		[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
		eval "with_cpus $label $name$suffix $planned $version $command"
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
	runs=$wanted
	[ "$label:$run" != debug:check ] || runs="$wanted debug"
	list+=$(tests "$runs" "$label" "$version" "$suffix" "$@")$'\n'
done
[ "$run" != check-kernels ] || list=$(tests mixed any "$version" '' "$@")$'\n'$list
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
