# SPDX-License-Identifier: GPL-2.0-only
# KVM's selftests from Debian's newest kernel sources, built once and kept in the
# cache, without the sources.  Called by run through selftests_prepare.
# shellcheck shell=bash

selftests_suite=trixie-backports

# selftests_choose: "PACKAGE VERSION" of the newest sources the mirror has.
selftests_choose() {
	local package

	package=$(packages_apt "$selftests_suite" apt-cache pkgnames linux-source- |
		grep -x 'linux-source-[0-9.]*' | sort -V | tail -n 1)
	[ -n "$package" ] || die "$selftests_suite has no linux-source package"
	packages_apt "$selftests_suite" apt-cache show --no-all-versions "$package" |
		sed -n "s/^Version: /$package /p"
}

# selftests_make SOURCES INTO: as the kernel's own documentation builds them.
selftests_make() {
	local tests=$1/tools/testing/selftests/kvm

	env -i PATH="$PATH" HOME="$HOME" LC_ALL=C.UTF-8 sh -e -c '
		make -s -j2 -C "$1" headers
		make -s -j2 -C "$2"
		make -s -C "$2" INSTALL_PATH="$3" install' sh "$1" "$tests" "$2"
}

selftests_build() {
	local dir=$CACHE/selftests new=$CACHE/selftests.new package version archive

	[ -e "$dir/version" ] && return
	[ "$(id -u)" -eq 0 ] || die "the selftests are not in $CACHE yet: fetch them as root"
	rm -rf "$new"
	mkdir -p "$new"
	packages_lists "$selftests_suite"
	read -r package version < <(selftests_choose) || die "no kernel sources to be had"
	packages_unpack "$selftests_suite" "$new/package" "$package"
	archive=$(find "$new/package/usr/src" -name "$package.tar.*")
	[ -n "$archive" ] || die "$package holds no archive"
	mkdir "$new/sources"
	quietly "unpacking $package $version" "$new/log" \
		tar -xf "$archive" -C "$new/sources" --strip-components=1
	quietly "building KVM's selftests" "$new/log" \
		selftests_make "$new/sources" "$new/programs"
	rm -rf "$new/sources" "$new/package" "$dir"
	strip "$(readlink -f "$new/programs")"/* 2>/dev/null
	echo "$version" >"$new/version"
	mv "$new" "$dir"
}

# selftests_prepare: sets SELFTESTS (the directory of programs) and SELFTESTS_VERSION.
selftests_prepare() {
	packages_compiler rsync=rsync xz=xz-utils flock=util-linux \
		/usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring
	[ -e "$CACHE/selftests/version" ] || locked "$CACHE/lock" selftests_build || exit
	# shellcheck disable=SC2034 # used by run
	SELFTESTS=$CACHE/selftests/programs
	# shellcheck disable=SC2034
	read -r SELFTESTS_VERSION <"$CACHE/selftests/version"
}

# selftests_list: the names of the programs.  One of them is for its script only.
selftests_list() {
	find "$SELFTESTS" -type f -perm -u+x ! -name '*.sh' -printf '%f\n' |
		grep -vx nx_huge_pages_test | LC_ALL=C sort
}
