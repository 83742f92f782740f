#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what Debian packages a step needs and this machine lacks; nothing when all are there.
#	tools/packages.sh build|try|test...
# Exit status 1 and one line when packages are missing that cannot be installed.
set -eu

build="gcc make libc6-dev binutils autoconf automake pkgconf mawk libexpat1-dev libssl-dev libgsasl-dev
	libidn2-dev libunistring-dev libuv1-dev libsqlite3-dev libpq-dev libconfuse-dev libjansson-dev libunbound-dev uthash-dev
	libldap-dev libcurl4-openssl-dev libpam0g-dev"
try="openssl ca-certificates python3 python3-slixmpp"
test="$try check prosody python3-aioxmpp python3-precis-i18n profanity tmux postgresql valgrind clang clang-tidy libclang-rt-14-dev
	mandoc systemd procps slapd ldap-utils nsd ldnsutils lua-unbound ejabberd dns-root-data"
# Of these, what would run by itself, at once and after each boot.
services="slapd nsd prosody ejabberd epmd.service epmd.socket"

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

# Servers are for tests, which start their own: none of the system's starts, now or later.
case " $missing " in
*" slapd "*) echo "slapd slapd/no_configuration boolean true" | $root debconf-set-selections || true ;;
esac

policy=/usr/sbin/policy-rc.d
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM
hold_services() {
	if [ ! -e $policy ] && [ ! -L $policy ]; then
		trap 'rm -f "$log"; $root rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' | $root install -m 755 /dev/stdin $policy
	fi
}

services_here() {
	for service in $services; do
		if [ -e "/etc/init.d/$service" ] || [ -e "/lib/systemd/system/$service" ]; then
			printf ' %s ' "$service"
		fi
	done
}

# Those that came with the packages; what was there before is its owner's.
disable_new() { # BEFORE
	for service in $(services_here); do
		case $1 in *" $service "*) continue ;; esac
		case $service in
		*.*) $root systemctl disable "$service" ;;
		*) $root update-rc.d "$service" disable ;;
		esac >/dev/null 2>&1 || true
	done
}

install_missing() {
	# shellcheck disable=SC2086 # a list of words
	$root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing \
		</dev/null
}

echo "installing:$missing" >&2
before=$(services_here)
hold_services
# The lists may be missing or old: they are fetched only when it does not go without.
if ! install_missing >"$log" 2>&1; then
	if ! { $root apt-get update -q </dev/null && install_missing; } >"$log" 2>&1; then
		tail -20 "$log" >&2
		echo "packages could not be installed:$missing" >&2
		exit 1
	fi
fi
disable_new "$before"
