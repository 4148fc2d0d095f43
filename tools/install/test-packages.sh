#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What "make deb", "make install" and "make dist" give, unpacked beside the system and
# used from there: packages without lintian's errors, modules by the real DKMS for the
# guests' kernel, signed, programs that find their own parts, examples that are built
# with the installed library.

# shellcheck source=tools/testing/wire/wire-lib.sh
. "$(dirname "$0")/../testing/wire/wire-lib.sh"
cd "$top" || exit 1
version=$(sed -n 's/^FAMEZ_VERSION := //p' Makefile)
kernel=${FAMEZ_KERNEL:-$(build/bin/famez-vm kernel)}
root=$tmp/root

# in_root COMMAND...: with what is unpacked there
in_root() {
	"${there[@]}" "$@"
}

# has PACKAGE FILE...: it brings those
has() {
	local package=$1 file

	shift
	dpkg-deb -c build/deb/"$package"_"$version"_*.deb | awk '{ print $6 }' >"$tmp/list"
	for file; do
		grep -Eqx "\./$file" "$tmp/list" || {
			echo "$package has no $file" >&2
			return 1
		}
	done
}

# ---- make deb ----

make -s deb >"$tmp/deb.log" 2>&1 || {
	cat "$tmp/deb.log" >&2
	false
}
ok 'packages are built, and lintian finds no error'
! grep -E '^[EW]: ' "$tmp/deb.log" >&2; ok 'nor anything to warn of'
has famez-dkms "usr/src/famez-$version/(dkms.conf|Kbuild)" "usr/src/famez-$version/drivers/bridge/main.c" \
	'usr/lib/udev/rules.d/60-famez.rules' 'usr/lib/sysusers.d/famez-dkms.conf' &&
	! grep -q '\.mod\.c$\|\.ko$' "$tmp/list"
ok 'famez-dkms: sources, and who may use the device'
has famez-tools usr/bin/famez-{server,client,vm} usr/bin/famezctl usr/lib/famez/famez-agent \
	usr/share/man/man1/famezctl.1.gz usr/share/man/man8/famez-server.8.gz usr/share/bash-completion/completions/famezctl \
	'usr/lib/systemd/system/famez-server@.(service|socket)' usr/lib/tmpfiles.d/famez.conf usr/lib/sysusers.d/famez.conf
ok 'famez-tools: programs, pages, completion'
has libfamez0 "usr/lib/.*/libfamez.so.$version" && has libfamez-dev usr/include/famez.h usr/include/famez/linux/famez{,_fabric}.h \
	'usr/lib/.*/pkgconfig/libfamez.pc' usr/share/man/man3/famez_open.3.gz 'usr/share/doc/libfamez-dev/examples/hello_fabric.c' &&
	! grep 'usr/include/linux' "$tmp/list" >&2
ok 'libfamez0 and libfamez-dev: what programs are linked with and built from'
for package in build/deb/{famez,libfamez}*_"$version"_*.deb; do
	case $package in *dbgsym*) ;; *) dpkg-deb -x "$package" "$root" ;; esac
done

there=(env -u FAMEZ_SERVER LD_LIBRARY_PATH="$(dirname "$(find "$root/usr/lib" -name 'libfamez.so.0')")" PATH="$root/usr/bin:$PATH")

# ---- the library, and programs of it ----

cp -r "$root/usr/share/doc/libfamez-dev/examples" "$tmp/examples"
# shellcheck disable=SC2016
PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$(dirname "$(find "$root" -name libfamez.pc)") \
	make -s -C "$tmp/examples" CPPFLAGS="-I$root/usr/include" LDFLAGS="-L$(dirname "$(find "$root/usr/lib" -name libfamez.so)")" >&2
[ "$(find "$tmp/examples" -type f -executable | wc -l)" -eq "$(find examples -name '*.c' | wc -l)" ]
ok 'the examples are built with the installed library'
start sw "${there[@]}" famez-server --socket "$tmp/sw.sock" --backing memfd:
saw sw '^famez-server: ready' >/dev/null; ok 'the installed switch starts'
FAMEZ_DEVICE=$tmp/sw.sock FAMEZ_NAME=ann in_root "$tmp/examples/hello_fabric" | grep -q 'hello from ann'; ok 'an example runs on it'
[ "$(in_root famezctl --version)" = "famezctl $version" ]; ok 'programs have the version of their package'
kill "${pid[sw]}"; ends sw; ok 'and ends'

# ---- completion ----

# completes WORDS...: what the last one is completed to
completes() {
	in_root bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _famez "$1"; echo "${COMPREPLY[*]}"' \
		"$root/usr/share/bash-completion/completions/famezctl" "$@"
}
[ "$(completes famezctl se)" = send ] && [ "$(completes famez-vm qemu)" = qemu-args ] && [ "$(completes famezctl ping --cou)" = --count ] &&
	[ "$(completes famez-server --back)" = --backing ]
ok 'the shell completes verbs and options'

# ---- the launcher ----

in_root env FAMEZ_BUILD="$top/build" famez-vm initramfs --kernel "$kernel" --output "$tmp/initramfs" >&2 &&
	zstdcat "$tmp/initramfs" | cpio -t --quiet | grep -q 'usr/bin/famez-agent'
ok 'the installed famez-vm finds its parts'

! in_root env -u FAMEZ_BUILD -u FAMEZ_KERNEL XDG_CACHE_HOME="$tmp/cache" famez-vm up 1 2>"$tmp/said" && grep -q "no default kernel in $tmp/cache/famez/kernels" "$tmp/said"
ok 'which are in the user'"'"'s cache, not where he happens to be'

# ---- DKMS ----

# dkms_there TREE COMMAND...: all that it writes is below TREE
dkms_there() {
	local tree=$1

	shift
	mkdir -p "$tree/dkms" "$tree/modules"
	/usr/sbin/dkms "$@" -k "$kernel" --dkmstree "$tree/dkms" --sourcetree "$root/usr/src" --installtree "$tree/modules" \
		>"$tmp/dkms.log" 2>&1 || {
		tail -n 20 "$tmp/dkms.log" >&2
		find "$tree" -name make.log -exec tail -n 20 {} + >&2
		return 1
	}
}

dkms_there "$tmp/tree" build "famez/$version"; ok "DKMS builds the modules for $kernel"
built=$(find "$tmp/tree/dkms" -path '*/module/*' -name 'famez_*.ko*' | sort)
[ "$(basename -a $built | sed 's/\..*//' | paste -sd' ')" = 'famez_bridge famez_dax famez_pmem' ]; ok 'all of them'
[ "$(modinfo -F alias "$(grep bridge <<<"$built")" | grep -c 'pci:v00001AF4d00001110')" -eq 1 ]; ok 'which are loaded for the device by themselves'
modinfo -F signer "$(grep bridge <<<"$built")" | grep -q .; ok 'and signed'

# ---- make dist ----

make -s dist >&2 && tar xf "build/famez-$version.tar.xz" -C "$tmp" && [ -e "$tmp/famez-$version/dkms.conf" ]; ok 'a tarball'
mkdir -p "$tmp/other/usr/src" && root=$tmp/other dkms_there "$tmp/tree2" build "$tmp/famez-$version"; ok 'which DKMS builds as it is'
plan_complete
