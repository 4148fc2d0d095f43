#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# install-deps.sh [PACKAGE...]: installs the Debian packages that demo and tests
# need, and these, where they are missing.  With --deb, what "make deb" needs, on
# releases that have not all that the tests want.
set -eu
packages="build-essential pkg-config linux-headers-amd64 python3-docutils
libsystemd-dev libjson-c-dev libedit-dev libxml2-dev
debhelper dh-dkms fakeroot lintian"
if [ "${1-}" = --deb ]; then
	shift
else
	packages="$packages linux-source-6.1
qemu-system-x86 ovmf busybox-static kmod cpio zstd xz-utils sparse pciutils
libcmocka-dev gcc-multilib bc bison flex libelf-dev mmdebstrap
ndctl daxctl e2fsprogs xfsprogs strace clang man-db mandoc spin dkms
libvirt-clients libvirt-daemon-driver-qemu libxml2-utils"
	kernel=yes
fi
packages="$packages $*"

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# quietly COMMAND...: its output is shown when it fails
quietly() {
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		exit 1
	}
}

missing() {
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'ok installed' || printf ' %s' "$package"
	done
}

# What the guests' kernel, the newest that apt knows, needs for its modules.
headers() {
	apt-cache show --no-all-versions linux-headers-amd64 2>/dev/null |
		sed -n 's/^Depends: *\(linux-headers-[0-9][^ ,]*\).*/\1/p'
}

install() {
	[ $# -gt 0 ] || return 0
	if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
		echo "missing packages: $*" >&2
		echo "run this as root, or install them: apt install $*" >&2
		exit 1
	fi
	echo "installing: $*"
	quietly $sudo apt-get update
	quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends "$@"
}

# shellcheck disable=SC2046,SC2086
install $(missing $packages)
[ "${kernel-}" ] || exit 0
# apt must know the stock kernel's package, which is fetched, not installed
apt-cache show linux-image-amd64 >/dev/null 2>&1 || quietly $sudo apt-get update
# shellcheck disable=SC2046
install $(missing $(headers))
