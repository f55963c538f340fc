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

# root_prepare NAME: NAME is a suite, or SUITE-rt and SUITE-cloud for those flavours of
# its kernel. What there is in $CACHE/roots/NAME is taken as it is.
root_prepare() {
	local name=$1
	local base=$CACHE/roots/$name

	[ -e "$base/etc/debian_version" ] ||
		locked "$CACHE/lock" root_build "$base" "$(root_suite "$name")" "${name#"$(root_suite "$name")"}"
}

# root_suite NAME: without the flavour.
root_suite() {
	local suite=${1%-rt}

	echo "${suite%-cloud}"
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
	quietly "debootstrap of a minimal ${suite%-backports} (a minute or two)" "$base.log" \
		debootstrap --variant=minbase --include=ca-certificates,debian-archive-keyring \
		"${suite%-backports}" "$base.new" "$(packages_mirror '')"
	root_mounts "$base.new" || die "cannot mount in $base.new"
	packages_sources "$suite" >"$base.new/etc/apt/sources.list"
	[ "$suite" = "${suite%-backports}" ] || target="-t $suite"
	# shellcheck disable=SC2016 # expanded by the inner shell
	quietly "installing dkms and the headers of its kernel$flavour" "$base.log" \
		root_run "$base.new" sh -c '
			apt-get -q -o APT::Sandbox::User=root update &&
			apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root $2 \
				install dkms "linux-headers$1-amd64" libc6-dev pkg-config &&
			apt-get clean && depmod "$(basename /lib/modules/*)"' sh "$flavour" "$target"
	umount "$base.new/proc" "$base.new/dev" && mv "$base.new" "$base"
}

# root_release NAME: the release of the kernel that its headers are for.
root_release() {
	basename "$CACHE/roots/$1"/lib/modules/*
}

# root_copy BASE WORK [KERNEL]: sets root, a writable copy of BASE in WORK, with what
# programs in it need mounted. KERNEL is what root_kernel gave: it is installed there.
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
