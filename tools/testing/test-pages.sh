#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# README.md's tour and Documentation/quick-start.rst, command by command as they stand
# there, in a clean copy of the tree: each prints what the page says that it prints. Of
# install.rst, which changes the machine, that what it names is there.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/wire/wire-lib.sh"

# as somebody has it who has just cloned the tree
unset FAMEZ_BUILD FAMEZ_CPUS FAMEZ_DEVICE FAMEZ_KERNEL FAMEZ_SERVER FAMEZ_VM_DIR
MAKEFLAGS=-j$(nproc)
export MAKEFLAGS LC_ALL=C
tree=$tmp/famez
# what came in the background, by bash's own number of it
background=
broken=

# Root's commands that are not run, with the reason. An entry that no page has is an
# error, too.
left_out=(
	'make install-dkms'		# packages: DKMS builds and signs what that gives it
	'dkms '				# likewise
	'modprobe famez_bridge'		# what DKMS has installed
	'systemd-sysusers'		# several: Debian's udev, with and without the group
	'udevadm '			# likewise
	'usermod '			# likewise
)

# ---- what a page has ----

# here: the names that are the machine's, or of one kernel, are those of this test
here() {
	sed -E "s,/tmp/famez-(vm\.0|quick),$tmp/vm,g; s,6\.1\.0-[0-9]+-amd64,$kernel,g
		s,(/tmp/sw|/run/famez/switch\.sock)\>,$tmp/sw,g
		s,^  \\$ famez-server --socket .*,& --backing $shm,; s,memory famez ,memory $shm ,"
}

# steps PAGE INDENT: its commands into $tmp/page/N, with their prompts; what they print
# is in N.says
steps() {
	rm -rf "$tmp/page"
	mkdir "$tmp/page"
	awk -v indent="$2" -v to="$tmp/page/" '
	substr($0, 1, length(indent)) != indent { at = ""; next }
	{ line = substr($0, length(indent) + 1) }
	more || line ~ /^[$#] / {
		if (!more)
			at = sprintf("%s%03d", to, ++n)
		print line >at
		printf "" >(at ".says")
		more = line ~ /\\$/
		next
	}
	at { print line >(at ".says") }' <(here <"$tree/$1")
}

# normal: without what differs from one run to the next: times, process ids, random
# numbers, a device's number and date, how often somebody slept, widths of columns
normal() {
	tr '\0' '?' | sed -E 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r//g; s/ +/ /g; s/ $//
		s,[0-9]+\.[0-9]+(/| u?s\>|\]),T\1,g; s/ [0-9]+ ms$/ T ms/; s/^\[ T/[T/
		s/\<0x[0-9a-f]{8,}/0xX/; s/ famezctl\.[0-9]+ / famezctl.P /
		s/ [0-9]+, [0-9]+ [A-Z][a-z]{2} [0-9]+ [0-9:]+ / DEVICE DATE /
		s/ [0-9]+( [0-9]+ [0-9]+ [0-9]+) [0-9]+$/ N\1 N/'
}

# same PAGE REAL: where the page has "...", there may be anything
same() {
	local pattern

	pattern=$(normal <"$1" | sed 's/[][*?\\]/\\&/g; s/^\.\.\.$/*/')
	# shellcheck disable=SC2053
	[[ $(normal <"$2") == $pattern ]] && return
	diff -u --label page --label real <(normal <"$1") <(normal <"$2") | sed 's/^/# /'
	false
}

# ---- as a person types it ----

# log REGEX [COUNT]: waits until the switch has said it: a person is slower
log() {
	local p

	[ "${2:-1}" -gt 0 ] || return 0
	p=$(cat "$FAMEZ_VM_DIR/switch.pid")
	"$bin/wire-wait" -p "${p%% *}" "$FAMEZ_VM_DIR/switch.log" "$1" ${2:+"$2"} >/dev/null
}

# ready COMMAND: what it needs has happened that somebody else does
ready() {
	case $1 in
	*' exec '*) ;;
	'tail '*/switch.log) log '^message from' ;;
	# the last program on the host has left its id to this one
	famezctl\ * | build/bin/famezctl\ *) log '^peer 3 free' "$(grep -c '^peer 3 joined' "$FAMEZ_VM_DIR/switch.log")" ;;
	esac
}

# asleep COMMAND: one in the background, in a guest, has come to where it waits
asleep() {
	# shellcheck disable=SC2016 # the guest's
	[[ $1 =~ exec\ (node[0-9]+)\ famezctl ]] &&
		famez_vm exec -n "${BASH_REMATCH[1]}" \
			'until grep -q famez /proc/$(pidof famezctl)/wchan; do :; done 2>/dev/null'
}

famez_vm() {
	"$tree/build/bin/famez-vm" "$@"
}

# on_terminal COMMAND SAYS: on one of its own; after a guest's prompt comes what the
# page types there
on_terminal() {
	local typed n=0

	start terminal env TERM=vt100 script -qec "$1" /dev/null
	while read -r typed; do
		n=$((n + 1))
		# no whole line, which wire-wait would wait for
		until [ "$(grep -o ':~# ' "$tmp/terminal.out" | wc -l)" -ge $n ]; do
			kill -0 "${pid[terminal]}" || break
		done
		tell terminal "$typed"
	done < <(sed -n 's/^node[0-9]*:~# //p' "$2")
	ends terminal
	status=$?
	cp "$tmp/terminal.out" "$tmp/real"
}

# type_in COMMAND SAYS: its output into $tmp/real
type_in() {
	: >"$tmp/real"
	ready "$1" || return
	case $1 in
	*' console '*)
		on_terminal "$1" "$2"
		return
		;;
	famez-server\ *)
		# its last line but for its end
		# shellcheck disable=SC2086 # a command with its words
		start server $1
		saw server ready >/dev/null
		status=$?
		cp "$tmp/server.out" "$tmp/real"
		return
		;;
	esac
	# here, not in a child, as what it exports is for all that come
	eval "$1" </dev/null >>"$tmp/real" 2>&1
	status=$?
	case $1 in
	*' &')
		background=$!
		asleep "$1"
		status=$?
		;;
	*)
		# its output is shown below this command
		[ -z "$background" ] || wait "$background" || status=$?
		background=
		;;
	esac
}

# as_told SAYS STATUS COMMAND: one that prints is judged by that, as some are to fail,
# and others by their exit code; what comes after such a one might wait for what it was to
# do. make tells what it builds.
as_told() {
	if [ -s "$1" ]; then
		same "$1" "$tmp/real"
	elif [ "$2" -eq 0 ]; then
		[ "${3%% *}" = make ] || same "$1" "$tmp/real"
	else
		sed 's/^/# /' "$tmp/real" | tail -n 20
		broken=yes
		false
	fi
}

# step FILE: one command of the page
step() {
	local command name status=1

	command=$(sed 's/^[$#] //' "$1")
	name=${command%%[[:space:]]\\*}
	name=${name//$tmp\//}
	type_in "$command" "$1.says"
	as_told "$1.says" "$status" "$command"; ok "$page: ${name% --backing*}"
	[ -z "$broken" ] || exit 1
}

# qemu_words PAGE: what it tells to add to a QEMU's command line, a word a line
qemu_words() {
	sed -nE 's/^ +(-(chardev|device) .*,.*)/\1/p' "$tree/$1" | here | tr ' ' '\n'
}

# takes_words PAGE: a QEMU without a guest does, and the switch has it for a peer
takes_words() {
	local words joined

	mapfile -t words < <(qemu_words "$1")
	joined=$(grep -c '^peer [0-9]* joined' "$tmp/server.out")
	# shellcheck disable=SC2086 # a command with its words
	start qemu ${QEMU:-qemu-system-x86_64} -nodefaults -display none -accel tcg -S -qmp stdio "${words[@]}"
	[ ${#words[@]} -eq 4 ] && saw qemu QMP >/dev/null && saw server '^peer [0-9]* joined' $((joined + 1)) >/dev/null &&
		answer qemu return '{"execute":"qmp_capabilities"}' >/dev/null && qemu_quit qemu
}

# shellcheck disable=SC2317 # by trap
end() {
	local p

	[ ! -e "$tmp/vm" ] || famez_vm down --dir "$tmp/vm" >/dev/null 2>&1
	# a switch that can still remove its memory
	p=${pid[server]-}
	[ -z "$p" ] || { kill "$p"; wait "$p"; } 2>/dev/null
	finish
}
trap end EXIT

# ---- README ----

"$top/tools/testing/copy-tree.sh" "$tree" && cd "$tree" || exit 1
# what make check has done, and only root can
printf '#!/bin/sh\n' >tools/testing/install-deps.sh
kernel=$(cd "$top" && build/bin/famez-vm kernel) || exit 1
shm=famez-pages.$$

page=README
export FAMEZ_VM_DIR=$tmp/vm
steps README.md '    '
for each in "$tmp"/page/???; do
	step "$each"
done
[ ! -e "$tmp/vm" ]; ok "$page: nothing is left"

# ---- quick start ----

page='quick start'
unset FAMEZ_VM_DIR
rm build/modules/*/*.ko build/initramfs-*
# what the page says that fam.c is
awk '/code-block:: c/ { on = 1; next } on && /^[^ ]/ { exit } on { print substr($0, 3) }' \
	Documentation/quick-start.rst >fam.c
steps Documentation/quick-start.rst '  '
for each in "$tmp"/page/???; do
	case $(cat "$each") in
	'# insmod '*)
		# a guest of one's own, with QEMU's words as they are on the page
		mapfile -t words < <(qemu_words Documentation/quick-start.rst)
		command=$(sed 's/^# //' "$each")
		file=${command#insmod }
		famez-vm initramfs --output "$tmp/own.img" --add "$file:/root/$file" >/dev/null &&
			famez-vm up 1 --no-switch --no-device --initramfs "$tmp/own.img" "${words[@]/#/--qemu=}" >"$tmp/up.out"
		ok "$page: a guest with ${#words[@]} more words for QEMU"
		famez-vm exec -n node01 "$command" && saw server '^peer 1 up: node01' >/dev/null
		ok "$page: $command"
		famez-vm down
		;;
	'# '*) sed 's/^# //' "$each" >>"$tmp/not-run" ;;
	*) step "$each" ;;
	esac
done
for each in README.md Documentation/quick-start.rst; do
	takes_words $each; ok "$each: what it adds to a QEMU's command line"
done
kill "${pid[server]}"
ends server; ok "$page: the switch ends"
printf '%s\n' "${left_out[@]}" >"$tmp/left-out"
! grep -vFf "$tmp/left-out" "$tmp/not-run" && [ -s "$tmp/not-run" ]
ok "$page: there is a reason for each command that is not run"
for each in "${left_out[@]}"; do
	grep -qF "$each" "$tmp/not-run" || echo "# none begins so: $each"
done | tee "$tmp/stale"
[ ! -s "$tmp/stale" ]; ok "$page: and for no others"
grep -oE '\<tools/[^ ]+' "$tmp/not-run" | xargs ls >/dev/null; ok "$page: the files in them are there"
text=$(sed -n 's/^  famez_bridge .*: not bound: //p' Documentation/quick-start.rst)
[ "$text" ] && grep -rqF "$text" drivers; ok "$page: what the kernel's log tells"
line=$(sed -n 's/.*60-famez.rules:\([0-9]*\) Unknown group.*/\1/p' Documentation/quick-start.rst)
sed -n "${line}p" tools/install/60-famez.rules | grep -q ^GROUP=; ok "$page: and udev's"

# ---- installing ----

# there_is COMMAND...: what it names of ours
there_is() {
	local word

	case ${1#build/bin/} in
	make) make -n -s "${@:2}" >/dev/null ;;
	famez-vm)
		for word in "${@:3}"; do
			[ "$word" != -- ] || break
			[ "${word#--}" = "$word" ] || famez-vm "$2" --help 2>&1 | grep -qwe "$word" || return
		done
		famez-vm "$2" --help >/dev/null 2>&1
		;;
	esac || return
	for word; do
		case $word in
		./*.deb)
			word=${word#./}
			[[ $word == *_"$version"_* ]] && grep -qx "Package: ${word%%_*}" debian/control
			;;
		./famez-*) [ "$word" = "./famez-$version" ] ;;
		famez-server@*) [ -e "tools/install/famez-server@.${word##*.}" ] ;;
		esac || return
	done
}

version=$(sed -n 's/^FAMEZ_VERSION := //p' Makefile)
while read -r -a words; do
	there_is "${words[@]}" || echo "# ${words[*]}"
done < <(sed -nE 's/^  [$#] ([^#]*).*/\1/p' Documentation/install.rst) >"$tmp/wrong"
cat "$tmp/wrong"
[ ! -s "$tmp/wrong" ]; ok 'install: verbs, options, targets, packages and units are there'
plan_complete
