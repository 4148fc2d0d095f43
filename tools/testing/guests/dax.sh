#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# FAM as device-dax: in two guests at once, no byte of it written, and never System RAM
# but for a guest that is alone on it and has asked for that.

# shellcheck source=tools/testing/guests/fam.sh
. "$(dirname "$0")/fam.sh"

# host ARGS...: famezctl on the host
host() {
	"$tools/famezctl" --device "$FAMEZ_VM_DIR/switch.sock" "$@"
}

# whole: what FAM has, or enough of it
whole() {
	host read 0 $((120 << 20)) | sha256sum
}

# ram NODE: how much memory the guest has
ram() {
	on "$1" "sed -n 's/^MemTotal: *//p' /proc/meminfo"
}

# same_ram: as much as before
same_ram() {
	[ "$(ram node01)" = "$memory" ] || {
		echo "# $(ram node01), not $memory" >&2
		false
	}
}

fam_image
# a guest takes nothing but blocks of 128 MiB as memory
boot 2 --memory 768M --size 512M
fam_load
head -c 1000000 /dev/urandom >"$tmp/bytes"
host write 0 --input "$tmp/bytes" && host write 62914560 --input "$tmp/bytes"
before=$(whole)
memory=$(ram node01)
fam node01 dax && fam node02 dax; ok 'FAM is dax in two guests at once'
for node in node01 node02; do
	on $node 'daxctl list' | grep -q '"mode":"devdax"' && on $node test -c /dev/dax0.0
	ok "$node: daxctl lists it as devdax"
done
[ "$(whole)" = "$before" ]; ok 'no byte of it was written'
[ "$(on node02 famezctl peers | awk '$2 == "node01" || $3 == "node01" { print $(NF - 1) }')" = dax ]; ok 'peers see that'

on node02 map-file /dev/dax0.0 read 62914560 1000000 | cmp - "$tmp/bytes"; ok 'what the host wrote, a guest reads by dax'
head -c 5000 /dev/urandom >"$tmp/more"
vm exec node02 -- map-file /dev/dax0.0 write 123456 <"$tmp/more"
on node01 map-file /dev/dax0.0 read 123456 5000 | cmp - "$tmp/more" &&
	on node01 famezctl read 123456 5000 | cmp - "$tmp/more" && host read 123456 5000 | cmp - "$tmp/more"
ok 'what one wrote by dax, the other one reads by dax, the bridge, and the host'
! on node01 famezctl write 0 --text x 2>/dev/null; ok 'a program does not write there by mistake'

# ---- memory of its own ----

same_ram; ok 'a guest has as much memory as before'
for policy in offline online online_kernel online_movable; do
	fam node01 none && on node01 "echo $policy >/sys/devices/system/memory/auto_online_blocks; modprobe kmem" &&
		fam node01 dax && same_ram && on node01 daxctl list | grep -q devdax
	ok "and with kmem there before, policy $policy"
	fam node01 none && on node01 rmmod kmem && fam node01 dax && on node01 modprobe kmem && same_ram &&
		on node01 daxctl list | grep -q devdax
	ok "with kmem there afterwards, policy $policy"
done
on node01 'echo offline >/sys/devices/system/memory/auto_online_blocks'
! on node01 daxctl reconfigure-device --mode=system-ram dax0.0 2>/dev/null >&2 && same_ram &&
	on node01 'dmesg | grep -q "invalid node"'
ok 'daxctl does not make System RAM of it'
fam node01 none && refuses node01 'another peer' dax --system-ram; ok 'nor may it while another peer uses FAM'
fam node02 none && fam node01 dax --system-ram && same_ram; ok 'alone, it may'
on node01 daxctl reconfigure-device --mode=system-ram dax0.0 >/dev/null 2>&1 && ! same_ram 2>/dev/null; ok 'and then daxctl does'
! on node01 famezctl read 0 1 2>/dev/null; ok 'no program has it then'
refuses node01 'System RAM' none --force && [ "$(value node01 fam)" = ram ]; ok 'nor does it change hands'
[ "$(on node02 famezctl peers | awk '$2 == "node01" || $3 == "node01" { print $(NF - 1) }')" = ram ] &&
	refuses node02 'another peer' dax && refuses node02 'another peer' pmem
ok 'nobody else gets it meanwhile'
on node01 'daxctl offline-memory dax0.0 && daxctl reconfigure-device --mode=devdax --force dax0.0' >/dev/null 2>&1 && same_ram && fam node01 none
ok 'and it can be given back'

# ---- in the way ----

fam node01 dax
background node01 'map-file /dev/dax0.0 hold 4096; echo exit $?'
says node01 '^holds$'
refuses node01 '(map-file) has /dev/dax0.0 open' none; ok 'FAM does not change hands while it is mapped'
fam node01 none --force && says node01 '^exit 135$'; ok 'by force, whoever has it gets SIGBUS'
on node01 'famez-touch -s /dev/famez_bridge 4096 >/tmp/touched &'
on node01 wire-wait /tmp/touched '^touched$' >/dev/null
refuses node01 'mapped for writing' dax; ok 'nor while a program has it mapped for writing'
on node01 'kill $(pidof famez-touch); while pidof famez-touch >/dev/null; do :; done'
fam node01 dax && on node01 'echo 1 >/sys/bus/pci/devices/$(basename $(readlink /sys/class/famez/famez_bridge/device))/remove; ! ls /dev/dax* 2>/dev/null'
ok 'it goes with its device'
vm check all; ok 'no kernel has complained'
plan_complete
