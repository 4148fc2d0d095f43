#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The bridge goes away while programs use it in every way: unbind by sysfs,
# orderly device_del, surprise removal by slot power.  All are told, and nothing
# leaks.
#
# A new device, with a new chardev, takes the place of one that was taken out.  For
# that the guest runs on Debian's newest QEMU: 7.2 goes on reading the eventfds of an
# ivshmem-doorbell that is gone, into memory that it has freed, and crashes.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

device='$(basename $(readlink -f /sys/class/famez/famez_bridge/device))'
driver=/sys/bus/pci/drivers/famez_bridge

# victim: a guest whose bridge is behind a root port, and can be taken out; its
# slots are the kernel's own to handle, not ACPI's
victim() {
	device_number=0
	QEMU=$newest vm up 1 --first "$1" --initramfs "$image" --machine q35 --no-device \
		--qemu -global --qemu ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \
		--qemu -chardev --qemu "socket,path=$FAMEZ_VM_DIR/switch.sock,id=famez0" \
		--device pcie-root-port,id=rp0,chassis=1,slot=1 \
		--device ivshmem-doorbell,id=famez0,chardev=famez0,vectors=16,bus=rp0 \
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

# qmp COMMAND ARGUMENTS: to node02's QEMU
qmp() {
	vm qmp node02 "{\"execute\": \"$1\", \"arguments\": $2}" >/dev/null 2>"$tmp/qmp.err"
}

# qmp_when_idle COMMAND ARGUMENTS: as soon as the device or its slot is not busy
qmp_when_idle() {
	until qmp "$@"; do
		grep -q busy "$tmp/qmp.err" || return
	done
}

# orderly: with the guest's help, by its slot's driver
orderly() {
	qmp_when_idle device_del "{\"id\": \"famez$device_number\"}"
}

# surprise: the slot's power is cut.  The slot's driver would take that for its
# own doing; so its interrupt is off until the slot says again that it has power.
surprise() {
	on node02 'port=$(basename $(dirname $(readlink -f /sys/class/famez/famez_bridge/device)))
setpci -s $port CAP_EXP+18.w=0000:0020 CAP_EXP+18.w=0700:0700 \
	CAP_EXP+18.w=0100:0700 CAP_EXP+18.w=0020:0020'
}

# slot_empty: its driver has turned power and light off.  QEMU also presses the
# slot's button when it puts a device in: too early, that means off again.
slot_empty() {
	on node02 'port=$(basename $(echo /sys/bus/pci/drivers/pcieport/0000:*))
until [ $((0x$(setpci -s $port CAP_EXP+18.w) & 0x700)) -eq $((0x700)) ]; do usleep 10000; done'
}

# memory: what the kernel has allocated, in kB
memory() {
	on node02 'sync; echo 3 >/proc/sys/vm/drop_caches; awk "/^Slab:|^VmallocUsed:/ { n += \$2 } END { print n }" /proc/meminfo'
}

newest=$(cd "$top" && tools/testing/kernels/qemu.sh 2>"$tmp/qemu.err") || {
	cat "$tmp/qemu.err"
	exit 1
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
	[ "$round" -gt 3 ] || before=$(memory)
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

# put_back: another device in the same slot, as soon as QEMU is over with the last
put_back() {
	slot_empty && qmp_when_idle chardev-remove "{\"id\": \"famez$device_number\"}" || return
	device_number=$((device_number + 1))
	qmp chardev-add "{\"id\": \"famez$device_number\", \"backend\": {\"type\": \"socket\",
		\"data\": {\"server\": false, \"addr\": {\"type\": \"unix\",
			\"data\": {\"path\": \"$FAMEZ_VM_DIR/switch.sock\"}}}}}" &&
		qmp device_add "{\"driver\": \"ivshmem-doorbell\", \"bus\": \"rp0\", \"vectors\": 16,
			\"id\": \"famez$device_number\", \"chardev\": \"famez$device_number\"}"
}

# taken_out KIND: out, and another one in.  Each takes an id, which is not free
# again while its QEMU lives; so that is another one now and then.
taken_out() {
	# the slot's driver takes two locks in both orders, and that is not ours
	on node02 'prove=/proc/sys/kernel/prove_locking
[ ! -e $prove ] || echo 0 >$prove' || return
	use quiet
	"$1" && told && put_back && works || return
	[ $device_number -lt 10 ] || {
		healthy node02 && vm down node02 >/dev/null && victim 2
	}
}

for ((round = 1; round <= SURPRISE_ROUNDS; round++)); do
	taken_out surprise || break
done
[ "$round" -gt "$SURPRISE_ROUNDS" ]
ok "$SURPRISE_ROUNDS surprise removals under use, and another device in its place"

# PREEMPT_RT of 6.1 makes a thread of pciehp's handler, too, and a request to power a
# slot off wakes that one, which knows nothing of it: so none is ever carried out.
case $FAMEZ_KERNEL in
*-rt-*) ORDERLY_ROUNDS=0 ;;
esac
for ((round = 1; round <= ORDERLY_ROUNDS; round++)); do
	taken_out orderly || break
done
[ "$round" -gt "$ORDERLY_ROUNDS" ]
ok "$ORDERLY_ROUNDS orderly removals under use, and another device in its place"
works; ok 'the others go on'
healthy all; ok 'no kernel has complained'
plan_complete
