#!/bin/sh
# SPDX-License-Identifier: MIT
# Instructions of the hot paths, counted by callgrind, against tests/bench/instructions.baseline.
#	make check TESTS=tests/bench/instructions_test.sh      in a build directory; or by hand:
#	MERCUTIO_BUILD=DIR tests/bench/instructions_test.sh [--update]
# Fails when one has grown by more than 10 %. A build that the baseline does not know (another
# compiler, other flags, other libraries) is only reported; --update writes its lines.
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ -f "$here/instructions.baseline" ] || here=${srcdir:-.}/tests/bench
baseline=$here/instructions.baseline
cd "${MERCUTIO_BUILD:-.}" || exit 1
[ -f config.status ] || { echo "1..0 # SKIP MERCUTIO_BUILD names no build"; exit 0; }

make_variable() { # NAME
	sed -n "s/^$1 = *//p" Makefile | head -n 1
}

case $(make_variable HARDEN_CFLAGS) in *-fsanitize*) echo "1..0 # SKIP sanitizers"; exit 0 ;; esac
command -v valgrind >/dev/null || { echo "1..0 # SKIP no valgrind"; exit 0; }
programs=
for process in c2s router sm storage; do
	programs="$programs tests/bench/hotpaths_$process"
done
for program in $programs; do
	[ -x $program ] || make -s $program >/dev/null 2>&1 ||
		{ echo "1..0 # SKIP $program is not built"; exit 0; }
done

# What decides the numbers: the compiler, its flags without -g, the processor, and the libraries.
flags=$(make_variable CFLAGS | tr ' ' '\n' | grep -v '^-g' | paste -sd' ')
library() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed 's/+.*//'; }
libraries="libc $(library libc6), expat $(library libexpat1), sqlite $(library libsqlite3-0)"
build="$($(make_variable CC) --version | head -n 1) $flags, $(uname -m), $libraries"

counted() { # PROGRAM PATH MESSAGES: instructions
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
		--toggle-collect=measured --toggle-collect=port_frame --toggle-collect=group_run "$@" 2>&1 |
		sed -n 's/^==[0-9]*== Collected : *\([0-9]*\).*/\1/p'
}

# Instructions for one message, without what it takes to begin.
count() { # PATH
	for program in $programs; do
		$program | grep -qx "$1" || continue
		few=$(counted $program "$1" 320) many=$(counted $program "$1" 1280)
		[ -z "$few" ] || [ -z "$many" ] || echo $(((many - few) / 960))
	done
}

names=$(for program in $programs; do $program; done)
if [ "${1-}" = --update ]; then
	grep -v -F "$build	" "$baseline" >"$baseline.new"
	for name in $names; do printf '%s\t%s\t%s\n' "$build" "$name" "$(count "$name")"; done >>"$baseline.new"
	mv "$baseline.new" "$baseline"
	exit
fi

set -- $names
echo "1..$#"
number=0 failed=0
for name in $names; do
	number=$((number + 1))
	now=$(count "$name")
	was=$(awk -F'\t' -v build="$build" -v name="$name" '$1 == build && $2 == name { print $3 }' "$baseline")
	if [ -z "$now" ]; then
		echo "not ok $number - $name: valgrind has counted nothing"
		failed=1
	elif [ -z "$was" ]; then
		echo "ok $number - $name: $now instructions a message # SKIP no baseline for $build"
	elif [ $((now * 10)) -gt $((was * 11)) ]; then
		echo "not ok $number - $name: $now instructions a message, the baseline says $was"
		failed=1
	else
		echo "ok $number - $name: $now instructions a message, the baseline says $was"
		[ $((now * 10)) -ge $((was * 9)) ] || echo "# less by more than 10 %: worth an --update"
	fi
done
exit $failed
