/* SPDX-License-Identifier: MIT */
/* The client's stanzas: stamped, numbered, kept until they are done; and the end of sessions. */
#include "tests/unit/c2s/bed.h"

struct taken {
	struct pool *pool;
	struct stanza st;
	uint32_t n;
};

static struct taken taken(struct bed *b)
{
	const struct msg_stanza *m = bed_sent(b, MSG_STANZA)->m;
	struct taken t = {.pool = pool_new(), .n = m->n};

	ck_assert_uint_eq(m->attachment, 1);
	ck_assert_int_eq(stanza_decode(t.pool, m->envelope, &t.st), 0);
	return t;
}

static void assert_from(struct bed *b, uint32_t n, const char *from)
{
	struct taken t = taken(b);

	ck_assert_uint_eq(t.n, n);
	ck_assert(str_eqz(t.st.from, from));
	pool_free(t.pool);
}

START_TEST(stanzas_are_stamped_and_numbered)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	peer_send(p, "<message to='bob@example.com'><body>1</body></message>"
		     "<presence/>"
		     "<presence type='subscribe' to='bob@example.com'/>"
		     "<iq type='get' id='q' from='alice@example.com'><query "
		     "xmlns='jabber:iq:roster'/></iq>"
		     "<iq type='get' id='q' from='Alice@example.com/r'><a xmlns='b'/></iq>");
	assert_from(b, 1, "alice@example.com/r");
	assert_from(b, 2, "alice@example.com/r");
	assert_from(b, 3, "alice@example.com");
	assert_from(b, 4, "alice@example.com/r");
	assert_from(b, 5, "alice@example.com/r");
	peer_free(p);
	bed_free(b);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"<message from='bob@example.com'/>", "invalid-from"},
	{"<message from='alice@example.com/other'/>", "invalid-from"},
	{"<message from='@@'/>", "invalid-from"},
	{"<message from=''/>", "invalid-from"},
	{"<hello/>", "unsupported-stanza-type"},
	{"<hello xmlns='urn:example'/>", "unsupported-stanza-type"},
	{"<message xmlns='jabber:server'/>", "invalid-namespace"},
	{"<r xmlns='urn:xmpp:sm:3'/>", "unsupported-stanza-type"},
};

START_TEST(wrong_stanzas_end_the_stream_and_the_session)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	char *error = xasprintf("<stream:error><%s ", wrong[_i].error);
	const struct msg_session_close *m;

	peer_login(p, 5);
	peer_send(p, wrong[_i].text);
	peer_expect(p, error);
	peer_expect_end(p);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 0);
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert(m->closed);
	peer_free(p);
	bed_free(b);
	free(error);
}
END_TEST

/* Written out for another client it would be six times as long, and fit into no frame. */
START_TEST(an_attribute_of_escapes_is_too_long)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	char *id = xmalloc(200001), *xml;

	memset(id, '\'', 200000);
	id[200000] = 0;
	xml = xasprintf("<message to='bob@example.com' id=\"%s\"/>", id);
	peer_login(p, 5);
	peer_send(p, xml);
	peer_expect(p, "<stream:error><policy-violation ");
	peer_expect_end(p);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 0);
	free(id);
	free(xml);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(the_streams_language_is_added)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	struct taken t;

	s->client->lang = xstrdup("de");
	peer_send(p, "<message/><message xml:lang='fr'/>");
	t = taken(b);
	ck_assert(str_eqz(t.st.lang, "de"));
	pool_free(t.pool);
	t = taken(b);
	ck_assert(str_eqz(t.st.lang, "fr"));
	pool_free(t.pool);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(faults_are_sms_to_answer)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct taken t;

	peer_login(p, 5);
	peer_send(p, "<message to='a b@c d'/><iq type='get'/>");
	t = taken(b);
	ck_assert_int_eq(t.st.fault, STANZA_TO_MALFORMED);
	pool_free(t.pool);
	t = taken(b);
	ck_assert_int_eq(t.st.fault, STANZA_BAD_REQUEST);
	pool_free(t.pool);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(byte_by_byte_stanzas_are_whole)
{
	static const char text[] = "<message to='bob@example.com'><body>a &amp; b</body></message>";
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct taken t;

	peer_login(p, 5);
	for (size_t i = 0; i < sizeof text - 1; i++)
		peer_send_n(p, text + i, 1);
	t = taken(b);
	ck_assert(str_eqz(t.st.bytes, "<body>a &amp; b</body>"));
	pool_free(t.pool);
	peer_free(p);
	bed_free(b);
}
END_TEST

static void send_many(struct peer *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		peer_send(p, "<message><body>x</body></message>");
}

START_TEST(the_window_stops_reading)
{
	struct bed *b = bed_new("window = 10");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	send_many(p, 30);
	ck_assert_uint_eq(s->in, 10);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 10);
	bed_done(b, 5, 4);
	ck_assert_uint_eq(s->in, 10); /* not before half of it is free */
	bed_done(b, 5, 5);
	bed_wait(b, 20);
	ck_assert_uint_gt(s->in, 14);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(done_drops_in_order_and_holds_nothing_when_idle)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	send_many(p, 3);
	bed_done(b, 5, 2);
	ck_assert_uint_eq(s->done, 2);
	bed_done(b, 5, 1); /* late: nothing */
	bed_done(b, 5, 4); /* not taken yet: nothing */
	ck_assert_uint_eq(s->done, 2);
	ck_assert_uint_gt(s->unconfirmed.len, 0);
	bed_done(b, 5, 3);
	ck_assert_ptr_null(s->unconfirmed.data);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_broken_connection_keeps_its_stanzas)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	const struct msg_session_close *m;
	struct msg_session_end end = {.sid = 5, .attachment = 1};

	send_many(p, 2);
	peer_free(p);
	bed_wait(b, 20);
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert(!m->closed);
	ck_assert_uint_eq(m->unsent_from, 0);
	ck_assert_ptr_eq(session_find(bed_c2s(b), 5), s);
	bed_forget(b);
	bed_owner(b, SM2_ID, 8); /* the new owner gets all of it */
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 2);
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_CLOSE), 1);
	bed_deliver(b, SM2_ID, 8, MSG_SESSION_END, &end);
	ck_assert_ptr_null(session_find(bed_c2s(b), 5));
	bed_free(b);
}
END_TEST

START_TEST(a_closed_stream_closes_the_session)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	const struct msg_session_close *m;

	peer_login(p, 5);
	peer_send(p, "<presence type='unavailable'/></stream:stream>");
	peer_expect(p, "</stream:stream>");
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert(m->closed);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* The last stanzas of a closed stream wait for a session manager, but not for ever. */
START_TEST(a_closed_session_is_kept_for_a_time)
{
	struct bed *b = bed_new("keep_closed = 1s");
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	bed_owner(b, 0, 2);
	peer_send(p, "<message/></stream:stream>");
	peer_expect(p, "</stream:stream>");
	ck_assert_ptr_nonnull(session_find(bed_c2s(b), 5));
	bed_wait(b, 3200);
	ck_assert_ptr_null(session_find(bed_c2s(b), 5));
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(sm_ends_the_stream)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_end stale = {.sid = 5, .attachment = 2};
	struct msg_session_end end = {
		.sid = 5, .attachment = 1, .error = 1 + STREAM_E_CONFLICT, .text = STR("replaced")};

	peer_login(p, 5);
	bed_deliver(b, SM_ID, 7, MSG_SESSION_END, &stale);
	bed_deliver(b, SM2_ID, 7, MSG_SESSION_END, &end);
	bed_deliver(b, SM_ID, 6, MSG_SESSION_END, &end);
	ck_assert_str_eq(peer_heard(p), "");
	bed_deliver(b, SM_ID, 7, MSG_SESSION_END, &end);
	peer_expect(p, STREAM_ERROR("conflict") "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' "
						"xml:lang='en'>replaced</text>");
	peer_expect_end(p);
	ck_assert_ptr_null(session_find(bed_c2s(b), 5));
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_CLOSE), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *session_suite(void)
{
	Suite *s = suite_create("session");
	TCase *t = tcase_create("session");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, stanzas_are_stamped_and_numbered);
	tcase_add_loop_test(t, wrong_stanzas_end_the_stream_and_the_session, 0,
			    sizeof wrong / sizeof *wrong);
	tcase_add_test(t, an_attribute_of_escapes_is_too_long);
	tcase_add_test(t, the_streams_language_is_added);
	tcase_add_test(t, faults_are_sms_to_answer);
	tcase_add_test(t, byte_by_byte_stanzas_are_whole);
	tcase_add_test(t, the_window_stops_reading);
	tcase_add_test(t, done_drops_in_order_and_holds_nothing_when_idle);
	tcase_add_test(t, a_broken_connection_keeps_its_stanzas);
	tcase_add_test(t, a_closed_stream_closes_the_session);
	tcase_add_test(t, a_closed_session_is_kept_for_a_time);
	tcase_add_test(t, sm_ends_the_stream);
	suite_add_tcase(s, t);
	return s;
}
