#!/bin/sh
# SPDX-License-Identifier: MIT
# Walks the model of tracked delivery: with all rules it must hold, without any one it must fail.
model=${MODEL:-tests/model/delivery-model}
rules="commit dedup c2sepoch given settle run again fence barrier attach resume"

number=0
report() { # STATUS NAME OUTPUT
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
	fi
	echo "$3" | tail -1 | sed 's/^/# /'
}

echo "1..$((1 + $(echo $rules | wc -w)))"
out=$($model -m 2 -f 1)
report $? "two messages, any one fault at any step" "$out"
for rule in $rules; do
	# One message is enough for most counter-examples, and takes no time.
	for messages in 1 2; do
		out=$($model -m $messages -f 1 -x "$rule")
		status=$?
		[ $status -eq 1 ] && break
	done
	case $status,$out in
	1,*FAILED:*) report 0 "fails without the rule $rule" "$out" ;;
	*) report 1 "fails without the rule $rule" "exit $status: $out" ;;
	esac
done
