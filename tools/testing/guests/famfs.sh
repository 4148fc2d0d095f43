#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Documentation/famfs.rst: each command of it, in two guests with the modules installed.

# shellcheck source=tools/testing/guests/fam.sh
. "$(dirname "$0")/fam.sh"
page=$top/Documentation/famfs.rst

# commands PROMPT: those of the page
commands() {
	sed -n "s/^  $1# //p" "$page"
}

# follow NODE PROMPT: does what the page says there
follow() {
	local command

	while read -r command; do
		on "$1" "$command" </dev/null >"$tmp/last" 2>&1 || {
			echo "# $1: $command"
			cat "$tmp/last"
			return 1
		}
	done < <(commands "$2")
}

fam_image fsdev_dax
boot 2 --memory 768M --size 256M
on all 'mkdir -p /lib/modules/$(uname -r)/updates && cp /famez/*.ko /lib/modules/$(uname -r)/updates && depmod -a && modprobe device_dax'
ok 'two guests with the modules installed'
memory=$(on node01 'grep MemTotal /proc/meminfo')
[ "$(commands guest | wc -l)" -eq 6 ] && follow node01 guest && follow node02 guest; ok 'the driver, and the device'
[ "$(on node01 'grep MemTotal /proc/meminfo')" = "$memory" ]; ok 'is no memory of the guest'"'"'s'
head -c 4096 /dev/urandom >"$tmp/page"
vm exec node01 -- map-file /dev/dax0.0 write 0 <"$tmp/page"
on node02 famezctl read 0 4096 | cmp - "$tmp/page"; ok 'both have the same bytes'
if [ -n "$fsdev" ]; then
	[ "$(commands 7.2 | wc -l)" -eq 4 ] && follow node01 7.2 && follow node02 7.2
else
	! on node01 modprobe fsdev_dax 2>/dev/null
fi
ok "fsdev_dax has it, if this kernel has that"
vm check all; ok 'no kernel has complained'
plan_complete
