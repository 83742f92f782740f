# SPDX-License-Identifier: MIT
# Makes docs/mercutio.doap out of what modules declare (sm/mod_*.c) and docs/xeps.list.
# awk -v version=VERSION -f gen_doap.awk docs/xeps.list sm/mod_*.c

function entry(number, ver) {
	if (!(number in seen)) {
		seen[number] = 1
		all[++n] = number
	}
	if (ver != "-")
		versions[number] = ver
}

function escaped(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	return text
}

FILENAME ~ /xeps\.list$/ {
	if (/^#/ || NF == 0)
		next
	entry($1, $2)
	states[$1] = $3
	note = $0
	sub(/^[^ ]+ [^ ]+ [^ ]+ ?/, "", note)
	notes[$1] = note
	next
}
/xeps\[\] = \{/ { inside = 1 }
inside {
	rest = $0
	while (match(rest, /"[0-9][0-9][0-9][0-9] [^"]*"/)) {
		split(substr(rest, RSTART + 1, RLENGTH - 2), part, " ")
		entry(part[1], part[2])
		rest = substr(rest, RSTART + RLENGTH)
	}
	if (/\};/)
		inside = 0
}

END {
	for (i = 2; i <= n; i++)
		for (k = i; k > 1 && all[k] < all[k - 1]; k--) {
			swap = all[k]; all[k] = all[k - 1]; all[k - 1] = swap
		}
	print "<?xml version='1.0' encoding='UTF-8'?>"
	print "<!-- Made by \"make doap\" from sm/mod_*.c and docs/xeps.list. -->"
	print "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
	print "         xmlns='http://usefulinc.com/ns/doap#'"
	print "         xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>"
	print "  <Project>"
	print "    <name>Mercutio</name>"
	print "    <shortdesc xml:lang='en'>XMPP server of several processes, in C</shortdesc>"
	print "    <programming-language>C</programming-language>"
	print "    <os>Linux</os>"
	print "    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-server'/>"
	print "    <license rdf:resource='https://spdx.org/licenses/MIT.html'/>"
	split("6120 6121 7622 9266", rfc, " ")
	for (i = 1; i in rfc; i++)
		print "    <implements rdf:resource='https://www.rfc-editor.org/info/rfc" rfc[i] "'/>"
	for (i = 1; i <= n; i++) {
		x = all[i]
		print "    <implements>"
		print "      <xmpp:SupportedXep>"
		print "        <xmpp:xep rdf:resource='https://xmpp.org/extensions/xep-" x ".html'/>"
		print "        <xmpp:status>" (x in states ? states[x] : "complete") "</xmpp:status>"
		print "        <xmpp:version>" versions[x] "</xmpp:version>"
		if (notes[x] != "")
			print "        <xmpp:note xml:lang='en'>" escaped(notes[x]) "</xmpp:note>"
		print "      </xmpp:SupportedXep>"
		print "    </implements>"
	}
	print "  </Project>"
	print "</rdf:RDF>"
}
