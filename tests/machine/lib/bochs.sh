# SPDX-License-Identifier: GPL-2.0-only
# The VT-x computer: Bochs, which boots from a CD image and talks through serial ports.
# It has no way to the build computer's files: what the command needs is packed into
# the initramfs (lib/travel.sh).  Called by run, like lib/qemu.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by run
# shellcheck disable=SC2154 # set by run

MACHINE_MODEL=corei7_haswell_4770
MACHINE_KVM=kvm_intel
MACHINE_TERMINAL=''
MACHINE_INPUT=c	# to the debugger that Debian's has built in: go
MACHINE_LEAVE=/dev/ttyS3
MACHINE_PACKAGES=(bochs-bin=bochs /usr/share/bochs/VGABIOS-lgpl-latest=vgabios
	grub-mkrescue=grub-common /usr/lib/grub/i386-pc/linux.mod=grub-pc-bin
	xorriso=xorriso mformat=mtools as=binutils)

# Instructions in a second of the machine's time: its TSC's frequency.  The machine's
# clock runs by it, however fast the emulator is.
BOCHS_IPS=50000000

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

# bochs_image APPEND: the CD image, with all that the command needs in the initramfs.
bochs_image() {
	local tree=$logs/tree cd=$logs/cd

	mkdir -p "$tree" "$cd/boot/grub"
	image_skeleton "$tree" "$MACHINE_DIR/guest/in-image"
	# shellcheck disable=SC2086 # a list
	image_modules "$tree/lib/modules/$KREL" $MACHINE_KVM $depends
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree" "$KREL" 2>"$logs/depmod.log" ||
		die "depmod failed: $logs/depmod.log"
	cp "$logs/job/job" "$tree/job"
	travel "$tree"
	if [ -n "$out" ]; then
		mkdir -p "$tree/run/host-out"
		cp -a "$out/." "$tree/run/host-out/" || die "cannot copy $out"
	fi
	image_pack "$tree" >"$cd/initrd" || die "cannot write $cd/initrd"

	# The kernel's tests of its own cryptography take a third of its boot here.
	printf 'linux /vmlinuz %s cryptomgr.notests\ninitrd /initrd\nboot\n' "$1" \
		>"$cd/boot/grub/grub.cfg"
	unpacked_prepare
	quietly "making the CD image" "$logs/grub.log" grub-mkrescue -d /usr/lib/grub/i386-pc \
		--install-modules="linux normal iso9660 biosdisk configfile" --locales= --themes= \
		--fonts= -o "$logs/cd.iso" "$cd" "vmlinuz=$UNPACKED"
	rm -rf "$tree" "$cd"
}

# machine_prepare APPEND: makes the CD image and Bochs's configuration and sets args,
# the emulator's command.
machine_prepare() {
	local size clock=utc separate=()

	bochs_image "$1"
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
		ata0-master: type=cdrom, path="$logs/cd.iso", status=inserted
		boot: cdrom
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
	# Its screen is a VNC server that nobody asked for: out of the network's reach.
	[ "$(id -u)" -ne 0 ] || separate=(unshare --net)
	args=("${separate[@]}" bochs-bin -q -f "$logs/bochsrc")
}

machine_died() {
	false
}

# machine_collect: what the machine left on its last serial port: the kernel's log, and
# what is in --out.
machine_collect() {
	if [ -s "$logs/left.tar" ]; then
		tar -xf "$logs/left.tar" -C "$logs" dmesg.log
		[ -z "$out" ] || tar -xf "$logs/left.tar" --no-same-owner -C "$out" --strip-components=1 host-out
	fi
	rm -f "$logs/left.tar" "$logs/cd.iso"
}
