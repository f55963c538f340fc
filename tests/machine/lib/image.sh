# SPDX-License-Identifier: GPL-2.0-only
# The initramfs of a kernel: busybox, the modules that reach the build computer's
# files and the ports, guest/init and guest/main.  Cached per kernel; a small second
# archive with the job (what to run) is appended for each run.  Called by run.
# shellcheck shell=bash

IMAGE_MODULES=(9p 9pnet_virtio virtio_pci virtio_console overlay)

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

# image_build FILE: the initramfs of $KERNEL, in FILE.
image_build() {
	local file=$1 work module name file_of
	[ -e "$file" ] && return
	say "making the initramfs of $KREL"
	work=$(mktemp -d) || exit
	mkdir -p "$work/tree/bin" "$work/tree/modules" "$work/root/lib/modules" "$(dirname "$file")"
	ln -s "$(readlink -f "$KERNEL/modules")" "$work/root/lib/modules/$KREL"
	for module in "${IMAGE_MODULES[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$work/root" -S "$KREL" \
			--ignore-install --show-depends "$module" >"$work/depends" ||
			die "the modules of $KREL lack $module"
		while read -r name file_of _; do
			[ "$name" = insmod ] || continue
			name=$(basename "${file_of%.ko*}")
			grep -qxF "$name" "$work/tree/modules/order" 2>/dev/null && continue
			image_module "$file_of" "$work/tree/modules" || die "cannot unpack $file_of"
			echo "$name" >>"$work/tree/modules/order"
		done <"$work/depends"
	done
	cp "$(command -v busybox)" "$work/tree/bin/busybox"
	cp "$MACHINE_DIR/guest/init" "$MACHINE_DIR/guest/main" "$work/tree/"
	chmod 755 "$work/tree/init" "$work/tree/main"
	image_pack "$work/tree" | gzip -1 >"$file.new" || die "cannot write $file.new"
	mv "$file.new" "$file"
	rm -rf "$work"
}

# image_prepare: sets IMAGE.  Its name carries a digest of all it is made from, so an
# edited guest script or another kernel makes a new one.
image_prepare() {
	local digest

	digest=$(cat "$MACHINE_DIR/guest/init" "$MACHINE_DIR/guest/main" \
		"$MACHINE_DIR/lib/image.sh" "$KERNEL/modules/modules.dep" "$(command -v busybox)" |
		sha256sum | cut -c 1-16)
	IMAGE=$TREE/build/machine/initramfs-$KREL-$digest
	[ -e "$IMAGE" ] || locked "$TREE/build/machine/lock" image_build "$IMAGE" || exit
}
