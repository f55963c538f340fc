# SPDX-License-Identifier: GPL-2.0-only
# The AMD-V computer: QEMU's TCG, with the build computer's files over 9p and virtio
# ports for what is told.  Called by run, like lib/bochs.sh; lib/qemu-arm64.sh is this with
# another processor.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
# shellcheck disable=SC2154 # set by run

MACHINE_MODEL=EPYC
MACHINE_KVM=kvm_amd
MACHINE_TERMINAL=1
MACHINE_LEAVE=''
MACHINE_CONSOLE=ttyS0
MACHINE_PACKAGES=(qemu-system-x86_64=qemu-system-x86)

QEMU=(qemu-system-x86_64)
QEMU_APPEND='no_timer_check unknown_nmi_panic'	# for the kernel's command line

# The modules that reach the build computer's files and the ports.
QEMU_MODULES=(9p 9pnet_virtio virtio_pci virtio_console overlay)

machine_modules() {
	readlink -f "$KERNEL/modules"
}

# pulses: does the machine need a pulse?  "A flaw of TCG's VMRUN" in README.md.
pulses() {
	[ "$cpu" = amd ] && [ -z "$icount$terminal" ]
}

# machine_input: the emulator's standard input.
machine_input() {
	pulses || return
	while sleep 0.2 && echo; do :; done
}

# machine_prepare APPEND: makes this run's initramfs (the kernel's, and the job in a second
# archive) and sets args, the emulator's command.
machine_prepare() {
	local append=$1 accel=tcg,thread=multi extra=() channel pulse=null,id=pulse
	local ports=virtio-serial-pci

	image_prepare "$MACHINE_DIR/guest/over-9p" "${QEMU_MODULES[@]}"
	{ cat "$IMAGE" && image_pack "$logs/job" | gzip -1; } >"$logs/initrd" ||
		die "cannot write $logs/initrd"
	if [ -n "$icount" ]; then
		accel=tcg
		extra+=(-icount "shift=0,sleep=off")
	fi
	# shellcheck disable=SC2054 # the commas are the emulator's
	if [ -n "$terminal" ]; then
		extra+=(-device virtconsole,nr=0,chardev=output)
		channel=stdio,id=output,signal=off
	else
		# Through a pipe: the emulator makes what it writes to non-blocking, and
		# stdio would count as disconnected when there is no input.
		extra+=(-device virtserialport,nr=1,chardev=output)
		channel=file,id=output,path=${logs//,/,,}/output
	fi
	if pulses; then
		pulse=stdio,id=pulse,signal=off
		# An interrupt for each pulse, also while an earlier one has not been looked at.
		ports+=,event_idx=off
	fi
	if [ -n "$out" ]; then
		extra+=(-virtfs "local,path=${out//,/,,},mount_tag=out,security_model=none,multidevs=remap")
	fi
	mkfifo "$logs/monitor.in" "$logs/monitor.out"
	# shellcheck disable=SC2054
	args=("${QEMU[@]}" -nodefaults -no-user-config -no-reboot -display none
		-chardev "pipe,id=monitor,path=${logs//,/,,}/monitor,logfile=${logs//,/,,}/monitor.log" -mon monitor
		-accel "$accel" -cpu "$model" -smp "$smp" -m "$memory"
		-kernel "$KERNEL/vmlinuz" -initrd "$logs/initrd" -append "$QEMU_APPEND $append"
		-virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"
		-serial "file:${logs//,/,,}/console.log"
		-chardev "$channel"
		-chardev "file,id=status,path=${logs//,/,,}/status"
		-chardev "file,id=log,path=${logs//,/,,}/dmesg.log"
		-device "$ports" "${extra[@]}"
		-device virtserialport,nr=2,chardev=status
		-device virtserialport,nr=3,chardev=log
		-chardev "$pulse" -device virtserialport,nr=4,chardev=pulse)
}

# machine_explain: what the machine that did not end in time was doing: its processors' registers
# and local APICs go to monitor.log, and an NMI makes its kernel tell the rest on its console.
machine_explain() {
	local _

	# For reading, too: with an emulator that has just ended, opening it would wait for ever.
	{
		for _ in 1 2 3; do
			printf '%s\n' 'info registers -a' 'info lapic' 'info irq' 'info pic'
		done
		echo nmi
	} 1<>"$logs/monitor.in"
	# It panics, and the machine ends; one that takes no NMI is stopped.
	timeout 10 tail --pid="$emulator" -f /dev/null
}

# machine_died: a kernel that died while booting, before anything under test ran, is this
# emulator's known flaw: TCG may lose a booting kernel to code that the kernel modifies
# on one processor while another has it translated (an int3 nobody owns).
machine_died() {
	! booted && [ "$ended" -eq 0 ]
}

# machine_collect: nothing is left to fetch, all of it came through the ports.
machine_collect() {
	:
}
