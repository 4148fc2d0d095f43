#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doors.sh doorbell|plain low|high|ovmf: FAM as pmem and dax on that kind of device, where
# SeaBIOS has put its BAR below or above 4 GiB, or OVMF has.

# shellcheck source=tools/testing/guests/fam.sh
. "$(dirname "$0")/fam.sh"
kind=$1
place=$2

# free_memory: KiB that node01 has; MemFree is without what CPUs keep for themselves,
# which has been up to an eighth of the memory since 6.7
free_memory() {
	on node01 'sync; echo 3 >/proc/sys/vm/drop_caches
awk "\$1 == \"nr_free_pages\" || \$1 == \"count:\" { n += \$2 } END { print n * 4 }" /proc/zoneinfo'
}

# costs OWNER TENTHS: struct pages take so many tenths of a percent of the FAM, in about
costs() {
	local before tenths

	on node01 "echo none >$FAM/fam"
	before=$(free_memory)
	on node01 "echo $1 >$FAM/fam; ! ls /sys/class/famez/*/device/famez_bridge.*/ndbus*/wait_probe >/dev/null 2>&1 || cat /sys/class/famez/*/device/famez_bridge.*/ndbus*/wait_probe >/dev/null"
	tenths=$(((before - $(free_memory)) * 1024 * 1000 / $(value node01 fam_size)))
	echo "# $1: $tenths tenths of a percent"
	[ $tenths -ge $(($2 * 2 / 3)) ] && [ $tenths -le $(($2 * 3 / 2)) ]
}

options=(--memory 768M --machine q35)
case $place in
low) options[3]=pc; options+=(--bar low) ;;
ovmf) options+=(--qemu -bios --qemu /usr/share/ovmf/OVMF.fd) ;;
esac
size=512M
[ "$kind-$place" != plain-high ] || size=4G
case $kind in
doorbell) options+=(--size $size) ;;
plain)
	FAM=/sys/class/famez/famez_fam
	truncate -s $size "$tmp/plain"
	options+=(--no-device --no-switch --plain "$tmp/plain:$size")
	if [ "$place" = high ]; then
		truncate -s 256G "$tmp/large"
		options+=(--plain "$tmp/large:256G")
	fi
	;;
esac
fam_image
vm up 1 --initramfs "$image" "${options[@]}" >"$tmp/up.out" 2>&1 || cat "$tmp/up.out" >&2
fam_load; ok 'the modules load'
on node01 "export FAMEZ_DEVICE=/dev/${FAM##*/}; echo \$FAMEZ_DEVICE >/tmp/device"

# fam ARGS...
fam() {
	on node01 "famezctl --device \$(cat /tmp/device) fam $* >/tmp/fam 2>&1 || { cat /tmp/fam; false; }"
}

# ---- memory type ----

type=uncached
[ "$place" != high ] || type=write-back
[ "$(value node01 fam_memory_type)" = $type ] && on node01 'famezctl --device $(cat /tmp/device) info' | grep -qx "pmem and dax: $type"; ok "what pmem and dax would have is $type"
fam dax && on node01 'dmesg | grep -q "is uncached, and slow"'; [ $? -eq "$([ $type = uncached ]; echo $?)" ]
ok 'the kernel warns, or need not'
if [ "$kind" = plain ]; then
	on node01 'dd if=$(cat /tmp/device) bs=64k count=4 of=/dev/null' 2>/dev/null; ok 'read(2) of what is dax, too'
else
	on node01 'map-file $(cat /tmp/device) pin 2097152 2>&1' | grep -q pinned; ok 'pages of what is dax, too, are pinned or not'
fi
[ $type = write-back ] || ! fam --writeback >"$tmp/err"; ok 'what is mapped is not changed below it'
fam none && fam --writeback && [ "$(value node01 fam_memory_type)" = write-back ]; ok 'famezctl fam --writeback makes it write-back'
[ $type = write-back ] || on node01 'grep -q "^MTRR . made" /tmp/fam && grep -q "^also under the MTRR: " /tmp/fam'
ok 'and tells what it did'

# ---- dax ----

memory=$(on node01 'grep MemTotal /proc/meminfo')
fam dax && on node01 'modprobe kmem; daxctl list' | grep -q '"mode":"devdax"'; ok 'dax'
[ "$(on node01 'grep MemTotal /proc/meminfo')" = "$memory" ]; ok 'is no memory of the guest'"'"'s'
head -c 5000 /dev/urandom >"$tmp/bytes"
vm exec node01 -- map-file /dev/dax0.0 write 1234567 <"$tmp/bytes"
on node01 'famezctl --device $(cat /tmp/device) read 1234567 5000' | cmp - "$tmp/bytes"; ok 'what is written there is read by the device'

# ---- pmem ----

fam pmem --mode=fsdax && on node01 "ndctl list --namespaces --bus=${FAM##*/}" | grep -q '"blockdev":"pmem0"'; ok 'pmem'
on node01 'famezctl --device $(cat /tmp/device) read 1234567 5000' | cmp - "$tmp/bytes" &&
	on node01 dd if=/dev/pmem0 bs=1 skip=1234567 count=5000 2>/dev/null | cmp - "$tmp/bytes"
ok 'has the same bytes'
on node01 'mkfs.ext4 -q -F -b 4096 /dev/pmem0 && mount -o dax /dev/pmem0 /mnt && cp /bin/busybox /mnt && sync && cmp /bin/busybox /mnt/busybox && umount /mnt && e2fsck -fn /dev/pmem0 >/dev/null 2>&1'
ok 'ext4 with dax'
if [ "$kind" = doorbell ]; then
	[ "$(value node01 flushes)" -gt 0 ] && [ "$(value node01 flush_errors)" -eq 0 ]; ok 'flushes go to the switch'
	on node01 'famezctl fam' | grep -qx 'flush: by the switch'; ok 'famezctl says so'
else
	on node01 'dmesg | grep -q "unable to guarantee persistence of writes"'; ok 'the kernel says that flushes go nowhere'
	on node01 'famezctl --device $(cat /tmp/device) fam' | grep -qx 'flush: none'; ok 'famezctl says so'
fi
# of a small one, a kernel has some already, or keeps some
if [ $size = 4G ] && [ "$kind" = plain ]; then
	costs pmem 16; ok 'struct pages take 1.6 percent of pmem'
	costs dax 4; ok 'and 0.4 of dax'
	for owner in pmem dax; do
		on node01 "! famezctl --device /dev/famez_fam1 fam $owner 2>/tmp/fam" && on node01 grep -q 'too little memory' /tmp/fam &&
			on node01 'dmesg | grep -q "struct pages take [0-9]* MiB, over a quarter"'
		ok "$owner of 256 GiB is refused, with the numbers"
	done
fi
fam none
vm check all; ok 'no kernel has complained'
plan_complete
