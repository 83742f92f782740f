#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/link.md is what the declaration of the messages says.
cd "$(dirname "$0")/../.." || exit 1

made=$(mktemp)
trap 'rm -f "$made"' EXIT
echo 1..1
if awk -f tools/gen_messages.awk -v mode=doc -v intro=link/link.md.in link/messages.def >"$made" &&
	diff -u docs/link.md "$made" >"$made.diff"; then
	echo "ok 1 - docs/link.md is up to date"
else
	echo "not ok 1 - docs/link.md is up to date: run make link-doc"
	head -n 30 "$made.diff" | sed 's/^/# /'
fi
rm -f "$made.diff"
