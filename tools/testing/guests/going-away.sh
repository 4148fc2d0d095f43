#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The bridge goes away while programs use it in every way: unbind by sysfs,
# orderly device_del, surprise removal by slot power.  All are told, and nothing
# leaks.
#
# A new device instead of one that was taken out is not tested: QEMU 7.2 goes on
# reading the eventfds of an ivshmem-doorbell that was taken out, into memory that
# it has freed, and crashes with the next ring, or when its slot is used again
# ("RAMBlock already registered").  So each removal is a QEMU's last deed.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

device='$(basename $(readlink -f /sys/class/famez/famez_bridge/device))'
driver=/sys/bus/pci/drivers/famez_bridge

# victim: a guest whose bridge is behind a root port, and can be taken out; its
# slots are the kernel's own to handle, not ACPI's
victim() {
	vm up 1 --first "$1" --initramfs "$image" --machine q35 --no-device \
		--qemu -global --qemu ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \
		--qemu -chardev --qemu "socket,path=$FAMEZ_VM_DIR/switch.sock,id=famez" \
		--device pcie-root-port,id=rp0,chassis=1,slot=1 \
		--device ivshmem-doorbell,id=famez0,chardev=famez,vectors=16,bus=rp0 \
		>"$tmp/up.out" 2>&1 || {
		cat "$tmp/up.out"
		exit 1
	}
	load node02
}

# use [quiet]: every kind of use is under way
use() {
	background node02 "test-gone 1 $*"
	says node02 '^ready$'
}

# told KIND: all users have been told, and the device is gone
told() {
	says node02 '^gone ' && on node02 'grep -q "^gone well$" /tmp/bg' &&
		on node02 '[ ! -e /dev/famez_bridge ]'
}

# works: a device is there, under the first name, and messages pass
works() {
	on node02 'until [ -e /dev/famez_bridge ]; do usleep 10000; done' &&
		on node02 famezctl ping 1 --count 1 >/dev/null &&
		on node02 famezctl ping server --count 1 >/dev/null
}

unbind() {
	on node02 "echo $device >/tmp/device; echo \$(cat /tmp/device) >$driver/unbind"
}

rebind() {
	on node02 "echo \$(cat /tmp/device) >$driver/bind"
}

# orderly: with the guest's help, by its slot's driver
orderly() {
	vm qmp node02 "{\"execute\": \"device_del\", \"arguments\": {\"id\": \"famez0\"}}" >/dev/null
}

# surprise: the slot's power is cut.  The slot's driver would take that for its
# own doing; so its interrupt is off until the slot says again that it has power.
surprise() {
	on node02 'port=$(basename $(dirname $(readlink -f /sys/class/famez/famez_bridge/device)))
setpci -s $port CAP_EXP+18.w=0000:0020 CAP_EXP+18.w=0700:0700 \
	CAP_EXP+18.w=0000:0400 CAP_EXP+18.w=0020:0020'
}

# memory: what the kernel has allocated, in kB
memory() {
	on node02 'sync; echo 3 >/proc/sys/vm/drop_caches; awk "/^Slab:|^VmallocUsed:/ { n += \$2 } END { print n }" /proc/meminfo'
}

boot 1
load node01
victim 2
works; ok 'a bridge behind a root port works'

before=
for ((round = 1; round <= UNBIND_ROUNDS; round++)); do
	use
	unbind && told && rebind && works || break
	# the first rounds warm the caches up
	[ "$round" -eq 3 ] && before=$(memory)
done
[ "$round" -gt "$UNBIND_ROUNDS" ]; ok "$UNBIND_ROUNDS times unbound and bound under use"
after=$(memory)
[ $((after - ${before:-0})) -lt 4096 ]
ok "kernel memory is as before ($before kB, then $after kB)"

for ((round = 1; round <= RELOAD_ROUNDS; round++)); do
	! on node02 'exec 3<>/dev/famez_bridge; rmmod famez_bridge' 2>/dev/null &&
		on node02 rmmod famez_bridge && load node02 && works || break
done
[ "$round" -gt "$RELOAD_ROUNDS" ]
ok "$RELOAD_ROUNDS reloads, each refused while the device is open"

# taken_out KIND: the guest's kernel has not complained, and it is over with it
taken_out() {
	# the slot's driver takes two locks in both orders, and that is not ours
	on node02 'prove=/proc/sys/kernel/prove_locking
[ ! -e $prove ] || echo 0 >$prove' || return
	use quiet
	"$1" && told && healthy node02 && vm down node02 >/dev/null
}

for ((round = 1; round <= SURPRISE_ROUNDS; round++)); do
	taken_out surprise && victim 2 || break
done
[ "$round" -gt "$SURPRISE_ROUNDS" ]
ok "$SURPRISE_ROUNDS surprise removals under use"

for ((round = 1; round <= ORDERLY_ROUNDS; round++)); do
	taken_out orderly && victim 2 || break
done
[ "$round" -gt "$ORDERLY_ROUNDS" ]
ok "$ORDERLY_ROUNDS orderly removals under use"
works; ok 'the others go on'
healthy all; ok 'no kernel has complained'
plan_complete
