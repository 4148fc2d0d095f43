#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# FAM as dax and pmem in a guest whose udev loads all that wants to be loaded, kmem, too:
# none of it becomes System RAM, whatever the kernel does with new memory.

# shellcheck source=tools/testing/guests/fam.sh
. "$(dirname "$0")/fam.sh"
# shellcheck source=tools/testing/guests/udevd.sh
. "$(dirname "$0")/udevd.sh"

# same_ram: the guest has as much memory as before
same_ram() {
	[ "$(on node01 "sed -n 's/^MemTotal: *//p' /proc/meminfo")" = "$memory" ]
}

# loaded MODULE...
loaded() {
	local module

	for module; do on node01 "[ -d /sys/module/$module ]" || return; done
}

udev_files
fam_words=("${udev_words[@]}" --add /lib/udev/rules.d/90-daxctl-device.rules:$udev_rules/)
fam_image
boot 1 --memory 768M --size 512M --append memhp_default_state=online
on node01 '[ "$(cat /sys/devices/system/memory/auto_online_blocks)" = online ]'; ok 'new memory would be taken at once'
memory=$(on node01 "sed -n 's/^MemTotal: *//p' /proc/meminfo")

# as DKMS has them
on node01 'mkdir -p /lib/modules/$(uname -r)/updates && cp /famez/*.ko /lib/modules/$(uname -r)/updates && depmod' &&
	udevd && settled 'udevadm trigger --action=add' && loaded famez_bridge
ok 'udev loads the driver'
settled 'famezctl fam dax' && loaded famez_dax device_dax kmem; ok 'and what a dax device has a name for, kmem, too'
on node01 'udevadm settle; daxctl list' | grep -q '"mode":"devdax"' && on node01 test -c /dev/dax0.0; ok 'which is devdax'
same_ram; ok 'and no memory of the guest'
for policy in offline online_kernel online_movable; do
	settled 'famezctl fam none' && on node01 "echo $policy >/sys/devices/system/memory/auto_online_blocks" &&
		settled 'famezctl fam dax' && same_ram && on node01 daxctl list | grep -q devdax
	ok "nor with policy $policy"
done
settled 'famezctl fam none && rmmod famez_dax && rmmod famez_bridge' && settled 'modprobe famez_bridge fam=dax' && same_ram &&
	on node01 daxctl list | grep -q devdax
ok 'nor where the driver itself gives it to dax'
settled 'famezctl fam pmem --mode=fsdax' && loaded famez_pmem nd_pmem && on node01 test -b /dev/pmem0; ok 'udev loads what pmem needs'
same_ram; ok 'which is none either'
settled 'famezctl fam pmem --mode=devdax' && on node01 daxctl list | grep -q devdax && same_ram; ok 'nor is pmem as devdax'
! on node01 daxctl reconfigure-device --mode=system-ram dax0.0 2>/dev/null >&2 && same_ram; ok 'daxctl does not make it so'
fam node01 none
vm check all; ok 'no kernel has complained'
plan_complete
