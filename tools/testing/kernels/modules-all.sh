#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# modules-all.sh: builds the modules for each kernel of the table, anew and with
# that kernel's own compiler. A warning of W=1 is a failure; so is an unsupported
# kernel that does not stop the build with one clear line.
set -u
cd "$(dirname "$0")/../../.." || exit 1
here=tools/testing/kernels
failed=0

# report LABEL VERSION LOG: a log that has something in it fails
report() {
	if [ -s "$3" ]; then
		printf '%-8s %-26s FAILED\n' "$1" "$2"
		sed 's/^/    /' "$3"
		failed=1
	else
		printf '%-8s %-26s clean\n' "$1" "$2"
	fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf build/modules-all
for label in $($here/kernel.sh --labels); do
	version=$($here/kernel.sh "$label") || exit 1
	dir=build/modules-all/$label
	mkdir -p "$dir"
	tools/testing/build-module.sh "$version" "$dir" W=1 >"$log" 2>&1 &&
		grep -iE 'warning|error' "$dir/build.log" >"$log"
	report "$label" "$version" "$log"
done

# The makefiles of $version with an older number: what 5.10's would say
dir=build/modules-all/unsupported
tools/testing/build-module.sh "$version" $dir VERSION=5 PATCHLEVEL=10 >/dev/null 2>&1
if grep -q 'famez needs Linux 6.1 or newer' $dir/build.log && ! grep -q ' CC ' $dir/build.log; then
	: >"$log"
else
	cp $dir/build.log "$log"
fi
report 5.10 'refused in one line' "$log"
exit $failed
