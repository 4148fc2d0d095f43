#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# famez-vm image: a Debian guest on a disk, with famez's packages installed by apt as
# their users install them: DKMS builds the modules for the image's own kernel.
set -eu

usage()
{
	cat <<'USAGE'
usage: famez-vm image [--release SUITE] [--output FILE] [--size SIZE]
                      [--packages DIR] [--include PACKAGE]... [--run COMMAND]...

Makes the disk of a Debian guest, which 'famez-vm up' boots, and prints its name.
It takes some minutes, and needs root or user namespaces.

  --release SUITE    bookworm (default) or trixie, or one that the packages fit;
                     from the mirror that this machine's packages come from
  --output FILE      default $FAMEZ_BUILD/image-SUITE.img
  --size SIZE        of the disk (default 3G; what is not used takes no room)
  --packages DIR     where famez's packages are (default $FAMEZ_BUILD/deb, into
                     which 'make deb' builds them)
  --include PACKAGE  another package of the suite (may be repeated)
  --run COMMAND      run in the image, as root, when all is installed (may be repeated)
USAGE
}

fail()
{
	echo "famez-vm image: $*" >&2
	exit 1
}

misuse()
{
	echo "famez-vm image: $*" >&2
	usage >&2
	exit 2
}

PATH=$PATH:/usr/sbin:/sbin
build=${FAMEZ_BUILD:-build}
share=${FAMEZ_VM_SHARE:-$(dirname "$0")}
agent=${FAMEZ_VM_AGENT:-$build/bin/famez-agent}
release=bookworm
size=3G
output=
packages=$build/deb
include=
commands=
newline='
'
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--*=*) option=${1%%=*} value=${1#*=} ;;
	--*)
		[ $# -ge 2 ] || misuse "'$1' is not understood, or lacks its value"
		option=$1 value=$2
		shift ;;
	*) misuse "'$1' is not understood" ;;
	esac
	case $option in
	--release) release=$value ;;
	--output) output=$value ;;
	--size) size=$value ;;
	--packages) packages=$value ;;
	--include) include=$include,$value ;;
	--run) commands=$commands$value$newline ;;
	*) misuse "option '$option' is not known" ;;
	esac
	shift
done
output=${output:-$build/image-$release.img}

tools='mmdebstrap mke2fs'
[ "$(id -u)" = 0 ] || tools="$tools newuidmap"
for tool in $tools; do
	command -v $tool >/dev/null || fail "$tool is missing; install the packages mmdebstrap, e2fsprogs and uidmap"
done
[ -x "$agent" ] || fail "famez-agent was expected beside famez-vm, or as $agent; build it first"
set -- "$packages"/famez-dkms_*.deb "$packages"/famez-tools_*.deb "$packages"/libfamez0_*.deb
for package; do
	[ -e "$package" ] || fail "no $package; 'make deb' builds it, --packages says where it is"
done

# shellcheck source=tools/vm/suite.sh
. "$share/suite.sh"
mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
suite_sources "$release" >"$work/sources.list"
grep -q . "$work/sources.list" ||
	fail "apt knows no Debian mirror; expected one in the machine's apt sources. Run 'apt-get update'"
suite_options "$release" >"$work/apt.conf"
chmod 755 "$work"
mkdir "$work/add"
cp "$@" "$work/add"
cp "$agent" "$work/add/famez-agent"

# in the image: what its user would type, and what famez-vm needs to speak with it
cat >"$work/add/install" <<'INSTALL'
set -eu
cd /tmp/famez
export DEBIAN_FRONTEND=noninteractive
apt-get install -y ./*.deb
install -D famez-agent /usr/local/lib/famez/famez-agent
cat >/etc/systemd/system/famez-agent@.service <<'UNIT'
[Unit]
Description=famez-vm's commands, port %i
[Service]
ExecStart=/usr/local/lib/famez/famez-agent famez.exec.%i
Restart=always
RestartSec=0
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
UNIT
for port in 0 1 2 3 4 5 6 7; do
	systemctl enable "famez-agent@$port" >/dev/null
done
passwd -d root >/dev/null
echo 'LABEL=famez / ext4 defaults 0 1' >/etc/fstab
echo 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' >/etc/environment
sh -eu commands
# what is this machine's, not the guest's: its name, name servers, apt's options
apt-get clean
rm -rf /tmp/famez /etc/resolv.conf /etc/apt/apt.conf.d/99mmdebstrap
echo famez >/etc/hostname
INSTALL
printf '%s' "$commands" >"$work/add/commands"

# Without root, files in the image have owners that only a user namespace has, where the
# tree can be emptied; its directory is the user's to remove. With root, what is mounted in
# it ends with mmdebstrap, whatever still holds that.
mode=unshare
as_owner='mmdebstrap --unshare-helper'
own_mounts=
[ "$(id -u)" != 0 ] || mode=root as_owner='' own_mounts='unshare --mount'
trap '[ ! -e "$work/root" ] || $as_owner find "$work/root" -xdev -mindepth 1 -delete || :; rm -rf "$work"' EXIT

truncate -s "$size" "$work/disk" || fail "--size is '$size'; expected for example 4G"
echo "famez-vm image: installing $release" >&2
$own_mounts mmdebstrap --quiet --mode=$mode --variant=important --format=directory \
	--aptopt="$work/apt.conf" \
	--include="linux-image-amd64,linux-headers-amd64,dkms,systemd-sysv,udev,dbus,kmod,initramfs-tools,e2fsprogs$include" \
	--customize-hook="copy-in '$work/add' /tmp" \
	--customize-hook='mv "$1/tmp/add" "$1/tmp/famez"' \
	--customize-hook='chroot "$1" sh /tmp/famez/install' \
	"$release" "$work/root" - <"$work/sources.list" >"$work/log" 2>&1 || {
	tail -n 40 "$work/log" >&2
	fail "the image of $release could not be made: see above"
}
# mke2fs, too, is run as those
[ $mode = root ] || chmod 666 "$work/disk"
$as_owner mke2fs -q -F -t ext4 -L famez -d "$work/root" "$work/disk"
chmod =rw "$work/disk" # as the umask has it
mv "$work/disk" "$output"
echo "$output"
