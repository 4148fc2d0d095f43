#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The manual pages: man programs have nothing to complain of, and what the
# commands, the library and the device have is in them, and nothing else.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire/wire-lib.sh"
cd "$top" || exit 1
export LC_ALL=C
tools=build/bin
# all anew: no page of former times is left
pages=$tmp/build/man
: >"$tmp/log"

# complain WHAT: of each line of standard input
complain() {
	sed "s/^/# $1: /" >>"$tmp/log"
}

# clean TEXT: there was nothing to complain of
clean() {
	cat "$tmp/log"
	[ ! -s "$tmp/log" ]; ok "$1"
	: >"$tmp/log"
}

# text NAME: a page's source, without its fonts
text() {
	sed 's/\\f[BIRP]//g; s/\\-/-/g; s/\\&//g' $pages/man?/"$1".?
}

# part NAME [VERB]: what a page says of a verb; or of options before all verbs
part() {
	local heading=${2:+SS $2}

	text "$1" | awk -v h="^[.]${heading:-SH (DESCRIPTION|OPTIONS|VERBS)}\$" \
		'/^\.S[HS] / { on = $0 ~ h } on'
}

# synopsis COMMAND VERB: that verb's line
synopsis() {
	text "$1" | grep -E "^$1 (.*\] )?$2( |\$)"
}

# options: those in standard input
options() {
	grep -oE -- '(^|[][ ,|(])--?[a-zA-Z][-a-zA-Z]*' | tr -d '][ ,|(' | sort -u
}

# defined: those that a part of a page explains
defined() {
	grep -A 1 '^\.TP' | options
}

# compare WHAT COMMON: $tmp/part of a page, and COMMON, with $tmp/help
compare() {
	options <"$tmp/help" >"$tmp/has"
	cat "$tmp/part" "$2" | options | comm -23 "$tmp/has" - |
		complain "$1, not in its page"
	defined <"$tmp/part" | comm -23 - "$tmp/has" |
		complain "$1, only in its page"
}

# verb COMMAND VERB PAGE: whose options are in PAGE
verb() {
	"$tools/$1" "$2" --help >"$tmp/help" 2>&1
	part "$3" "$2" >"$tmp/part"
	[ -s "$tmp/part" ] || echo 'the page has no such verb' | complain "$1 $2"
	part "$3" >"$tmp/common"
	compare "$1 $2" "$tmp/common"
	# what has a letter is in the synopsis, but for -h
	sed -n 's/^ *\(-[a-gi-zA-Z]\), --.*/\1/p' "$tmp/help" | sort |
		comm -23 - <(synopsis "$1" "$2" | options) >"$tmp/letters"
	synopsis "$1" "$2" | grep -q 'OPTION \.\.\.' ||
		complain "$1 $2, not in its synopsis" <"$tmp/letters"
	[ "$(synopsis "$1" "$2")" ] || echo 'not in the synopsis' | complain "$1 $2"
}

# program NAME [PAGE]: PAGE has its verbs, if it has any
program() {
	local verbs

	"$tools/$1" --help >"$tmp/help"
	part "$1" >"$tmp/part"
	compare "$1" /dev/null
	verbs=$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$tmp/help")
	for v in $verbs; do
		# what is here alone, the page has itself
		if text "$1" | grep -qx "\.SS $v"; then
			verb "$1" "$v" "$1"
		else
			verb "$1" "$v" "${2:-$1}"
		fi
	done
	text "$1" | sed -n 's/^\.SS \([a-z]*\)$/\1/p' | sort |
		comm -23 - <(echo "$verbs" | sort) | complain "$1, only in its page"
	clean "$1: its options, and $(echo "$verbs" | wc -w) verbs with theirs"
}

make -s B="$tmp/build" man >"$tmp/make" 2>&1 ||
	grep -v '^  MAN ' "$tmp/make" | complain 'make man'
clean 'make man'

# ---- form ----

for page in "$pages"/man?/*; do
	# a date would be that of the build
	mandoc -Tlint -Wwarning "$page" | grep -v 'missing date'
	groff -K utf8 -t -man -Tutf8 -ww -z "$page" 2>&1
done | complain 'form'
clean 'mandoc and groff find no fault in a page'
for page in "$pages"/man?/*; do
	name=$(basename "${page%.?}")
	[ "$(man -M $pages -w "${page##*.}" "$name")" = "$page" ] ||
		echo "$name"
done | complain 'not found by man'
clean "man finds each of $(ls $pages/man?/* | wc -l) by its name"

# ---- commands ----

program famezctl
program famez-client famezctl
program famez-vm
program famez-server

# ---- library ----

calls=$(sed -n 's/^\t\(famez_.*\);/\1/p' tools/lib/libfamez.map)
for call in $calls; do
	purpose=$(text "$call" | sed -n "s/^$call - //p")
	[ "$purpose" ] &&
		grep -qE "^$call\(3\) +$purpose\$" Documentation/libfamez.rst ||
		echo "$call: $purpose"
done | complain 'not so in libfamez.rst'
clean "libfamez: $(echo "$calls" | wc -l) calls"
kernel_doc=$(ls /usr/lib/linux-kbuild-*/scripts/kernel-doc | tail -n 1)
for header in tools/lib/famez.h uapi/linux/famez.h; do
	"$kernel_doc" -v -none $header 2>&1 | grep -v ': info:'
done | complain 'kernel-doc'
clean 'headers: each argument, field and result is explained'

# ---- device ----

sed -n 's/^#define \(FAMEZ_IOC_[A-Z]*\)\t_IO.*/\1/p' uapi/linux/famez.h |
	while read -r command; do
		text famez_bridge | grep -qx "\.SH $command" || echo "$command"
	done | complain 'no section of famez_bridge(4)'
sed -n 's/^ \* @\([a-z_]*\):.*/\1/p' uapi/linux/famez.h | sort -u |
	while read -r field; do
		text famez_bridge | grep -qw "$field" || echo "$field"
	done | complain 'not in famez_bridge(4)'
clean 'famez_bridge: each command of ioctl, and each field'

plan_complete
