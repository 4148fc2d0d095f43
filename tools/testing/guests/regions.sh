#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Named regions: two guests, a third that has the same memory as a plain device alone,
# and the host; and what is kept of them from one switch to the next.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

socket=$FAMEZ_VM_DIR/switch.sock

# host COMMAND...: famezctl on the host
host() {
	"$tools/famezctl" --device "$socket" "$@"
}

# same NODE...: each has the list that the host has
same() {
	local node

	host region list >"$tmp/host.list"
	for node; do
		on "$node" famezctl region list | cmp - "$tmp/host.list" || return
	done
}

# fails TEXT COMMAND...: and says why
fails() {
	! "${@:2}" 2>"$tmp/fails" && grep -q "$1" "$tmp/fails" || {
		cat "$tmp/fails"
		false
	}
}

# offset REGION
offset() {
	host region info "$1" | sed -n 's/^offset: //p'
}

# whole BYTES: what a peer, node02, says of its use of FAM, written by a stranger; in
# its record
whole() {
	printf '%b' "$1" | dd of="$tmp/fam" bs=1 seek=$((record + 80)) conv=notrunc status=none
}

boot 2 --backing "$tmp/fam"
vm up 1 --first 3 --initramfs "$image" --no-device --plain "$tmp/fam:64M" >"$tmp/up.out" 2>&1 ||
	cat "$tmp/up.out"
load; ok 'the driver loads in two guests, and in a third with a plain device'

on node01 test-regions /dev/famez_bridge >"$tmp/test-regions.log" 2>"$tmp/test-regions.err"
complete "$tmp/test-regions.log"; ok 'test-regions: in a guest'
"$bin/test-regions" "$socket" >"$tmp/host-regions.log" 2>"$tmp/host-regions.err"
complete "$tmp/host-regions.log"; ok 'test-regions: on the host'

on node01 'famezctl region create results 1M && famezctl region create --use dax disk 4M' >/dev/null &&
	host region create --use scratch scratch 64K >/dev/null
ok 'regions by a guest and by the host'
same node01 node02 node03; ok 'all see the same ones, the plain device, too'
[ "$(on node02 famezctl region info disk --json | grep -c '"use":"dax"\|"length":4194304')" -eq 2 ]
ok 'region info --json'

# ---- Written through each, read through all ----

results=$(offset results)
for writer in node01 node02 node03 host; do
	if [ $writer = host ]; then
		host write --text "by-$writer" "$results"
	else
		on $writer famezctl write --text "by-$writer" "$results"
	fi
	for reader in node01 node02 node03; do
		[ "$(on $reader famezctl read "$results" $((${#writer} + 3)))" = by-$writer ] || break 2
	done
	[ "$(host read "$results" $((${#writer} + 3)))" = by-$writer ] || break
done
[ $writer = host ] && [ $reader = node03 ]; ok 'what one writes in a region, all read there'

for run in 1 4; do
	[ "$(on node01 runs)" = "run $run" ] && [ "$(on node02 runs)" = "run $((run + 1))" ] &&
		[ "$(FAMEZ_DEVICE=$socket "$top/build/examples/runs")" = "run $((run + 2))" ] || break
done
[ "$(FAMEZ_DEVICE=$socket "$top/build/examples/runs")" = 'run 7' ]; ok 'an example: all peers count together'
host region rm runs
on node01 hello_fabric >/dev/null
[ "$(on node02 hello_fabric)" = "1: hello from node01
2: hello from node02" ]; ok 'an example: each peer has its line'
host region rm hello_fabric

# ---- What kernels use is not written by mistake ----

disk=$(offset disk)
for node in node01 node03; do
	fails 'pmem or dax' on $node famezctl write --text x "$disk"; ok "$node: not into a region for dax"
	on $node famezctl read "$disk" 1 >/dev/null; ok "$node: it is read"
done
fails 'pmem or dax' host write --text x "$disk"; ok 'nor on the host'
fails 'Device or resource busy' on node03 "printf x | dd of=/dev/famez_fam bs=1 seek=$disk 2>&1 >/dev/null | { cat >&2; exit 1; }"
ok 'nor by write(2) to a plain device'
on node01 famezctl write --in-use --text x "$disk" && on node03 famezctl write --in-use --text y "$disk"
ok 'who means it, does'

# the switch's record, as a driver puts its own right at once
id=$(on node02 cat /sys/class/famez/famez_bridge/server_id)
record=$((8192 + id * 256))
[ "$(dd if="$tmp/fam" bs=1 skip=$((record + 128)) count=6 status=none)" = Z-swit ]; ok "the record of peer $id"
whole '\001\001'
fails 'pmem or dax' on node01 famezctl write --text x "$results"; ok "peer $id has all of FAM as pmem: nobody writes"
fails 'pmem or dax' on node03 famezctl write --text x "$results"; ok 'nor on a plain device'
fails 'pmem or dax' host write --text x "$results"; ok 'nor on the host'
on node01 famezctl write --text x "$(offset scratch)"; ok 'but into what is scratch'
whole '\000\000'
on node01 famezctl write --text x "$results"; ok 'until it has given that up'

# ---- A stranger writes into the table ----

# spoil INDEX OFFSET BYTES: of a record of 128 bytes
spoil() {
	printf '%b' "$3" | dd of="$tmp/fam" bs=1 seek=$((21056 + $1 * 128 + $2)) conv=notrunc status=none
}

host region list >"$tmp/before"
scratch=$(offset scratch)
spoil 0 64 '\377\377\377\377\377\377\377\177'	# begins behind FAM
spoil 1 79 '\001'				# ends behind it
spoil 2 84 '\011'				# a use that a newer switch may know
spoil 3 0 '\033[2J'				# a name for terminals
[ "$(on all famezctl region list | grep -c .)" -eq 6 ] && [ "$(on all famezctl region list | grep -c ': scratch .* unknown ')" -eq 3 ]
ok 'what a stranger has written there is no region, but one whose use is not known: three times the title, and that'
fails 'pmem or dax' on node01 famezctl write --text x "$scratch" && fails 'pmem or dax' on node03 famezctl write --text x "$scratch"
ok 'which nobody writes into'
host region list | cmp - "$tmp/before" && same node01 node02 node03; ok 'it is right again when somebody joins'
spoil 0 64 '\377\377\377\377\377\377\377\177'
on node01 famezctl region create mends 4K >/dev/null && on node02 famezctl region rm mends
[ "$(on node03 famezctl region list)" = "$(cat "$tmp/before")" ]; ok 'or when any region changes'

# ---- Where they are not changed, or not there ----

fails 'only a peer' on node03 famezctl region create more 1; ok 'a plain device changes none'
fails 'largest free part' on node02 famezctl region create huge 1G; ok 'there is not so much room'
cp "$tmp/fam.regions" "$tmp/before"
mkdir "$tmp/fam.regions.new"
fails 'could not write' on node01 famezctl region create more 1; ok 'the switch cannot write it down, and says so'
fails 'could not write' host region rm results; ok 'nor that one is gone'
same node01 node02 node03 && cmp "$tmp/before" "$tmp/fam.regions"; ok 'so nothing has changed'
rmdir "$tmp/fam.regions.new"

# ---- The next switch ----

on node01 famezctl write --text kept "$results"
host region list >"$tmp/before"
healthy all; ok 'no kernel has complained'
vm down >/dev/null
start next "$FAMEZ_SERVER" --socket "$tmp/next" --backing "$tmp/fam"
saw next '^famez-server: ready' >/dev/null
"$tools/famezctl" --device "$tmp/next" region list | cmp - "$tmp/before"; ok 'the next switch has them'
"$tools/famezctl" --device "$tmp/next" read "$results" 4 | grep -qx kept; ok 'and their bytes'
kill "${pid[next]}"; ends next
cp "$tmp/fam.regions" "$tmp/elsewhere.regions"
fails 'elsewhere.regions: of another size of memory' "$FAMEZ_SERVER" --socket "$tmp/next" --backing memfd: --size 16M --quiet \
	--regions "$tmp/elsewhere.regions" && cmp "$tmp/fam.regions" "$tmp/elsewhere.regions"
ok 'those of larger memory are refused'
echo '{ "fam_size": 4096, "regions": [ ] }' >"$tmp/none.regions"
start other "$FAMEZ_SERVER" --socket "$tmp/other" --backing memfd: --size 16M --regions "$tmp/none.regions"
saw other '^famez-server: ready' >/dev/null; kill "${pid[other]}"; ends other
ok 'where there are none, any memory will do'
sed -i 's/"length":[0-9]*/"length":1/' "$tmp/fam.regions"
sum=$(sha256sum "$tmp/fam" "$tmp/fam.regions")
fails 'fam.regions: damaged' "$FAMEZ_SERVER" --socket "$tmp/next" --backing "$tmp/fam" --quiet
ok 'regions that cannot be are refused'
[ "$(sha256sum "$tmp/fam" "$tmp/fam.regions")" = "$sum" ]; ok 'and nothing is touched'
cp "$tmp/fam.regions" "$tmp/elsewhere.regions"
fails 'elsewhere.regions: damaged' "$FAMEZ_SERVER" --socket "$tmp/next" --backing memfd: --quiet \
	--regions "$tmp/elsewhere.regions" && cmp "$tmp/fam.regions" "$tmp/elsewhere.regions"
ok 'nor where the memory would have been new'
plan_complete
