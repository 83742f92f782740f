#!/bin/sh
# SPDX-License-Identifier: MIT
# What "make install" puts where, and that it works: manual pages, units, and the whole server through
# its init scripts, started and stopped in any order. TAP.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${MERCUTIO_BUILD:-$source}
PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d "${TMPDIR:-/tmp}/install_test.XXXXXX") || exit 1
dest=$dir/dest
number=0

cleanup() {
	if [ -n "${scripts-}" ]; then
		for p in s2s c2s sm auth storage router; do
			script $p stop
		done >/dev/null 2>&1
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# --- TAP -----------------------------------------------------------------------------------------

result() { # STATUS TEXT [FILE WITH DETAILS]
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		[ ! -s "${3-/dev/null}" ] || sed 's/^/# /' "$3"
	fi
}

skip() { # TEXT REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# A command that must succeed; what it says is shown when it does not.
good() { # TEXT COMMAND...
	text=$1
	shift
	"$@" >"$dir/out" 2>&1
	result $? "$text" "$dir/out"
}

status_is() { # STATUS TEXT COMMAND...
	want=$1 text=$2
	shift 2
	"$@" >"$dir/out" 2>&1
	got=$?
	echo "status $got instead of $want" >>"$dir/out"
	[ $got -eq "$want" ]
	result $? "$text" "$dir/out"
}

# --- installing ----------------------------------------------------------------------------------

install_tree() {
	make -C "$build" -s install DESTDIR="$dest"
}

# The path in the installed tree that ends so; prefix and the rest are configure's.
installed() { # END-OF-PATH
	found=$(find "$dest" -path "*/$1" | head -n 1)
	[ -n "$found" ] && echo "$found"
}

all_there() {
	missing=0
	for file in sbin/mercutio sbin/mercutio-router sbin/mercutio-c2s sbin/mercutio-s2s sbin/mercutio-auth \
		sbin/mercutio-sm sbin/mercutio-storage bin/mercutioctl mercutio/mercutio.conf \
		mercutio/certbot-deploy init.d/mercutio-router init.d/mercutio-c2s init.d/mercutio-s2s init.d/mercutio-auth \
		init.d/mercutio-sm init.d/mercutio-storage system/mercutio.target \
		system/mercutio-c2s.socket system/mercutio-c2s@.socket \
		system/mercutio-s2s.socket system/mercutio-s2s@.socket \
		system/mercutio-router.service system/mercutio-c2s.service system/mercutio-s2s.service system/mercutio-auth.service \
		system/mercutio-sm.service system/mercutio-storage.service system/mercutio-storage@.service system/mercutio-sm@.service \
		sysusers.d/mercutio.conf tmpfiles.d/mercutio.conf lib/mercutio man1/mercutioctl.1 \
		man5/mercutio.conf.5 man8/mercutio.8 man8/mercutio-router.8 man8/mercutio-c2s.8 man8/mercutio-s2s.8 \
		man8/mercutio-auth.8 man8/mercutio-sm.8 man8/mercutio-storage.8 doc/mercutio/install.md; do
		installed "$file" >/dev/null || {
			echo "missing: $file"
			missing=1
		}
	done
	return $missing
}

nothing_unreplaced() {
	! grep -rnE '@[A-Za-z]+@' "$(dirname "$(installed init.d/mercutio-sm)")" \
		"$(dirname "$(installed system/mercutio.target)")" "$(installed sysusers.d/mercutio.conf)" \
		"$(installed tmpfiles.d/mercutio.conf)" "$(dirname "$(installed man8/mercutio.8)")"
}

config_kept() {
	echo 'domain = "kept.example"' >>"$conf" &&
		install_tree && grep -q kept.example "$conf"
}

sample_wants_domain() {
	"$ctl" --config "$source/etc/mercutio.conf" config check && return 1
	"$ctl" --config "$source/etc/mercutio.conf" config check 2>&1 | grep -q '"domain" is not set'
}

sample_with_domain() {
	sed 's/^#domain = /domain = /' "$source/etc/mercutio.conf" >"$dir/sample.conf"
	"$ctl" --config "$dir/sample.conf" config check
}

# Unpacked elsewhere than configured, each finds the programs beside it. A launcher that does not says so before it
# opens its log.
programs_found() {
	"$ctl" --config "$dir/sample.conf" -o user= storage migrate --dry-run "sqlite=$dir/none.db" |
		grep 'CREATE TABLE' || return 1
	"$(installed sbin/mercutio)" --config "$dir/sample.conf" -o user= --log-dir "$dir/none" >"$dir/said" 2>&1
	grep "$dir/none/mercutio.log" "$dir/said" || ! cat "$dir/said"
}

# Without --config, the file that was installed is meant.
default_config() {
	"$ctl" config check 2>&1 | grep -F "${conf#"$dest"}" && return 0
	"$ctl" config check
	echo "it should be ${conf#"$dest"}"
	return 1
}

# A folder as certbot leaves it: links to keys that only their owner can read.
certbot_hook() {
	mkdir -p "$dir/le/live/a.example" "$dir/le/archive/a.example" || return 1
	echo key >"$dir/le/archive/a.example/privkey2.pem"
	ln -s ../../archive/a.example/privkey2.pem "$dir/le/live/a.example/privkey.pem"
	chmod 0700 "$dir/le/live" "$dir/le/archive"
	chmod 0600 "$dir/le/archive/a.example/privkey2.pem"
	MERCUTIO_GROUP=$(id -gn) RENEWED_LINEAGE=$dir/le/live/a.example \
		sh "$(installed mercutio/certbot-deploy)" || return 1
	stat -c %a "$dir/le/live" "$dir/le/archive" "$dir/le/archive/a.example/privkey2.pem" |
		tr '\n' ' ' | grep -x '701 701 640 '
}

# --- documentation -------------------------------------------------------------------------------

pages_lint() {
	find "$dest" -path '*/man[158]/*' -type f -exec mandoc -T lint {} + 2>&1 |
		grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' >"$dir/lint"
	cat "$dir/lint"
	[ ! -s "$dir/lint" ]
}

doap_current() {
	cd "$source" && awk -f docs/gen_doap.awk docs/xeps.list sm/mod_*.c | diff -u docs/mercutio.doap -
}

# `function()` in backquotes is a function of the tree, `folder/file` a file.
names_exist() (
	cd "$source" || exit 1
	bad=0
	docs="README.md HACKING.md docs/architecture.md docs/journey.md docs/modules.md docs/install.md docs/federation.md"
	for name in $(grep -ohE '`[a-z_0-9]+\(\)`' $docs | tr -d '`()' | sort -u); do
		grep -rqE "(^|[ *])$name\(" --include='*.[ch]' base xmpp link router c2s s2s auth sm storage || {
			echo "no function $name"
			bad=1
		}
	done
	for name in $(grep -ohE '`(base|xmpp|link|router|c2s|s2s|auth|sm|storage|tools|docs|tests|etc)/[a-z_0-9./]+`' \
		$docs | tr -d '`' | sort -u); do
		[ -e "$name" ] || {
			echo "no file $name"
			bad=1
		}
	done
	exit $bad
)

# What configure asks for is what packages.sh installs and install.md names.
packages_named() (
	cd "$source" || exit 1
	built=$(sed -n '/^build="/,/"$/p' tools/packages.sh | sed 's/^build=//' | tr -d '"')
	named=$(sed -n '/apt-get install gcc/,/[^\\]$/p' docs/install.md)
	bad=0
	for package in $built $(grep -oE '\blib[a-z0-9-]+-dev|uthash-dev' configure.ac | sort -u); do
		[ "$package" = libc6-dev ] && continue # gcc's
		echo "$named" | grep -qwF -- "$package" || {
			echo "docs/install.md does not name $package"
			bad=1
		}
	done
	exit $bad
)

# What an installed page for operators links to is installed too.
links_lead() (
	cd "$(dirname "$(installed doc/mercutio/install.md)")" || exit 1
	bad=0
	for name in $(grep -ohE '\]\([a-z]+\.md' install.md administration.md credentials.md federation.md upgrade.md |
		sed 's/](//' | sort -u); do
		[ -e "$name" ] || {
			echo "not installed: $name"
			bad=1
		}
	done
	exit $bad
)

# --- units ---------------------------------------------------------------------------------------

# systemd-analyze tells mistakes on standard error and exits 0. The programs are not where they will be.
units_verify() {
	mkdir -p "$dir/units"
	for unit in "$(dirname "$(installed system/mercutio.target)")"/*; do
		sed "s|^ExecStart=|ExecStart=$dest|" "$unit" >"$dir/units/$(basename "$unit")"
	done
	for p in router storage auth sm c2s s2s; do
		cp "$dir/units/mercutio-$p@.service" "$dir/units/mercutio-$p@2.service"
	done
	cp "$dir/units/mercutio-c2s@.socket" "$dir/units/mercutio-c2s@2.socket"
	cp "$dir/units/mercutio-s2s@.socket" "$dir/units/mercutio-s2s@2.socket"
	rm -f "$dir"/units/*@.service "$dir"/units/*@.socket
	systemd-analyze verify --man=no "$dir"/units/* 2>&1 | grep -F -e mercutio -e "$dir" >"$dir/verify"
	cat "$dir/verify"
	[ ! -s "$dir/verify" ]
}

# The router's socket, and the locks of addresses that several c2s or s2s share, are made there.
run_dir_writable() {
	for p in router c2s s2s; do
		for unit in "mercutio-$p.service" "mercutio-$p@.service"; do
			grep -qx RuntimeDirectory=mercutio "$(installed "system/$unit")" &&
				grep -qx RuntimeDirectoryPreserve=yes "$(installed "system/$unit")" || {
				echo "$unit cannot write to run_dir"
				return 1
			}
		done
	done
}

# --- the server through its init scripts ---------------------------------------------------------

certificate() {
	mkdir -p "$dir/run" "$dir/data" "$dir/pids" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
			-subj /CN=localhost -addext subjectAltName=DNS:localhost \
			-keyout "$dir/key.pem" -out "$dir/cert.pem"
}

# An address that no other test uses at the same time.
configuration() {
	address=127.$((64 + $$ / 65536 % 64)).$(($$ / 256 % 256)).$(($$ % 256))
	cat >"$dir/mercutio.conf" <<-END
	domain = localhost
	run_dir = "$dir/run"
	data_dir = "$dir/data"
	certificate = "$dir/cert.pem"
	key = "$dir/key.pem"
	c2s {
		listen = {"$address:15222"}
		listen_tls = {"$address:15223"}
	}
	END
	cat >"$dir/defaults" <<-END
	MERCUTIO_SBIN=$(dirname "$(installed sbin/mercutio-sm)")
	MERCUTIO_CONFIG=$dir/mercutio.conf
	MERCUTIO_PIDS=$dir/pids
	MERCUTIO_DATA=$dir/data
	MERCUTIO_USER=$(id -un)
	MERCUTIO_OPTIONS="-o log_target=stderr"
	MERCUTIO_INSTANCES_sm="sm-1 sm-2"
	END
	export MERCUTIO_DEFAULTS="$dir/defaults"
}

script() { # PROCESS ACTION
	sh "$scripts/mercutio-$1" "$2"
}

all_do() { # ACTION PROCESS...
	action=$1
	shift
	for process in "$@"; do
		script "$process" "$action" || {
			echo "$process $action: status $?"
			return 1
		}
	done
}

headers() {
	for p in router c2s auth sm storage; do
		sh -n "$scripts/mercutio-$p" || return 1
		for field in Provides Required-Start Required-Stop Default-Start Default-Stop \
			Short-Description; do
			sed -n '/^### BEGIN INIT INFO/,/^### END INIT INFO/p' "$scripts/mercutio-$p" |
				grep -q "^# $field: *[^ ]" || {
				echo "$p: no $field"
				return 1
			}
		done
	done
}

ask() {
	"$ctl" --config "$dir/mercutio.conf" --timeout 60 "$@"
}

add_account() {
	echo secret | ask user add juliet@localhost && ask user list | grep -qx juliet@localhost
}

# One that found no router at first looks again up to two seconds later.
both_there() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ask status | grep sm-2 && return 0
		sleep 0.5
	done
	return 1
}

killed() {
	kill -9 "$(cat "$dir/pids/mercutio-auth-1.pid")"
	sleep 0.5
}

refuses_mistakes() {
	echo 'c2s { lisen = {"*:5222"} }' >"$dir/wrong.conf"
	cat "$dir/mercutio.conf" >>"$dir/wrong.conf"
	sed "s|^MERCUTIO_CONFIG=.*|MERCUTIO_CONFIG=$dir/wrong.conf|; s|^MERCUTIO_PIDS=.*|MERCUTIO_PIDS=$dir|" \
		"$dir/defaults" >"$dir/wrong"
	MERCUTIO_DEFAULTS=$dir/wrong script c2s start >"$dir/wrong.out" 2>&1 && return 1
	cat "$dir/wrong.out"
	grep -q "wrong.conf:1:.*listen" "$dir/wrong.out"
}

nobody_left() {
	for p in "$dir"/pids/*; do
		[ ! -e "$p" ] || {
			echo "left: $p"
			return 1
		}
	done
}

server() {
	good "the scripts are sh and have LSB headers" headers
	good "a certificate and a configuration" eval 'certificate && configuration'
	status_is 3 "status before the start" script sm status
	good "they start, those that need others first" all_do start c2s sm auth storage router
	good "clients can log in" ask wait
	good "status while running" all_do status router storage auth sm c2s
	good "all instances that the defaults name are there" both_there
	good "an account" add_account
	good "starting what runs changes nothing" all_do start sm
	good "reload" all_do reload router storage auth sm c2s
	good "a process is killed" killed
	status_is 1 "status of a killed process" script auth status
	good "it is started again" all_do start auth
	good "restart" all_do restart router sm storage
	good "clients can log in again" ask wait
	good "the account is still there" eval 'ask user list | grep -qx juliet@localhost'
	good "they stop, those that others need first" all_do stop router storage auth c2s sm
	status_is 3 "status after the stop" script storage status
	good "stopping what does not run is no mistake" all_do stop router
	status_is 7 "nothing to reload" script router reload
	status_is 2 "an unknown action" script router dance
	good "a mistake in the configuration is told with its line" refuses_mistakes
	good "no pid file is left" nobody_left
}

# --- all of it -----------------------------------------------------------------------------------

good "make install" install_tree
conf=$(installed mercutio/mercutio.conf) && ctl=$(installed bin/mercutioctl) || {
	echo "Bail out! nothing to test"
	exit 1
}
good "everything is where it belongs" all_there
good "no mark is left unreplaced" nothing_unreplaced
good "mercutioctl reads the installed configuration" default_config
good "an existing configuration is kept" config_kept
good "the sample says that the domain must be set" sample_wants_domain
good "nothing else must be set" sample_with_domain
good "programs are found where they were unpacked" programs_found
good "the hook for certbot lets the key be read" certbot_hook
good "docs/mercutio.doap is up to date: else make doap" doap_current
good "functions and files that the documentation names" names_exist
if command -v mandoc >/dev/null; then
	good "manual pages" pages_lint
else
	skip "manual pages" "mandoc is not installed"
fi
good "links between installed pages lead somewhere" links_lead
good "install.md names all packages" packages_named
if command -v systemd-analyze >/dev/null; then
	good "systemd units" units_verify
else
	skip "systemd units" "systemd-analyze is not installed"
fi
good "who needs run_dir can write there" run_dir_writable
if command -v start-stop-daemon >/dev/null && [ -r /lib/lsb/init-functions ]; then
	scripts=$(dirname "$(installed init.d/mercutio-sm)")
	server
else
	skip "init scripts" "start-stop-daemon or /lib/lsb/init-functions is missing"
fi
echo "1..$number"
