# SPDX-License-Identifier: GPL-2.0-only
# The arm64 computers, with VHE (arm64) and without (arm64-nvhe): QEMU's TCG as in
# lib/qemu.sh, and a system of busybox, since this computer's programs do not run there.
# Called by run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run and lib/qemu.sh
# shellcheck disable=SC2154 # set by run

# shellcheck source=qemu.sh
. "$MACHINE_DIR/lib/qemu.sh"

# Pointer authentication by the architecture's cipher takes TCG most of its time; for SVE
# see "A flaw of TCG's SVE" in README.md.
case $cpu in
arm64) MACHINE_MODEL=max,pauth-impdef=on,sve=off ;;
arm64-nvhe) MACHINE_MODEL=cortex-a72 ;;
esac
MACHINE_KVM=''
MACHINE_CONSOLE=ttyAMA0
MACHINE_PACKAGES=(qemu-system-aarch64=qemu-system-arm)

# shellcheck disable=SC2054 # the commas are the emulator's
QEMU=(qemu-system-aarch64 -M virt,virtualization=on,gic-version=3)
if [ -n "$acpi" ]; then
	firmware=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
	QEMU+=(-bios $firmware)
	MACHINE_PACKAGES+=("$firmware=qemu-efi-aarch64")
fi

# The kernel's KVM is built in, and would take EL2 while booting.
QEMU_APPEND=kvm-arm.mode=none
case $module in
kvm | both) QEMU_APPEND='' ;;
esac

# machine_died: the flaw of TCG is one of its x86.
machine_died() {
	false
}
