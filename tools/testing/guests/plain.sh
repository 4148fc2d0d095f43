#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Plain devices, which have FAM alone, of the smallest and of large sizes; and
# one beside a doorbell device, whose name it does not change.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

sizes=(4096 8192 1048576 268435456 68719476736)

# device I: the name of the I-th
device() {
	echo "/dev/famez_fam$([ "$1" -eq 0 ] || echo "$1")"
}

# same I OFFSET BYTES: what the guest reads there is what the host's file has
same() {
	on node01 "famezctl --device $(device "$1") read $2 $3" |
		cmp - <(tail -c +$(($2 + 1)) "$tmp/plain$1" | head -c "$3")
}

# says_no COMMAND: there are no messages, and it says so
says_no() {
	! on node01 "$1" 2>"$tmp/err" && grep -q 'FAM alone' "$tmp/err"
}

args=()
for i in "${!sizes[@]}"; do
	truncate -s "${sizes[i]}" "$tmp/plain$i"
	head -c 4096 /dev/urandom | dd of="$tmp/plain$i" conv=notrunc status=none
	head -c 4096 /dev/urandom |
		dd of="$tmp/plain$i" bs=4096 seek=$((sizes[i] / 4096 - 1)) conv=notrunc status=none
	args+=(--plain "$tmp/plain$i:${sizes[i]}")
done
cp "$tmp/plain1" "$tmp/before"

boot 1 --memory 512M --backing "$tmp/fabric" "${args[@]}"
load; ok 'the driver loads in a guest with a doorbell device and five plain ones'
[ "$(on node01 'echo /dev/famez_*')" = '/dev/famez_bridge /dev/famez_fam /dev/famez_fam1 /dev/famez_fam2 /dev/famez_fam3 /dev/famez_fam4' ]
ok 'each has its name'
[ "$(on node01 'famezctl list --json | grep -c plain')" -eq 5 ] &&
	on node01 'famezctl list' | grep -q '^/dev/famez_bridge  *famez  *1 '
ok 'famezctl list tells one from the other'
cmp "$tmp/plain1" "$tmp/before"; ok 'binding them has not written a byte'

for i in "${!sizes[@]}"; do
	last=$((sizes[i] - 1))
	[ "$(on node01 "famezctl --device $(device "$i") info" |
		sed -n 's/^fam size: \([0-9]*\).*/\1/p')" = "${sizes[i]}" ] &&
		same "$i" 0 4096 && same "$i" $((sizes[i] - 4096)) 4096
	ok "${sizes[i]} bytes: their size is told, their ends are read"
	on node01 "famezctl --device $(device "$i") write $((last - 4)) --text famez" &&
		[ "$(tail -c 5 "$tmp/plain$i")" = famez ] &&
		! on node01 "famezctl --device $(device "$i") write $((last - 3)) --text famez" 2>/dev/null
	ok "${sizes[i]} bytes: the last is written, and none behind it"
done

# ---- read and write ----

on node01 'printf by-write | dd of=/dev/famez_fam3 bs=8 seek=12345 conv=notrunc 2>/dev/null
[ "$(dd if=/dev/famez_fam3 bs=8 skip=12345 count=1 2>/dev/null)" = by-write ]' &&
	[ "$(dd if="$tmp/plain3" bs=8 skip=12345 count=1 status=none)" = by-write ]
ok 'read and write at an offset'
head -c 200000 /dev/urandom >"$tmp/pattern"
"$tools/famez-vm" exec node01 -- dd of=/dev/famez_fam2 bs=200000 seek=1 iflag=fullblock conv=notrunc <"$tmp/pattern" 2>/dev/null
dd if="$tmp/plain2" bs=200000 skip=1 count=1 status=none | cmp - "$tmp/pattern" &&
	on node01 'dd if=/dev/famez_fam2 bs=200000 skip=1 count=1' 2>/dev/null | cmp - "$tmp/pattern"
ok 'of more than is mapped at a time'
[ "$(on node01 'wc -c </dev/famez_fam1')" -eq 8192 ]; ok 'read ends where FAM ends'
! on node01 'head -c 8200 /dev/zero | dd of=/dev/famez_fam1 bs=8200 conv=notrunc' 2>"$tmp/err" &&
	grep -q 'No space left' "$tmp/err"
ok 'write fails there'

# ---- what a plain device has not ----

for command in 'ping 1' 'send 1 x' 'recv --nonblock' 'listen' 'peers' 'monitor' 'stats' 'ring 1' 'wait'; do
	says_no "famezctl --device /dev/famez_fam $command"
	ok "famezctl $command: there are no messages or doorbells, and it says so"
done
on node01 'test-plain /dev/famez_fam1' >"$tmp/plain.log" 2>"$tmp/plain.err"
complete "$tmp/plain.log"; ok 'test-plain: every call of a plain device'

on node01 'famezctl ping server --count 1' >/dev/null; ok 'the doorbell device has messages'
on node01 'exec 3</dev/famez_fam; d=$(basename $(readlink -f /sys/class/famez/famez_fam/device))
echo $d >/sys/bus/pci/drivers/famez_bridge/unbind
[ ! -e /dev/famez_fam ] && ! head -c 1 <&3 2>/dev/null && echo $d >/sys/bus/pci/drivers/famez_bridge/bind &&
head -c 1 /dev/famez_fam >/dev/null'
ok 'unbound while open, and bound again under its name'

# ---- a fabric's memory as a plain device's ----

head -c 8M "$tmp/fabric" | cksum >"$tmp/before"
vm up 1 --first 2 --no-device --plain "$tmp/fabric:64M" --initramfs "$image" >/dev/null
load node02 && on node02 famezctl info >"$tmp/info" &&
	grep -q '^config: plain' "$tmp/info" && grep -q '^fam offset: 8388608 ' "$tmp/info" &&
	grep -q '^fam size: 58720256 ' "$tmp/info"
ok "the memory of a fabric: its FAM starts behind the control area"
on node01 'famezctl write 4321 --text famez' && [ "$(on node02 famezctl read 4321 5)" = famez ]
ok 'where a bridge sees it, too'
on node02 rmmod famez_bridge && head -c 8M "$tmp/fabric" | cksum | cmp - "$tmp/before"
ok 'whose every byte is left alone'
on node01 rmmod famez_bridge; ok 'the module can be removed'
healthy all; ok 'no kernel has complained'
plan_complete
