# SPDX-License-Identifier: GPL-2.0-only
# Debian packages: those the build computer lacks are installed; those of other
# Debian releases (kernels) are fetched through a private apt that leaves /etc/apt
# alone.  Called by run, kernels.sh and chroot.sh.
# shellcheck shell=bash

# packages_need PROGRAM=PACKAGE...: install what is missing; no apt call if nothing is.
packages_need() {
	local pair path missing=()
	local PATH=$PATH:/usr/sbin:/sbin

	for pair; do
		path=${pair%%=*}
		case $path in
		/*) [ -e "$path" ] || missing+=("${pair#*=}") ;;
		*) command -v "$path" >/dev/null || missing+=("${pair#*=}") ;;
		esac
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	[ "$(id -u)" -eq 0 ] || die "not root, and these packages are missing: ${missing[*]}"

	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y
		-o DPkg::Lock::Timeout=900 install --no-install-recommends)
	local log
	log=$(mktemp)
	say "installing ${missing[*]}"
	if ! "${apt[@]}" "${missing[@]}" >"$log" 2>&1; then
		say "that failed; once more with fresh package lists"
		apt-get -q -o DPkg::Lock::Timeout=900 update >>"$log" 2>&1
		"${apt[@]}" "${missing[@]}" >>"$log" 2>&1 ||
			{ tail -n 30 "$log" >&2; die "apt-get could not install ${missing[*]}"; }
	fi
	rm -f "$log"
}

# packages_compiler PROGRAM=PACKAGE...: the same, with what compiles a C program.
packages_compiler() {
	packages_need gcc=gcc make=make ld=binutils pkg-config=pkg-config \
		/usr/include/stdio.h=libc6-dev "$@"
}

# packages_mirrors: "URI SUITE" for every suite of this computer's own apt sources.
packages_mirrors() {
	local file

	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$file" ] && sed -n 's/^deb[ \t]\+\(\[[^]]*\][ \t]\+\)\?\([^ \t]\+\)[ \t]\+\([^ \t]\+\).*/\2 \3/p' "$file"
	done
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] && awk '
			function flush(   i, j, nu, ns, u, s) {
				nu = split(uris, u, " "); ns = split(suites, s, " ")
				for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j]
				uris = suites = ""
			}
			/^URIs:/ { sub(/^URIs:/, ""); uris = $0 }
			/^Suites:/ { sub(/^Suites:/, ""); suites = $0 }
			/^[ \t]*$/ { flush() }
			END { flush() }' "$file"
	done
	return 0
}

# packages_mirror [-security]: the Debian mirror this computer uses itself.
packages_mirror() {
	local uri

	uri=$(packages_mirrors | awk '{ sub(/\/$/, "", $1); print $1 }' |
		grep -m 1 "/debian$1\$") || uri=http://deb.debian.org/debian$1
	echo "$uri"
}

# packages_sources SUITE: the lines of a sources.list with SUITE and what it rests on.
packages_sources() {
	local suite=$1 base=${1%-backports} option mirror

	option='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
	mirror=$(packages_mirror '')
	if [ "$suite" = sid ]; then
		# Its lists are good for a week, and a mirror may have kept older ones.
		echo "deb ${option%]} check-valid-until=no] $mirror $base main"
		return
	fi
	echo "deb $option $mirror $base main"
	echo "deb $option $(packages_mirror -security) $base-security main"
	[ "$suite" = "$base" ] || echo "deb $option $mirror $suite main"
}

# packages_dir SUITE: where the private apt of SUITE (and of $DEBIAN_ARCH) lies.
packages_dir() {
	echo "$CACHE/apt/$1$(arch_suffix)"
}

# packages_apt SUITE TOOL ARGUMENT...: apt-get or apt-cache in the private apt of SUITE.
packages_apt() {
	local dir tool=$2
	dir=$(packages_dir "$1")
	shift 2

	"$tool" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$dir" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir" \
		-o Acquire::Languages=none -o APT::Architecture="$DEBIAN_ARCH" -o APT::Architectures="$DEBIAN_ARCH" \
		-o APT::Update::Post-Invoke-Success::= -o APT::Sandbox::User=root "$@"
}

# packages_lists SUITE: make (or refresh, when a day old) the private apt's lists.
packages_lists() {
	local suite=$1 dir
	dir=$(packages_dir "$suite")

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	[ -n "$(find "$dir/fresh" -mmin -1440 2>/dev/null)" ] && return
	packages_sources "$suite" >"$dir/sources.list"
	: >"$dir/status"
	quietly "reading the package lists of $suite ($DEBIAN_ARCH)" "$dir/update.log" \
		packages_apt "$suite" apt-get -o APT::Update::Error-Mode=any update
	touch "$dir/fresh"
}

# packages_unpack SUITE DIRECTORY PACKAGE...: download and unpack, installing nothing.
packages_unpack() {
	local suite=$1 into=$2 deb work
	shift 2

	work=$into.debs
	rm -rf "$work"
	mkdir -p "$work" "$into"
	(cd "$work" && quietly "downloading $*" "$into.log" \
		packages_apt "$suite" apt-get download "$@") || exit
	for deb in "$work"/*.deb; do
		dpkg-deb -x "$deb" "$into" || die "cannot unpack $deb"
	done
	rm -rf "$work" "$into.log"
}
