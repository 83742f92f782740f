#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom: arrows point from higher to lower folders, never up, never sideways.
cd "$(dirname "$0")/../.." || exit 1

# FOLDER: the folders that its files may include. Tests and tools may include all.
allowed() {
	cat <<-END
	base: base
	xmpp: xmpp base
	link: link xmpp base
	nodes: nodes xmpp base
	libmercutio: libmercutio link xmpp base
	router: router link xmpp base
	c2s: c2s link xmpp base
	auth: auth link xmpp base
	s2s: s2s link xmpp base
	sm: sm nodes link xmpp base
	storage: storage link xmpp base
	component: component link xmpp base
	http: http link xmpp base
	muc: muc libmercutio xmpp base
	pubsub: pubsub nodes libmercutio xmpp base
	proxy65: proxy65 libmercutio xmpp base
	gateway: gateway libmercutio xmpp base
	END
}

number=0
result() { # GOOD? TEXT DETAILS
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		printf '%s\n' "$3" | sed 's/^/# /'
	fi
}

# Lines FILE:LINE:FOLDER/NAME of all includes with quotes below a folder.
includes() {
	find "$1" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
		sed 's/^\([^:]*:[0-9]*:\)[^"]*"\([^"]*\)".*/\1\2/'
}

folders=$(allowed | while IFS=: read -r folder rest; do [ ! -d "$folder" ] || echo "$folder"; done)
set -- $folders
echo "1..$(($# + 3))"
for folder in $folders; do
	may=$(allowed | sed -n "s/^$folder: //p")
	bad=$(includes "$folder" | while IFS=: read -r file line header; do
		case " $may " in *" ${header%%/*} "*) ;; *)
			[ "$header" = config.h ] || echo "$file:$line includes $header" ;;
		esac
	done)
	[ -z "$bad" ]
	result $? "$folder includes only $may" "$bad"
done

# One include path: every include names its folder (the file made by configure has none).
bad=$(for folder in $folders tools tests; do
	includes "$folder" | grep -v ':[^:]*/[^:]*$' | grep -v ':config\.h$'
done)
[ -z "$bad" ]
result $? "every include names its folder" "$bad"

# A thing_internal.h is for its own folder; its tests may look inside.
bad=$(for folder in $folders tools; do
	includes "$folder" | awk -F: -v own="$folder" '{ split($3, p, "/") } /_internal\.h$/ && p[1] != own'
done)
[ -z "$bad" ]
result $? "internal headers stay in their folders" "$bad"

# A module sees the module interface and what lies below sm, never another module's header.
bad=$(find sm -name 'mod_*.c' -exec grep -Hn '#include "sm/mod_' {} + 2>/dev/null)
[ -z "$bad" ]
result $? "no module includes another" "$bad"
