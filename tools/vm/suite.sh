# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For mmdebstrap: a Debian suite from where the machine's own packages come from.

# suite_sources SUITE: lines of a sources.list; none: apt knows no Debian mirror
suite_sources() {
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u |
	while read -r label uri; do
		case $label/$1 in
		Debian/*) echo "deb $uri $1 main" ;;
		Debian-Security/sid) ;; # has no such thing
		Debian-Security/*) echo "deb $uri $1-security main" ;;
		esac
	done
}

# suite_options SUITE: lines of an apt.conf
suite_options() {
	echo 'APT::Install-Recommends "false";'
	echo 'Acquire::Languages "none";'
	# a mirror's sid may be some weeks old
	[ "$1" != sid ] || echo 'Acquire::Check-Valid-Until "false";'
	apt-config dump --no-empty --format '%F "%v";%n' Acquire | grep -i proxy || :
}
