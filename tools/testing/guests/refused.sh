#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Doorbell devices that nothing can be done with: no oops, not a byte written,
# one line that says why.  Those of a newer layout, of which there is FAM alone.  And
# parameters that cannot be.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

sock=$tmp/sock

# refuses REASON: the driver loads, and leaves the device alone
refuses() {
	load node01 && on node01 '[ ! -e /dev/famez_bridge ]' &&
		[ "$(on node01 "dmesg | grep -c 'not bound: .*$1'")" -eq 1 ] &&
		on node01 rmmod famez_bridge
}

# made_by_switch FILE SIZE OPTION...: the memory of a fabric, whose switch has ended
made_by_switch() {
	start maker "$FAMEZ_SERVER" --socket "$tmp/maker" --backing "$1" --size "$2" "${@:3}"
	saw maker '^famez-server: ready' >/dev/null; kill "${pid[maker]}"; ends maker
}

# device NAME REASON VECTORS SERVER-ARGS...: a doorbell device of somebody else's
device() {
	start server "$bin/wire-server" -S "$sock" -n 16 "${@:4}"
	saw server '^ready' >/dev/null
	boot 1 --no-switch --socket "$sock:$3"
	refuses "$2"; ok "$1: refused in one line"
	answer server '^check ' check | grep -q '^check unchanged'
	ok "$1: not a byte of its memory was written"
	! grep -q '^rung' "$tmp/server.out"; ok "$1: nobody was rung"
	healthy node01; ok "$1: no kernel has complained"
	vm down >/dev/null
	quit server
}

device "F.E.E.'s mailbox, and too few vectors" 'its switch rings more vectors' 8 --fee 14 -l 8192
# the magic number where a famez header has it, and nothing else of one
truncate -s 4M "$tmp/memory"
printf 'FAMEZFAM' | dd of="$tmp/memory" bs=1 seek=64 conv=notrunc status=none
device 'a control area that is damaged' 'control area is damaged' 16 -l 4M --file "$tmp/memory"

# ---- A fabric whose layout is newer: where its FAM lies is all that is known ----

made_by_switch "$tmp/newer" 64M
put_bytes "$tmp/newer" 72 63000000
put_bytes "$tmp/newer" 84 "$(header_sum "$tmp/newer")"
head -c 8M "$tmp/newer" | cksum >"$tmp/before"
start server "$bin/wire-server" -S "$sock" -n 16 -l 64M --file "$tmp/newer"
saw server '^ready' >/dev/null
# and one whose list of regions is where no switch would have it: FAM at 96M, that at 65M
made_by_switch "$tmp/large" 128M
put_bytes "$tmp/large" 120 0000000600000000; put_bytes "$tmp/large" 128 0000000200000000
put_bytes "$tmp/large" 200 0000100400000000; put_bytes "$tmp/large" 84 "$(header_sum "$tmp/large")"
boot 1 --no-switch --socket "$sock:16" --plain "$tmp/newer:64M" --plain "$tmp/large:128M"
load node01; ok 'a newer layout: the driver loads'
at=4096
for device in famez_bridge:newer famez_fam:plain; do
	config=${device#*:}
	device=${device%:*}
	class=/sys/class/famez/$device
	[ "$(on node01 "cat $class/config $class/fam_offset $class/fam_size" | paste -sd' ')" = "$config 8388608 58720256" ]
	ok "$device: its FAM is behind the control area"
	on node01 famezctl --device /dev/$device info | grep -qx 'layout: 99.0'; ok "$device: of the layout that is there"
	! on node01 "famezctl --device /dev/$device write --text x $at" 2>"$tmp/err" &&
		grep -q 'in use as pmem or dax' "$tmp/err" && on node01 "famezctl --device /dev/$device read $at 1" >/dev/null
	ok "$device: all of which may be in use: it is read, and not written"
	on node01 "famezctl --device /dev/$device write --in-use --text newer $at" &&
		[ "$(dd if="$tmp/newer" bs=1 skip=$((8388608 + at)) count=5 status=none)" = newer ]
	ok "$device: but by who means it"
	for owner in pmem dax ram; do
		! on node01 "echo $owner >$class/fam" 2>/dev/null &&
			on node01 "dmesg | grep -q '$device: fam: not $owner: who uses FAM cannot be told'" || break
	done
	[ $owner = ram ] && [ "$(on node01 "cat $class/fam")" = none ]; ok "$device: no pmem, no dax"
	at=$((at + 4096))
done
! on node01 'printf x | dd of=/dev/famez_fam bs=1 seek=4096' 2>"$tmp/err" && grep -q 'busy' "$tmp/err"
ok 'nor by write(2) to a plain device'
on node01 'dmesg | grep "of FAM, no messages; who uses FAM cannot be told" >/tmp/said; [ $(grep -c "the layout is newer" /tmp/said) -eq 2 ] &&
[ $(grep -c "tables of more than 64 MiB" /tmp/said) -eq 1 ]'; ok 'the log says of each why it is not known'
! on node01 'echo pmem >/sys/class/famez/famez_fam1/fam' 2>/dev/null && on node01 "dmesg | grep -q 'famez_fam1: fam: not pmem: .*more than 64 MiB'"
ok 'and of one with large tables, when it is refused'
on node01 'rmmod famez_bridge && insmod /famez/famez_bridge.ko fam=pmem && grep -qx none /sys/class/famez/*/fam &&
! grep -qvx none /sys/class/famez/*/fam'
ok 'fam=pmem: none has it'
head -c 8M "$tmp/newer" | cksum | cmp - "$tmp/before"; ok 'not a byte of the control area was written'
healthy node01; ok 'no kernel has complained'
vm down >/dev/null
quit server

# ---- A header that is right, of a control area that has no room for the mailslots ----

made_by_switch "$tmp/forged" 64M --clients 12
put_bytes "$tmp/forged" 120 001000000000000000f0ff0300000000
put_bytes "$tmp/forged" 152 00020000000000000e00000000010000
put_bytes "$tmp/forged" 168 00020000000000000e00000080000000
put_bytes "$tmp/forged" 184 000200000000000000000000
put_bytes "$tmp/forged" 200 000200000000000000000000
put_bytes "$tmp/forged" 216 00020000000000000000000000090000
put_bytes "$tmp/forged" 84 "$(header_sum "$tmp/forged")"
start server "$bin/wire-server" -S "$sock" -n 14 -l 64M --file "$tmp/forged"
saw server '^ready' >/dev/null
# has id 0, which has no mailslot
start client "$bin/wire-client" -S "$sock" -n 14 --stay
saw client '^ok' >/dev/null
boot 1 --no-switch --socket "$sock:14"
load node01 && on node01 'dmesg | grep -q "id 1 of 14, 14 of 14 vectors, 63 MiB of FAM"' && on node01 famezctl peers >/dev/null
ok 'mailslots beyond the control area: the driver loads'
on node01 rmmod famez_bridge && healthy node01; ok 'and looks at none'
vm down >/dev/null
quit client
quit server

# ---- parameters ----

name=/sys/class/famez/famez_bridge/node_name
parameters=/sys/module/famez_bridge/parameters

# expects WORDS PARAMETER...: with each of them the module is not loaded, and the log says
# what is expected
expects() {
	local words=$1 parameter

	shift
	for parameter; do
		on node01 "! insmod /famez/famez_bridge.ko '$parameter' 2>/dev/null && [ ! -e $parameters ] &&
dmesg | tail -n 2 | grep -q '${parameter%%=*} is .*$words'" || {
			echo "$parameter is taken" >&2
			return 1
		}
	done
}

# called HOSTNAME NAME: such a guest has this name
called() {
	on node01 "hostname '$1' && insmod /famez/famez_bridge.ko && [ \"\$(cat $name)\" = '$2' ] &&
dmesg | tail -n 3 | grep -q 'can be no name on the fabric: it is .$2' && rmmod famez_bridge"
}

boot 1
long=abcdefghijklmnopqrstuvwxyz12345
expects '1 to 31 printable bytes' name= name=4711 name=a:b name=1,2 name=server name=switch \
	name=${long}6; ok 'a name that nobody could write to'
expects '1 to 31 printable bytes' class= class=a,b class=a=b class=${long}6; ok 'a class that cannot be'
expects 'none, pmem, dax or ram' fam= fam=nobody; ok 'an owner of FAM that there is not'
expects '1 to 3600 seconds' flush_timeout=0 flush_timeout=3601 flush_timeout=-1 flush_timeout=x
ok 'a timeout of flushes that is none'
on node01 "insmod /famez/famez_bridge.ko name=$long class=Test fam=none flush_timeout=3600 && [ \$(cat $name) = $long ] &&
cd $parameters && [ \"\$(echo \$(cat name class fam flush_timeout))\" = '$long Test none 3600' ] &&
! echo 0 2>/dev/null >flush_timeout && echo 5 >flush_timeout && [ \$(cat flush_timeout) = 5 ] && rmmod famez_bridge"
ok 'what can be is taken, and one that cannot be changes nothing'
called ${long}-and-more $long && called 'a:b,c' a-b-c && called 4711 node-4711 && called server node-server
ok 'a hostname that is no name is made one, and the log says so'
healthy node01; ok 'no kernel has complained'
plan_complete
