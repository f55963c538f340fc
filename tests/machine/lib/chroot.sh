# SPDX-License-Identifier: GPL-2.0-only
# Build environments of other Debian releases: the headers of a newer release
# bring build tools linked against that release's libc.
# Called by kernels.sh (preparing) and module.sh (building inside).
# shellcheck shell=bash

# chroot_wanted SUITE: is SUITE another release than the one this computer runs?
chroot_wanted() {
	local codename

	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ "$codename" != "${1%-backports}" ]
}

# chroot_prepare SUITE: a release's chroot with the tools a module build needs.
# A backports suite is added to its sources when first asked for.
chroot_prepare() {
	local base=${1%-backports} dir=$CACHE/chroots/${1%-backports} pahole=pahole

	[ "$base" != bullseye ] || pahole=dwarves
	if [ ! -e "$dir/etc/debian_version" ]; then
		packages_need debootstrap=debootstrap
		rm -rf "$dir.new"
		mkdir -p "$CACHE/chroots"
		quietly "debootstrap of $base (a minute or two)" "$dir.log" \
			debootstrap --variant=minbase \
			--include=ca-certificates,debian-archive-keyring \
			"$base" "$dir.new" "$(packages_mirror '')"
		rm -rf "$dir"
		mv "$dir.new" "$dir"
	fi
	grep -q "signed-by.* $1 main" "$dir/etc/apt/sources.list" ||
		packages_sources "$1" >"$dir/etc/apt/sources.list"
	quietly "reading the package lists inside the $base chroot" "$dir.log" \
		chroot_run "$1" apt-get -q -o APT::Sandbox::User=root update
	# perl, for the kernel's check of comments (W=1).
	chroot_install "$1" make gcc libc6-dev libelf-dev kmod perl "$pahole"
}

# chroot_run SUITE COMMAND...: in the chroot, with /proc and /dev/null there.  The mounts
# are in a mount namespace of their own, so nothing is left mounted however this ends.
chroot_run() {
	local dir=$CACHE/chroots/${1%-backports}
	shift

	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private sh -c '
		dir=$1; shift
		mount -t proc proc "$dir/proc" &&
		mount --bind /dev "$dir/dev" &&
		cp /etc/resolv.conf "$dir/etc/resolv.conf" &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive chroot "$dir" "$@"' sh "$dir" "$@"
}

chroot_install() {
	local suite=$1 target=()
	shift

	[ "$suite" = "${suite%-backports}" ] || target=(-t "$suite")
	quietly "installing in the ${suite%-backports} chroot: $*" \
		"$CACHE/chroots/${suite%-backports}.log" \
		chroot_run "$suite" apt-get -q -y --no-install-recommends \
		-o APT::Sandbox::User=root "${target[@]}" install "$@"
}
