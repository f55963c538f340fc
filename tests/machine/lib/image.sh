# SPDX-License-Identifier: GPL-2.0-only
# What the machines' initramfs are made of: busybox, modules, guest/init, what that
# hands over to, guest/main.  Called by qemu.sh, bochs.sh and guest-linux/mkinitrd.
# shellcheck shell=bash

# image_pack DIRECTORY: a cpio archive of it on stdout.
image_pack() {
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet)
}

# image_module FILE INTO: uncompressed, since busybox insmod reads nothing else.
image_module() {
	local name
	name=$(basename "$1")

	case $name in
	*.ko.xz) xz -dc "$1" >"$2/${name%.xz}" ;;
	*.ko.zst) zstd -qdc "$1" >"$2/${name%.zst}" ;;
	*.ko.gz) gzip -dc "$1" >"$2/${name%.gz}" ;;
	*) cp "$1" "$2/$name" ;;
	esac
}

# image_modules DIRECTORY NAME...: the kernel's modules of these names and those they
# need, into DIRECTORY; their order in its file "order".
image_modules() {
	local into=$1 name file_of module work
	shift

	work=$(mktemp -d) || exit
	mkdir -p "$into" "$work/lib/modules"
	ln -s "$(readlink -f "$KERNEL/modules")" "$work/lib/modules/$KREL"
	: >"$into/order"
	for module; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$work" -S "$KREL" \
			--ignore-install --show-depends "$module" >"$work/depends" ||
			die "the modules of $KREL lack $module"
		while read -r name file_of _; do
			[ "$name" = insmod ] || continue
			name=$(basename "${file_of%.ko*}")
			grep -qxF "$name" "$into/order" && continue
			image_module "$file_of" "$into" || die "cannot unpack $file_of"
			echo "$name" >>"$into/order"
		done <"$work/depends"
	done
	rm -rf "$work"
}

# image_skeleton TREE HANDOVER: what every image has: busybox, init, what init hands
# over to, main.
image_skeleton() {
	local tree=$1 name

	mkdir -p "$tree/usr/bin" "$tree/modules"
	for name in bin sbin; do
		ln -s usr/bin "$tree/$name"
	done
	ln -s bin "$tree/usr/sbin"
	: >"$tree/modules/order"
	cp "$BUSYBOX" "$tree/bin/busybox"
	cp "$MACHINE_DIR/guest/init" "$MACHINE_DIR/guest/main" "$tree/"
	cp "$2" "$tree/handover"
	chmod 755 "$tree/init" "$tree/main"
}

# image_build FILE HANDOVER MODULE...: the initramfs of $KREL, in FILE.
image_build() {
	local file=$1 handover=$2 work
	shift 2
	[ -e "$file" ] && return
	say "making the initramfs of $KREL"
	work=$(mktemp -d) || exit
	mkdir -p "$(dirname "$file")"
	image_skeleton "$work" "$handover"
	image_modules "$work/modules" "$@"
	image_pack "$work" | gzip -1 >"$file.new" || die "cannot write $file.new"
	mv "$file.new" "$file"
	rm -rf "$work"
}

# image_prepare HANDOVER MODULE...: sets IMAGE.  Its name carries a digest of all it is
# made from, so an edited guest script or another kernel makes a new one.
image_prepare() {
	local digest

	digest=$({ echo "$@"; cat "$1" "$MACHINE_DIR/guest/init" "$MACHINE_DIR/guest/main" \
		"$MACHINE_DIR/lib/image.sh" "$KERNEL/modules/modules.dep" "$BUSYBOX"; } |
		sha256sum | cut -c 1-16)
	IMAGE=$TREE/build/machine/initramfs-$KREL-$digest
	[ -e "$IMAGE" ] || locked "$TREE/build/machine/lock" image_build "$IMAGE" "$@" || exit
}
