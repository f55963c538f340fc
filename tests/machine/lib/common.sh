# SPDX-License-Identifier: GPL-2.0-only
# What every program of tests/machine needs: the places it works in, progress
# and failure messages, quoting, locks.  Sourced by run, build-module, selftest.
# shellcheck shell=bash

MACHINE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034 # used by those who source this
TREE=$(cd "$MACHINE_DIR/../.." && pwd -P)
# shellcheck disable=SC2034
CACHE=${KVMX_CACHE:-/var/cache/kvmx}

# What the kernel under test runs on, in Debian's words: amd64 or arm64.
DEBIAN_ARCH=amd64

# arch_suffix: what tells apart the cached files of another architecture than amd64.
arch_suffix() {
	[ "$DEBIAN_ARCH" = amd64 ] || echo "-$DEBIAN_ARCH"
}

# What this emulated machine itself failed at (a command's own status is passed on).
EXIT_MACHINE=125

say() {
	printf 'machine: %s\n' "$*" >&2
}

die() {
	printf 'machine: error: %s\n' "$*" >&2
	exit "$EXIT_MACHINE"
}

# quote WORD: the word in a form that any POSIX shell reads back unchanged.
quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# locked FILE COMMAND...: run it (in a subshell) while no other process holds FILE.
locked() {
	local file=$1
	shift

	mkdir -p "$(dirname "$file")" || die "cannot create $(dirname "$file")"
	(
		if ! flock -n 9; then
			say "waiting for another run to finish preparing ($file)"
			flock 9
		fi
		"$@"
	) 9>"$file"
}

# quietly WHAT LOG COMMAND...: one line of progress; the output only if it failed.
quietly() {
	local what=$1 log=$2
	shift 2

	say "$what"
	if ! "$@" >"$log" 2>&1 9>&-; then
		tail -n 40 "$log" >&2
		die "failed: $what (all of it: $log)"
	fi
}
