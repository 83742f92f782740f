/* SPDX-License-Identifier: MIT */
/* What a stanza may cost the reader: memory and time in proportion to its size. */
#include <sys/resource.h>
#include <time.h>
#include "tests/unit/xmpp/xml_client.h"

Suite *xml_cost_suite(void);

#define TOO_LARGE "policy-violation: the size of a stanza exceeds the limit of 262144\n"

/* The defaults of c2s. */
static const struct xml_limits usual_limits = {
	.stanza_bytes = 262144,
	.header_bytes = 4096,
	.depth = 64,
	.attrs = 64,
	.children = 5000,
	.ns_decls = 500,
};

static struct xml_pool *pool;
static struct client *client;

static void setup(void)
{
	pool = xml_pool_new();
	client = client_new(pool, ACT_NONE);
	xml_reader_limits(client->r, &usual_limits);
	client_feed(client, HEADER);
	client_saw(client, HEADER_LINE);
}

static void teardown(void)
{
	client_free(client);
	xml_pool_free(pool);
}

/* The most memory that this process has had, MB. */
static long most_memory(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss / 1024;
}

/* Processor time of this process: what others do beside it does not count. */
static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void feed_and_free(char *take_xml)
{
	client_feed(client, take_xml);
	free(take_xml);
}

/* A stanza that declares the prefix a for n times unit, with m times content in it. */
static void feed_named(const char *unit, size_t n, const char *content, size_t m)
{
	char *tail = repeat("\">", content, m, "</message>");

	feed_and_free(repeat("<message xmlns:a=\"", unit, n, tail));
	free(tail);
}

/* A prefix takes two bytes where it is used, and its namespace where it is written again. */
START_TEST(prefixes_for_long_names)
{
	static const struct {
		const char *unit, *content;
	} rows[] = {
		{"x", "<a:x/>"},
		{"'", "<a:x/>"}, /* six bytes of one */
		{"'", "<x a:b=''/>"},
	};
	long before = most_memory();

	feed_named(rows[_i].unit, 200000, rows[_i].content, 4999);
	client_saw(client, TOO_LARGE);
	ck_assert_int_lt(most_memory() - before, 100);
}
END_TEST

/* Each attribute of the stanza itself gets its declaration. */
START_TEST(attributes_with_long_names)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "<message xmlns:a='%0200000d'", 0);
	for (int i = 0; i < 60; i++)
		buf_printf(&b, " a:b%d=''", i);
	buf_lit(&b, "/>");
	feed_and_free(buf_take(&b));
	client_saw(client, TOO_LARGE);
}
END_TEST

/* What is within the limit also when it is written again is taken. */
START_TEST(long_names_that_fit)
{
	feed_named("x", 100000, "<a:x/>", 2);
	feed_named("'", 40000, "<a:x/>", 1);
	feed_named("'", 40000, "<x a:b=''/>", 1);
	client_saw(client, SEEN("message") SEEN("message") SEEN("message"));
	feed_and_free(repeat("<m xmlns:a='", "x", 120000, "' a:b='1' a:c='2'/>"));
	ck_assert(buf_ptr(&client->log)[0] == '<');
	buf_clear(&client->log);
	feed_and_free(repeat("<m a='", "&lt;", 43000, "'/>"));
	ck_assert(buf_ptr(&client->log)[0] == '<');
}
END_TEST

/* Elements inside of eight times 62 declarations, with as many attributes as are allowed: of one
 * name with different prefixes, or without. */
static char *attributes(bool prefixes)
{
	struct buf b = BUF_INIT;

	buf_lit(&b, "<message>");
	for (int i = 0; i < 8 * 62; i++)
		buf_printf(&b, "%s xmlns:a%d='%d'%s", i % 62 ? "" : "<e", i, i,
			   i % 62 == 61 ? ">" : "");
	for (int i = 0; i < 400; i++) {
		buf_lit(&b, "<x");
		for (int j = 0; j < 64; j++)
			buf_printf(&b, prefixes ? " a%d:b=''" : " a%db=''", j);
		buf_lit(&b, "/>");
	}
	buf_lit(&b, "</e></e></e></e></e></e></e></e></message>");
	return buf_take(&b);
}

START_TEST(attributes_with_prefixes)
{
	double plain, prefixed;

	plain = -seconds();
	feed_and_free(attributes(false));
	plain += seconds();
	prefixed = -seconds();
	feed_and_free(attributes(true));
	prefixed += seconds();
	client_saw(client, SEEN("message") SEEN("message"));
	ck_assert_msg(prefixed < 60 * plain, "%f s instead of %f", prefixed, plain);
}
END_TEST

Suite *xml_cost_suite(void)
{
	Suite *s = suite_create("xml_cost");
	TCase *t = tcase_create("cost");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, prefixes_for_long_names, 0, 3);
	tcase_add_test(t, attributes_with_long_names);
	tcase_add_test(t, long_names_that_fit);
	tcase_add_test(t, attributes_with_prefixes);
	suite_add_tcase(s, t);
	return s;
}
