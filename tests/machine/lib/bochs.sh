# SPDX-License-Identifier: GPL-2.0-only
# The VT-x computer: Bochs, which boots from a disk image and talks through serial ports.
# It has no way to the build computer's files: what the command needs is packed into
# the initramfs (lib/travel.sh).  Called by run, like lib/qemu.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
# shellcheck disable=SC2154 # set by run

MACHINE_MODEL=corei7_haswell_4770
MACHINE_KVM=kvm_intel
MACHINE_TERMINAL=''
MACHINE_CONSOLE=ttyS0
MACHINE_LEAVE=/dev/ttyS3
# Both images by name: bochs itself is content with seabios, which QEMU may have brought.
MACHINE_PACKAGES=(bochs-bin=bochs /usr/share/bochs/BIOS-bochs-latest=bochsbios
	/usr/share/bochs/VGABIOS-lgpl-latest=vgabios gcc=gcc ld=binutils)

# Instructions in a second of the machine's time: its TSC's frequency.  The machine's
# clock runs by it, however fast the emulator is.
BOCHS_IPS=50000000

# machine_input: to the debugger that Debian's Bochs has built in: go.
machine_input() {
	echo c
}

machine_modules() {
	:
}

# bochs_memory: its size in MiB.
bochs_memory() {
	case $memory in
	*G) echo $((${memory%G} * 1024)) ;;
	*) echo "${memory%M}" ;;
	esac
}

# bochs_initrd: the initramfs, with all that the command needs.
bochs_initrd() {
	local tree=$logs/tree modules=$logs/tree/lib/modules/$KREL

	mkdir -p "$tree"
	image_skeleton "$tree" "$MACHINE_DIR/guest/in-image"
	# shellcheck disable=SC2086 # a list
	image_modules "$modules" $MACHINE_KVM $depends
	cp "$logs/job/job" "$tree/job"
	travel "$tree"
	# Their type information and signature cost more time than the rest of loading them.
	strip --strip-debug -R .BTF "$modules"/*.ko ${ko:+"$tree$ko"} || die "cannot strip the modules"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree" "$KREL" 2>"$logs/depmod.log" ||
		die "depmod failed: $logs/depmod.log"
	if [ -n "$out" ]; then
		mkdir -p "$tree/run/host-out"
		cp -a "$out/." "$tree/run/host-out/" || die "cannot copy $out"
	fi
	image_pack "$tree" >"$logs/initrd" || die "cannot write $logs/initrd"
	rm -rf "$tree"
}

# bochs_sectors FILE
bochs_sectors() {
	echo $((($(stat -Lc %s "$1") + 511) / 512))
}

# bochs_disk APPEND: the disk's image: boot sector, command line, kernel, initramfs.
bochs_disk() {
	local file symbols

	unpacked_prepare
	# The kernel's tests of its own cryptography take a third of its boot here. A processor
	# idles in HLT, for Bochs loses writes that should end an MWAIT (README.md).
	printf '%s cryptomgr.notests idle=halt\0' "$1" >"$logs/cmdline"
	symbols=CMDLINE_SECTORS=$(bochs_sectors "$logs/cmdline")
	symbols+=,--defsym,KERNEL_SECTORS=$(bochs_sectors "$UNPACKED")
	symbols+=,--defsym,KERNEL_AT=$(unpacked_address "$UNPACKED")
	symbols+=,--defsym,INITRD_SECTORS=$(bochs_sectors "$logs/initrd")
	symbols+=,--defsym,INITRD_SIZE=$(stat -c %s "$logs/initrd")
	gcc -c -Wa,--defsym,"$symbols" "$MACHINE_DIR/boot/load.S" -o "$logs/load.o" &&
		ld -Ttext=0x7c00 --oformat binary -o "$logs/disk" "$logs/load.o" ||
		die "cannot assemble boot/load.S"
	for file in "$logs/cmdline" "$UNPACKED" "$logs/initrd"; do
		cat "$file" >>"$logs/disk" && truncate -s %512 "$logs/disk" || die "cannot write $logs/disk"
	done
	# Whole cylinders, from which Bochs makes out the geometry.
	truncate -s %$((16 * 63 * 512)) "$logs/disk"
	rm -f "$logs/cmdline" "$logs/load.o" "$logs/initrd"
}

# machine_prepare APPEND: makes the disk image and Bochs's configuration and sets args,
# the emulator's command.
machine_prepare() {
	local size clock=utc separate=()

	bochs_initrd
	bochs_disk "$1"
	size=$(bochs_memory)
	[ -z "$icount" ] || clock=946684800
	cat >"$logs/bochsrc" <<-END
		display_library: rfb, options="timeout=0"
		config_interface: textconfig
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
		cpu: model=$model, count=$smp, ips=$BOCHS_IPS, reset_on_triple_fault=0
		memory: guest=$size, host=$size
		clock: sync=none, time0=$clock
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, path="$logs/disk", mode=flat
		ata1: enabled=0
		boot: disk
		com1: enabled=1, mode=file, dev="$logs/console.log"
		com2: enabled=1, mode=file, dev="$logs/output"
		com3: enabled=1, mode=file, dev="$logs/status"
		com4: enabled=1, mode=file, dev="$logs/left.tar"
		log: "$logs/bochs.log"
		panic: action=fatal
		error: action=report
		info: action=report
		debug: action=ignore
	END
	# On a computer without a sound card the thread behind its speaker aborts it.
	echo 'plugin_ctrl: speaker=0' >>"$logs/bochsrc"
	# Its screen is a VNC server that nobody asked for: out of the network's reach.
	[ "$(id -u)" -ne 0 ] || separate=(unshare --net)
	args=("${separate[@]}" bochs-bin -q -f "$logs/bochsrc")
}

machine_explain() {
	:
}

pulses() {
	false
}

machine_died() {
	false
}

# machine_collect: what the machine left on its last serial port: the kernel's log, and
# what is in --out.
machine_collect() {
	if [ -s "$logs/left.tar" ]; then
		tar -xmf "$logs/left.tar" -C "$logs" dmesg.log
		[ -z "$out" ] || tar -xmf "$logs/left.tar" --no-same-owner -C "$out" --strip-components=1 host-out
	fi
	rm -f "$logs/left.tar"
}
