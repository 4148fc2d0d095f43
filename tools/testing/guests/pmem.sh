#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# FAM as pmem: namespaces and file systems that two guests share one after the other,
# flushes down to the switch's own sync, and what must not be.

# shellcheck source=tools/testing/guests/fam.sh
. "$(dirname "$0")/fam.sh"

# synced NODE: a program there has what it wrote to pmem synced
synced() {
	on "$1" 'dd if=/dev/urandom of=/dev/pmem0 bs=4096 count=1 conv=fsync 2>/tmp/dd'
}

# host ARGS...: famezctl on the host
host() {
	"$tools/famezctl" --device "$FAMEZ_VM_DIR/switch.sock" "$@"
}

# begins_sync: one in node01 waits for the switch, which does nothing
begins_sync() {
	kill -STOP "$(the_switch)"
	background node01 'dd if=/dev/urandom of=/dev/pmem0 bs=4096 count=1 conv=fsync; echo exit $?'
	on node01 'until grep -q famez_flush /proc/$(pidof dd)/wchan; do :; done 2>/dev/null'
}

fam_image
boot 2 --memory 768M --size 512M --backing "$tmp/fam"
fam_load; ok 'pmem and dax load'
[ "$(value node01 fam)" = none ] && [ "$(value node01 fam_status)" = none ]; ok 'at first FAM is for programs'

# ---- a namespace, and what is in it ----

fam node01 pmem && on node01 'ndctl list --buses' | grep -q '"provider":"famez_bridge"'; ok 'ndctl shows the region, by the name of our device'
[ "$(on node02 famezctl peers | awk '$2 == "node01" || $3 == "node01" { print $(NF - 1) }')" = pmem ]; ok 'peers see that'
on node01 'mkfs.ext4 -q -b 4096 /dev/pmem0 && mount -o dax /dev/pmem0 /mnt && grep -q "dax" /proc/mounts && echo first >/mnt/one && sync'
ok 'ext4 with dax'
refuses node01 '/dev/pmem0 is mounted on /mnt' none && refuses node01 mounted dax; ok 'FAM does not change hands while it is mounted'
on node01 umount /mnt
background node01 'exec sleep 3600 </dev/pmem0'
on node01 'until ls -l /proc/$(pidof sleep)/fd 2>/dev/null | grep -q pmem0; do :; done'
refuses node01 '(sleep) has /dev/pmem0 open' none; ok 'nor while somebody has it open'
on node01 'kill $(pidof sleep); while pidof sleep >/dev/null; do :; done'
fam node02 pmem && on node02 'mount -o dax /dev/pmem0 /mnt && grep -qx first /mnt/one && echo second >/mnt/two && umount /mnt'
ok 'the other guest sees the same files'
on node01 'mount -o dax /dev/pmem0 /mnt && grep -qx second /mnt/two && umount /mnt && e2fsck -fn /dev/pmem0 >/dev/null 2>&1'
ok 'and the first one the other'"'"'s'
refuses node01 'is of mode fsdax' pmem --mode=devdax; ok 'what is there is not made another by mistake'
fam node01 pmem --mode=devdax --force && on node01 'ndctl list' | grep -q '"mode":"devdax"' && on node01 test -c /dev/dax0.0
ok 'devdax, when it is meant'
fam node02 none && fam node02 pmem --mode=devdax && on node02 test -c /dev/dax0.0; ok 'the other guest takes it up'
fam node02 none
on node01 'ndctl create-namespace --force --reconfig=namespace0.0 --mode=fsdax --map=mem >/dev/null'; ok 'plain ndctl makes it fsdax again'
on node01 'mkfs.xfs -q -f /dev/pmem0 && mount -o dax /dev/pmem0 /mnt && cp /bin/busybox /mnt && sync && cmp /bin/busybox /mnt/busybox && umount /mnt && xfs_repair -n /dev/pmem0 >/dev/null 2>&1'
ok 'xfs with dax'

# ---- the same bytes through every door ----

head -c 8192 /dev/urandom >"$tmp/bytes"
vm exec node01 -- dd of=/dev/pmem0 bs=4096 seek=16 conv=fsync <"$tmp/bytes" 2>/dev/null
on node02 famezctl read 65536 8192 | cmp - "$tmp/bytes" &&
	host read 65536 8192 | cmp - "$tmp/bytes"
ok 'what is written to pmem, the other guest and the host read'
! host write 65536 --text x 2>"$tmp/err" && grep -q 'pmem or dax' "$tmp/err"
ok 'a program on the host does not write there by mistake'

! on node02 famezctl region create x 1M 2>"$tmp/err" && grep -q 'a peer uses FAM' "$tmp/err"; ok 'nor is a region made in it'

# ---- down to the disk ----

before=$(value node01 flushes)
traced && synced node01; ok 'fsync(2) comes back'
untraced
[ "$(grep -c 'fdatasync(.*= 0' "$tmp/trace")" -ge 1 ] && [ "$(value node01 flushes)" -gt "$before" ]; ok 'and the switch has synced the memory'
begins_sync
on node01 'cat /tmp/bg' | grep -q exit; [ $? -eq 1 ]; ok 'without an answer it waits'
kill -CONT "$(the_switch)"
says node01 '^exit 0$'; ok 'until there is one'
traced -e inject=fdatasync:error=EIO
! synced node01; ok 'a sync that fails is an error of fsync(2)'
untraced
switch_says 'cannot be synced: Input/output error' && [ "$(value node01 flush_errors)" -eq 1 ]; ok 'which the switch tells, and the driver counts'
synced node01; ok 'the next one may go well'
before=$(value node01 flushes)
on node01 'dd if=/dev/null of=/dev/famez_bridge conv=fsync 2>/dev/null' && [ "$(value node01 flushes)" -eq $((before + 1)) ]
ok 'fsync(2) of the bridge is the same'

# ---- what must not be ----

on node01 'ndctl create-namespace --force --reconfig=namespace0.0 --mode=fsdax --map=dev >/dev/null'
on node01 "until grep -qx map-dev $FAM/fam_status; do :; done; ! ndctl list --regions | grep -q region"
ok 'a superblock that says map=dev disables the region'
fam node01 none; refuses node01 'map=dev' pmem && on node01 '! ls /dev/pmem*' 2>/dev/null; ok 'and one that is there is found before'
on node01 "famezctl fam none >/dev/null && head -c 4096 /dev/zero | famezctl --device /dev/famez_bridge write --in-use 4096"
fam node01 pmem --mode=fsdax && on node01 test -b /dev/pmem0; ok 'the command in the log repairs it'
fam node02 none; refuses node02 'another peer' dax; ok 'a guest that wants it otherwise is refused'
refuses node01 "no region 'nothing'" pmem --region nothing
ok 'so is a region that is not there'
[ "$(value node01 fam)" = pmem ] && on node01 test -b /dev/pmem0; ok 'and FAM stays as it was'

# ---- a region of it ----

fam node01 none
on node01 'famezctl region create fs 64M --use pmem && famezctl region create ring 1M' >/dev/null
refuses node01 'regions, or another' pmem && refuses node01 'for another use' pmem --region ring; ok 'all of FAM, or a region for another use, is refused'
fam node01 pmem --region fs && [ "$(value node01 fam_region)" = fs ] && on node01 'mkfs.ext4 -q -b 4096 /dev/pmem0 && mount -o dax /dev/pmem0 /mnt'
ok 'a region is pmem'
! on node02 famezctl region rm fs 2>"$tmp/err" && grep -q 'a peer uses FAM' "$tmp/err"; ok 'which nobody removes'
background node01 'while [ ! -e /tmp/stop ] && dd if=/dev/urandom of=/mnt/load bs=64k count=16 conv=fsync 2>/dev/null; do echo round; done; echo stopped'
start ring vm exec -n node02 -- famez-ring ring recv 5000
says node01 '^round$' && on node01 famez-ring -2 ring send 5000 >/dev/null && ends ring; ok 'a ring beside it loses nothing'
on node01 touch /tmp/stop && says node01 '^stopped$' && on node01 'umount /mnt && e2fsck -fn /dev/pmem0 >/dev/null 2>&1'
ok 'and the file system nothing to it'
fam node01 none; on node01 'famezctl region rm fs && famezctl region rm ring' >/dev/null
fam node01 pmem; ok 'without regions it is all of FAM again'

# ---- ends ----

on node01 'mkfs.ext4 -q -F -b 4096 /dev/pmem0 && mount -o dax /dev/pmem0 /mnt && cp /bin/busybox /mnt && sync'
background node01 'while :; do for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/load$i bs=64k count=16 conv=fsync 2>/dev/null || exit; echo $i; done; done'
says node01 '^8$'
kill -9 "$(cut -d' ' -f1 "$FAMEZ_VM_DIR/node01/qemu.pid")"
fam node02 pmem; on node02 'mount -o dax /dev/pmem0 /mnt && cmp /bin/busybox /mnt/busybox && umount /mnt && e2fsck -fn /dev/pmem0 >/dev/null 2>&1'
ok 'killed while it writes: its file system is sound'
on node02 'mount -o dax /dev/pmem0 /mnt && echo famez_bridge.pmem.0 >/sys/bus/auxiliary/drivers/famez_pmem.pmem/unbind
! cat /mnt/busybox >/dev/null; ! cp /bin/busybox /mnt/more; umount /mnt' 2>/dev/null
[ "$(value node02 fam_status)" = no-driver ] && fam node02 none && fam node02 pmem && on node02 e2fsck -fp /dev/pmem0 >/dev/null 2>&1
ok 'unbound by force: errors, and it can be bound again'
on node02 'echo 1 >/sys/module/famez_bridge/parameters/flush_timeout'
kill -STOP "$(the_switch)"
background node02 'dd if=/dev/urandom of=/dev/pmem0 bs=4096 count=1 conv=fsync; echo exit $?'
on node02 'until grep -q famez_flush /proc/$(pidof dd)/wchan; do :; done 2>/dev/null'
kill -9 "$(the_switch)"
says node02 '^exit 1$'; ok 'a switch killed in the middle: EIO in time'
! synced node02; ok 'and so without a switch'
fam node02 none && [ "$(value node02 fam)" = none ]; ok 'FAM changes hands all the same'
vm check node02; ok 'no kernel has complained'
plan_complete
