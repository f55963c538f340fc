# SPDX-License-Identifier: GPL-2.0-only
# A kernel image that needs no decompressing, since an emulator takes a minute for that:
# the packed kernel's own setup header, boot/enter.S and the unpacked kernel.  What the
# decompressor would do beside, moving the kernel to a random address, is left out.
# Called by bochs.sh.
# shellcheck shell=bash

UNPACKED_BELOW=$((16 << 10))	# enter.S takes this much below the kernel

# unpacked_number FILE OFFSET SIZE
unpacked_number() {
	od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# unpacked_poke FILE OFFSET SIZE NUMBER
unpacked_poke() {
	local bytes='' number=$4 i

	for ((i = 0; i < $3; i++)); do
		bytes+=$(printf '\\x%02x' $((number & 255)))
		number=$((number >> 8))
	done
	printf '%b' "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# unpacked_elf VMLINUZ: the kernel as an ELF file on stdout.  The setup header's
# payload_offset counts from the end of the setup sectors; the payload's last 4 bytes
# are its size.
unpacked_elf() {
	local sectors offset length unpack

	sectors=$(unpacked_number "$1" 497 1)
	offset=$(((sectors + 1) * 512 + $(unpacked_number "$1" 584 4)))
	length=$(($(unpacked_number "$1" 588 4) - 4))
	case $(od -An -t x1 -j "$offset" -N 4 "$1") in
	' fd 37 7a 58') unpack='xz -dc' ;;
	' 28 b5 2f fd') unpack='zstd -qdc' ;;
	' 1f 8b'*) unpack='gzip -dc' ;;
	*) die "$1 is packed with something unknown" ;;
	esac
	# In this order neither ends before it has read all: with pipefail that is a failure.
	head -c $((offset + length)) "$1" | tail -c "$length" | $unpack
}

# unpacked_build FILE: the image of $KERNEL, in FILE.
unpacked_build() {
	local file=$1 work packed=$KERNEL/vmlinuz entry start end
	[ -e "$file" ] && return
	say "unpacking the kernel $KREL"
	work=$(mktemp -d) || exit
	unpacked_elf "$packed" >"$work/elf" || die "cannot unpack $packed"
	# What lies behind .bss would fill it with zeros; it is scratch memory.
	objcopy -O binary -R .init.scratch "$work/elf" "$work/flat" || die "$packed holds no ELF file"
	read -r entry start < <(LC_ALL=C readelf -lW "$work/elf" |
		awk '/^Entry point/ { entry = $3 } $1 == "LOAD" { print entry, $4; exit }')
	start=$(printf 0x%x $((start - UNPACKED_BELOW)))
	as --defsym KERNEL_ENTRY="$entry" "$MACHINE_DIR/boot/enter.S" -o "$work/enter.o" &&
		ld -Ttext="$start" --oformat binary -o "$work/enter" "$work/enter.o" ||
		die "cannot assemble boot/enter.S"
	[ "$(stat -c %s "$work/enter")" -le $UNPACKED_BELOW ] || die "boot/enter.S has grown too large"
	truncate -s $UNPACKED_BELOW "$work/enter"

	# syssize, kernel_alignment, min_alignment, pref_address, init_size
	head -c $((($(unpacked_number "$packed" 497 1) + 1) * 512)) "$packed" >"$work/setup"
	end=$(cat "$work/enter" "$work/flat" | wc -c)
	unpacked_poke "$work/setup" $((0x1f4)) 4 $(((end + 15) / 16))
	unpacked_poke "$work/setup" $((0x230)) 4 4096
	unpacked_poke "$work/setup" $((0x235)) 1 12
	unpacked_poke "$work/setup" $((0x258)) 8 "$start"
	unpacked_poke "$work/setup" $((0x260)) 4 \
		$(($(unpacked_number "$packed" $((0x260)) 4) + UNPACKED_BELOW))
	cat "$work/setup" "$work/enter" "$work/flat" >"$file.new" || die "cannot write $file.new"
	mv "$file.new" "$file"
	rm -rf "$work"
}

# unpacked_prepare: sets UNPACKED, the image; made once for a kernel.
unpacked_prepare() {
	local digest

	digest=$(cat "$KERNEL/vmlinuz" "$MACHINE_DIR/boot/enter.S" "$MACHINE_DIR/lib/unpacked.sh" |
		sha256sum | cut -c 1-16)
	UNPACKED=$TREE/build/machine/kernel-$KREL-$digest
	[ -e "$UNPACKED" ] || locked "$TREE/build/machine/lock" unpacked_build "$UNPACKED" || exit
}

# unpacked_address FILE: where in memory the file's first byte comes to lie.
unpacked_address() {
	echo $(($(unpacked_number "$1" $((0x258)) 8) - ($(unpacked_number "$1" 497 1) + 1) * 512))
}
