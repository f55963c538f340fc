# SPDX-License-Identifier: GPL-2.0-only
# Users' computers, in directories: minimal systems of Debian's suites with DKMS and a
# kernel's headers, in the cache; a test gets a copy of one to install packages in.
# Called by tests/package, tests/rpm, tests/kernels, tests/install and tests/upgrade, in
# mount namespaces of their own.
# shellcheck shell=bash

# root_run ROOT COMMAND...: in ROOT, where root_mounts has been called.
root_run() {
	local dir=$1
	shift

	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive chroot "$dir" "$@"
}

root_mounts() {
	mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
		cp /etc/resolv.conf "$1/etc/resolv.conf"
}

# root_prepare NAME: NAME is a suite, SUITE-rt or SUITE-cloud for those flavours of its
# kernel, with -arm64 behind it and DEBIAN_ARCH set to that. What there is in $CACHE/roots/NAME
# is taken as it is.
root_prepare() {
	local name=$1 suite
	local base=$CACHE/roots/$name
	suite=$(root_suite "$name")

	[ "$DEBIAN_ARCH" = amd64 ] || root_emulated || return
	[ -e "$base/etc/debian_version" ] ||
		locked "$CACHE/lock" root_build "$base" "$suite" "$(root_flavour "$name")"
}

# root_suite NAME: without flavour and architecture.
root_suite() {
	local suite=${1%-arm64}
	suite=${suite%-rt}

	echo "${suite%-cloud}"
}

# root_flavour NAME: -rt, -cloud or nothing.
root_flavour() {
	local flavoured=${1%-arm64}

	case $flavoured in
	*-rt | *-cloud) echo "-${flavoured##*-}" ;;
	esac
}

# root_emulated: from here on this computer runs programs of arm64, by QEMU's user mode.
# The kernel opens that when it is told (flag F), so the roots need not hold it; it forgets
# when binfmt_misc is mounted nowhere any more.
root_emulated() {
	local binfmt=/proc/sys/fs/binfmt_misc

	packages_need /usr/libexec/qemu-binfmt/aarch64-binfmt-P=qemu-user-static
	[ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt ||
		die "this kernel has no binfmt_misc"
	[ -e $binfmt/qemu-aarch64 ] ||
		grep '^:qemu-aarch64:' /usr/lib/binfmt.d/qemu-aarch64.conf >$binfmt/register
}

# root_compiler NAME: the C compiler's inner program (cc1) of an arm64 system, the same
# release of it, as a program of this computer: emulated it takes ten times as long, and
# is nearly all there is to a build. What is printed is a layer for that system.
root_compiler() {
	local dir=$CACHE/roots/$1.cc1

	[ -e "$dir/lib64" ] || locked "$CACHE/lock" root_compiler_fetch "$dir" "$1" || return
	echo "$dir"
}

root_compiler_fetch() {
	local dir=$1 base=$CACHE/roots/$2 suite DEBIAN_ARCH=amd64 cc1 cross major libraries
	suite=$(root_suite "$2")

	[ ! -e "$dir/lib64" ] || return 0
	cc1=$(cd "$base" && find usr/lib usr/libexec -name cc1 -path '*/gcc/aarch64-linux-gnu/*') || return
	major=$(basename "$(dirname "$cc1")")
	libraries='libc6 libgmp10 libmpfr6 libmpc3 libisl23 libzstd1 zlib1g'
	rm -rf "$dir.new" "$dir.all"
	packages_lists "$suite"
	# shellcheck disable=SC2086 # a list
	packages_unpack "$suite" "$dir.all" "cpp-$major-aarch64-linux-gnu" $libraries
	cross=$(find "$dir.all/usr" -name cc1)
	mkdir -p "$dir.new/$(dirname "$cc1")" "$dir.new/usr/lib/x86_64-linux-gnu" "$dir.new/usr/lib64"
	cp "$cross" "$dir.new/$cc1" &&
		find "$dir.all/" -path '*/lib/x86_64-linux-gnu/*.so.*' \
			-exec cp -P {} "$dir.new/usr/lib/x86_64-linux-gnu/" \; &&
		cp -L "$(find "$dir.all/" -name 'ld-linux-x86-64.so.2' -type f)" "$dir.new/usr/lib64/" &&
		ln -s usr/lib64 "$dir.new/lib64" || return
	rm -rf "$dir.all"
	mv "$dir.new" "$dir"
}

# root_build BASE SUITE FLAVOUR: with the index of modules that installing the kernel
# itself would have made.
root_build() {
	local base=$1 suite=$2 flavour=$3 target=''

	[ ! -e "$base/etc/debian_version" ] || return 0
	[ "$(id -u)" -eq 0 ] || die "$base is not there yet: make it as root"
	packages_need debootstrap=debootstrap
	mkdir -p "$CACHE/roots"
	rm -rf "$base.new"
	quietly "debootstrap of a minimal ${suite%-backports} (a minute or two; of arm64 ten)" "$base.log" \
		debootstrap --arch="$DEBIAN_ARCH" --variant=minbase \
		--include=ca-certificates,debian-archive-keyring "${suite%-backports}" "$base.new" "$(packages_mirror '')"
	root_mounts "$base.new" || die "cannot mount in $base.new"
	packages_sources "$suite" >"$base.new/etc/apt/sources.list"
	[ "$suite" = "${suite%-backports}" ] || target="-t $suite"
	# Some headers bring the kernel itself, whose installation is not to make an initramfs.
	# shellcheck disable=SC2016 # expanded by the inner shell
	quietly "installing dkms and the headers of its kernel$flavour" "$base.log" \
		root_run "$base.new" env INITRD=No sh -c '
			apt-get -q -o APT::Sandbox::User=root update &&
			apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root $2 \
				install dkms "linux-headers$1" libc6-dev pkg-config &&
			apt-get clean && depmod "$(basename /lib/modules/*)"' sh "$flavour-$DEBIAN_ARCH" "$target"
	umount "$base.new/proc" "$base.new/dev" && mv "$base.new" "$base"
}

# root_release NAME: the release of the kernel that its headers are for.
root_release() {
	basename "$CACHE/roots/$1"/lib/modules/*
}

# root_copy BASE WORK [KERNEL]: sets root, a writable copy of BASE in WORK, with what
# programs in it need mounted. KERNEL is what root_kernel gave: it is installed there.
# BASE may be two directories, the upper one first: UPPER:BASE.
root_copy() {
	local work=$2 layers=$1${3:+:$3/root}

	root=$work/root
	mkdir -p "$work/upper" "$work/over" "$root"
	mount -t overlay overlay -o "lowerdir=$layers,upperdir=$work/upper,workdir=$work/over" "$root" ||
		die "cannot mount $root"
	root_mounts "$root" || die "cannot mount what $root needs"
}

# root_kernel NAME RELEASE: that kernel from the suite of that system, as a directory for
# tests/machine/run; its path is printed.
root_kernel() {
	local dir=$CACHE/roots/$1.kernel-$2

	[ -e "$dir/vmlinuz" ] || locked "$CACHE/lock" root_kernel_fetch "$dir" "$(root_suite "$1")" "$2" || return
	echo "$dir"
}

root_kernel_fetch() {
	local dir=$1 suite=$2 release=$3 packages

	[ ! -e "$dir/vmlinuz" ] || return 0
	packages_need depmod=kmod
	packages_lists "$suite"
	packages=$(kernel_packages "$suite" "$release") ||
		die "$suite has no $release any more: its system in $CACHE/roots is too old, remove it"
	rm -rf "$dir.new"
	# shellcheck disable=SC2086 # a list
	packages_unpack "$suite" "$dir.new/root" $packages
	# /lib is /usr/lib in the system that this is laid under.
	if [ -d "$dir.new/root/lib/modules" ]; then
		mkdir -p "$dir.new/root/usr/lib"
		mv "$dir.new/root/lib/modules" "$dir.new/root/usr/lib/" && rm -r "$dir.new/root/lib" || exit
	fi
	[ -e "$dir.new/root/lib" ] || ln -s usr/lib "$dir.new/root/lib"
	kernel_arrange "$dir.new" "$release"
	mv "$dir.new" "$dir"
}
