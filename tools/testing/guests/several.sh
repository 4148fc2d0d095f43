#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest on two fabrics, with a plain device, too, and Debian's udev: names,
# links and rights of several devices, and that what is said on one fabric is
# not heard on the other.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"
# shellcheck source=tools/testing/guests/udevd.sh
. "$(dirname "$0")/udevd.sh"

links=/dev/famez/by-path
# the second bridge's place is chosen, the first one's is asked for
second=0000:00:10.0

# node NAME: what it is, as stat(1) tells
node() {
	on node01 stat -c '%a %U %G' "/dev/$1"
}

# device NAME: its place on the PCI bus
device() {
	on node01 "basename \$(readlink /sys/class/famez/$1/device)"
}

# linked PCI NAME: that link leads to that node, whose device it is
linked() {
	[ "$(on node01 "readlink -f $links/pci-$1")" = "/dev/$2" ] &&
		[ "$(device "$2")" = "$1" ]
}

# as USER COMMAND: an ordinary user of the guest
as() {
	on node01 su -s /bin/sh "$1" -c "$2"
}

# hears NAME SOCKET: a program on the host, by the name of alice
hears() {
	FAMEZ_NAME=alice start "$1" "$tools/famez-client" -S "$2" listen
}

udev_files
sysusers=$("$top/tools/testing/unpack.sh" systemd-standalone-sysusers) &&
	vm initramfs --output "$tmp/image" \
		--add "$top/build/modules/$FAMEZ_KERNEL/famez_bridge.ko" \
		--add "$tools/famezctl" --add "$bin/wire-wait" \
		"${udev_words[@]}" --add "$sysusers/bin/systemd-sysusers" \
		--add "$top/tools/install/famez-dkms.sysusers:/usr/lib/sysusers.d/famez-dkms.conf" \
		>/dev/null || exit 1
image=$tmp/image

start other "${FAMEZ_SERVER:-$tools/famez-server}" --socket "$tmp/other.sock" \
	--backing "$tmp/other.fam" --size 16M
saw other ready >/dev/null; ok 'a second switch'
boot 1 --plain "$tmp/fam:1M" --qemu -chardev --qemu "socket,id=other,path=$tmp/other.sock" \
	--device "ivshmem-doorbell,chardev=other,vectors=16,addr=0x10"

# ---- before the group is there ----

udevd && settled 'insmod /famez/famez_bridge.ko' &&
	[ "$(on node01 'cd /dev && ls -d famez_*')" = "famez_bridge
famez_bridge1
famez_fam" ]
ok 'the driver loads: famez_bridge, famez_bridge1 and famez_fam'
first=$(device famez_bridge)
plain=$(device famez_fam)
on node01 "grep -q \"60-famez.rules.*Unknown group 'famez'\" /tmp/udevd"
ok 'udev says that there is no group famez'
[ "$(node famez_bridge)" = '660 root root' ]; ok 'then the devices are for root alone'

# ---- names, links, rights ----

on node01 systemd-sysusers 2>"$tmp/sysusers.err" && on node01 udevadm trigger --settle --subsystem-match=famez &&
	[ "$(node famez_bridge)" = '660 root famez' ]
ok 'systemd-sysusers makes the group; udev gives it the devices'
settled 'rmmod famez_bridge' && on node01 '[ ! -e /dev/famez ]'
ok 'rmmod: no link is left'
settled 'insmod /famez/famez_bridge.ko'
[ "$(node famez_bridge)" = '660 root famez' ] &&
	[ "$(node famez_bridge1)" = '660 root famez' ] &&
	[ "$(node famez_fam)" = '660 root famez' ]
ok 'insmod: all devices are for the group'
linked "$first" famez_bridge && linked $second famez_bridge1 &&
	linked "$plain" famez_fam
ok 'a link by path leads to each'
[ "$(on node01 "ls $links | wc -l")" -eq 3 ]; ok 'and there are no others'

on node01 'echo "u ann - - /\nu bob - - /\nm ann famez" | systemd-sysusers -' 2>"$tmp/sysusers.err" &&
	as ann 'famezctl info' >/dev/null
ok 'a user of the group may use it'
! as bob 'famezctl info' 2>"$tmp/err" && grep -q 'ermission denied' "$tmp/err"
ok 'another is told that he may not'

# ---- two fabrics ----

on node01 famezctl -d $links/pci-$second info | grep -q '^memory size: 16777216 ' &&
	on node01 famezctl info | grep -q '^memory size: 67108864 '
ok 'each is a bridge to its own fabric'
hears here "$FAMEZ_VM_DIR/switch.sock"
hears there "$tmp/other.sock"
switch_says 'up: alice' && saw other 'up: alice' >/dev/null
ok 'on both fabrics there is an alice'
on node01 "famezctl send alice to the first &&
	famezctl -d $links/pci-$second send alice to the second &&
	famezctl send alice end && famezctl -d /dev/famez_bridge1 send alice end"
saw here end >/dev/null && saw there end >/dev/null &&
	[ "$(cut -d: -f2- "$tmp/here.out")" = " to the first
 end" ] && [ "$(cut -d: -f2- "$tmp/there.out")" = " to the second
 end" ]
ok 'each hears what is said on her fabric'
"$tools/famezctl" -d "$tmp/other.sock" send node01 from there &&
	! on node01 famezctl recv --nonblock 2>/dev/null &&
	[ "$(on node01 famezctl -d /dev/famez_bridge1 recv)" = '3:from there' ]
ok 'what comes from one is not at the other bridge'
on node01 "famezctl write 0 --text first && famezctl -d /dev/famez_bridge1 write 0 --text other"
[ "$(on node01 famezctl read 0 5)" = first ] &&
	[ "$("$tools/famezctl" -d "$tmp/other.sock" read 0 5)" = other ]
ok 'nor is FAM'

# ---- devices come and go ----

cd_driver='cd /sys/bus/pci/drivers/famez_bridge'
settled "$cd_driver && echo $first >unbind"
on node01 "[ ! -e $links/pci-$first ] && [ ! -e /dev/famez_bridge ]" &&
	linked $second famez_bridge1 && linked "$plain" famez_fam
ok 'unbind takes one, and leaves the others'
settled "$cd_driver && echo $first >bind"
linked "$first" famez_bridge && [ "$(node famez_bridge)" = '660 root famez' ]
ok 'bind brings back name, link and rights'
settled "$cd_driver && echo $first >unbind && echo $second >unbind &&
	echo $second >bind && echo $first >bind"
linked $second famez_bridge && linked "$first" famez_bridge1
ok 'bound in another order, they change names, and the links follow'
on node01 famezctl -d $links/pci-$second info | grep -q '^memory size: 16777216 '
ok 'so a link leads to the same fabric as before'

crash here
crash there
kill "${pid[other]}"
ends other; ok 'the second switch ends'
healthy all; ok "no kernel has complained"
plan_complete
