#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# image.sh KERNEL: the guests' file system for the tests, with the driver for
# that kernel and all programs that run in a guest.
set -eu
top=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$top"
export FAMEZ_BUILD=$top/build
tools/testing/build-module.sh "$1" "build/modules/$1"
set --  "$1" --add build/bin/famezctl
for module in bridge pmem dax; do
	set -- "$@" --add "build/modules/$1/famez_$module.ko"
done
for program in famez-flood famez-lives famez-ring famez-soak famez-touch kexec-file test-abi test-abi32 \
	test-barriers test-device test-events test-faults test-files \
	test-fuzz test-gone test-lost test-mappings test-plain \
	test-ports test-regions test-rings test-vectors port-server wire-wait; do
	set -- "$@" --add "build/testing/$program"
done
set -- "$@" --add build/examples/runs --add build/examples/hello_fabric --add build/bin/famez-server
kernel=$1
shift
# for surprise removal, a disk to hibernate on, and the network that bench compares with
set -- "$@" --add "$(PATH=$PATH:/usr/sbin command -v setpci)" --module virtio_blk --module virtio_net
build/bin/famez-vm initramfs --kernel "$kernel" \
	--output "build/test-initramfs-$kernel.img" "$@" >/dev/null
