# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For run.sh and run-one.sh: the runs of make check-matrix. Its labels are KERNEL+QEMU+PLACE:
# a kernel as elsewhere, "own" for the machine's QEMU or "newest" for that of qemu.sh, and
# where the device is: a machine type, or "port", behind a root port of q35.

matrix_kernels='6.1 6.12 newest'
matrix_qemus='own newest'
matrix_places='pc q35 port'

matrix_labels() {
	local kernel qemu place

	for kernel in $matrix_kernels; do
		for qemu in $matrix_qemus; do
			for place in $matrix_places; do
				echo "$kernel+$qemu+$place"
			done
		done
	done
}

# matrix_environment LABEL: what makes famez-vm start guests so
matrix_environment() {
	case $1 in
	*+newest+*) export QEMU=$PWD/build/qemu-newest/qemu-system-x86_64 ;;
	*) unset QEMU ;;
	esac
	case ${1##*+} in
	port) export FAMEZ_MACHINE=q35 FAMEZ_ROOT_PORT=1 ;;
	*) export FAMEZ_MACHINE=${1##*+} FAMEZ_ROOT_PORT=0 ;;
	esac
}

# matrix_qemu LABEL: its version
matrix_qemu() {
	(
		matrix_environment "$1"
		"${QEMU:-qemu-system-x86_64}" --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
	)
}

# matrix_cell LABEL: passed, if all of its tests have
matrix_cell() {
	if grep -Lx passed "$logs"/*@"$1".result | grep -q . || ! [ -e "$logs/two@$1.result" ]; then
		echo FAILED
	else
		echo passed
	fi
}

# matrix_table: as README has it
matrix_table() {
	local kernel qemu place row

	row='| Linux | device |'
	for qemu in $matrix_qemus; do
		row+=" QEMU $(matrix_qemu "6.1+$qemu+pc") |"
	done
	printf '\n%s\n|---|---|---|---|\n' "$row"
	for kernel in $matrix_kernels; do
		for place in $matrix_places; do
			row="| $(tools/testing/kernels/kernel.sh "$kernel") | ${place/port/q35, root port} |"
			for qemu in $matrix_qemus; do
				row+=" $(matrix_cell "$kernel+$qemu+$place") |"
			done
			echo "$row"
		done
	done
	echo
}
