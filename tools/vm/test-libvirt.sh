#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# famez-vm libvirt-xml: what it writes is what libvirt's schema, libvirt itself and QEMU
# take; what does not agree with the switch is told. The domains of Documentation/libvirt.rst.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../testing/wire/wire-lib.sh"
page=$top/Documentation/libvirt.rst
sock=$tmp/sw.sock
memory=famez-libvirt.$$
kernel=${FAMEZ_KERNEL:-$("$top/build/bin/famez-vm" kernel)}

# its QEMU outlives a libvirt that was killed
leave() {
	pkill -9 -f "$tmp/libvirt"
	rm -f "/dev/shm/$memory"
	finish
}
trap leave EXIT

xml() {
	"$top/build/bin/famez-vm" libvirt-xml "$@" 2>"$tmp/said"
}

# says REGEX: so did the last one
says() {
	grep -Eq "^famez-vm libvirt-xml: .*$1" "$tmp/said" || {
		cat "$tmp/said" >&2
		false
	}
}

# finds SCRIPT REGEX: the domain, changed by that sed script, does not agree
finds() {
	sed "$1" "$tmp/guest.xml" >"$tmp/changed.xml"
	! cmp -s "$tmp/guest.xml" "$tmp/changed.xml" && ! xml --check "$tmp/changed.xml" && says "$2" &&
		[ "$(wc -l <"$tmp/said")" -eq 1 ]
}

# valid FILE: in libvirt's eyes
valid() {
	virt-xml-validate "$1" domain >"$tmp/opinion" 2>&1 || {
		cat "$tmp/opinion" >&2
		false
	}
}

# page_domain N: the Nth one of the page
page_domain() {
	awk -v n="$1" '/^  <domain/ { at++ } at == n { print } /^  <.domain>/ && at == n { exit }' "$page" | sed 's/^  //'
}

# kernel and file system where another user can read them
lv=$tmp/libvirt
mkdir -p "$lv/etc"
chmod 711 "$tmp"
cp "$top/build/kernels/$kernel/boot/vmlinuz-$kernel" "$lv/vmlinuz"
cp "$top/build/test-initramfs-$kernel.img" "$lv/initrd"
cat >"$tmp/bare.xml" <<XML
<domain type="qemu">
  <name>guest</name>
  <memory unit="MiB">256</memory>
  <vcpu current="1">2</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <kernel>$lv/vmlinuz</kernel>
    <initrd>$lv/initrd</initrd>
    <cmdline>console=ttyS0 no_timer_check rdinit=/bin/sh -- -c "insmod /famez/famez_bridge.ko name=libvirt; read forever"</cmdline>
  </os>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
    <serial type="file">
      <source path="$lv/console"/>
    </serial>
  </devices>
</domain>
XML

! xml --socket "$sock" && says "$sock: no switch listens there.*famez-server"; ok 'without a switch, what to start is said'
start sw "$top/build/bin/famez-server" --socket "$sock" --backing "$memory" --clients 5 --vectors 7
saw sw '^famez-server: ready' >/dev/null

# ---- elements ----

cat >"$tmp/element" <<XML
<shmem name="famez">
  <model type="ivshmem-doorbell"/>
  <server path="$sock"/>
  <msi vectors="7" ioeventfd="on"/>
</shmem>
XML
xml --socket "$sock" | cmp - "$tmp/element"; ok 'the element has the numbers of the switch'
(cd "$tmp" && xml --socket sw.sock --name 'a&b' >b.xml) && sed 's/"famez"/"a\&amp;b"/' "$tmp/element" | cmp - "$tmp/b.xml"
ok 'its path is absolute, its name XML'
printf '<shmem name="%s">\n  <model type="ivshmem-plain"/>\n  <size unit="M">64</size>\n</shmem>\n' "$memory" >"$tmp/element"
xml --socket "$sock" --plain | cmp - "$tmp/element"; ok 'of a plain device it is the name of the memory'

# ---- domains ----

xml --socket "$sock" "$tmp/bare.xml" >"$tmp/one.xml" && valid "$tmp/one.xml"; ok 'a domain with it is valid'
xml --socket "$sock" --plain - <"$tmp/one.xml" >"$tmp/guest.xml" && valid "$tmp/guest.xml" && [ "$(grep -c '<shmem' "$tmp/guest.xml")" -eq 2 ]
ok 'one with two as well'
xml --socket "$sock" "$tmp/guest.xml" | cmp - "$tmp/guest.xml"; ok 'once more changes nothing'
sed 's/vectors="7"/vectors="9"/' "$tmp/guest.xml" >"$tmp/old.xml" && xml --socket "$sock" "$tmp/old.xml" | cmp - "$tmp/guest.xml"
ok 'what is old is replaced'
sed 's/<server /<address type="pci" domain="0x0000" bus="0x00" slot="0x07" function="0x0"\/>&/; s/vectors="7"/vectors="9"/' "$tmp/guest.xml" >"$tmp/old.xml"
xml --socket "$sock" "$tmp/old.xml" | diff - "$tmp/old.xml" | grep -c '^[<>]' | grep -qx 2; ok 'and keeps its place on the PCI bus'
diff <(grep -v '^  *<[/]*\(shmem\|model\|server\|msi\|size\)' "$tmp/guest.xml") <(echo '<?xml version="1.0"?>'; cat "$tmp/bare.xml"); ok 'and nothing else is'
xml --check "$tmp/guest.xml" && ! [ -s "$tmp/said" ]; ok 'it agrees with the switch, in silence'

# ---- what does not agree ----

finds 's/vectors="7"/vectors="12"/' "'famez': has 12 vectors, .* gives 7; expected <msi vectors='7'/>"; ok 'other vectors'
finds '/<msi/d' "'famez': has 1 vectors"; ok 'no vectors'
finds "s,path=\"$sock\",path=\"$sock.not\"," "'famez': $sock.not: no switch listens there"; ok 'a socket that nobody serves'
finds "s,path=\"$sock\",path=\"sw.sock\"," "'famez': path 'sw.sock' is not absolute"; ok 'a relative path'
finds "s,path=\"$sock\",path=\"$(printf '/%0109d')\"," "is longer than the 107 bytes"; ok 'a path that no socket can have'
finds '/<server/d' "'famez': names no socket"; ok 'no path'
finds 's,<server,<size unit="MiB">64</size>&,' "'famez': has a <size>, which libvirt does not take"; ok 'a size that is the switch'"'"'s'
finds 's,unit="M">64,unit="KiB">1024,' "'$memory': is of 1048576 bytes, .* of 67108864"; ok 'a plain device of another size'
finds '/<size/d' "'$memory': is of 4194304 bytes, .* of 67108864"; ok 'or of the size that libvirt takes'
finds 's,unit="M">64,unit="M">-64,' "'$memory': its <size> is not understood"; ok 'or of none that could be'
sed 's,unit="M">64,unit="kib">65536,' "$tmp/guest.xml" >"$tmp/changed.xml"; xml --check "$tmp/changed.xml" && ! [ -s "$tmp/said" ]; ok 'units are as libvirt has them'
finds 's,<size,<msi vectors="4"/>&,' "'$memory': is a plain device, with which libvirt takes neither"; ok 'a plain device with interrupts'
sed "s/name=\"$memory\"/name=\"$memory.not\"/" "$tmp/guest.xml" >"$tmp/changed.xml"
xml --check "$tmp/changed.xml" && says "note: .*'$memory.not': there is no /dev/shm/$memory.not"; ok 'memory of others is none of ours'
finds 's/"ivshmem-plain"/"ivshmem"/' "is of model 'ivshmem', which QEMU no longer has"; ok 'the model of old'
finds 's/ current="1">2</>1</' 'can have one CPU only'; ok 'an emulated guest of one CPU'
! xml --check "$tmp/bare.xml" && says 'has no <shmem>'; ok 'no device at all'
sed 's/ioeventfd="on"/ioeventfd="maybe"/' "$tmp/guest.xml" >"$tmp/changed.xml"
! xml --check "$tmp/changed.xml" && says "not as libvirt's schema has it"; ok 'what the schema refuses'
sed 's/<vcpu/<vcpus>2<\/vcpus><vcpu/' "$tmp/bare.xml" >"$tmp/changed.xml"
! xml --socket "$sock" "$tmp/changed.xml" >"$tmp/out" && says "not as libvirt's schema has it" && ! [ -s "$tmp/out" ]; ok 'is not printed either'
echo '<network/>' >"$tmp/changed.xml"
! xml --check "$tmp/changed.xml" && says 'is no domain' && ! xml --check "$tmp/none.xml" && says 'cannot be read'; ok 'no domain is none'

# ---- libvirt itself ----

# As it wants an account of its own when root starts it, and a log daemon if not told
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
cp "$top/build/bin/famez-vm" "$lv/"
chmod 644 "$tmp"/*.xml
chmod 0 "$sock"
! "${as[@]}" env PATH="$PATH" "$tmp/libvirt/famez-vm" libvirt-xml --check "$tmp/guest.xml" 2>"$tmp/said" && says 'you may not ask that switch'; ok 'who may not ask is told so'
echo 'stdio_handler = "file"' >"$lv/etc/qemu.conf"
chmod 666 "$sock" "/dev/shm/$memory"
[ ${#as[@]} -eq 0 ] || chown -R nobody "$lv"
start libvirt env HOME="$lv" XDG_RUNTIME_DIR="$lv" "${as[@]}" virt-qemu-run -r "$lv" "$tmp/guest.xml"
saw sw '^peer [0-9]+ up: libvirt .bridge, 7 vectors' >/dev/null; ok 'libvirt starts a guest of it, whose driver is up'
"$bin/wire-wait" -p "${pid[libvirt]}" "$lv/console" 'famez_fam: .* of FAM, no messages' >/dev/null; ok 'with the memory as a plain device'
kill -INT "${pid[libvirt]}"; ends libvirt; ok 'and ends it'

# ---- the page ----

page_domain 1 >"$tmp/1.xml" && valid "$tmp/1.xml" && page_domain 2 >"$tmp/2.xml" && valid "$tmp/2.xml" && ! [ "$(page_domain 3)" ]
ok 'the domains of the page are valid'
mapfile -t options < <(sed -n "s,.*<qemu:arg value=\"\(.*\)\"/>,\1,p" "$tmp/2.xml" | sed "s,/dev/shm/famez,/dev/shm/$memory,")
[ ${#options[@]} -eq 4 ] && start machine qemu-system-x86_64 -nodefaults -display none -accel tcg -S "${options[@]}" -qmp stdio &&
	saw machine QMP >/dev/null && answer machine return '{"execute":"qmp_capabilities"}' >/dev/null && qemu_quit machine
ok 'and QEMU takes the options of the second'

kill "${pid[sw]}"; ends sw
start sw "$top/build/bin/famez-server" --socket "$sock" --backing memfd:
saw sw '^famez-server: ready' >/dev/null
! xml --socket "$sock" --plain && says 'takes what is in /dev/shm'; ok 'memory that libvirt cannot name is told'
plan_complete
