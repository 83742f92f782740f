# SPDX-License-Identifier: MIT
# The options of mercutio.conf(5), by section. The text comes from "mercutioctl config doc"; which
# section an option is in is told by "mercutioctl config defaults", in the same order.
# awk -f conf_options.awk DEFAULTS DOC

function fail(what) {
	print "conf_options.awk: " what > "/dev/stderr"
	failed = 1
	exit 1
}

# A line that begins like a request to roff is none.
function plain(line) {
	return (line ~ /^[.']/ ? "\\&" : "") line
}

# One sentence a line, and lines that are not long, as mdoc wants them.
function folded(line,    out, at) {
	while (match(line, /[a-z0-9)]\. [A-Z]/)) {
		at = RSTART # the recursion has its own matches
		out = out folded(substr(line, 1, at + 1)) "\n"
		line = substr(line, at + 3)
	}
	while (length(line) > 78) {
		for (at = 78; at > 0 && substr(line, at, 1) != " "; at--)
			;
		if (!at)
			break
		out = out plain(substr(line, 1, at - 1)) "\n"
		line = substr(line, at + 1)
	}
	return out plain(line)
}

FNR == 1 { file++ }
# Those with a title are comments.
file == 1 && /^#?[a-z0-9_]+ ("NAME" )?\{$/ {
	section = $1
	sub(/^#/, "", section)
}
file == 1 && /^#?\}$/ { section = "" }
file == 1 && /^\t?#[a-z0-9_]+ = / {
	option = $1
	sub(/^\t?#/, "", option)
	names[++n] = option
	sections[n] = section
}
file == 2 && /^\.It / {
	at++
	if ($3 != names[at])
		fail("option " $3 " where " names[at] " was expected")
	if (!(sections[at] in text))
		order[++norder] = sections[at]
}
file == 2 {
	text[sections[at]] = text[sections[at]] (/^\./ ? $0 : folded($0)) "\n"
}
END {
	if (failed)
		exit 1
	if (at != n || !n)
		fail(n " options and " at " descriptions")
	for (i = 1; i <= norder; i++) {
		s = order[i]
		if (s == "")
			print ".Sh OPTIONS OF ALL PROCESSES"
		else if (s == "host")
			print ".Sh OPTIONS OF A DOMAIN\nIn section\n.Ic host Qq Ar domain :"
		else if (s == "credentials")
			print ".Sh OPTIONS OF CREDENTIALS\nIn section\n.Ic credentials Qq Ar name :"
		else
			print ".Sh OPTIONS OF SECTION " toupper(s)
		print ".Bl -tag -width Ds"
		printf "%s", text[s]
		print ".El"
	}
}
