#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test-image.sh SUITE: a Debian guest as its user installs it: famez's packages by apt,
# modules by DKMS, systemd as the first process.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../testing/wire/wire-lib.sh"
cd "$top" || exit 1
release=${1:-bookworm}
own_boot
export FAMEZ_VM_DIR=$tmp/vm PATH=$PATH:/usr/sbin:/sbin
image=$tmp/disk
B=/dev/famez_bridge

vm() {
	build/bin/famez-vm "$@"
}

# on NODE COMMAND...: runs it in a guest
on() {
	vm exec --timeout 3000 -n "$@"
}

bring_down() {
	vm down >/dev/null 2>&1
	finish
}
trap bring_down EXIT
version=$(sed -n 's/^FAMEZ_VERSION := //p' Makefile)

# switch_says REGEX
switch_says() {
	local p

	p=$(cat "$FAMEZ_VM_DIR/switch.pid")
	"$bin/wire-wait" -p "${p%% *}" "$FAMEZ_VM_DIR/switch.log" "$1" >/dev/null
}

# packages VERSION: of this tree, in $tmp/VERSION/build/deb
packages() {
	tools/testing/copy-tree.sh "$tmp/$1" &&
		(cd "$tmp/$1" && sed -i "s/^FAMEZ_VERSION := .*/FAMEZ_VERSION := $1/" Makefile &&
		sed -i "s/^\(PACKAGE_VERSION=\).*/\1\"$1\"/" dkms.conf && sed -i "1s/([^)]*)/($1)/" debian/changelog &&
		tools/install/deb.sh "$1") >"$tmp/deb.log" 2>&1 || {
		tail -n 20 "$tmp/deb.log" >&2
		false
	}
}

packages "$version"
# the other kernel is for an upgrade in a guest, which has no network
vm image --release "$release" --packages "$tmp/$version/build/deb" --output "$image" --size 6G --run 'useradd -m -G famez ann; useradd -m bob' \
	--run 'mkdir /root/kernel; cd /root/kernel; apt-get -qq -o APT::Sandbox::User=root download $(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances linux-image-rt-amd64 linux-headers-rt-amd64 | grep -E "^linux-(image|headers|binary|modules|kbuild|base)" | grep -v -- -unsigned | sort -u)' >&2
ok "famez-vm image: $release"

# ---- as it boots ----

vm up 2 --image "$image" >&2; ok 'two guests of it answer'
on all 'systemctl is-system-running --wait' >"$tmp/running"; on all "test -c $B" && on node01 'lsmod | grep -q ^famez_bridge'; ok 'the driver is there, by the device'"'"'s id'
on node01 'modinfo -F filename famez_bridge | grep -q /updates/dkms/'; ok 'the one that DKMS has built'
[ "$(on node01 stat -c '%G %a' $B)" = 'famez 660' ] && [ "$(on node01 'readlink -f /dev/famez/by-path/*')" = $B ]; ok 'the device is the group'"'"'s, with a link by its place'
on node01 'su ann -c "famezctl peers"' | grep -q node02; ok 'who is in the group uses it'
! on node01 'su bob -c "famezctl peers"' 2>"$tmp/err" && grep -q 'group of that file (famez)' "$tmp/err"; ok 'who is not, is told why'
on node02 'su ann -c "famezctl send node01 hello"' && [ "$(on node01 famezctl recv --raw --timeout 60)" = hello ]; ok 'guests speak with each other'
on node02 "echo options famez_bridge fam=dax >/etc/modprobe.d/famez.conf; modprobe -r famez_dax famez_pmem famez_bridge; modprobe famez_bridge; cat /sys/class/famez/famez_bridge/fam" | grep -qx dax
ok 'fam= comes from modprobe'"'"'s options'
[ "$(on node01 systemctl is-system-running)" = running ]; ok 'systemd has nothing to complain of'

# ---- switches as services ----

on node01 'systemctl start famez-server@a.socket famez-server@b.socket && ! systemctl is-active -q famez-server@a &&
famez-client -S /run/famez/a.sock ping server -c 1 && famez-client -S /run/famez/b.sock ping server -c 1' >&2; ok 'two switches start when somebody comes'
[ "$(on node01 'systemctl show -p User --value famez-server@a; systemctl is-active famez-server@a famez-server@b; stat -c "%G %a" /run/famez/a.sock' | paste -sd' ')" = \
	'famez active active famez 660' ]; ok 'as the user famez, on sockets of the group'
on node01 'systemctl status famez-server@a' | grep -q 'Status: "14 clients at most, memory famez-a"'; ok 'status tells what they are'
on node01 'FAMEZ_DEVICE=/run/famez/a.sock famezctl region create kept 2M && systemctl restart famez-server@a && FAMEZ_DEVICE=/run/famez/a.sock famezctl region list' |
	grep -q '^kept '; ok 'regions are kept'
on node01 'su ann -c "famez-client -S /run/famez/a.sock peers"' >/dev/null && ! on node01 'su bob -c "famez-client -S /run/famez/a.sock peers"' 2>/dev/null
ok 'who is in the group may connect'
on node01 'systemctl stop famez-server@b.socket famez-server@b && [ ! -e /run/famez/b.sock ]' 2>/dev/null; ok 'one ends without the other'

# drop_in NODE NAME OPTIONS LINE...: a switch with those options and those lines of its unit, as install.rst has it
drop_in() {
	on "$1" "mkdir -p /etc/famez /etc/systemd/system/famez-server@$2.service.d && echo 'OPTIONS=$3' >/etc/famez/$2.conf &&
printf '%s\\n' '[Service]' ${*:4} >/etc/systemd/system/famez-server@$2.service.d/override.conf && systemctl daemon-reload &&
systemctl start famez-server@$2.socket && famez-client -S /run/famez/$2.sock ping server -c 1 || journalctl -n 20 -u famez-server@$2" >&2
}

on node01 'install -d -o famez -g famez /srv/fam && groupadd --system fabric-c'
drop_in node01 c '--backing /srv/fam/memory --size 16M' ReadWritePaths=/srv/fam Group=fabric-c
[ "$(on node01 stat -c '%U %G %a %s' /srv/fam/memory)" = 'famez fabric-c 660 16777216' ] && on node01 'systemctl is-active famez-server@c' | grep -qx active
ok 'memory in a file, and a group of its own, by a drop-in'
on node02 "printf '%s\n' 'SUBSYSTEM==\"dax\", GROUP=\"famez\", MODE=\"0660\"' >/etc/udev/rules.d/dax.rules && udevadm control --reload && udevadm trigger --settle --subsystem-match=dax"
drop_in node02 d '--backing /dev/dax0.0 --size 16M' PrivateDevices=no '"DeviceAllow=/dev/dax0.0 rw"'
on node02 'systemctl is-active famez-server@d; systemctl stop famez-server@d.socket famez-server@d' 2>/dev/null | grep -qx active; ok 'a /dev/dax by another'

# ---- a newer famez ----

next=$version.1
packages "$next"
tar c -C "$tmp/$next/build/deb" . | vm exec node01 -- sh -c 'mkdir /root/next && tar x -C /root/next'
before=$(on node01 'systemctl show -p MainPID --value famez-server@a')
on node01 'cd /root/next && apt-get -y install ./famez-*.deb ./libfamez0_*.deb' >"$tmp/next.log" 2>&1 || tail -n 20 "$tmp/next.log" >&2
on node01 'dkms status' | grep '^famez/' >"$tmp/status"; grep -q "^famez/$next, .*: installed" "$tmp/status" && [ "$(wc -l <"$tmp/status")" -eq 1 ]
ok 'an upgrade has the new modules built, and the old ones gone'
on node01 "famezctl --version" | grep -qx "famezctl $next" && [ "$(on node01 'systemctl show -p MainPID --value famez-server@a')" = "$before" ]
ok 'and leaves a switch that runs alone'
on node01 "modprobe -r famez_bridge && modprobe famez_bridge && su ann -c 'famezctl peers'" | grep -q node02; ok 'the new driver takes over'

# ---- its end ----

on node02 'systemctl poweroff' ; switch_says '^peer 2 down' && switch_says '^peer 2 left'; ok 'who shuts down leaves the fabric first'
on node01 "apt-get -y purge famez-dkms && ! modinfo famez_bridge && [ ! -e /usr/src/famez-$version ] && [ ! -e /usr/src/famez-$next ] && [ ! -e /var/lib/dkms/famez ]" >"$tmp/purge" 2>&1; ok 'a purge leaves nothing of the driver'
on node01 'systemctl enable famez-server@a.socket; apt-get -y purge famez-tools libfamez0 && ! command -v famezctl && [ ! -e /usr/share/famez ] &&
[ ! -e /var/lib/famez ] && [ ! -e /run/famez/a.sock ] && ! pgrep famez-server && ! ls /etc/systemd/system/*.wants/famez-server*' >>"$tmp/purge" 2>&1
ok 'nor of the tools, and no switch runs on'
vm down >&2

# ---- an upgrade of the kernel ----

vm up 1 --image "$image" --keep --memory 1G >&2; old=$(on node01 uname -r)
{ on node01 'dpkg -i /root/kernel/*.deb' >"$tmp/upgrade" 2>&1 || { tail -n 20 "$tmp/upgrade" >&2; false; }; } &&
	on node01 'dkms status' | grep -q "famez/$version, .*-rt-.*: installed"; ok 'a new kernel in the image has its modules built'
# a newer version is linked by its package, a kernel of another kind not on each release
on node01 'new=$(ls /lib/modules | grep -e -rt-) && ln -sf boot/vmlinuz-$new /vmlinuz && ln -sf boot/initrd.img-$new /initrd.img'
vm down >&2; dumpe2fs -h "$image" 2>/dev/null | grep -q '^Filesystem state: *clean' && ! dumpe2fs -h "$image" 2>/dev/null | grep -q needs_recovery
ok 'a guest whose disk is kept shuts down when it is taken down'
vm up 1 --image "$image" --keep --memory 1G >&2
on node01 'systemctl is-system-running --wait; uname -r' >"$tmp/running"; on node01 famezctl peers >"$tmp/peers"
grep -qx running "$tmp/running" && ! grep -qx "$old" "$tmp/running" && grep -q node01 "$tmp/peers" || { cat "$tmp/running" "$tmp/peers" >&2; false; }
ok 'and boots with them'
vm down >&2
plan_complete
