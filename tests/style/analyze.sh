#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck over all sources, clang-tidy over those that processes are made of. What they call mistakes
# and are none: cppcheck.suppressions, tidy.known. With MERCUTIO_BUILD, a build folder: what is
# generated is taken from there.
#	tests/style/analyze.sh [FILE.c...]
cd "$(dirname "$0")/../.." || exit 1

build=${MERCUTIO_BUILD:-.build/normal}
folders="base xmpp link router c2s s2s auth sm storage tools"
jobs=$(nproc 2>/dev/null || echo 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 1..2
if [ ! -f "$build/config.h" ] || [ ! -f "$build/link/messages.h" ]; then
	echo "ok 1 - cppcheck # SKIP no build in $build"
	echo "ok 2 - clang-tidy # SKIP no build in $build"
	exit 0
fi
[ $# -gt 0 ] || set -- $(find $folders -name '*.c' | sort)

result() { # NUMBER NAME REPORT
	if [ -s "$3" ]; then
		echo "not ok $1 - $2 finds no mistakes"
		head -n 40 "$3" | sed 's/^/# /'
	else
		echo "ok $1 - $2 finds no mistakes"
	fi
}

# Of the system's headers it is given only those whose macros are loops.
check() {
	mkdir "$work/headers"
	for header in uthash utlist; do
		echo "#include <$header.h>" | ${CC:-cc} -E - | sed -n "s|^# 1 \"\(/.*/$header\.h\)\".*|\1|p" |
			head -n 1 | xargs -I{} cp {} "$work/headers"
	done
	cppcheck --enable=warning,portability --std=c11 -q -j"$jobs" -D_GNU_SOURCE -DHAVE_CONFIG_H \
		-I. -I"$build" -I"$work/headers" --library=tests/style/cppcheck.cfg \
		--suppressions-list=tests/style/cppcheck.suppressions \
		--template='{file}:{line}: {severity} {id}: {message}' "$@" tests \
		"$build/link/messages.c" "$build/link/tables.c" "$build/sm/modules_table.c" \
		>"$work/cppcheck" 2>&1
	sort -u -o "$work/cppcheck" "$work/cppcheck"
}

tidy() {
	flags="-std=gnu11 -D_GNU_SOURCE -DHAVE_CONFIG_H -I. -I$build $(pkg-config --cflags libpq 2>/dev/null)
		-DSYSCONFDIR=\"/etc\" -DSBINDIR=\"/sbin\" -DBINDIR=\"/bin\""
	# One file each: it remembers too much of the one before.
	printf '%s\n' "$@" | xargs -P"$jobs" -I{} clang-tidy --quiet {} -- $flags >"$work/all" 2>/dev/null
	grep -E '(warning|error): .*\[[a-z]' "$work/all" | sed "s|^$PWD/||; s|^\./||" | sort -u |
		awk 'NR == FNR { if ($0 !~ /^#/ && NF) known[$1 " " $2] = 1; next }
			{ file = $1; sub(/:.*/, "", file); check = $NF; gsub(/[][]/, "", check) }
			!((file " " check) in known)' tests/style/tidy.known - >"$work/tidy"
}

if command -v cppcheck >/dev/null 2>&1; then
	check "$@"
	result 1 cppcheck "$work/cppcheck"
else
	echo "ok 1 - cppcheck # SKIP it is not installed"
fi
if command -v clang-tidy >/dev/null 2>&1; then
	tidy "$@"
	result 2 clang-tidy "$work/tidy"
else
	echo "ok 2 - clang-tidy # SKIP it is not installed"
fi
