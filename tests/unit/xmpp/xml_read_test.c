/* SPDX-License-Identifier: MIT */
/* The reader of streams: events, errors, limits and the canonical form, however bytes are cut. */
#include "tests/unit/xmpp/xml_client.h"
#include "xmpp/xml_internal.h"

Suite *xml_read_suite(void);

/* What comes of input cut into pieces of `step` bytes (0: one piece), the first cut at `first`. */
static char *events(struct xml_pool *p, const char *input, size_t len, size_t first, size_t step,
		    bool brief)
{
	struct client c = {.brief = brief};
	size_t at = 0;

	c.r = xml_reader_new(p, &client_limits, &client_ops, &c);
	while (at < len) {
		size_t n = at == 0 && first ? first : step ? step : len;

		n = n < len - at ? n : len - at;
		xml_reader_feed(c.r, input + at, n);
		at += n;
	}
	xml_reader_free(c.r);
	return buf_take(&c.log);
}

/* However it is cut, input gives the events expected. */
static void expect_bytes(const char *input, size_t len, bool brief, const char *expected)
{
	struct xml_pool *p = xml_pool_new();
	char *got;

	for (size_t first = 0; first < len; first++) {
		got = events(p, input, len, first, 0, brief);
		ck_assert_str_eq(got, expected);
		free(got);
	}
	for (size_t step = 1; step < 4; step++) {
		got = events(p, input, len, 0, step, brief);
		ck_assert_str_eq(got, expected);
		free(got);
	}
	xml_pool_free(p);
}

static void expect(const char *input, const char *expected)
{
	expect_bytes(input, strlen(input), false, expected);
}

/* An element behind the usual header. */
static void expect_element(const char *xml, const char *expected)
{
	char *input = xasprintf("%s%s", HEADER, xml);
	char *lines = xasprintf("%s%s\n", HEADER_LINE, expected);

	expect(input, lines);
	free(input);
	free(lines);
}

START_TEST(headers)
{
	expect("<?xml version='1.0'?>" HEADER, HEADER_LINE);
	expect("\r\n <?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n" HEADER,
	       HEADER_LINE);
	expect("\xef\xbb\xbf" HEADER, "not-well-formed\n"); /* RFC 6120 section 11.6 */
	expect(HEADER "</stream:stream>", HEADER_LINE "end\n");
	expect(HEADER " \r\n\t </stream:stream \n> <more/>", HEADER_LINE "end\n");
	expect("<stream:stream to='a&amp;b' xml:lang='de' xmlns:stream='" NS_STREAM
	       "' xmlns='jabber:server' xmlns:db='jabber:server:dialback'/><more/>",
	       "header {" NS_STREAM "}stream content=jabber:server {}to=a&b {" NS_XML
	       "}lang=de\nend\n");
	/* What was written, for the owner to judge. */
	expect("<stream xmlns='" NS_STREAM "'/>",
	       "header {" NS_STREAM "}stream content=" NS_STREAM "\nend\n");
	expect("<s:flow xmlns:s='urn:x'/>", "header {urn:x}flow content=\nend\n");
	expect("<flow>", "header {}flow content=\n");
}
END_TEST

START_TEST(header_errors)
{
	expect("<stream:stream xmlns='jabber:client'>", "not-well-formed\n");
	expect("<stream x:y='1'>", "not-well-formed\n");
	expect("<?xml version='1.0' encoding='ISO-8859-1'?>" HEADER, "unsupported-encoding\n");
	expect("<?xml version='1.0' encoding='UTF-16'?>" HEADER, "unsupported-encoding\n");
	expect_bytes("\xff\xfe<\0s\0", 6, false, "unsupported-encoding\n");
	expect_bytes("\xfe\xff\0<\0s", 6, false, "unsupported-encoding\n");
	expect_bytes("<\0s\0t\0", 6, false, "unsupported-encoding\n");
	expect_bytes("\0<\0s", 4, false, "unsupported-encoding\n");
	expect("<!DOCTYPE x []>" HEADER, "restricted-xml\n");
	expect("<?xml version='1.0'?><!-- hello -->" HEADER, "restricted-xml\n");
	expect("<?php echo ?>" HEADER, "restricted-xml\n");
	expect("hello\n", "not-well-formed\n");
	expect("</stream>", "not-well-formed\n");
	expect("GET / HTTP/1.1\r\n", "not-well-formed\n");
	expect_bytes("\x16\x03\x01\x02", 4, false, "not-well-formed\n");
	expect("<a b='1' b='2'>", "not-well-formed\n");
	expect("<a b='&amp'>", "not-well-formed\n");
	expect("<a b='&custom;'>", "restricted-xml\n");
	expect("<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'>", "not-well-formed\n");
}
END_TEST

START_TEST(elements)
{
	expect_element("<message/>", "<{jabber:client}message []");
	expect_element("<message></message >", "<{jabber:client}message []");
	expect_element("<message to=\"a&quot;'\" id='1' xml:lang='en' type = 'chat'><body>Hi</body>"
		       "</message>",
		       "<{jabber:client}message {}to=a\"' {}id=1 {" NS_XML "}lang=en {}type=chat"
		       " [<body>Hi</body>] {jabber:client}body:<body>Hi</body>");
	expect_element("<iq xmlns='jabber:client'><q xmlns='u:a'><i j='k'/></q> <r/></iq>",
		       "<{jabber:client}iq [<q xmlns='u:a'><i j='k'/></q> <r/>]"
		       " {u:a}q:<q xmlns='u:a'><i j='k'/></q> {jabber:client}r:<r/>");
	expect_element("<auth xmlns='" NS_SASL "' mechanism='PLAIN'>AGEAYg==</auth>",
		       "<{" NS_SASL "}auth {}mechanism=PLAIN text [AGEAYg==]");
	expect_element("<message>\n <a/>\t</message>",
		       "<{jabber:client}message [\n <a/>\t] {jabber:client}a:<a/>");
	expect_element("<message><a>x</a></message>",
		       "<{jabber:client}message [<a>x</a>] {jabber:client}a:<a>x</a>");
	expect_element("<message><![CDATA[x]]></message>",
		       "<{jabber:client}message text [<![CDATA[x]]>]");
	expect_element("<message>\xc3\xa9</message>", "<{jabber:client}message text [\xc3\xa9]");
	expect_element("<stream:error><x xmlns='" NS_STREAMS "'/></stream:error>",
		       "<{" NS_STREAM "}error prefixed [<x xmlns='" NS_STREAMS "'/>] {" NS_STREAMS
		       "}x:<x xmlns='" NS_STREAMS "'/>");
	expect(HEADER "<a/> <b/>\r\n<c></c></stream:stream>", HEADER_LINE
	       "<{jabber:client}a []\n<{jabber:client}b []\n<{jabber:client}c []\nend\n");
	/* Declared by no one: in no namespace; or by each element (RFC 6120 section 4.8.3). */
	expect("<s:stream xmlns:s='" NS_STREAM
	       "'><m><b/></m><m xmlns='jabber:client'><b/></m></s:stream>",
	       "header {" NS_STREAM "}stream content=\n<{}m [<b/>] {}b:<b/>\n"
	       "<{jabber:client}m [<b/>] {jabber:client}b:<b/>\nend\n");
}
END_TEST

/* Bytes that stay as they came although a writer of ours would not make them so. */
START_TEST(kept_verbatim)
{
	static const char *const inner[] = {
		"<body >a&#x41;&amp;b\r\nc</body >",
		"<body><![CDATA[<&>]]></body>",
		"<x xmlns=\"u:a\" b = '&lt;'><y/></x>",
		"<x xmlns='u:a'><y xmlns='u:a'/></x>",
		"<x xmlns=''><y/></x>",
		"<x xmlns=''><body xmlns='jabber:client'/></x>",
		("<forwarded xmlns='u:f'><message "
		 "xmlns='jabber:client'><body/></message></forwarded>"),
		"<x xmlns='u:a' xmlns:p='u:p' p:q='1'><y p:q='2'/></x>",
		"<body xml:lang='de'>x</body>",
		"<x xmlns:unused='u:b'/>",
	};

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		char *input = xasprintf(HEADER "<message>%s</message>", inner[i]);
		char *all = xasprintf("message [%s] ", inner[i]);
		struct xml_pool *p = xml_pool_new();

		for (size_t step = 0; step < 3; step++) {
			char *got = events(p, input, strlen(input), 0, step, false);

			ck_assert_msg(strstr(got, all), "%s in %s", all, got);
			free(got);
		}
		xml_pool_free(p);
		free(input);
		free(all);
	}
}
END_TEST

START_TEST(made_canonical)
{
	static const struct {
		const char *from, *inner, *child;
	} rows[] = {
		{"<message><body xmlns='jabber:client'>x</body></message>", "<body>x</body>",
		 "{jabber:client}body:<body>x</body>"},
		{"<message><a><b xmlns='jabber:client'/></a></message>", "<a><b/></a>",
		 "{jabber:client}a:<a><b/></a>"},
		{"<c:message xmlns:c='jabber:client'><c:body>x</c:body></c:message>",
		 "<body>x</body>", "{jabber:client}body:<body>x</body>"},
		{"<message xmlns:p='u:p'><p:x q='1'><p:y/><z/></p:x></message>",
		 "<x xmlns='u:p' q='1'><y/><z xmlns='jabber:client'/></x>",
		 "{u:p}x:<x xmlns='u:p' q='1'><y/><z xmlns='jabber:client'/></x>"},
		{"<message xmlns:p='u:p'><x xmlns='u:a' p:q='1' p:r='&lt;'/></message>",
		 "<x xmlns='u:a' xmlns:p='u:p' p:q='1' p:r='&lt;'/>",
		 "{u:a}x:<x xmlns='u:a' xmlns:p='u:p' p:q='1' p:r='&lt;'/>"},
		{"<message><x stream:q='1' xml:lang='de'/></message>",
		 "<x xmlns:stream='" NS_STREAM "' stream:q='1' xml:lang='de'/>",
		 "{jabber:client}x:<x xmlns:stream='" NS_STREAM "' stream:q='1' xml:lang='de'/>"},
		{"<message><p:x xmlns:p='u:p'/><b>&amp;<![CDATA[<]]>'\"&gt;</b></message>",
		 "<x xmlns='u:p'/><b>&amp;&lt;'\"&gt;</b>",
		 "{u:p}x:<x xmlns='u:p'/> {jabber:client}b:<b>&amp;&lt;'\"&gt;</b>"},
		{"<message><p:x xmlns:p='u:p' a='&#10;&#13;'>&#13;</p:x></message>",
		 "<x xmlns='u:p' a='&#10;&#13;'>&#13;</x>",
		 "{u:p}x:<x xmlns='u:p' a='&#10;&#13;'>&#13;</x>"},
		{"<message><p:x xmlns:p='u:p'/>\r</message>", "<x xmlns='u:p'/>\n",
		 "{u:p}x:<x xmlns='u:p'/>"},
		{"<message><p:x xmlns:p='u:p'><n xmlns=''><p:y/></n></p:x></message>",
		 "<x xmlns='u:p'><n xmlns=''><y xmlns='u:p'/></n></x>",
		 "{u:p}x:<x xmlns='u:p'><n xmlns=''><y xmlns='u:p'/></n></x>"},
		{"<message><p:x xmlns:p='jabber:client'><q xmlns='u:a'><p:x/></q></p:x></message>",
		 "<x><q xmlns='u:a'><x xmlns='jabber:client'/></q></x>",
		 "{jabber:client}x:<x><q xmlns='u:a'><x xmlns='jabber:client'/></q></x>"},
		{"<s:auth xmlns:s='u:s'><s:x/><y/></s:auth>", "<x/><y xmlns='jabber:client'/>",
		 "{u:s}x:<x/> {jabber:client}y:<y xmlns='jabber:client'/>"},
		{"<s:auth xmlns:s='u:s'><y/></s:auth>", "<y xmlns='jabber:client'/>",
		 "{jabber:client}y:<y xmlns='jabber:client'/>"},
		{"<auth xmlns='u:s'><y xmlns='u:s'/></auth>", "<y/>", "{u:s}y:<y/>"},
		/* The inner prefix hides the outer one. */
		{"<message xmlns:p='u:1'><p:a/><p:b xmlns:p='u:2'><p:c/></p:b><p:d/></message>",
		 "<a xmlns='u:1'/><b xmlns='u:2'><c/></b><d xmlns='u:1'/>",
		 "{u:1}a:<a xmlns='u:1'/> {u:2}b:<b xmlns='u:2'><c/></b> {u:1}d:<d xmlns='u:1'/>"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *input = xasprintf(HEADER "%s", rows[i].from);
		char *all = xasprintf("[%s] %s\n", rows[i].inner, rows[i].child);
		struct xml_pool *p = xml_pool_new();

		for (size_t first = 0; first < strlen(input); first++) {
			char *got = events(p, input, strlen(input), first, first == 0, false);

			ck_assert_msg(strstr(got, all), "%s in %s", all, got);
			free(got);
		}
		xml_pool_free(p);
		free(input);
		free(all);
	}
}
END_TEST

START_TEST(element_errors)
{
	static const struct {
		const char *xml, *error;
	} rows[] = {
		{"text", "bad-format"},
		{"\xc3\xa9", "bad-format"},
		{"&lt;", "bad-format"},
		{"&#32;", "bad-format"},
		{"&#32;<m/>", "bad-format"},
		{"]]>", "bad-format"},
		{" x]]>", "bad-format"},
		{"&nbsp;", "bad-format"},
		{"\xff", "bad-format"},
		{"<![CDATA[]]>", "bad-format"},
		{"<![CDATA[ <message/>", "bad-format"},
		{"<!-- c -->", "restricted-xml"},
		{"<m><!-- c --></m>", "restricted-xml"},
		{"<m><?pi?></m>", "restricted-xml"},
		{"<?pi x?>", "restricted-xml"},
		{"<m>&nbsp;</m>", "restricted-xml"},
		{"<m a='&nbsp;'/>", "restricted-xml"},
		{"<?xml version='1.0'?>", "not-well-formed"},
		{"<!DOCTYPE x>", "not-well-formed"},
		{"<m><b></m></b>", "not-well-formed"},
		{"<m", NULL},
		{"<m><b>", NULL},
		{"<m a=1/>", "not-well-formed"},
		{"<m a='1' a='2'/>", "not-well-formed"},
		{"<m a='<'/>", "not-well-formed"},
		{"<m>]]></m>", "not-well-formed"},
		{"<m>&#0;</m>", "not-well-formed"},
		{"<m>&#xFFFE;</m>", "not-well-formed"},
		{"<m>\x01</m>", "not-well-formed"},
		{"<m>\xc0\x80</m>", "unsupported-encoding"},
		{"<m>\xed\xa0\x80</m>", "unsupported-encoding"},
		{"<m>\xef\xbf\xbf</m>", "not-well-formed"},
		{"<m>\xff</m>", "unsupported-encoding"},
		{"</m>", "not-well-formed"},
		{"</stream>", "not-well-formed"},
		{"<x:m/>", "not-well-formed"},
		{"<m><x:b/></m>", "not-well-formed"},
		{"<m x:a='1'/>", "not-well-formed"},
		{"<m><b x:a='1'/></m>", "not-well-formed"},
		{"<m><p:b xmlns:p='u'/><p:b/></m>", "not-well-formed"},
		{"<m><b xmlns:p='u'/><c p:b='1'/></m>", "not-well-formed"},
		{"<xml:m/>", "bad-namespace-prefix"},
		{"<xmlns:m/>", "bad-namespace-prefix"},
		{"<m xmlns:p=''/>", "not-well-formed"},
		{"<m xmlns:xml='u'/>", "not-well-formed"},
		{"<m xmlns:xmlns='u'/>", "not-well-formed"},
		{"<m xmlns:p='" NS_XML "'/>", "not-well-formed"},
		{"<m xmlns='" NS_XML "'/>", "not-well-formed"},
		{"<m xmlns='http://www.w3.org/2000/xmlns/'/>", "not-well-formed"},
		{"<m xmlns:p='http://www.w3.org/2000/xmlns/'/>", "not-well-formed"},
		{"<a:b:c xmlns:a='u'/>", "not-well-formed"},
		{"<:m/>", "not-well-formed"},
		{"<m:/>", "not-well-formed"},
		{"<m :a='1'/>", "not-well-formed"},
		{"<m xmlns:='u'/>", "not-well-formed"},
		{"<m xmlns:1='u'/>", "not-well-formed"},
		{"<a:1 xmlns:a='u'/>", "not-well-formed"},
		{"<m><b xmlns:a='u' a:-='1'/></m>", "not-well-formed"},
		/* A combining accent or middle dot does not begin a name. */
		{"<a:\xcc\x81 xmlns:a='u'/>", "not-well-formed"},
		{"<a:\xc2\xb7 xmlns:a='u'/>", "not-well-formed"},
		{"<m xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>", "not-well-formed"},
		{"<m><n xmlns:a='u' xmlns:b='u' a:x='1' y='2' b:x='2'/></m>", "not-well-formed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *input = xasprintf(HEADER "<ok/>%s", rows[i].xml);
		char *lines =
			xasprintf("%s<{jabber:client}ok\n%s%s", HEADER_LINE,
				  rows[i].error ? rows[i].error : "", rows[i].error ? "\n" : "");

		expect_bytes(input, strlen(input), true, lines);
		free(input);
		free(lines);
	}
}
END_TEST

START_TEST(fine_after_all)
{
	/* Near misses of the errors above. */
	expect_element("<m xmlns:xml='" NS_XML "' xml:lang='de'/>",
		       "<{jabber:client}m {" NS_XML "}lang=de []");
	expect_element("<a:\xc3\xa9 xmlns:a='u'/>", "<{u}\xc3\xa9 prefixed []");
	expect_element("<m xmlns:a='u' xmlns:b='v' a:x='1' b:x='2' x='3'/>",
		       "<{jabber:client}m {u}x=1 {v}x=2 {}x=3 []");
	expect_element("<m>]] ></m>", "<{jabber:client}m text []] >]");
}
END_TEST

static size_t put_utf8(char *to, unsigned c)
{
	size_t n = 0;

	if (c < 0x80) {
		to[n++] = (char)c;
	} else if (c < 0x800) {
		to[n++] = (char)(0xc0 | c >> 6);
		to[n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		to[n++] = (char)(0xe0 | c >> 12);
		to[n++] = (char)(0x80 | (c >> 6 & 63));
		to[n++] = (char)(0x80 | (c & 63));
	} else {
		to[n++] = (char)(0xf0 | c >> 18);
		to[n++] = (char)(0x80 | (c >> 12 & 63));
		to[n++] = (char)(0x80 | (c >> 6 & 63));
		to[n++] = (char)(0x80 | (c & 63));
	}
	to[n] = '\0';
	return n;
}

static bool expat_takes(XML_Parser xp, const char *before, const char *c)
{
	char *xml = xasprintf("<%s%s/>", before, c);
	bool good;

	XML_ParserReset(xp, "UTF-8");
	good = XML_Parse(xp, xml, (int)strlen(xml), XML_TRUE) == XML_STATUS_OK;
	free(xml);
	return good;
}

/* What libexpat lets a name begin with, no more and no less, may follow a prefix: peers that
 * parse with namespaces would close their stream over anything else. */
START_TEST(name_starts)
{
	XML_Parser xp = XML_ParserCreate("UTF-8");
	char c[8];

	for (unsigned u = 1; u < 0x20000; u++) {
		if (u >= 0xd800 && u < 0xe000)
			continue;
		put_utf8(c, u);
		if (u != ':' && u != '/' && expat_takes(xp, "a", c) && !strchr(" \t\r\n", c[0]))
			ck_assert_msg(xml_name_start(c) == expat_takes(xp, "", c), "U+%04X", u);
	}
	XML_ParserFree(xp);
}
END_TEST

static void expect_limit(char *take_fits, char *take_over, const char *error)
{
	char *line = xasprintf(HEADER_LINE "policy-violation: %s\n", error);
	char *got;
	struct xml_pool *p = xml_pool_new();

	for (size_t step = 0; step < 70; step += 23) {
		got = events(p, take_fits, strlen(take_fits), 0, step, true);
		ck_assert_ptr_nonnull(strstr(got, "<{"));
		ck_assert_ptr_null(strstr(got, "violation"));
		free(got);
	}
	for (size_t step = 0; step < 70; step += 23) {
		got = events(p, take_over, strlen(take_over), 0, step, true);
		ck_assert_str_eq(got, line);
		free(got);
	}
	xml_pool_free(p);
	free(take_fits);
	free(take_over);
	free(line);
}

START_TEST(limits_of_elements)
{
	/* <m></m> and 1993 bytes are 2000 */
	expect_limit(repeat(HEADER "<m>", "x", 1993, "</m>"),
		     repeat(HEADER "<m>", "x", 1994, "</m>"),
		     "the size of a stanza exceeds the limit of 2000");
	expect_limit(repeat(HEADER "<m a='", "x", 1991, "'/>"),
		     repeat(HEADER "<m a='", "x", 1992, "'/>"),
		     "the size of a stanza exceeds the limit of 2000");
	expect_limit(repeat(HEADER "<m>", "<b>", 7, "</b></b></b></b></b></b></b></m>"),
		     repeat(HEADER "<m>", "<b>", 8, ""),
		     "the depth of an element exceeds the limit of 8");
	expect_limit(repeat(HEADER "<m>", "<b/>", 20, "</m>"),
		     repeat(HEADER "<m>", "<b/>", 21, "</m>"),
		     "the number of elements in a stanza exceeds the limit of 20");
	expect_limit(
		xasprintf(HEADER "<m a='' b='' c='' d='' e='' f='' g='' h='' i='' xmlns:j='u'/>"),
		xasprintf(HEADER "<m a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' "
				 "xmlns:k='u'/>"),
		"the number of attributes of an element exceeds the limit of 10");
	expect_limit(repeat(HEADER "<m xmlns:a='u'>", "<b xmlns='u'/>", 7, "</m>"),
		     repeat(HEADER "<m xmlns:a='u'>", "<b xmlns='u'/>", 8, "</m>"),
		     "the number of namespace declarations exceeds the limit of 8");
	/* Escaping must not carry it beyond what was allowed. */
	expect_limit(repeat(HEADER "<m><x:b xmlns:x='u'>", ">", 450, "</x:b></m>"),
		     repeat(HEADER "<m><x:b xmlns:x='u'>", ">", 500, "</x:b></m>"),
		     "the size of a stanza exceeds the limit of 2000");
}
END_TEST

START_TEST(limits_of_headers)
{
	struct xml_pool *p = xml_pool_new();
	const char *head = "<s xmlns='u' a='";
	size_t fill = 400 - strlen(head) - 2;
	char *fits = repeat(head, "x", fill, "'>"), *over = repeat(head, "x", fill + 1, "'>");
	char *many = xasprintf("<s a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k=''>");

	for (size_t step = 0; step < 30; step += 7) {
		char *got = events(p, fits, strlen(fits), 0, step, true);

		ck_assert_ptr_nonnull(strstr(got, "header {u}s"));
		free(got);
		got = events(p, over, strlen(over), 0, step, true);
		ck_assert_str_eq(got, "policy-violation: the size of a stream header exceeds the "
				      "limit of 400\n");
		free(got);
		got = events(p, many, strlen(many), 0, step, true);
		ck_assert_str_eq(got, "policy-violation: the number of attributes of the stream "
				      "exceeds the limit of 10\n");
		free(got);
	}
	free(fits);
	free(over);
	free(many);
	xml_pool_free(p);
}
END_TEST

/* Limits apply to each element anew. */
START_TEST(limits_start_anew)
{
	struct xml_pool *p = xml_pool_new();
	char *big = repeat("<m>", "x", 1900, "</m>");
	char *many = repeat("<m>", "<b xmlns='u'/>", 8, "</m>");
	char *twice = xasprintf(HEADER "%s%s%s%s", big, many, many, big);

	for (size_t step = 0; step < 3000; step += 500) {
		char *got = events(p, twice, strlen(twice), 0, step, true);

		ck_assert_str_eq(got, HEADER_LINE "<{jabber:client}m\n<{jabber:client}m\n"
						  "<{jabber:client}m\n<{jabber:client}m\n");
		free(got);
	}
	free(big);
	free(many);
	free(twice);
	xml_pool_free(p);
}
END_TEST

Suite *xml_read_suite(void)
{
	Suite *s = suite_create("xml_read");
	TCase *t = tcase_create("events");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, headers);
	tcase_add_test(t, header_errors);
	tcase_add_test(t, elements);
	tcase_add_test(t, kept_verbatim);
	tcase_add_test(t, made_canonical);
	tcase_add_test(t, element_errors);
	tcase_add_test(t, fine_after_all);
	tcase_add_test(t, name_starts);
	tcase_add_test(t, limits_of_elements);
	tcase_add_test(t, limits_of_headers);
	tcase_add_test(t, limits_start_anew);
	suite_add_tcase(s, t);
	return s;
}
