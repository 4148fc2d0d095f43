#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests with different kernels on one fabric, one for each of
# tools/testing/kernels/kernels: each to each.

# shellcheck source=tools/testing/guests/guests.sh
. "$(dirname "$0")/guests.sh"

mapfile -t versions < <(
	for label in $("$top/tools/testing/kernels/kernel.sh" --labels); do
		"$top/tools/testing/kernels/kernel.sh" "$label"
	done
)
guests=${#versions[@]}

# others N: the numbers of all guests but this, with commas
others() {
	seq "$guests" | grep -vx "$1" | paste -sd,
}

for ((i = 1; i <= guests; i++)); do
	version=${versions[i - 1]}
	# shellcheck disable=SC2034 # boot starts from it
	image=$top/build/test-initramfs-$version.img
	boot 1 --first $i --kernel "$version"
	[ "$(on "node0$i" uname -r)" = "$version" ]
	ok "node0$i runs Linux $version"
done
load; ok "the driver loads in all of them"

for ((i = 1; i <= guests; i++)); do
	start "guest$i" vm exec --timeout 1800 "node0$i" -- famez-flood \
		-t "$(others $i)" -f "$(others $i)" -n "$FLOOD_ALL_MESSAGES"
done
for ((i = 1; i <= guests; i++)); do
	ends "guest$i" && [ "$(grep -c "$FLOOD_ALL_MESSAGES messages, all in order" \
		"$tmp/guest$i.out")" -eq $((guests - 1)) ]
	ok "node0$i: $FLOOD_ALL_MESSAGES messages from each of the others"
done
on all '! famezctl recv --nonblock' 2>/dev/null >&2; ok "and not one more"

head -c 1000000 /dev/urandom >"$tmp/pattern"
vm exec node01 -- famezctl write 1234567 <"$tmp/pattern"
for ((i = 2; i <= guests; i++)); do
	on "node0$i" famezctl read 1234567 1000000 | cmp - "$tmp/pattern"
	ok "node0$i reads from FAM what node01 wrote"
done
vm check all; ok "no kernel has complained"
plan_complete
