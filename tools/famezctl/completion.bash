# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of famezctl and famez-client in bash: source this, or install it as
# /usr/share/bash-completion/completions/famezctl, with a link famez-client.

# The verbs of a program, as its help lists them.
_famez_verbs() {
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# The long options in a help text on standard input.
_famez_options() {
	grep -o -- '--[a-z][a-z]*' | sort -u
}

# Names of peers; on the host, asking makes a peer for a moment.
_famez_peers() {
	echo server
	timeout 2 "$@" peers 2>/dev/null |
		awk 'NR > 1 && $1 != "*" && $2 != "-" { print $2 }'
}

_famez() {
	local program=$1 cur=$2 prev=$3 verb='' path='' i
	local IFS=$' \t\n'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-d | --device | -S | --socket)
			i=$((i + 1))
			path=${COMP_WORDS[i]}
			;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $prev in
	-d | --device | -S | --socket | --input | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-C | --counters | -c | --count | -t | --timeout | --interval | --text | \
		--runs | --tcp)
		return
		;;
	esac
	if [ -z "$verb" ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_famez_verbs "$program") $("$program" --help 2>/dev/null |
				_famez_options)" -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$program" "$verb" --help 2>/dev/null |
				_famez_options)" -- "$cur")
	elif [[ $verb == @(send|ping|bench|stats) ]]; then
		# what both programs understand, whatever their option is called
		mapfile -t COMPREPLY < <(
			[ -z "$path" ] || export FAMEZ_DEVICE=$path
			compgen -W "$(_famez_peers "$program")" -- "$cur")
	fi
}

complete -F _famez famezctl famez-client
