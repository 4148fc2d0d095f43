#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [MUTANT...]: breaks one line at a time, as the table beside this says,
# and sees whether the test that is named there goes red.  Two side by side, each
# in a copy of the tree of its own.  A mutant that lives is a missing test.
#
# A line that is no longer there, or a mutant that does not build, fails, too.
#
# run.sh --list: mutants by the test that is to find them
# run.sh --stale: those whose line is not there, or more than once; part of make lint

set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$top" || exit 1
table=tools/testing/mutants/table
work=build/mutants
workers=2
# small, as it is not the count that finds them
export RING_RECORDS=200000 FABRIC_MESSAGES=20000 FLOOD_MESSAGES=5000 \
	FLOOD_ALL_MESSAGES=1000 LIFE_MESSAGES=5000 UNBIND_ROUNDS=2 \
	RELOAD_ROUNDS=1 SURPRISE_ROUNDS=1 ORDERLY_ROUNDS=1

# field MUTANT KEY: what the table says of a mutant
field() {
	awk -v name="$1" -v key="$2" '
		$1 == "mutant" { in_it = $2 == name; if (in_it && key == "file") print $3
				 if (in_it && key == "test") print $4 }
		in_it && substr($0, 1, 1) == key { print substr($0, 2) }' $table
}

# breaks MUTANT FILE: changes the line
breaks() {
	local new at

	in_place "$1" || return 1
	new=$(field "$1" +)
	at=$(grep -nxF -- "$(field "$1" -)" "$2" | cut -d: -f1)
	NEW=$new awk -v at="$at" 'NR == at { print ENVIRON["NEW"]; next } { print }' \
		"$2" >"$2.new" && cat "$2.new" >"$2"
	rm "$2.new"
}

# baseline TEST...: each passes unbroken, here; how long it takes is what a mutant, which
# may well hang, is given three times
baseline() {
	tools/testing/run.sh check "$@" >"$top/$work/baseline.log" 2>&1 || {
		tail -n 30 "$top/$work/baseline.log" >&2
		echo 'without a mutant, too, tests fail' >&2
		return 1
	}
	awk '$3 == "checks" { print $1, 3 * $4 + 30 }' "$top/$work/baseline.log" \
		>"$top/$work/guards"
}

# hung TEST: how it ended that has told nothing
hung() {
	sed 's/^exit 1[24][34]$/it hung/' "build/logs/$1.result"
}

# judge MUTANT: in a worker's copy; prints what became of it
judge() {
	local file test guard

	file=$(field "$1" file)
	test=$(field "$1" test)
	cp "$file" "$top/$work/$1.saved" || { echo 'STALE: its file is not there'; return; }
	if ! breaks "$1" "$file"; then
		echo 'STALE: its line is not there, or more than once'
	elif ! make -s -j2 tests >"$top/$work/$1.build" 2>&1; then
		echo 'STALE: it does not build'
	else
		guard=$(awk -v test="$test" '$1 == test { print $2 }' "$top/$work/guards")
		FAMEZ_GUARD=$guard tools/testing/run.sh check "$test" >"$top/$work/$1.log" 2>&1
		case $(cat "build/logs/$test.result" 2>/dev/null) in
		passed) echo LIVES ;;
		'') echo 'STALE: its test has not run' ;;
		*) echo "killed: $(grep -hE '^not ok|FAILED|ERROR:' "build/logs/$test.log" \
			"build/logs/$test.err" | grep -m 1 . || hung "$test")" ;;
		esac
	fi
	# newer than what was built from the mutant
	cp "$top/$work/$1.saved" "$file"
	rm -f "$top/$work/$1.saved"
}

# all: their names
all() {
	awk '$1 == "mutant" { print $2 }' $table
}

# in_place MUTANT: is its line there, once?
in_place() {
	[ "$(grep -cxF -- "$(field "$1" -)" "$(field "$1" file)" 2>/dev/null)" = 1 ]
}

case ${1-} in
--list)
	awk '$1 == "mutant" { of[$4] = of[$4] " " $2 } END { for (test in of) print test ":" of[test] }' $table | sort
	exit ;;
--stale)
	for mutant in $(all); do
		in_place "$mutant" || echo "$mutant: $(field "$mutant" file) has no such line, or several"
	done
	exit ;;
esac

# A worker's own part: --worker DIRECTORY LIST
if [ "${1-}" = --worker ]; then
	cd "$2" || exit 1
	export FAMEZ_KERNEL
	while flock "$3.lock" sh -c 'head -n 1 "$1"; sed -i 1d "$1"' - "$3" >next && [ -s next ]; do
		mutant=$(cat next)
		start=$SECONDS
		verdict=$(judge "$mutant")
		printf '%-28s %-12s %4d s  %s\n' "$mutant" "$(field "$mutant" test)" \
			$((SECONDS - start)) "$verdict" | tee -a "$top/$work/result"
	done
	exit
fi

wanted=$*
[ -n "$wanted" ] || wanted=$(all)
rm -rf $work
mkdir -p $work
export FAMEZ_KERNEL=${FAMEZ_KERNEL:-$(build/bin/famez-vm kernel)}
tr ' ' '\n' <<<"$wanted" >$work/list
echo "$(wc -l <$work/list) mutants on Linux $FAMEZ_KERNEL"
for ((i = 0; i < workers; i++)); do
	tools/testing/copy-tree.sh $work/$i &&
		(cd $work/$i && make -s -j2 tests) || exit 1
done
tests=$(for mutant in $wanted; do field "$mutant" test; done | sort -u)
# shellcheck disable=SC2086
(cd $work/0 && baseline $tests) || exit 1
for ((i = 0; i < workers; i++)); do
	"$top/tools/testing/mutants/run.sh" --worker "$top/$work/$i" "$top/$work/list" &
done
wait
killed=$(grep -c ' s  killed: ' $work/result)
all=$(wc -l <$work/result)
echo "$killed of $all mutants killed"
[ "$killed" -eq "$(wc -w <<<"$wanted")" ]
