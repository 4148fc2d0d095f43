#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Backings of the switch that take more than a user of the host has: huge pages, and a
# file system that is full.  The switch runs in a guest here, with programs beside it.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"
# shellcheck source=tools/testing/guests/hosted.sh
. "$(dirname "$0")/hosted.sh"

boot 1 --no-device --no-switch
on node01 'echo 6 >/proc/sys/vm/nr_hugepages; mkdir /huge /full
mount -t hugetlbfs none /huge && mount -t tmpfs -o size=6M none /full'
ok 'a guest with six huge pages'

serve --backing /huge/fam --size 8M; ok 'the switch starts on hugetlbfs'
[ "$(on node01 "sed -n 's/^HugePages_Rsvd: *//p; s/^HugePages_Free: *//p' /proc/meminfo" | paste -sd' ')" != '6 0' ]
ok 'its pages are its own from the start'
peer write --text huge 4190208 && [ "$(peer read 4190208 4)" = huge ]; ok 'programs share them'
on node01 grep -q 'regions end with this switch' /tmp/bg; ok 'it says that it cannot keep regions there'
ended
serve --backing /huge/fam --size 8M --regions /tmp/regions && peer region create kept 1M >/dev/null && ended
serve --backing /huge/fam --size 8M --regions /tmp/regions
[ "$(peer read 4190208 4)" = huge ] && peer region info kept >/dev/null
ok 'the next switch takes them up, with regions that are kept elsewhere'
ended
refuses 'Cannot allocate memory' --backing /huge/more --size 16M; ok 'more than there are, it refuses'
on node01 '[ ! -e /huge/more ] && rm /huge/fam*'; ok 'and leaves nothing behind'

refuses 'no 8M for all of it: No space left' --backing /full/fam --size 8M --preallocate
ok '--preallocate: what there is no room for is refused'
on node01 '[ ! -e /full/fam ]'; ok 'and leaves nothing behind'
serve --backing /full/fam --size 8M; ok 'sparse, it starts'
ended
vm check all; ok 'no kernel has complained'
plan_complete
