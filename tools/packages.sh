#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what Debian packages a step needs and this machine lacks; nothing when all are there.
#	tools/packages.sh build|try|test...
# Exit status 1 and one line when packages are missing that cannot be installed.
set -eu

build="gcc make libc6-dev binutils autoconf automake pkgconf mawk libexpat1-dev libssl-dev libgsasl-dev
	libidn2-dev libunistring-dev libuv1-dev libsqlite3-dev libpq-dev libconfuse-dev libjansson-dev uthash-dev"
try="openssl ca-certificates python3 python3-slixmpp"
test="$try check python3-aioxmpp python3-precis-i18n profanity tmux postgresql valgrind clang clang-tidy libclang-rt-14-dev
	mandoc systemd procps"

command -v dpkg-query >/dev/null 2>&1 || {
	echo "packages: not a Debian system; what is needed must be there already" >&2
	exit 0
}

wanted=
for step in "$@"; do
	case $step in
	build) wanted="$wanted $build" ;;
	try) wanted="$wanted $try" ;;
	test) wanted="$wanted $test" ;;
	*)
		echo "packages: no such step: $step" >&2
		exit 2
		;;
	esac
done

# Something else may provide it: another compiler or awk is as good.
has() {
	case $1 in
	gcc) command -v gcc >/dev/null 2>&1 || command -v cc >/dev/null 2>&1 ;;
	make | mawk | openssl | clang) command -v "$1" >/dev/null 2>&1 ||
		{ [ "$1" = mawk ] && command -v awk >/dev/null 2>&1; } ;;
	pkgconf) command -v pkg-config >/dev/null 2>&1 ;;
	libclang-rt-14-dev) ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ] ;;
	esac
}

missing=
for package in $wanted; do
	has "$package" || case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	root=sudo
else
	echo "packages are missing; as root: apt-get install$missing" >&2
	exit 1
fi

install_missing() {
	# shellcheck disable=SC2086 # a list of words
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing \
		</dev/null
}

echo "installing:$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists may be missing or old: they are fetched only when it does not go without.
if ! install_missing >"$log" 2>&1; then
	if ! { $root apt-get update -q </dev/null && install_missing; } >"$log" 2>&1; then
		tail -20 "$log" >&2
		echo "packages could not be installed:$missing" >&2
		exit 1
	fi
fi
