#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# checkpatch --strict over everything, sparse and W=1 over the modules: clean.  And the table
# of mutants is of the lines that there are.

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
scripts=build/src/linux-source-6.1/scripts
tests=0
failed=0

# result TEXT LOG: a log that has something in it fails
result() {
	tests=$((tests + 1))
	if [ -s "$2" ]; then
		echo "not ok $tests - $1"
		sed 's/^/#   /' "$2"
		failed=1
	else
		echo "ok $tests - $1"
	fi
}

unpack() {
	[ -e $scripts/checkpatch.pl ] && return
	mkdir -p build/src
	tar -C build/src -xJf /usr/src/linux-source-6.1.tar.xz \
		linux-source-6.1/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
}

# sources PATTERN...: those that are new, too
sources() {
	git ls-files --cached --others --exclude-standard "$@"
}

# style TYPES FILES...: checkpatch, without the types of complaint named
style() {
	local ignored=$1
	shift
	# it asks git about its camel case cache, which is of no use here
	perl $scripts/checkpatch.pl --no-tree --strict --terse --quiet \
		--show-types --ignore "$ignored" -f "$@" 2>/dev/null |
		grep -v '^total:'
	rm -f .checkpatch-camelcase.*
}

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
unpack || exit 1

# compat.h compares versions: that is what it is for
style LINUX_VERSION_CODE,CONSTANT_COMPARISON \
	$(sources 'drivers/*.[ch]' 'include/*.h' 'uapi/*.h') >"$log/kernel"
result 'checkpatch --strict: driver, ring and uapi' "$log/kernel"

# What is the kernel's alone: its macros (__printf, ARRAY_SIZE), and its dislike
# of names that C or cmocka have given (PRIu64, CMUnitTest), of a message that
# names a word that is a function's name too, and of volatile; messages stay on
# one line, so that they can be searched for.
style PREFER_DEFINED_ATTRIBUTE_MACRO,ARRAY_SIZE,BIT_MACRO,CAMELCASE,\
EMBEDDED_FUNCTION_NAME,VOLATILE,LONG_LINE_STRING,SPLIT_STRING,\
STATIC_CONST_CHAR_ARRAY,COMPLEX_MACRO,MACRO_ARG_REUSE \
	$(sources 'tools/*.[ch]' 'examples/*.[ch]') >"$log/tools"
result 'checkpatch --strict: tools and tests' "$log/tools"

kernel=${FAMEZ_KERNEL:-$(basename "$(ls -d /lib/modules/*-amd64 | sort -V | tail -n 1)")}
rm -rf build/lint
tools/testing/build-module.sh "$kernel" build/lint W=1 C=2 \
	CF=-D__CHECK_ENDIAN__ >"$log/build" 2>&1 || cat "$log/build"
grep -E 'warning|error' build/lint/build.log >"$log/sparse"
grep -q 'CHECK .*/channel.c' build/lint/build.log ||
	echo 'sparse has not run' >>"$log/sparse"
result "W=1 and sparse: modules for $kernel" "$log/sparse"

make -s CFLAGS='-O2 -g -Werror' B=build/werror \
	tools >"$log/werror" 2>&1 && : >"$log/werror"
result 'tools without a warning' "$log/werror"

tools/testing/mutants/run.sh --stale >"$log/stale"
result 'each mutant has its line' "$log/stale"

[ $failed -eq 0 ] && echo "PLAN-COMPLETE $tests"
exit $failed
