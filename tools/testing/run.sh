#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh RUN [TEST...]: runs the tests of the table beside this that are in RUN, two
# side by side; logs are in build/logs. More than one kernel end in a table.
#
# smoke, check, check-full, check-images
#	KERNEL: kernels of tools/testing/kernels/kernels by their labels, or "debug",
#	the debug kernel, once with one CPU and once with two (or "debug-1cpu" or
#	"debug-2cpu"); only what runs in guests is tested then. Default: the one
#	that "famez-vm kernel" fetches.
#	FAMEZ_KERNEL: any other that lies in build/kernels, by its version
# check-kernels
#	the core of the tests in guests, on each of these kernels
# check-matrix
#	the core on stock kernels, QEMUs, machine types: see matrix.sh; its table is README's
# check-ci
#	check on the default kernel, and check-kernels on all others

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
here=tools/testing
logs=build/logs
# shellcheck source=tools/testing/matrix.sh
. $here/matrix.sh

run=$1
shift
# what takes an hour is there alone
case $run in check-full | check-images) export FAMEZ_GUARD=${FAMEZ_GUARD:-3600} ;; esac
case $run in
smoke | check | check-full | check-images) labels=${KERNEL:-default} ;;
check-kernels) labels="$($here/kernels/kernel.sh --labels) debug mixed" ;;
check-matrix)
	labels=$(matrix_labels)
	QEMU='' $here/kernels/qemu.sh >/dev/null || exit
	;;
check-ci)
	# the first is the default one
	labels="default $($here/kernels/kernel.sh --labels | sed 1d) debug mixed"
	;;
*)
	echo "usage: run.sh smoke|check|check-full|check-images|check-kernels|check-matrix|check-ci [TEST...]" >&2
	exit 2
	;;
esac
# shellcheck disable=SC2086
labels=$(printf '%s\n' $labels | sed 's/^debug$/debug-1cpu debug-2cpu/')

# planned LABEL: which rows of the table are in this run on that kernel
planned() {
	local doors='doors-6.1 doors-6.12 doors-newest doors-full'

	case $run:$1 in
	smoke:* | check-images:*) echo $run ;;
	*:mixed) echo mixed ;;
	check-matrix:*) echo core ;;
	check:default | check-ci:default) echo check guest stock fam core doors-6.1 ;;
	check-full:default) echo check guest stock fam core check-full $doors ;;
	check:debug*) echo guest core debug ;;
	check-full:debug*) echo guest core debug check-full ;;
	check-full:*-rt) echo guest stock core check-full ;;
	check-full:*) echo guest stock fam core check-full $doors ;;
	check:*-rt) echo guest stock core ;;
	check:*) echo guest stock fam core $doors ;;
	*) echo core "doors-$1" ;;
	esac
}

# column LABEL: of the table of counts
column() {
	case $run:$1 in
	check-full:*) echo 3 ;;
	*:debug*) echo 4 ;;
	*) echo 2 ;;
	esac
}

# kernel LABEL: its version; it is fetched, and the guests' file system made
kernel() {
	local version

	case $1 in
	default)
		version=$(build/bin/famez-vm kernel) || return
		version=${FAMEZ_KERNEL:-$version}
		;;
	debug-*) version=$($here/debug-kernel/build.sh) || return ;;
	# all of them, which its test finds by itself
	mixed) version=$($here/kernels/kernel.sh 6.1) || return ;;
	*) version=$($here/kernels/kernel.sh "${1%%+*}") || return ;;
	esac
	[ "${image[$version]-}" ] || $here/guests/image.sh "$version" || return
	echo "$version"
}

# tests LABEL VERSION SUFFIX TEST...: lines for run-one.sh
tests() {
	local label=$1 version=$2 suffix=$3 name checks in command runs

	shift 3
	runs=$(planned "$label")
	while read -r name checks in command; do
		case $name in '' | '#'*) continue ;; esac
		case " $runs " in *" $in "*) ;; *) continue ;; esac
		[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
		echo "$name$suffix $checks $label $(column "$label") $version $command"
	done <$here/tests
}

# result NAME: of a test that has run
result() {
	cat "$logs/$1.result" 2>/dev/null
}

# cell NAME LABEL: how a test went on a kernel
cell() {
	case $(result "$1@$2") in
	passed) echo passed ;;
	'') echo - ;;
	*) echo FAILED ;;
	esac
}

# matrix: for each test, how it went on each kernel
matrix() {
	local name label

	printf '\n%-12s' ''
	# shellcheck disable=SC2086
	printf ' %-10s' $labels
	for name in $(echo "$list" | sed 's/@.*//' | sort -u); do
		printf '\n%-12s' "$name"
		for label in $labels; do
			printf ' %-10s' "$(cell "$name" "$label")"
		done
	done
	printf '\n\n'
}

export FAMEZ_BUILD=$top/build
export FAMEZ_SERVER=${FAMEZ_SERVER:-$top/build/testing/famez-server-asan}

rm -rf $logs
mkdir -p $logs
declare -A image
list=
for label in $labels; do
	version=$(kernel "$label") || exit 1
	image[$version]=made
	suffix=
	[ "$label" = "$labels" ] || suffix=@$label
	echo "$run on $label: Linux $version, ACCEL=${ACCEL:-tcg}"
	list+=$(tests "$label" "$version" "$suffix" "$@")$'\n'
done
list=$(echo "$list" | grep .) || {
	echo "no test of $run is called $*; they are in $here/tests" >&2
	exit 1
}

start=$SECONDS
echo "$list" | xargs -P 2 -L 1 $here/run-one.sh
if [ $run = check-matrix ]; then
	matrix_table
elif [ "$label" != "$labels" ]; then
	matrix
fi
# once more, as by now it is far above
passed=0
checks=0
while read -r name each _; do
	[ "$(result "$name")" = passed ] || {
		echo "$name: $(result "$name")"
		cat "$logs/$name.report" 2>/dev/null
		continue
	}
	passed=$((passed + 1))
	checks=$((checks + each))
done <<<"$list"
failed=$(($(echo "$list" | wc -l) - passed))
echo "$checks checks in $((SECONDS - start)) s; logs in $logs"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
