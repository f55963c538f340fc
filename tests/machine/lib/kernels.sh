# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernels, unpacked into the cache: for each a directory holding vmlinuz,
# modules/ and headers, and chroot if its headers need another Debian release.
# Called by run and build-module through kernel_prepare.
# shellcheck shell=bash

# kernel_suite NAME: the Debian suite a kernel series comes from.
kernel_suite() {
	case $1 in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	7.2 | 7.3) echo trixie-backports ;;
	*) return 1 ;;
	esac
}

# kernel_release_of VMLINUZ: its release, from the version string that the x86
# boot protocol points at (offset 0x20e, counted from 0x200). An arm64 image has none,
# but is not packed: its banner can be read.
kernel_release_of() {
	local at

	if [ "$(dd if="$1" bs=1 skip=56 count=4 2>/dev/null | tr -d '\0')" = "ARMd" ]; then
		grep -aom 1 'Linux version [^ ]*' "$1" | head -n 1 | cut -d ' ' -f 3
		return
	fi
	at=$(od -An -t u2 -j 526 -N 2 "$1") || return
	dd if="$1" bs=1 skip=$((at + 512)) count=256 2>/dev/null | tr '\0' '\n' |
		head -n 1 | cut -d ' ' -f 1
}

# kernel_packages SUITE RELEASE: the packages the image and its modules lie in.
kernel_packages() {
	local suite=$1 release=$2 names name

	names=$(packages_apt "$suite" apt-cache pkgnames linux-)
	for name in linux-binary-"$release" linux-binary-unsigned-"$release" \
		linux-image-"$release" linux-image-unsigned-"$release"; do
		grep -qxF "$name" <<<"$names" || continue
		echo "$name"
		case $name in
		linux-binary-*) printf '%s\n' "linux-modules-$release" "linux-base-$release" ;;
		esac
		return 0
	done
	return 1
}

# kernel_choose SUITE SERIES: the newest release with both headers and an image.
kernel_choose() {
	local suite=$1 series=${2//./\\.} release

	for release in $(packages_apt "$suite" apt-cache pkgnames "linux-headers-$2." |
		sed -n "s/^linux-headers-\($series\.[0-9]\+\(-[0-9]\+\|+deb[0-9]\+\)-$DEBIAN_ARCH\)\$/\1/p" |
		sort -rV); do
		kernel_packages "$suite" "$release" >/dev/null || continue
		echo "$release"
		return 0
	done
	return 1
}

# kernel_headers_unpack SUITE RELEASE ROOT FINAL: headers for a build without a chroot.
# Debian's headers name their other half by absolute path: make that its path below
# FINAL, where ROOT is going to lie.
kernel_headers_unpack() {
	local suite=$1 release=$2 root=$3 final=$4 kbuild

	kbuild=$(kernel_kbuild_of "$suite" "$release") || exit
	packages_unpack "$suite" "$root" "linux-headers-$release" \
		"linux-headers-${release%-"$DEBIAN_ARCH"}-common"
	kernel_kbuild_unpack "$suite" "$root" "$kbuild"
	sed -i "s|\(include \+\)/usr/src/|\1$final/usr/src/|" \
		"$root/usr/src/linux-headers-$release/Makefile"
}

# kernel_headers_chroot SUITE RELEASE: headers in the chroot of SUITE. Those of another
# architecture cannot be installed, they want its compiler: they are unpacked there.
kernel_headers_chroot() {
	local suite=$1 release=$2 kbuild

	if [ "$DEBIAN_ARCH" = amd64 ]; then
		chroot_install "$suite" "linux-headers-$release"
		return
	fi
	kbuild=$(kernel_kbuild_of "$suite" "$release") || exit
	chroot_install "$suite" "$kbuild" gcc-aarch64-linux-gnu
	packages_unpack "$suite" "$CACHE/chroots/${suite%-backports}" "linux-headers-$release" \
		"linux-headers-${release%-"$DEBIAN_ARCH"}-common"
}

# kernel_kbuild_of SUITE RELEASE: the package with the build tools of a kernel's headers.
kernel_kbuild_of() {
	packages_apt "$1" apt-cache depends "linux-headers-$2" |
		sed -n 's/^ *Depends: \(linux-kbuild-[^ ]*\)$/\1/p' | grep . ||
		die "linux-headers-$2 names no linux-kbuild package"
}

# kernel_kbuild_unpack SUITE ROOT PACKAGE: the build tools, which run on this computer.
kernel_kbuild_unpack() {
	local DEBIAN_ARCH=amd64

	packages_lists "$1"
	packages_unpack "$1" "$2" "$3"
}

kernel_fetch() {
	local name=$1 suite=$2 dir
	dir=$CACHE/kernels/$1$(arch_suffix)
	local new=$dir.new release packages

	[ -e "$dir/vmlinuz" ] && return
	[ "$(id -u)" -eq 0 ] || die "kernel $name is not in $CACHE yet: fetch it as root"
	rm -rf "$new"
	mkdir -p "$new"
	packages_lists "$suite"
	release=$(kernel_choose "$suite" "$name") ||
		die "$suite has no kernel $name with headers (looked with apt in $CACHE/apt/$suite)"
	mapfile -t packages < <(kernel_packages "$suite" "$release")
	packages_unpack "$suite" "$new/root" "${packages[@]}"
	kernel_arrange "$new" "$release"
	if chroot_wanted "$suite"; then
		chroot_prepare "$suite"
		kernel_headers_chroot "$suite" "$release"
		ln -s "../../chroots/${suite%-backports}" "$new/chroot"
		ln -s "chroot/usr/src/linux-headers-$release" "$new/headers"
	else
		kernel_headers_unpack "$suite" "$release" "$new/root" "$dir/root"
		ln -s "root/usr/src/linux-headers-$release" "$new/headers"
	fi
	rm -rf "$dir"
	mv "$new" "$dir"
	say "kernel $name is $release, in $dir"
}

# kernel_arrange DIR RELEASE: vmlinuz and modules/ at their fixed names.
kernel_arrange() {
	local dir=$1 release=$2 file

	[ -d "$dir/root/lib/modules" ] || { mkdir -p "$dir/root/lib" &&
		ln -s ../usr/lib/modules "$dir/root/lib/modules"; }
	file=$(find "$dir/root/" -name 'vmlinuz*' -type f | head -n 1)
	[ -n "$file" ] || die "no kernel image in the packages of $release"
	ln -s "${file#"$dir"/}" "$dir/vmlinuz"
	ln -s "root/lib/modules/$release" "$dir/modules"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$dir/root" "$release" || die "depmod failed for $release"
}

# kernel_prepare NAME|PATH: sets KERNEL (the directory) and KREL (its release).
kernel_prepare() {
	local name=$1 suite

	packages_need depmod=kmod /bin/busybox=busybox-static cpio=cpio xz=xz-utils zstd=zstd \
		flock=util-linux \
		/usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring
	if [[ $name == */* ]]; then
		KERNEL=$(cd "$name" 2>/dev/null && pwd -P) || die "no such directory: $name"
		[[ -e $KERNEL/vmlinuz && -d $KERNEL/modules ]] ||
			die "$KERNEL must hold vmlinuz, modules/ and (to build a module) headers"
	else
		suite=$(kernel_suite "$name") ||
			die "unknown kernel '$name': one of 5.10 6.1 6.12 7.2 7.3, or a directory (with a /)"
		KERNEL=$CACHE/kernels/$name$(arch_suffix)
		[ -e "$KERNEL/vmlinuz" ] ||
			locked "$CACHE/lock" kernel_fetch "$name" "$suite" || exit
	fi
	KREL=$(kernel_release_of "$KERNEL/vmlinuz")
	[ -n "$KREL" ] || die "$KERNEL/vmlinuz is not a kernel image of a known kind"
}

# busybox_prepare: sets BUSYBOX, a static one for the kernel's architecture.
busybox_prepare() {
	BUSYBOX=/bin/busybox
	[ "$DEBIAN_ARCH" = amd64 ] && return
	BUSYBOX=$CACHE/busybox$(arch_suffix)/bin/busybox
	[ -e "$BUSYBOX" ] || locked "$CACHE/lock" busybox_fetch || exit
}

busybox_fetch() {
	local dir
	dir=$CACHE/busybox$(arch_suffix)

	[ -e "$dir/bin/busybox" ] && return
	packages_lists bookworm
	rm -rf "$dir" "$dir.new"
	packages_unpack bookworm "$dir.new" busybox-static
	mv "$dir.new" "$dir"
}
