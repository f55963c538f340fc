# SPDX-License-Identifier: GPL-2.0-only
# What the tests in this directory share: they prepare a guest on the build
# computer and run the rest of themselves inside the emulated machine.
# shellcheck shell=bash

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit
# shellcheck source=../machine/lib/common.sh
. tests/machine/lib/common.sh
# shellcheck source=../machine/lib/packages.sh
. tests/machine/lib/packages.sh

vmm_work=build/vmm
vmm_guest=6.1

# vmm_prepare [--print-unpacked]: the command, a guest kernel (on Bochs decompressing it
# would take minutes) and its initramfs.
vmm_prepare() {
	mkdir -p "$vmm_work"
	packages_compiler /usr/include/libkmod.h=libkmod-dev
	quietly "building libkvmx and the kvmx command" "$vmm_work/userlib.log" make -j2 userlib
	ln -sfn "$(tests/guest-linux/mkinitrd --kernel "$vmm_guest" "${1:---print-kernel}" \
		--out "$vmm_work/initrd")" "$vmm_work/vmlinuz" || die "no guest kernel"
}

# vmm_command APPEND OPTION...: puts the command that boots the guest in vmm.
vmm_command() {
	local append=$1
	shift
	# shellcheck disable=SC2034 # used by those who source this
	vmm=(build/userlib/kvmx run --kernel "$vmm_work/vmlinuz" --initrd "$vmm_work/initrd"
		--append "console=ttyS0 quiet panic=-1 $append" "$@")
}

# expect_line WHAT PATTERN FILE: a check, that the file has such a line; it counts in passed
# and failed.
expect_line() {
	if grep -aq "$2" "$3"; then
		echo "ok: $1: $(grep -am 1 "$2" "$3")"
		passed=$((passed + 1))
	else
		echo "NOT ok: $1: no line with '$2'"
		tail -n 15 "$3"
		failed=$((failed + 1))
	fi
}
