#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests on several fabrics (up --join), and QEMUs that are started by hand
# (qemu-args).

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/../testing/guests/guests.sh"

other=$tmp/other,b.sock

# refuses CODE REGEX ARGS...: up fails so, and leaves nothing
refuses() {
	local code=$1 says=$2
	shift 2

	vm up 1 --initramfs "$image" "$@" >"$tmp/up.out" 2>"$tmp/up.err"
	[ $? -eq "$code" ] && grep -q "$says" "$tmp/up.err" &&
		[ ! -e "$FAMEZ_VM_DIR" ]
}

refuses 1 "no switch listens on $tmp/nowhere" --join "$tmp/nowhere"
ok '--join: nobody listens'
refuses 2 "VECTORS is '0'" --join "$other:0"; ok '--join: no vectors'
refuses 2 'names no socket' --join :8; ok '--join: no socket'

# ---- two fabrics ----

start other "${FAMEZ_SERVER:-$tools/famez-server}" --socket "$other" \
	--size 1M --clients 5 --vectors 7 --backing "$tmp/other.fam"
saw other '^famez-server: ready' >/dev/null || exit 1
boot 2 --plain "$tmp/fam:1M" --join "$other:7" \
	--device virtio-rng-pci,id=last
vm qmp node01 query-pci | grep -o '"qdev_id":"[a-z]*[0-9]*"' | tr -cd 'a-z0-9\n' |
	sed 's/^qdevid//' | tr '\n' ' ' >"$tmp/bus"
grep -q 'famez0 plain0 famez1 last $' "$tmp/bus"
ok 'the devices have their names, in the order of the options'
load all && on all '[ -c /dev/famez_bridge ] && [ -c /dev/famez_bridge1 ]'
ok 'each guest has two bridges'
switch_says 'peer 2 up: node02' && saw other 'peer 2 up: node02' >/dev/null
ok 'each switch sees both guests'
vm qmp node01 '{"execute": "qom-get", "arguments": {"path": "/machine/peripheral/famez1", "property": "vectors"}}' |
	grep -qx 7
ok 'the second has the vectors that were asked for'
on node01 'echo node02:first >/dev/famez_bridge; echo node02:second >/dev/famez_bridge1'
[ "$(on node02 famezctl -d /dev/famez_bridge recv)" = 1:first ] &&
	[ "$(on node02 famezctl -d /dev/famez_bridge1 recv)" = 1:second ]
ok 'a message stays on its fabric'

# ---- one more guest, by hand ----

# A file system whose guest loads the driver by itself
printf '%s\n' virtio_pci virtio_console famez_bridge >"$tmp/modules"
vm initramfs --kernel "$FAMEZ_KERNEL" --output "$tmp/by-hand.img" \
	--add "$top/build/modules/$FAMEZ_KERNEL/famez_bridge.ko:/lib/modules/$FAMEZ_KERNEL/extra/" \
	--add "$tmp/modules:/etc/famez-modules" >/dev/null
(cd "$top" && vm qemu-args 1 --first 7 --dir "$tmp/by hand" --socket \
	"$FAMEZ_VM_DIR/switch.sock" --join "$other:7" \
	--append "famez.hostname=it's" --initramfs "$tmp/by-hand.img") >"$tmp/by-hand.sh"
[ -s "$tmp/by-hand.sh" ] && [ ! -e "$tmp/by hand" ]
ok 'qemu-args prints, and starts nothing'
# QEMU itself is to be what finish() ends
sed -i 's/^[^ ]*qemu[^ ]* /exec &/' "$tmp/by-hand.sh"
start hand sh "$tmp/by-hand.sh"
switch_says "peer 3 up: it's" && saw other "peer 3 up: it's" >/dev/null
ok 'what it prints boots a guest that joins both fabrics, quoted as need be'
on node01 famezctl ping 3 --count 1 >/dev/null
ok 'and answers'
vm qmp --dir "$tmp/by hand" node07 quit >/dev/null && ends hand
ok 'it ends when its user says so'

[ "$(vm qemu-args 2 --initramfs "$image" | grep -c -e '-name node0[12] ')" = 2 ] &&
	vm qemu-args 2 --initramfs "$image" | grep -q "^# the switch: .*--socket $FAMEZ_VM_DIR/switch.sock"
ok "for two guests two commands, and the switch's in a comment"
vm check all; ok 'no kernel has complained'
behind='ivshmem-doorbell,id=famez0,.*,bus=port0'
vm qemu-args 1 --initramfs "$image" --machine q35 --root-port >"$tmp/args" && grep -q 'pcie-root-port,id=port0,' "$tmp/args" &&
	grep -q "$behind" "$tmp/args" && FAMEZ_MACHINE=q35 FAMEZ_ROOT_PORT=1 vm qemu-args 1 --initramfs "$image" | grep -q "$behind"
ok 'a root port has the device behind it'
vm down >/dev/null

# ---- ups and downs at the same time, in a directory with a blank ----

export FAMEZ_VM_DIR="$tmp/my fabric"
# a QEMU that says so when it begins; one of node02 waits then
mkfifo "$tmp/go"
: >"$tmp/began"
printf '#!/bin/sh\necho "$*" >>"%s"\ncase "$*" in *node02*) read x <"%s" ;; esac\nexec %s "$@"\n' "$tmp/began" "$tmp/go" "${QEMU:-qemu-system-x86_64}" >"$tmp/late"
chmod +x "$tmp/late"

# begun NAME NODE: the up of that name has started that node's QEMU, under the lock
begun() {
	"$bin/wire-wait" -p "${pid[$1]}" "$tmp/began" "$2" >/dev/null
}

# its processor is never started, so it never answers
QEMU=$tmp/late start mute "$tools/famez-vm" up 1 --initramfs "$image" --qemu -S
begun mute node01
vm up 1 --initramfs "$image" --first 2 >/dev/null; ok 'a second up joins the first, which waits yet'
timeout 60 "$tools/famez-vm" qmp node01 query-status | grep -q prelaunch; ok 'and qmp reaches the guest that it waits for'
kill "${pid[mute]}"
! ends mute && vm exec -n node02 true && vm status | grep -q '^switch .* running' && [ ! -e "$FAMEZ_VM_DIR/node01" ]
ok 'when the first fails, its guest ends, the switch does not'
vm down node02

QEMU=$tmp/late start slow "$tools/famez-vm" up 2 --initramfs "$image"
begun slow node02
start down "$tools/famez-vm" down
# it waits for the lock, which the kernel announces to nobody, or ends
while kill -0 "${pid[down]}" 2>/dev/null && ! grep -q -- "-> FLOCK .* ${pid[down]} " /proc/locks; do sleep 0.1; done
exec {go}<>"$tmp/go"; echo >&$go
ends down; ok 'a down waits for an up that has begun'
! ends slow && [ ! -e "$FAMEZ_VM_DIR" ] && ! pgrep -f "[q]emu.*$FAMEZ_VM_DIR"; ok 'whose guests end then, all of them'
plan_complete
