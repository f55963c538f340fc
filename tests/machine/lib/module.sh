# SPDX-License-Identifier: GPL-2.0-only
# Builds the module for a kernel, in a copy of the tree under build/, so that several
# kernels' objects lie side by side and only what changed is built again.
# Called by build-module; the contract is the tree's own Makefile, target "module".
# shellcheck shell=bash

# module_copy TREE COPY: make COPY's sources those of TREE; objects stay.  What was
# copied is written down, so that a file gone from TREE goes from COPY too.
module_copy() {
	local tree=$1 copy=$2 file

	mkdir -p "$copy" || die "cannot create $copy"
	(cd "$tree" && for file in Makefile dkms.conf src include; do
		[ ! -e "$file" ] || find "$file" -type f ! -name '*.o' ! -name '*.ko' ! -name '*.a' \
			! -name '*.mod' ! -name '*.mod.c' ! -name '.*.cmd' ! -name '.*.d' \
			! -name 'modules.order' ! -name 'Module.symvers' ! -path '*/.tmp_*' \
			! -name kvmx-facts.h ! -path '*/probe-log/*'
	done) | LC_ALL=C sort >"$copy/.files.new"
	[ ! -e "$copy/.files" ] || LC_ALL=C comm -23 "$copy/.files" "$copy/.files.new" |
		(cd "$copy" && xargs -r -d '\n' rm -f)
	rsync -a --files-from="$copy/.files.new" "$tree/" "$copy/" || die "cannot copy $tree to $copy"
	mv "$copy/.files.new" "$copy/.files"
}

# module_make COPY VARIABLE...: make, on this computer or in the kernel's chroot.
module_make() {
	local copy=$1 headers dir
	shift

	if [ ! -e "$KERNEL/chroot" ]; then
		headers=$(readlink -f "$KERNEL/headers")
		env -i PATH="$PATH:/usr/sbin:/sbin" HOME="$HOME" LC_ALL=C.UTF-8 \
			make -C "$copy" -f Makefile "-j$(nproc)" module KDIR="$headers" "$@"
		return
	fi
	dir=$(readlink -f "$KERNEL/chroot")
	headers=$(readlink -f "$KERNEL/headers")
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private sh -c '
		dir=$1 copy=$2; shift 2
		mount -t proc proc "$dir/proc" &&
		mount --bind /dev "$dir/dev" &&
		mount -t tmpfs tmpfs "$dir/mnt" &&
		mkdir "$dir/mnt/kvmx" &&
		mount --bind "$copy" "$dir/mnt/kvmx" &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			chroot "$dir" make -C /mnt/kvmx -f Makefile "$@"' \
		sh "$dir" "$copy" "-j$(nproc)" module KDIR="${headers#"$dir"}" "$@"
}

# module_build TREE COPY VARIABLE...: leaves COPY/src/kvmx.ko.  Compiler warnings are
# shown; all that make says is shown if it fails.
module_build() {
	local tree=$1 copy=$2 log=$2/build.log
	shift 2

	module_copy "$tree" "$copy"
	if ! module_make "$copy" "$@" >"$log" 2>&1 9>&-; then
		tail -n 60 "$log" >&2
		die "kvmx.ko does not build for $KREL (all of it: $log)"
	fi
	grep -A 12 'warning:' "$log" >&2
	[ -e "$copy/src/kvmx.ko" ] || die "make module left no $copy/src/kvmx.ko (see $log)"
}
