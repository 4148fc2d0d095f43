#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The memory is a host's /dev/daxX.Y.  The host is a guest here, which takes some of its
# memory for persistent; ndctl makes a device-dax of it.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"
# shellcheck source=tools/testing/guests/hosted.sh
. "$(dirname "$0")/hosted.sh"

# namespace MODE...: what was there stays, but for nvdimm's own
namespace() {
	on node01 ndctl create-namespace --force --reconfig namespace0.0 "$@" >/dev/null
}

# A file system of its own: not every kernel of the tests has these modules.
image=$tmp/image
"$tools/famez-vm" initramfs --kernel "$FAMEZ_KERNEL" --output "$image" --add /usr/bin/ndctl \
	--add "$tools/famez-server" --add "$tools/famezctl" --add "$bin/famez-ring" \
	--add "$bin/wire-client" --add "$bin/wire-wait" --module nd_e820 --module nd_pmem \
	--module dax_pmem --module device_dax >/dev/null
boot 1 --no-device --no-switch --memory 512M --append 'memmap=128M!256M'
on node01 'modprobe nd_e820 && modprobe nd_pmem && modprobe dax_pmem && modprobe device_dax' &&
	namespace --mode=raw && on node01 'dd if=/dev/zero of=/dev/pmem0 bs=1M 2>/dev/null; true'
namespace --mode=devdax --map=mem && on node01 test -c /dev/dax0.0; ok 'a host with a device-dax'

refuses 'No such file' --backing /dev/dax7.0; on node01 '[ ! -e /dev/dax7.0 ]'; ok 'one that is not there is not made'
refuses 'no device-dax' --backing /dev/null; ok 'another device is refused'
refuses 'has 126M, less than the 128M' --backing /dev/dax0.0 --size 128M; ok 'so is one that is too small'
refuses 'pages of 2M, more than the 1M' --backing /dev/dax0.0 --size 1M; ok 'and a size that cannot be mapped'

serve --backing /dev/dax0.0 --size 32M; ok 'the switch starts on it'
peer write --text dax 10000000 && [ "$(peer read 10000000 3)" = dax ]; ok 'programs share it'
on node01 grep -q 'regions end with this switch' /tmp/bg; ok 'it says that it cannot keep regions there'
on node01 'famez-ring -d /tmp/switch r recv 500 >/dev/null & famez-ring -d /tmp/switch -2 r send 500 >/dev/null && wait $!'
ok 'and a ring'
on node01 'timeout 60 wire-client -S /tmp/switch -n 16 </dev/null >/tmp/client 2>&1; wire-wait /tmp/bg "only libfamez can map a device-dax"' >/dev/null
ok 'who is not of libfamez, as QEMU, is refused with the reason'
refuses 'a live switch' --backing /dev/dax0.0 --size 32M --socket /tmp/other; ok 'a second switch is refused'
ended
serve --backing /dev/dax0.0 --size 32M --regions /tmp/regions; [ "$(peer read 10000000 3)" = dax ]
ok 'the next switch takes it up, with what is in it'
peer region create kept 1M >/dev/null; ended
serve --backing /dev/dax0.0 --size 32M --regions /tmp/regions; peer region info kept >/dev/null; ok 'and regions that are kept elsewhere'
ended
refuses 'left alone' --backing /dev/dax0.0 --size 32M --clients 5; ok 'not with other numbers'

namespace --mode=raw && on node01 'dd if=/dev/urandom of=/dev/pmem0 bs=1M count=1 seek=2 conv=notrunc 2>/dev/null'
namespace --mode=devdax --map=mem
refuses 'zero its first' --backing /dev/dax0.0 --size 32M; ok "somebody's bytes are left alone"
vm check all; ok 'no kernel has complained'
plan_complete
