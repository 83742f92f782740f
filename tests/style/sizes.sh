#!/bin/sh
# SPDX-License-Identifier: MIT
# Functions of at most 100 lines, files of at most 800, one SPDX line on top of each.
cd "$(dirname "$0")/../.." || exit 1

FUNCTION=100
FILE=800

# Hand-written sources; what is generated, and the model of tracked delivery as it was given, are not.
sources() {
	find base xmpp link nodes libmercutio router c2s auth s2s sm storage component muc pubsub http \
		proxy65 gateway tools tests -name '*.[ch]' ! -path 'tests/model/*' 2>/dev/null |
		grep -v -x -e 'link/messages\.[ch]' -e 'link/tables\.[ch]' -e 'sm/modules_table\.c' \
			-e 'tests/unit/link/messages_random\.c' | sort
}

number=0
result() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

echo 1..3
result "files have at most $FILE lines" "$(sources | xargs wc -l |
	awk -v max=$FILE '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }')"

# By the layout, a function's body begins and ends with a brace in the first column.
result "functions have at most $FUNCTION lines" "$(sources | xargs awk -v max=$FUNCTION '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ && start {
		if (FNR - start - 1 > max) print FILENAME ":" start ": " FNR - start - 1 " lines"
		start = 0
	}')"

result "every file begins with its licence" "$(sources | while IFS= read -r f; do
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done)"
