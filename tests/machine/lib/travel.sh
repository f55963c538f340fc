# SPDX-License-Identifier: GPL-2.0-only
# What of the build computer's files goes into the image of a machine that has no way
# to them: what the command names, what was asked for, and the libraries and
# interpreters that these need.  Called by bochs.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by run

TRAVEL_MIB=300	# more does not boot well

# travel_file PATH: one file, at the same path, and what it needs to run.
travel_file() {
	local file=$1 need line

	[ ! -e "$travel_tree$file" ] || return 0
	mkdir -p "$travel_tree${file%/*}"
	cp -L --preserve=mode,timestamps "$file" "$travel_tree$file" || die "cannot copy $file"
	[ -x "$file" ] || return 0
	case $(head -c 4 "$file" | tr -d '\0') in
	$'\x7fELF')
		while read -r need; do
			travel_file "$need"
		done < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]*')
		;;
	'#!'*)
		read -r line <"$file"
		# shellcheck disable=SC2086 # words
		set -- ${line#'#!'}
		[ "${1##*/}" != env ] || shift
		travel_program "$1"
		;;
	esac
}

# travel_program NAME: the program that PATH gives, unless busybox is it as well.
travel_program() {
	local path

	path=$(type -P -- "$1") || return 0
	case $path in
	/bin/* | /sbin/* | /usr/bin/* | /usr/sbin/*)
		! busybox --list | grep -qx -- "${path##*/}" || return 0 ;;
	esac
	travel_path "$path"
}

# travel_limit PATH: no more than boots.
travel_limit() {
	local size

	size=$(du -sxm -- "$1" | cut -f 1)
	[ "$size" -le $TRAVEL_MIB ] ||
		die "$1: $size MiB for the image, more than $TRAVEL_MIB: name less (README.md)"
}

# travel_path PATH: a file, or a directory with all in it.
travel_path() {
	local file

	if [ ! -d "$1" ]; then
		travel_file "$(realpath -s "$1")"
		return
	fi
	travel_limit "$1"
	while read -r -d '' file; do
		travel_file "$file"
	done < <(find -L "$(realpath -s "$1")" -type f -print0)
	mkdir -p "$travel_tree$(realpath -s "$1")"
}

# travel_word WORD: what a word of the command names.  Directories only of the tree's:
# a command may well name / and not mean all that is in it.
travel_word() {
	if [ -d "$1" ]; then
		[[ $(realpath "$1") != "$TREE"/?* ]] || travel_path "$1"
	elif [ -f "$1" ]; then
		travel_path "$1"
	fi
}

# travel TREE: copies it all there.
travel() {
	local travel_tree=$1 word

	mkdir -p "$travel_tree$PWD" "$travel_tree/tmp"
	[ -z "$ko" ] || travel_path "$ko"
	# busybox's own look for no program whose name busybox knows.
	travel_file /usr/bin/env
	travel_file /bin/sh
	travel_program "${command[0]}"
	for word in "${command[@]:1}"; do
		travel_word "$word"
	done
	for word in "${environment[@]}"; do
		travel_word "${word#*=}"
	done
	for word in "${with[@]}"; do
		travel_path "$word"
	done
	travel_limit "$travel_tree"
}
