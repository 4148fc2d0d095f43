# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Guests with Debian's udev and its rules.

udev_rules=/lib/udev/rules.d

# udev_files: udev_words are what their image needs, as options of famez-vm initramfs
udev_files() {
	local udev

	udev=$("$top/tools/testing/unpack.sh" udev) || exit 1
	# shellcheck disable=SC2034
	udev_words=(--add "$udev/bin/udevadm" --add "$udev/bin/udevadm:/lib/systemd/systemd-udevd"
		--add "$udev$udev_rules:$udev_rules" --add "$top/tools/install/60-famez.rules:$udev_rules/")
}

# udevd: starts it; its complaints are in /tmp/udevd
udevd() {
	on node01 'setsid /lib/systemd/systemd-udevd </dev/null >/tmp/udevd 2>&1 &
until udevadm control --ping 2>/dev/null; do :; done'
}

# settled COMMAND: runs it in the guest, and waits until udev is done with it
settled() {
	on node01 "$1 && udevadm settle"
}
