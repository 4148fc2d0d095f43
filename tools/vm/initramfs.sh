#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# famez-vm initramfs: the guests' whole file system, made from the host's
# static busybox, kmod, our agent and whatever the user adds. Needs no root:
# the kernel itself provides the device nodes.
set -eu

usage()
{
	cat <<'USAGE'
usage: famez-vm initramfs [--kernel VERSION] [--output FILE]
                          [--add FILE[:DEST]]... [--module NAME]...

Builds the file system that guests start from, and prints its name.

  --kernel VERSION   for this kernel below $FAMEZ_BUILD/kernels; default
                     $FAMEZ_KERNEL, or else the one that 'famez-vm kernel'
                     fetched last. A path with a slash names a kernel
                     image that needs no modules
  --output FILE      default $FAMEZ_BUILD/initramfs-VERSION.img, which
                     'famez-vm up' takes by itself
  --add FILE[:DEST]  add a file or directory. Programs go to /usr/bin/ and
                     bring their shared libraries along; all else, such as
                     modules, goes to /famez/. What a module needs of the
                     stock kernel's modules is added, too
  --module NAME      add a module of the stock kernel and all it needs,
                     for modprobe in the guest (may be repeated)
USAGE
}

fail()
{
	echo "famez-vm initramfs: $*" >&2
	exit 1
}

misuse()
{
	echo "famez-vm initramfs: $*" >&2
	usage >&2
	exit 2
}

# Copy the shared libraries of program $1 to where the guest looks for them.
add_libraries()
{
	ldd "$1" 2>/dev/null | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' |
	while read -r library; do
		case $library in
		/lib* | /usr/lib*) to=$stage$library ;;
		*) to=$stage/usr/lib/${library##*/} ;;
		esac
		[ -e "$to" ] && continue
		mkdir -p "${to%/*}"
		cp -L "$library" "$to"
	done
	if ldd "$1" 2>/dev/null | grep 'not found' >&2; then
		fail "$1 lacks the libraries above on this machine; expected them installed or in LD_LIBRARY_PATH"
	fi
}

# Copy module $1 of the stock kernel, with all it needs: by the kernel alone, whatever
# this machine has in its modprobe.d.
add_module()
{
	[ -d "$modules" ] || return 0
	modprobe -C /dev/null --show-depends -S "$version" -d "$root" "$1" \
		2>"$stage.err" > "$stage.deps" ||
		fail "kernel $version has no module '$1': $(cat "$stage.err")"
	while read -r kind file _; do
		[ "$kind" = insmod ] || continue
		to=$stage/lib/modules/$version/${file##*/lib/modules/"$version"/}
		[ -e "$to" ] && continue
		mkdir -p "${to%/*}"
		cp "$file" "$to"
	done < "$stage.deps"
}

# Stock modules that a module of the user's, $1, is built on. Those that the
# stock kernel does not have are the user's own, too.
add_needed_modules()
{
	for needed in $(modinfo -F depends "$1" | tr , ' '); do
		modprobe -C /dev/null --show-depends -S "$version" -d "$root" "$needed" \
			>/dev/null 2>&1 && add_module "$needed"
	done
	return 0
}

add_file()
{
	file=${1%%:*}
	to=
	case $1 in *:*) to=${1#*:} ;; esac
	[ -e "$file" ] ||
		fail "'$file', to be added, does not exist; expected FILE or FILE:DEST"
	if [ -z "$to" ]; then
		to=/famez/
		[ -f "$file" ] && [ -x "$file" ] && [ "${file%.ko}" = "$file" ] &&
			to=/usr/bin/
	fi
	case $to in */) to=$to${file##*/} ;; esac
	case $to in /*) ;; *) fail "'$to' is no place in a guest; expected an absolute path" ;; esac
	mkdir -p "$stage${to%/*}"
	if [ -d "$file" ]; then
		mkdir -p "$stage$to"
		cp -a "$file/." "$stage$to/"
		return
	fi
	cp -L "$file" "$stage$to"
	case $file in
	*.ko | *.ko.*) add_needed_modules "$file" ;;
	*) [ -x "$file" ] && add_libraries "$file" ;;
	esac
	return 0
}

PATH=$PATH:/usr/sbin:/sbin
build=${FAMEZ_BUILD:-build}
share=${FAMEZ_VM_SHARE:-$(dirname "$0")}
version=${FAMEZ_KERNEL:-}
output=
adds=
stock=
newline='
'
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--*=*)
		option=${1%%=*}
		value=${1#*=} ;;
	--*)
		[ $# -ge 2 ] || misuse "'$1' is not understood, or lacks its value"
		option=$1
		value=$2
		shift ;;
	*) misuse "'$1' is not understood" ;;
	esac
	case $option in
	--kernel) version=$value ;;
	--output) output=$value ;;
	--add) adds=$adds$newline$value ;;
	--module) stock="$stock $value" ;;
	*) misuse "option '$option' is not known" ;;
	esac
	shift
done

for tool in cpio zstd modprobe depmod modinfo ldd; do
	command -v $tool >/dev/null ||
		fail "$tool is missing; install the packages cpio, zstd, kmod and libc-bin"
done
busybox=${BUSYBOX:-/bin/busybox}
[ -x "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1 ||
	fail "no static busybox at $busybox; install the package busybox-static"
agent=${FAMEZ_VM_AGENT:-$build/bin/famez-agent}
[ -x "$agent" ] ||
	fail "famez-agent was expected beside famez-vm, or as $agent; build it first"

if [ -z "$version" ]; then
	version=$(readlink "$build/kernels/.default") ||
		fail "no default kernel in $build/kernels; run 'famez-vm kernel' first, or set FAMEZ_BUILD or FAMEZ_KERNEL"
fi
case $version in
*/*) root=/nonexistent; version=${version##*/} ;;
*) root=$build/kernels/$version
   [ -d "$root" ] ||
	fail "no kernel $version below $build/kernels; there is: $(ls "$build/kernels" 2>/dev/null | tr '\n' ' ')" ;;
esac
modules=$root/lib/modules/$version
output=${output:-$build/initramfs-$version.img}
mkdir -p "$(dirname "$output")"

work=$(mktemp -d "${TMPDIR:-/tmp}/famez-initramfs.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
stage=$work/stage
for dir in bin sbin lib lib64; do
	mkdir -p "$stage/usr/$dir"
	ln -s usr/$dir "$stage/$dir"
done

for dir in dev proc sys tmp run root etc famez mnt var/log; do
	mkdir -p "$stage/$dir"
done
ln -s ../proc/self/mounts "$stage/etc/mtab"
ln -s ../run "$stage/var/run"
echo 'root:x:0:0:root:/root:/bin/sh' > "$stage/etc/passwd"
echo 'root:x:0:' > "$stage/etc/group"
# For the shell of 'famez-vm console', which is busybox' own
cat > "$stage/etc/profile" <<'PROFILE'
PS1='\h:\w\$ '
for name in insmod modprobe rmmod lsmod modinfo depmod; do
	alias $name=/sbin/$name
done
unset name
PROFILE

cp "$busybox" "$stage/bin/busybox"
cp "$share/init" "$stage/init"
chmod 755 "$stage/init"
kmod=$(readlink -f "$(command -v modprobe)")
cp "$kmod" "$stage/bin/kmod"
add_libraries "$kmod"
for name in insmod modprobe rmmod lsmod modinfo depmod; do
	ln -s ../bin/kmod "$stage/sbin/$name"
done
# Busybox' shell runs its own insmod rather than the one in PATH
if [ -x /bin/dash ]; then
	cp -L /bin/dash "$stage/bin/dash"
	add_libraries /bin/dash
	ln -s dash "$stage/bin/sh"
fi
cp "$agent" "$stage/usr/bin/famez-agent"
add_libraries "$agent"

{
	echo '::sysinit:/bin/true'
	for port in 0 1 2 3 4 5 6 7; do
		echo "::respawn:/usr/bin/famez-agent famez.exec.$port"
	done
	echo '::ctrlaltdel:/sbin/reboot -f'
} > "$stage/etc/inittab"

for name in virtio_pci virtio_console; do
	[ -d "$modules" ] || break
	add_module $name
	echo $name >> "$stage/etc/famez-modules"
done
for name in $stock; do
	add_module "$name"
done
IFS=$newline
for add in $adds; do
	unset IFS
	add_file "$add"
done
unset IFS
if [ -d "$modules" ]; then
	mkdir -p "$stage/lib/modules/$version"
	cp "$modules"/modules.builtin* "$modules/modules.order" \
		"$stage/lib/modules/$version/" 2>/dev/null || :
	depmod -b "$stage" "$version"
fi

# Written aside and renamed: a guest that starts meanwhile sees one or the other
(cd "$stage" && find . | cpio --quiet -o -H newc -R 0:0) |
	zstd -q -T0 -3 > "$output.$$"
mv "$output.$$" "$output"
echo "$output"
