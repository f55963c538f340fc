# SPDX-License-Identifier: GPL-2.0-only
# The tree's packages, in this version and in one that does not exist yet.
# Called by tests/package, tests/rpm and tests/upgrade.
# shellcheck shell=bash

# debs_version: the tree's.
debs_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TREE/dkms.conf"
}

# debs_build VERSION OPTIONS WORK: the packages of the tree as if it had this version,
# in WORK/VERSION, with these DEB_BUILD_OPTIONS.
debs_build() {
	local into=$3/$1 tree=$3/$1/kvmx

	packages_need dpkg-buildpackage=dpkg-dev dh=debhelper dh_dkms=dh-dkms gcc=gcc \
		pkg-config=pkg-config /usr/include/libkmod.h=libkmod-dev /usr/include/check.h=check
	mkdir -p "$tree"
	tar cf - -C "$TREE" --exclude=./build --exclude=./.git . | tar xf - -C "$tree"
	if [ "$1" != "$(debs_version)" ]; then
		sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" "$tree/dkms.conf"
		{
			printf 'kvmx (%s) unstable; urgency=medium\n\n  * The next version.\n\n' "$1"
			sed -n '/^ -- /{p;q}' "$TREE/debian/changelog"
			echo
			cat "$TREE/debian/changelog"
		} >"$tree/debian/changelog"
	fi
	# Nothing of the caller's environment, be it make's or a packager's, is to count.
	# shellcheck disable=SC2016 # expanded by the inner shell
	quietly "building the packages of $1" "$into/build.log" \
		env -i PATH="$PATH" HOME="${HOME:-/root}" LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$2" \
		sh -c 'cd "$1" && dpkg-buildpackage -us -uc -b' sh "$tree"
}
