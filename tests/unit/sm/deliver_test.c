/* SPDX-License-Identifier: MIT */
/* The rules for stanzas to local addresses, RFC 6121 section 8, cell by cell. */
#include <stdlib.h>
#include "sm/inbox.h"
#include "tests/unit/sm/world.h"

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

static struct client *juliet(const char *resource, int priority)
{
	struct client *c = login("juliet@localhost", resource);
	char *xml = xasprintf("<presence><priority>%d</priority></presence>", priority);

	says(c, xml);
	free(xml);
	for (struct client *o = w.clients; o; o = o->next)
		forget(o);
	return c;
}

static void message(const char *type, const char *to)
{
	char *xml = xasprintf("<message id='m' type='%s' to='%s'><body>hi</body></message>", type, to);

	says(romeo, xml);
	free(xml);
}

#define STORED shelf_count(w.shelf, TABLE_LOG, "juliet@localhost")

/* What becomes of a message: who gets it, whether an error comes, whether it is kept. */
enum { A = 1, B = 2, NEG = 4, ERROR = 8, KEPT = 16 };

static void outcome(const char *type, const char *to, struct client *a, struct client *b,
		    struct client *neg, int want)
{
	struct client *const all[] = {a, b, neg};

	message(type, to);
	for (int i = 0; i < 3; i++) {
		if (!all[i])
			continue;
		if (want & 1 << i)
			gets(all[i], to, "from='romeo@localhost/orchard'", "<body>hi</body>");
		gets_nothing(all[i]);
	}
	if (want & ERROR)
		gets(romeo, "type='error'", "service-unavailable", "id='m'");
	gets_nothing(romeo);
	ck_assert_uint_eq(STORED, want & KEPT ? 1 : 0);
}

/* 8.5.2.1.1 and 8.5.3.2.1: the columns are a bare JID and a full JID that is gone. */
static const struct cell {
	const char *type;
	int bare, gone;       /* with resources A (1), B (0), and a negative one */
	int bare_neg, gone_neg; /* with a negative one alone */
	int bare_none, gone_none;
} cells[] = {
	{"normal", A | B | KEPT, ERROR, KEPT, ERROR, KEPT, ERROR},
	{"chat", A | B | KEPT, A | B | KEPT, KEPT, KEPT, KEPT, KEPT},
	{"headline", A | B, 0, 0, 0, 0, 0},
	{"groupchat", ERROR, ERROR, ERROR, ERROR, ERROR, ERROR},
	{"error", 0, 0, 0, 0, 0, 0},
};

START_TEST(message_several)
{
	const struct cell *c = &cells[_i / 2];
	bool gone = _i % 2;
	struct client *a = juliet("a", 1), *b = juliet("b", 0), *neg = juliet("neg", -1);

	outcome(c->type, gone ? "juliet@localhost/gone" : "juliet@localhost", a, b, neg,
		gone ? c->gone : c->bare);
}
END_TEST

START_TEST(message_negative)
{
	const struct cell *c = &cells[_i / 2];
	bool gone = _i % 2;
	struct client *neg = juliet("neg", -1);

	outcome(c->type, gone ? "juliet@localhost/gone" : "juliet@localhost", NULL, NULL, neg,
		gone ? c->gone_neg : c->bare_neg);
}
END_TEST

START_TEST(message_none)
{
	const struct cell *c = &cells[_i / 2];
	bool gone = _i % 2;

	outcome(c->type, gone ? "juliet@localhost/gone" : "juliet@localhost", NULL, NULL, NULL,
		gone ? c->gone_none : c->bare_none);
}
END_TEST

/* 8.5.3.1: a resource that matches gets it, whatever its priority or type, and it alone. */
START_TEST(message_to_resource)
{
	static const char *const types[] = {"normal", "chat", "headline", "groupchat", "error"};
	struct client *a = juliet("a", 1), *neg = juliet("neg", -1);
	struct client *quiet = login("juliet@localhost", "quiet");

	message(types[_i], "juliet@localhost/neg");
	gets(neg, "to='juliet@localhost/neg'");
	message(types[_i], "juliet@localhost/quiet");
	gets(quiet, "to='juliet@localhost/quiet'");
	gets_nothing(a);
	gets_nothing(neg);
	gets_nothing(romeo);
	ck_assert_uint_eq(STORED, _i < 2 ? 2 : 0);
}
END_TEST

/* 8.5.1 */
START_TEST(nobody)
{
	static const char *const to[] = {"nobody@localhost", "nobody@localhost/x"};
	static const char *const stanzas[] = {
		"<message id='m' to='%s'><body>x</body></message>", "service-unavailable",
		"<message id='m' type='chat' to='%s'/>", "service-unavailable",
		"<message id='m' type='headline' to='%s'/>", NULL,
		"<message id='m' type='error' to='%s'/>", NULL,
		"<presence to='%s'/>", NULL,
		"<presence type='unavailable' to='%s'/>", NULL,
		"<presence type='unsubscribed' to='%s'/>", NULL,
		"<presence type='unsubscribe' to='%s'/>", NULL,
		"<presence type='subscribed' to='%s'/>", NULL,
		"<presence type='error' to='%s'/>", NULL,
		"<presence type='subscribe' to='%s'/>", NULL,
		"<iq id='m' type='get' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", "service-unavailable",
		"<iq id='m' type='set' to='%s'><x xmlns='x'/></iq>", "service-unavailable",
		"<iq id='m' type='result' to='%s'/>", NULL,
		"<iq id='m' type='error' to='%s'/>", NULL,
	};

	for (int full = 0; full < 2; full++)
		for (size_t i = 0; i < sizeof stanzas / sizeof *stanzas; i += 2) {
			char buf[200];

			(void)snprintf(buf, sizeof buf, stanzas[i], to[full]);
			says(romeo, buf);
			if (stanzas[i + 1])
				gets(romeo, stanzas[i + 1], "type='error'", "id='m'");
			gets_nothing(romeo);
		}
	ck_assert_uint_eq(romeo->done, romeo->in);
	ck_assert_ptr_null(user_get(w.sm, STR("nobody@localhost")));
}
END_TEST

/* 8.5.2.1.2, 8.5.3.1, 8.5.3.2.2 */
START_TEST(presence_cells)
{
	struct client *a = juliet("a", 1), *neg = juliet("neg", -1);
	struct client *quiet = login("juliet@localhost", "quiet");

	says(romeo, "<presence to='juliet@localhost'/>");
	gets(a, "to='juliet@localhost'", "from='romeo@localhost/orchard'");
	gets(neg, "to='juliet@localhost'");
	gets_nothing(quiet);
	says(romeo, "<presence to='juliet@localhost/quiet'/>");
	gets(quiet, "to='juliet@localhost/quiet'");
	says(romeo, "<presence type='unavailable' to='juliet@localhost/a'/>");
	gets(a, "type='unavailable'");
	says(romeo, "<presence to='juliet@localhost/gone'/>");
	gets_nothing(a);
	gets_nothing(neg);
	gets_nothing(quiet);
	gets_nothing(romeo);
}
END_TEST

/* 8.5.2.1.3, 8.5.2.2.3, 8.5.3.1, 8.5.3.2.3 */
START_TEST(iq_cells)
{
	struct client *a = juliet("a", 1);

	says(romeo, "<iq id='1' type='get' to='juliet@localhost'><x xmlns='x'/></iq>");
	gets(romeo, "type='error'", "service-unavailable", "from='juliet@localhost'", "id='1'");
	says(romeo, "<iq id='2' type='result' to='juliet@localhost'/>");
	says(romeo, "<iq id='3' type='get' to='juliet@localhost/gone'><x xmlns='x'/></iq>");
	gets(romeo, "type='error'", "service-unavailable", "from='juliet@localhost/gone'");
	says(romeo, "<iq id='4' type='result' to='juliet@localhost/gone'/>");
	gets_nothing(romeo);
	gets_nothing(a);
	says(a, "<presence to='romeo@localhost'/>"); /* he may see it */
	gets(romeo, "from='juliet@localhost/a'");
	says(romeo, "<iq id='5' type='get' to='juliet@localhost/a'><x xmlns='x'/></iq>");
	gets(a, "type='get'", "id='5'", "to='juliet@localhost/a'");
	says(a, "<iq id='5' type='result' to='romeo@localhost/orchard'/>");
	gets(romeo, "type='result'", "id='5'", "from='juliet@localhost/a'");
	says(a, "<iq id='6' type='error' to='romeo@localhost/orchard'/>");
	gets(romeo, "type='error'", "id='6'");
}
END_TEST

/* 8.5.3.1: presence leaks to nobody by an answer; unless an option says so */
START_TEST(iq_from_strangers)
{
	struct client *a = juliet("a", 1);

	((struct sm_config *)w.app.config)->iq_strangers = false;
	says(romeo, "<iq id='1' type='get' to='juliet@localhost/a'><x xmlns='x'/></iq>");
	gets(romeo, "type='error'", "service-unavailable");
	gets_nothing(a);
	says(romeo, "<iq id='2' type='result' to='juliet@localhost/a'/>");
	gets(a, "type='result'");
	says(a, "<presence to='romeo@localhost'/>");
	says(romeo, "<iq id='3' type='get' to='juliet@localhost/a'><x xmlns='x'/></iq>");
	gets(a, "id='3'");
	befriend(romeo, a);
	says(a, "<presence type='unavailable' to='romeo@localhost'/>");
	says(romeo, "<iq id='4' type='get' to='juliet@localhost/a'><x xmlns='x'/></iq>");
	gets(a, "id='4'");
}
END_TEST

/* RFC 6120 sections 10.3.1, 10.3.3: without `to`, and to one's own bare JID */
START_TEST(to_oneself)
{
	says(romeo, "<message id='1' type='chat'><body>note</body></message>");
	gets(romeo, "to='romeo@localhost'", "from='romeo@localhost/orchard'", "note");
	says(romeo, "<iq id='2' type='get'><query xmlns='jabber:iq:roster'/></iq>");
	gets(romeo, "type='result'", "jabber:iq:roster");
	says(romeo, "<iq id='3' type='get' to='romeo@localhost'><query xmlns='jabber:iq:roster'/></iq>");
	gets(romeo, "type='result'", "from='romeo@localhost'", "jabber:iq:roster");
	says(romeo, "<iq id='4' type='get'><x xmlns='x'/></iq>");
	gets(romeo, "type='error'", "service-unavailable");
	says(romeo, "<iq id='5' type='result'/>");
	says(romeo, "<message type='error'/>");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* 8.3: the domain itself; RFC 6120 section 10.4: another one */
START_TEST(domains)
{
	says(romeo, "<iq id='1' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	gets(romeo, "type='result'", "from='localhost'");
	says(romeo, "<iq id='2' type='get' to='localhost'><x xmlns='x'/></iq>");
	gets(romeo, "type='error'", "service-unavailable");
	says(romeo, "<iq id='3' type='get' to='localhost/x'><ping xmlns='urn:xmpp:ping'/></iq>");
	gets(romeo, "type='error'", "from='localhost/x'");
	says(romeo, "<message id='4' to='localhost'><body>x</body></message>");
	gets(romeo, "type='error'", "service-unavailable");
	says(romeo, "<presence to='localhost'/>");
	says(romeo, "<presence type='error' to='localhost'/>");
	says(romeo, "<iq id='5' type='result' to='localhost'/>");
	gets_nothing(romeo);
	says(romeo, "<message id='6' to='a@elsewhere.example'><body>x</body></message>");
	gets(romeo, "type='error'", "remote-server-not-found", "from='a@elsewhere.example'");
	says(romeo, "<message id='7' type='error' to='a@elsewhere.example'/>");
	says(romeo, "<iq id='8' type='result' to='a@elsewhere.example'/>");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* XEP-0334, XEP-0160 section 3: what is not kept, and then what its sender hears */
START_TEST(hints)
{
	says(romeo, "<message id='1' type='chat' to='juliet@localhost'><body>x</body>"
		    "<no-store xmlns='urn:xmpp:hints'/></message>");
	gets(romeo, "type='error'", "service-unavailable");
	says(romeo, "<message id='2' type='chat' to='juliet@localhost'>"
		    "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	gets_nothing(romeo);
	ck_assert_uint_eq(STORED, 0);
	says(romeo, "<message id='3' type='chat' to='juliet@localhost'>"
		    "<store xmlns='urn:xmpp:hints'/></message>");
	gets_nothing(romeo);
	ck_assert_uint_eq(STORED, 1);
}
END_TEST

/* Written out its id would be longer than a frame. What cannot be given takes no number (DELIVERY rule 7), and its
 * sender is told, without that id. */
static const struct {
	const char *start, *end, *error; /* the error's start tag */
} long_cells[] = {
	{"<message type='headline' to='juliet@localhost'", "><body>long</body></message>", "<message"},
	{"<message type='headline' to='juliet@localhost/balcony'", "><body>long</body></message>", "<message"},
	{"<message type='chat' to='juliet@localhost'", "><body>long</body></message>", "<message"},
	{"<message type='chat' to='nobody@localhost'", "><body>long</body></message>", "<message"},
	{"<iq type='get' to='juliet@localhost/balcony'", "><x xmlns='x:x'/></iq>", NULL},
	{"<presence to='juliet@localhost'", "/>", NULL},
	{"<presence", "/>", "<presence"}, /* it is kept, too */
};

START_TEST(too_long)
{
	struct client *c = juliet("balcony", 0);
	char *id = xmalloc(220001), *xml;

	befriend(romeo, c);
	forget(romeo);
	forget(c);
	memset(id, '\'', 220000);
	id[220000] = 0;
	xml = xasprintf("%s id=\"%s\"%s", long_cells[_i].start, id, long_cells[_i].end);
	says(romeo, xml);
	if (long_cells[_i].error)
		ck_assert_ptr_null(strstr(gets(romeo, long_cells[_i].error, "type='error'"), " id="));
	gets_nothing(romeo);
	gets_nothing(c);
	ck_assert_uint_eq(STORED, 0);
	ck_assert_uint_eq(romeo->done, romeo->in);
	message("chat", "juliet@localhost");
	gets(c, "<body>hi</body>");
	message("headline", "juliet@localhost");
	gets(c, "<body>hi</body>");
	free(id);
	free(xml);
}
END_TEST

/* As one that was taken in from a file may be. */
START_TEST(too_long_in_the_log)
{
	struct client *c;
	struct shelf_row *row;
	char *body = xmalloc(1100001), *xml;

	message("chat", "juliet@localhost");
	message("chat", "juliet@localhost");
	row = shelf_row(w.shelf, TABLE_LOG, "juliet@localhost");
	memset(body, 'x', 1100000);
	body[1100000] = 0;
	xml = xasprintf("<message from='romeo@localhost/orchard' to='juliet@localhost' type='chat'><body>%s</body>"
			"</message>", body);
	free((char *)row->v[COL_LOG_STANZA].s.ptr);
	row->v[COL_LOG_STANZA].s = str_z(xml);
	c = login("juliet@localhost", "balcony");
	says(c, "<presence/>");
	gets_any(c, "<body>hi</body>", "urn:xmpp:delay");
	acknowledge_all(c);
	ck_assert_uint_eq(user_get(w.sm, STR("juliet@localhost"))->inbox->n, 0);
	free(body);
}
END_TEST

/* As deep as an edge may let it be: what we keep of it can be read again. */
START_TEST(deep)
{
	struct client *c;
	struct buf xml = BUF_INIT;

	buf_lit(&xml, "<presence>");
	for (int i = 1; i < XML_DEPTH_MAX; i++)
		buf_lit(&xml, "<a>");
	for (int i = 1; i < XML_DEPTH_MAX; i++)
		buf_lit(&xml, "</a>");
	buf_lit(&xml, "</presence>");
	buf_putc(&xml, 0);
	says(romeo, buf_ptr(&xml));
	c = login("romeo@localhost", "garden");
	says(c, "<presence/>");
	gets_any(c, "from='romeo@localhost/orchard'", "<a><a><a>");
	buf_free(&xml);
}
END_TEST

Suite *deliver_suite(void)
{
	Suite *s = suite_create("delivery");
	TCase *c = tcase_create("section 8");
	int n = 2 * (int)(sizeof cells / sizeof *cells);

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, message_several, 0, n);
	tcase_add_loop_test(c, message_negative, 0, n);
	tcase_add_loop_test(c, message_none, 0, n);
	tcase_add_loop_test(c, message_to_resource, 0, 5);
	tcase_add_test(c, nobody);
	tcase_add_test(c, presence_cells);
	tcase_add_test(c, iq_cells);
	tcase_add_test(c, iq_from_strangers);
	tcase_add_test(c, to_oneself);
	tcase_add_test(c, domains);
	tcase_add_test(c, hints);
	tcase_add_test(c, deep);
	tcase_add_loop_test(c, too_long, 0, sizeof long_cells / sizeof *long_cells);
	tcase_add_test(c, too_long_in_the_log);
	suite_add_tcase(s, c);
	return s;
}
