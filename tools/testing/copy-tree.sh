#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# copy-tree.sh DIRECTORY: a copy of the sources as they are now, to be built in
# another way there; kernels and what else was fetched are shared with it.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
mkdir -p "$1/build"
git ls-files -z --cached --others --exclude-standard |
	xargs -0 cp -a --parents -t "$1"
for shared in kernels chroots src; do
	[ ! -e build/$shared ] || ln -sfn "$top/build/$shared" "$1/build/$shared"
done
