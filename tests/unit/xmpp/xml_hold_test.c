/* SPDX-License-Identifier: MIT */
/* Long tokens in small pieces: nothing complete waits, and nothing is lost. */
#include <time.h>
#include "tests/unit/xmpp/xml_client.h"

Suite *xml_hold_suite(void);

static const struct xml_limits limits = {
	.stanza_bytes = 262144,
	.header_bytes = 400,
	.depth = 8,
	.attrs = 10,
	.children = 5000,
	.ns_decls = 8,
};

/* head, a long run of unit, tail: a stanza, complete with its last byte and not before. */
static const struct {
	const char *head, *unit, *tail;
} stanzas[] = {
	{"<m a='", "x", "'/>"},
	{"<m a='", ">", "'/>"},
	{"<m a='", "\">", "'></m>"},
	{"<m b=\"'>\" a=\"", "'>", "\"><b/></m>"},
	{"<m a='", "&lt;", "' b='>'/>"},
	{"<m a='", "\xc3\xa9", "'/>"},
	{"<m", " ", "/>"},
	{"<m", "x", "/>"},
	{"<m><b a='", "x>", "'>x</b></m>"},
	{"<m></m", " ", ">"},
	{"<m><b></b", " ", "></m>"},
	{"<m>&#", "0", "65;</m>"},
	{"<m><b>x&#", "0", "65;</b></m>"},
	{"<m><![CDATA[", "<m a='>", "]]></m>"},
	{"<m>", "<b a='>'/>", "</m>"},
	{"<p:m xmlns:p='u'><p:b a='", "x", "'/></p:m>"},
};

static struct xml_pool *pool;
static struct client *client;

static void begin(enum act act)
{
	pool = xml_pool_new();
	client = client_new(pool, act);
	client->brief = false;
	xml_reader_limits(client->r, &limits);
	client_feed(client, HEADER);
	buf_clear(&client->log);
}

static void end(void)
{
	client_free(client);
	xml_pool_free(pool);
}

/* In pieces of step bytes, each with memory of its own. */
static void feed_in_pieces(const char *xml, size_t len, size_t step)
{
	for (size_t at = 0; at < len; at += step) {
		size_t n = step < len - at ? step : len - at;
		char *copy = xmemdup(xml + at, n);

		xml_reader_feed(client->r, copy, n);
		free(copy);
	}
}

static void expect_at_its_end(const char *stanza, size_t step)
{
	size_t len = strlen(stanza);
	char *whole;

	begin(ACT_NONE);
	client_feed(client, stanza);
	whole = buf_take(&client->log);
	ck_assert(whole[0] == '<');
	for (int again = 0; again < 2; again++) {
		feed_in_pieces(stanza, len - 1, step);
		client_saw(client, "");
		ck_assert(xml_reader_partial(client->r));
		client_feed(client, stanza + len - 1);
		client_saw(client, whole);
		ck_assert(!xml_reader_partial(client->r));
	}
	free(whole);
	end();
}

START_TEST(delivered_at_once)
{
	static const size_t sizes[] = {1000, 1030, 5000}, steps[] = {1, 7, 1400};

	for (size_t i = 0; i < 3; i++) {
		char *stanza = repeat(stanzas[_i].head, stanzas[_i].unit,
				      sizes[i] / strlen(stanzas[_i].unit), stanzas[_i].tail);

		for (size_t j = 0; j < 3; j++)
			expect_at_its_end(stanza, steps[j]);
		free(stanza);
	}
}
END_TEST

/* What follows a long tag in its last piece is the next one's, or nobody's. */
START_TEST(rest_of_the_last_piece)
{
	static const struct {
		enum act act;
		const char *rest, *then;
	} rows[] = {
		{ACT_NONE, "<b/><c", "<{jabber:client}b []\n"},
		{ACT_STOP, "<b/><c", ""},
		{ACT_RESTART, HEADER "<b/><c", HEADER_LINE "<{jabber:client}b []\n"},
		{ACT_FREE, "<b/><c", ""},
	};
	char *act = repeat("<act a='", "x", 3000, "'");
	char *seen = repeat("<{jabber:client}act {}a=", "x", 3000, " []\n");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *last = xasprintf("/>%s", rows[i].rest);
		char *all = xasprintf("%s%s", seen, rows[i].then);

		begin(rows[i].act);
		feed_in_pieces(act, strlen(act), 1);
		client_saw(client, "");
		client_feed(client, last);
		client_saw(client, all);
		end();
		free(last);
		free(all);
	}
	free(act);
	free(seen);
}
END_TEST

/* Errors in a long token are found, at the latest when it is complete or too long. */
START_TEST(errors)
{
	static const struct {
		const char *head, *unit, *tail, *error;
	} rows[] = {
		{"<m a='", "x", "<'/>", "not-well-formed\n"},
		{"<m a='", "x", "'b/>", "not-well-formed\n"},
		{"<m a='", "x", "\xff'/>", "unsupported-encoding\n"},
		{"<m>&", "x", ";", "restricted-xml\n"},
		{"<p:m a='", "x", "'/>", "not-well-formed\n"},
		{"</stream:stream", " ", ">", "end\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *xml = repeat(rows[i].head, rows[i].unit, 3000, rows[i].tail);

		for (size_t step = 1; step < 2000; step += 450) {
			begin(ACT_NONE);
			feed_in_pieces(xml, strlen(xml), step);
			client_saw(client, rows[i].error);
			end();
		}
		free(xml);
	}
}
END_TEST

START_TEST(refused_kinds)
{
	static const char *const heads[] = {"<!--", "<m><!--", "<?x ", "<m><?x "};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char *xml = repeat(heads[i], ">", 3000, "-->?>");
		char *more = repeat(xml, "<m a='>'/>", 500, "");

		begin(ACT_NONE);
		feed_in_pieces(more, strlen(more), 1);
		client_saw(client, "restricted-xml\n");
		end();
		free(xml);
		free(more);
	}
}
END_TEST

START_TEST(too_long)
{
	static const char *const heads[] = {"<m a='", "<m><b a='", "<m", "<m>&", "<!--", "</m"};
	char *xml;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		begin(ACT_NONE);
		xml = repeat(heads[i], "x", 262144 - strlen(heads[i]), "");
		feed_in_pieces(xml, strlen(xml), 100);
		client_saw(client, "");
		client_feed(client, "x");
		client_saw(client, "policy-violation: the size of a stanza exceeds the limit of "
				   "262144\n");
		free(xml);
		end();
	}
}
END_TEST

static double seconds_of(const char *head, const char *unit)
{
	char *start = repeat(head, unit, 200000, ""), *small = repeat("", unit, 20000, "");
	double t;

	begin(ACT_NONE);
	client_feed(client, start);
	t = (double)clock();
	feed_in_pieces(small, strlen(small), 1);
	t = ((double)clock() - t) / CLOCKS_PER_SEC;
	client_saw(client, "");
	end();
	free(start);
	free(small);
	return t;
}

/* A byte more of a long token costs no more than one of text, which is never scanned again: here, in
 * processor time, less than twenty times as much and not thousands. */
START_TEST(cost)
{
	static const struct {
		const char *head, *unit;
	} rows[] = {
		{"<m a='", "x"}, {"<m a='", ">"}, {"<m><b a='", "x"}, {"<m", "x"},
		{"<m>&", "x"},	 {"<!--", ">"},	  {"<m><?x ", ">"},   {"<m></m", " "},
	};
	double text = seconds_of("<m>", "x");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double t = seconds_of(rows[i].head, rows[i].unit);

		ck_assert_msg(t < 20 * text, "%s%s: %f s instead of %f", rows[i].head,
			      rows[i].unit, t, text);
	}
}
END_TEST

Suite *xml_hold_suite(void)
{
	Suite *s = suite_create("xml_hold");
	TCase *t = tcase_create("pieces");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, delivered_at_once, 0, sizeof(stanzas) / sizeof(stanzas[0]));
	tcase_add_test(t, rest_of_the_last_piece);
	tcase_add_test(t, errors);
	tcase_add_test(t, refused_kinds);
	tcase_add_test(t, too_long);
	tcase_add_test(t, cost);
	suite_add_tcase(s, t);
	return s;
}
