/* SPDX-License-Identifier: MIT */
/* A reader's life, and many readers on the parsers of one pool. */
#include <malloc.h>
#include <stdio.h>
#include "tests/unit/xmpp/xml_client.h"

Suite *xml_share_suite(void);

START_TEST(stop_drops_the_rest)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_STOP);

	client_feed(c, HEADER "<a/><act/><never/><m");
	client_saw(c, HEADER_LINE SEEN("a") SEEN("act"));
	ck_assert(!xml_reader_partial(c->r));
	/* The stream itself goes on. */
	client_feed(c, "<b/><act>x</act>&nonsense <<<");
	client_saw(c, SEEN("b") SEEN("act"));
	xml_reader_restart(c->r);
	client_feed(c, HEADER "<c/>");
	client_saw(c, HEADER_LINE SEEN("c"));
	client_free(c);
	xml_pool_free(p);
}
END_TEST

START_TEST(restart_in_callback)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_RESTART);

	client_feed(c, HEADER "<act/>\n<?xml version='1.0'?>" HEADER "<b/>");
	client_saw(c, HEADER_LINE SEEN("act") HEADER_LINE SEEN("b"));
	client_feed(c, "<act><x");
	client_feed(c, "/></act><s:s xmlns:s='u'><s:m/></s:s>");
	client_saw(c, SEEN("act") "header {u}s content=\n<{u}m\nend\n");
	client_free(c);
	xml_pool_free(p);
}
END_TEST

START_TEST(free_in_callback)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_FREE);

	client_feed(c, HEADER "<a/><act><b/></act><never/>");
	client_saw(c, HEADER_LINE SEEN("a") SEEN("act"));
	ck_assert_ptr_null(c->r);
	client_free(c);
	xml_pool_free(p);
	ck_assert_ptr_null(xml_reader_free(NULL));
	ck_assert_ptr_null(xml_pool_free(NULL));
}
END_TEST

START_TEST(silent_after_error)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_NONE);

	client_feed(c, HEADER "<a></b><c/>");
	client_feed(c, "<d/></stream:stream>");
	client_saw(c, HEADER_LINE "not-well-formed\n");
	xml_reader_restart(c->r);
	client_feed(c, HEADER "<e/></stream:stream><f/>");
	client_saw(c, HEADER_LINE SEEN("e") "end\n");
	client_free(c);
	xml_pool_free(p);
}
END_TEST

START_TEST(partial)
{
	static const struct {
		const char *feed;
		bool partial;
	} rows[] = {
		{"", false},	    {" \n", false},
		{"<", true},	    {"?xml version='1.0'?>", true},
		{HEADER, false},    {" ", false},
		{"\r", false},	    {"\n", false},
		{"<", true},	    {"m>", true},
		{"text", true},	    {"</m>", false},
		{"<m/>", false},    {"<m/>\r", false},
		{"<m", true},	    {"/>", false},
		{"<m/><n", true},   {"></n>", false},
		{"</stream", true}, {":stream>", false},
	};
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_NONE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_feed(c, rows[i].feed);
		ck_assert_msg(xml_reader_partial(c->r) == rows[i].partial, "after %s",
			      rows[i].feed);
	}
	client_free(c);
	xml_pool_free(p);
}
END_TEST

START_TEST(new_limits)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_NONE);
	struct xml_limits more = client_limits;
	char *big = repeat("<m>", "x", 5000, "</m>");

	more.stanza_bytes = 10000;
	client_feed(c, HEADER);
	xml_reader_limits(c->r, &more);
	client_feed(c, big);
	client_saw(c, HEADER_LINE SEEN("m"));
	xml_reader_limits(c->r, &client_limits);
	client_feed(c, big);
	client_saw(c, "policy-violation: the size of a stanza exceeds the limit of 2000\n");
	free(big);
	client_free(c);
	xml_pool_free(p);
}
END_TEST

/* Two streams share parsers: whatever state one leaves, the other reads as if alone. */
START_TEST(handed_over)
{
	static const char *const attacks[] = {
		"<![CDATA[",
		"<![CDATA[x",
		"<!--",
		"<m",
		"<m a='",
		"&l",
		"&amp",
		"]",
		"]]",
		"\r",
		"\xc3",
		"<m><b>",
		"<m><![CDATA[ ]]",
		"</",
		"</stream:strea",
		"<?x",
		"<!",
		" ",
		"<m/>",
		"<m/><n",
		"<m xmlns:stream='u'>",
		"<stream:m xmlns='u'>",
		"x",
		"</stream:stream>",
		"<m xmlns:q='u'/>",
		"<m xmlns='u'/>\r",
	};
	const char *victim = "<q a='1'><b>x</b></q>", *tail = "<r xmlns='u'><s/></r>";

	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		struct xml_pool *p = xml_pool_new();
		struct client *a = client_new(p, ACT_NONE), *v = client_new(p, ACT_NONE);

		v->brief = false;
		client_feed(a, HEADER);
		client_feed(v, HEADER);
		for (size_t at = 0; at < strlen(victim); at++) {
			char one[] = {victim[at], '\0'};

			if (at == 0 || at == 5)
				client_feed(a, attacks[i]);
			client_feed(v, one);
		}
		client_feed(a, "<z>");
		client_feed(v, tail);
		client_feed(v, "</stream:stream>");
		client_saw(v, HEADER_LINE "<{jabber:client}q {}a=1 [<b>x</b>] {jabber:client}b:"
					  "<b>x</b>\n<{u}r [<s/>] {u}s:<s/>\nend\n");
		client_free(a);
		client_free(v);
		xml_pool_free(p);
	}
}
END_TEST

/* Many streams that are all inside an element, ended in another order. */
START_TEST(interleaved)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c[50];
	char text[64];

	for (int i = 0; i < 50; i++) {
		c[i] = client_new(p, ACT_NONE);
		c[i]->brief = false;
		client_feed(c[i], i % 3 ? HEADER : "<s:x xmlns:s='u'>");
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50; i++) {
			snprintf(text, sizeof(text), "<m id='%d'><b>%d", i, i);
			client_feed(c[i], text);
		}
		for (int i = 49; i >= 0; i--)
			client_feed(c[i], "!</b></m>");
	}
	for (int i = 0; i < 50; i++) {
		char *log = buf_take(&c[i]->log), *at = log;

		snprintf(text, sizeof(text), " {}id=%d [<b>%d!</b>] ", i, i);
		for (int round = 0; round < 3; round++) {
			at = strstr(at, text);
			ck_assert_ptr_nonnull(at);
			at++;
		}
		free(log);
		client_free(c[i]);
	}
	xml_pool_free(p);
}
END_TEST

/* Names are never forgotten by a parser; it must not serve for ever. */
START_TEST(growth)
{
	struct xml_pool *p = xml_pool_new();
	struct client *c = client_new(p, ACT_NONE);
	char text[64];

	client_feed(c, HEADER);
	for (int i = 0; i < 70000; i++) {
		snprintf(text, sizeof(text), "<n%d a%d=''/>", i, i);
		client_feed(c, text);
		buf_clear(&c->log);
	}
	client_feed(c, "<end/>");
	client_saw(c, SEEN("end"));
	ck_assert_uint_lt(mallinfo2().uordblks, 1 << 20); /* 0 under the sanitizers */
	client_free(c);
	xml_pool_free(p);
}
END_TEST

/* A callback feeds another reader of the same pool. */
struct relay {
	struct xml_reader *r;
	struct client *to;
};

static void relay_header(void *arg, const struct xml_header *h)
{
	client_feed(((struct relay *)arg)->to, HEADER);
}

static void relay_element(void *arg, const struct xml_element *e)
{
	client_feed(((struct relay *)arg)->to, "<relayed>");
	client_feed(((struct relay *)arg)->to, "</relayed>");
}

START_TEST(nested)
{
	static const struct xml_reader_ops relay_ops = {.header = relay_header,
							.element = relay_element};
	struct xml_pool *p = xml_pool_new();
	struct relay relay = {.to = client_new(p, ACT_NONE)};
	const char *input = HEADER "<a><b/></a><c";

	relay.r = xml_reader_new(p, &client_limits, &relay_ops, &relay);
	xml_reader_feed(relay.r, input, strlen(input));
	xml_reader_feed(relay.r, "/>", 2);
	client_saw(relay.to, HEADER_LINE SEEN("relayed") SEEN("relayed"));
	xml_reader_free(relay.r);
	client_free(relay.to);
	xml_pool_free(p);
}
END_TEST

Suite *xml_share_suite(void)
{
	Suite *s = suite_create("xml_share");
	TCase *t = tcase_create("readers");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, stop_drops_the_rest);
	tcase_add_test(t, restart_in_callback);
	tcase_add_test(t, free_in_callback);
	tcase_add_test(t, silent_after_error);
	tcase_add_test(t, partial);
	tcase_add_test(t, new_limits);
	tcase_add_test(t, handed_over);
	tcase_add_test(t, interleaved);
	tcase_add_test(t, growth);
	tcase_add_test(t, nested);
	suite_add_tcase(s, t);
	return s;
}
