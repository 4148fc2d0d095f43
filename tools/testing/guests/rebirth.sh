#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What lifecycle.sh does not do to node02: kexec, sysrq-b, and hibernation, after
# which it is another QEMU's guest, perhaps with another id.  node01 and a peer on
# the host hear of it, and lose nothing of what they say to each other.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

on2() {
	reborn node02 "$@"
}

# generation: node02's, as it is told of in events
generation() {
	on2 famezctl info | sed -n 's/^generation: /generation /p'
}

# reborn_from OLD WAY: everyone has heard of that one's end, and of the one that
# node02 has now; it talks, and has got none of the mail of the old one
reborn_from() {
	heard 2 "down, $1" && heard 2 "up, $(generation)"; ok "$2: heard of"
	[ "$(on2 famezctl recv --nonblock 2>/dev/null)" = '' ] &&
		on2 famezctl ping 1 --count 1 >/dev/null &&
		on node01 'echo 2:again >/dev/famez_bridge' &&
		[ "$(on2 famezctl recv)" = 1:again ]
	ok "$2: node02 talks, and got nothing of its former self's"
}

# up2: node02's QEMU, with a disk
up2() {
	vm up 1 --first 2 --initramfs "$image" $memory --device virtio-blk-pci,drive=disk \
		--qemu -drive --qemu "if=none,id=disk,format=raw,file=$tmp/disk" >/dev/null
}

# hibernate: until its QEMU has ended
hibernate() {
	old=$(generation)
	lefts=$((lefts + 1))
	on2 'echo shutdown >/sys/power/disk && echo disk >/sys/power/state' >/dev/null 2>&1
	vm wait node02 | grep -q 'exit status 0' && heard 2 left $lefts
}

# wake: another QEMU, and the kernel in it takes up the image.  The command there
# ends when that one's agent answers in its place.
wake() {
	vm down node02 >/dev/null
	up2 && on2 'modprobe virtio_blk && cat /sys/block/vda/dev >/sys/power/resume' 2>&1 |
		grep -q 'began anew' && [ "$(on2 cat /tmp/kept)" = kept ]
}

# still_reads: the program that reads in node02, ever since, hears this
still_reads() {
	on node01 "echo 2:$1 >/dev/famez_bridge" && on2 wire-wait /tmp/read "^1:$1$" >/dev/null
}

# busy: node01 and a program on the host, peer 4, send to each other from here on
busy() {
	start host "$bin/famez-flood" -d "$socket" -t 1 -f 1 -n "$LIFE_MESSAGES"
	floods=$((floods + 1))
	on node01 wire-wait /tmp/monitor '4 \(famez-flood[^)]*\) up' $floods >/dev/null
	start guest vm exec --timeout 1800 node01 -- famez-flood -t 4 -f 4 -n "$LIFE_MESSAGES"
}

# lost_nothing WAY: until here
lost_nothing() {
	ends host && ends guest && cat "$tmp/host.out" "$tmp/guest.out" |
		grep -c "$LIFE_MESSAGES messages, all in order" | grep -q 2
	ok "$1: the others lose none of $LIFE_MESSAGES messages"
}

# a kernel that wakes has all that slept in memory twice, file system and programs
case $FAMEZ_KERNEL in
*-debug) memory='--memory 768M' ;;
*) memory='--memory 384M' ;;
esac
lefts=0
floods=0
truncate -s 256M "$tmp/disk"
# More clients than have room for channels with each other: what a guest that sleeps on
# disk had with them may be given to others before it wakes.
boot 1 --clients 63
up2
load; ok 'the driver loads in two guests'
watch

# ---- kexec ----------------------------------------------------------------------

old=$(generation)
on node01 'echo 2:old >/dev/famez_bridge'
vm exec node02 'cat >/tmp/kernel' <"$(echo "$FAMEZ_BUILD"/kernels/"$FAMEZ_KERNEL"/boot/vmlinuz-*)"
vm exec node02 'cat >/tmp/initramfs' <"$image"
busy
boot_id=$(on2 cat /proc/sys/kernel/random/boot_id)
on2 'kexec-file /tmp/kernel /tmp/initramfs' >/dev/null 2>&1
new_id=$(on2 cat /proc/sys/kernel/random/boot_id) && [ "$new_id" != "$boot_id" ]
ok 'kexec: another kernel runs'
heard 2 "down, $old"; ok 'the end of the first was told'
! on node01 famezctl send 2 x 2>"$tmp/err" && grep -q restarted "$tmp/err" &&
	! on node01 famezctl send 2 x 2>"$tmp/err" && grep -q attached "$tmp/err"
ok 'and that what was sent to it is lost, and that it has no driver'
on2 insmod /famez/famez_bridge.ko
reborn_from "$old" kexec
lost_nothing kexec

# ---- A reset gives no sign -----------------------------------------------------------

old=$(generation)
busy
on2 'echo b >/proc/sysrq-trigger' >/dev/null 2>&1
on2 true && on node01 'head -c 4096 /dev/zero >/tmp/long
while famezctl send --nonblock 2 </tmp/long 2>/tmp/err; do :; done
grep -q "no room" /tmp/err'
ok 'sysrq-b: until the driver starts, senders meet a full channel'
asleep node01 2
lost_nothing sysrq-b
start host "$bin/famez-lives" -d "$socket" -t 2
saw host '^full' >/dev/null; ok 'and sleep, in node01 and on the host'
on2 insmod /famez/famez_bridge.ko
says node01 '^then' && [ "$(told)" = 'restarted exit 1 then 0' ]
ok 'who slept is told when it does, and sends to the newborn'
crash host
on2 'while famezctl recv --nonblock; do :; done >/tmp/got 2>/dev/null; [ $(grep -ac "^1:" /tmp/got) = 1 ]'
ok 'and that is all that it gets'
reborn_from "$old" sysrq-b

# ---- Hibernation ------------------------------------------------------------------------

on2 'echo kept >/tmp/kept'
old=$(generation)
! on2 'echo disk >/sys/power/state' >/dev/null 2>&1
ok 'hibernation without a place for it fails'
reborn_from "$old" 'hibernation that failed'

# the default image size has the kernel shrink its memory first, which takes long
on2 'modprobe virtio_blk && echo 1073741824 >/sys/power/image_size && mkswap /dev/vda && swapon /dev/vda
setsid sh -c "famezctl recv --count 0; echo exit \$?" </dev/null >/tmp/read 2>&1 &' >/dev/null
busy
hibernate; ok 'hibernation: it has left'
lost_nothing hibernation
wake; ok 'another QEMU has taken it up'
heard 2 "down, $old" && heard 2 "up, $(generation)"; ok 'and it is up'
still_reads here; ok 'a program that slept in a read goes on'

# Its id is another's when it comes back: it must not act in that one's name.
hibernate; ok 'hibernation once more'
start other "$tools/famez-client" -S "$socket" listen
on node01 wire-wait /tmp/monitor ' 2 \(famez-client[^)]*\) up' >/dev/null
wake; ok 'another QEMU has taken it up, with another id'
on2 wire-wait /tmp/read '^exit 1' >/dev/null; ok 'the program that read is told that it has gone'
! on2 famezctl send 1 x 2>"$tmp/err" && grep -q 'No such device' "$tmp/err"
ok 'nothing can be sent'
on2 'dmesg | grep -q "unload and load famez_bridge"'; ok 'the log says what to do'
on node01 'echo 2:yours >/dev/famez_bridge' && saw other 'yours$' >/dev/null
ok 'who has the id now is not disturbed'
on2 'rmmod famez_bridge && insmod /famez/famez_bridge.ko && famezctl ping 1 --count 1 >/dev/null'
ok 'loaded anew, it talks with its new id'
! on node01 'tail -n +$(grep -n "2 (famez-client" /tmp/monitor | head -n 1 | cut -d: -f1) /tmp/monitor | grep " 2 .*down"'
ok 'and nobody has been told that the other went'

healthy node02; ok "no kernel of node02's has complained"
healthy node01; ok "nor node01's"
plan_complete
