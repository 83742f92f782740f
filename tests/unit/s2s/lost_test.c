/* SPDX-License-Identifier: MIT */
/* What becomes of stanzas on streams that we opened: too big ones, lost connections, resumption. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>
#include "s2s/resume.h"
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

/* --- stanzas ---------------------------------------------------------------------------------- */

/* XEP-0478: what the other server does not take is not sent. */
START_TEST(test_too_big)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_ready(
		w, THEIRS FEATURES(
			   DIALBACK
			   "<limits "
			   "xmlns='urn:xmpp:stream-limits:0'><max-bytes>20</max-bytes></limits>"));

	wire_returned(w, 1);
	ck_assert(!end_heard(e, "<iq"));
	ck_assert_uint_eq(w->x.stats.stanzas_out, 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* It is reset in the middle of the negotiation, as by a server that dies: that may pass. */
START_TEST(test_reset)
{
	static const char *const said[] = {"", THEIRS, THEIRS FEATURES(DIALBACK)};
	struct wire *w = wire_new("s2s { tls = optional }");
	struct pair *p;
	struct end *e;

	wire_message(w, REMOTE, "one");
	e = wire_opened(w);
	end_say(e, said[_i]);
	if (_i == 2)
		end_hears(e, "</db:result>");
	stream_break(wire_stream(w), -ECONNRESET, NULL);
	p = pair_find(&w->x, STR(OWN), STR(REMOTE));
	wire_await(w, p->failures);
	ck_assert_int_eq(p->error, STANZA_E_REMOTE_SERVER_TIMEOUT);
	ck_assert(p->passing);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	item_drop(p->queue);
	end_free(e);
	wire_free(w);
}
END_TEST

/* Their error on a stream that stood, whoever opened it: that they go down makes presence old, that nothing
 * was said for long (RFC 6120 section 4.9.3.4) does not. */
static const struct said {
	const char *error;
	bool theirs, lost, reconnect;
} ends[] = {
	{"system-shutdown", false, true, true},
	{"connection-timeout", false, false, false},
	{"system-shutdown", true, true, false},
	{"connection-timeout", true, false, false},
};

START_TEST(test_ended)
{
	const struct said *r = &ends[_i];
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 60s }");
	char *error = xasprintf("<stream:error><%s xmlns='" NS_STREAMS "'/></stream:error></stream:stream>",
				r->error);
	struct pair *p = pair_get(&w->x, STR(OWN), STR(REMOTE));
	struct end *e;

	if (r->theirs) {
		e = end_proven(w);
		pair_attach(p, wire_stream(w)); /* as with XEP-0288, where the pair is ours */
	} else {
		e = wire_ready(w, THEIRS FEATURES(DIALBACK));
		end_hears(e, "id='one'");
	}
	end_say(e, error);
	end_closes(e);
	end_free(e);
	wire_await(w, !w->x.nstreams);
	ck_assert(p->lost == r->lost && p->reconnect == r->reconnect);
	free(error);
	wire_free(w);
}
END_TEST

/* The connection breaks: acknowledged or not, with XEP-0198 or without. */
static const struct broken {
	const char *features, *then;
	unsigned returned, kept;
} broken[] = {
	{FEATURES(DIALBACK), "", 0, 0},
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM "/>", 1, 0},
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM "/><a " SM " h='1'/>", 0, 0},
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM " id='x' resume='true'/>", 0, 1},
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM " id='x' resume='false'/>", 1, 0},
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM " resume='true'/>", 1, 0},
	/* All is acknowledged, and it went one way. */
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM " id='x' resume='true'/><a " SM " h='1'/>",
	 0, 0},
	/* It was closed. */
	{FEATURES(DIALBACK SM_FEATURE), "<enabled " SM " id='x' resume='1'/></stream:stream>", 1,
	 0},
	{FEATURES(DIALBACK SM_FEATURE), "<failed " SM "/>", 0, 0},
};

START_TEST(test_broken)
{
	const struct broken *b = &broken[_i];
	struct wire *w = wire_new(CLEAR);
	char *features = xasprintf("%s%s", THEIRS, b->features);
	struct end *e = wire_ready(w, features);
	struct stream *s = wire_stream(w);

	end_hears(e, "id='one'");
	end_say(e, b->then);
	if (strstr(b->then, "<a "))
		wire_await(w, !s->carried);
	else if (strstr(b->then, "</stream"))
		end_closes(e);
	else if (strstr(b->then, "<enabled"))
		wire_await(w, s->sm);
	else
		wire_await(w, !s->carried);
	end_free(e);
	wire_await(w, !w->x.nopened);
	ck_assert_uint_eq(w->x.ndetached, b->kept);
	ck_assert_uint_eq(HASH_COUNT(w->x.items), b->kept);
	ck_assert_uint_eq(w->x.stats.returned, b->returned);
	free(features);
	wire_free(w);
}
END_TEST

/* XEP-0198 section 5: what the answer to <resume/> says of one stanza that was written. */
static const struct resumed {
	const char *say, *hear; /* then; NULL: nothing of the stanza */
	unsigned returned;
	bool kept;
} resumed[] = {
	{"<resumed " SM " previd='x&lt;y' h='1'/>", NULL, 0, false},
	{"<resumed " SM " previd='x&lt;y' h='0'/>", "id='one'", 0, true},
	{"<resumed " SM " previd='other' h='0'/>", "<unsupported-stanza-type ", 0, true},
	{"<resumed " SM " previd='x&lt;y'/>", "<unsupported-stanza-type ", 0, true},
	{"<resumed " SM " previd='x&lt;y' h='2'/>",
	 "<handled-count-too-high " SM " h='2' send-count='1'/>", 1, false},
	{"<failed " SM "><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
	 "<enable " SM, 1, false},
	{"<failed " SM " h='1'/>", "<enable " SM, 0, false},
	{"<failed " SM " h='0'/>", "id='one'", 0, true},
	{"<failed " SM " h='9'/>", "<enable " SM, 1, false},
};

START_TEST(test_resumed)
{
	const struct resumed *r = &resumed[_i];
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 0s }");
	struct end *e = wire_ready(w, THEIRS FEATURES(DIALBACK SM_FEATURE));

	end_hears(e, "id='one'");
	end_say(e, "<enabled " SM " id='x&lt;y' resume='true' max='60'/>");
	wire_await(w, wire_stream(w)->resumable);
	end_free(e);
	e = wire_opened(w);
	end_say(e, THEIRS FEATURES(DIALBACK SM_FEATURE));
	end_hears(e, "</db:result>");
	wire_tell(w, "two"); /* waits for the fate of the first */
	end_say(e, VALID);
	end_hears(e, "<resume " SM " h='0' previd='x&lt;y'/>");
	wire_turns(w, 3);
	ck_assert(!end_heard(e, "<iq") && !end_heard(e, "<enable"));
	end_say(e, r->say);
	if (r->hear)
		end_hears(e, r->hear);
	if (!r->hear || !strncmp(r->hear, "id=", 3) || !strncmp(r->hear, "<enable", 7)) {
		end_hears(e, "id='two'");
		ck_assert(!end_heard(e, "id='one'"));
	}
	wire_await(w, w->x.stats.returned >= r->returned);
	ck_assert_uint_eq(w->x.stats.returned, r->returned);
	end_free(e);
	wire_free(w);
}
END_TEST

/* Where the peer wants to be found again comes first, then the usual way; but no file of ours. */
START_TEST(test_location)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 0s }");
	struct end *e = wire_ready(w, THEIRS FEATURES(DIALBACK SM_FEATURE));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), fd = -1;
	char *enabled;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	end_hears(e, "id='one'");
	enabled = _i ? xasprintf("<enabled " SM " id='x' resume='true' location='unix:%s/file'/>",
				 w->dir)
		     : xasprintf("<enabled " SM " id='x' resume='true' location='127.0.0.1:%u'/>",
				 ntohs(a.sin_port));
	end_say(e, enabled);
	free(enabled);
	wire_await(w, wire_stream(w)->resumable);
	ck_assert_int_eq(wire_stream(w)->resumable->location != NULL, !_i);
	end_free(e);
	if (!_i) {
		wire_await(w, (fd = accept(listener, NULL, NULL)) >= 0);
		close(fd); /* of no use */
	}
	e = wire_opened(w);
	end_free(e);
	close(listener);
	wire_free(w);
}
END_TEST

/* The certificate that it rests on ends (RFC 6120 section 13.7.2.3): nothing new is written, what was
 * is acknowledged before the end, the rest goes over the next stream. */
START_TEST(test_expired)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_ready(w, THEIRS FEATURES(DIALBACK SM_FEATURE));
	struct stream *s = wire_stream(w);

	end_hears(e, "id='one'");
	end_say(e, "<enabled " SM "/>");
	wire_await(w, s->sm);
	s->proven_until = loop_now(w->x.loop);
	wire_await(w, s->ending);
	wire_tell(w, "two");
	wire_turns(w, 3);
	ck_assert(!end_heard(e, "<reset ") && !end_heard(e, "id='two'"));
	end_say(e, "<a " SM " h='1'/>");
	end_hears(e, "<reset ");
	ck_assert(!end_heard(e, "id='two'"));
	end_free(e);
	e = wire_opened(w);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	ck_assert_uint_eq(HASH_COUNT(w->x.items), 1);
	end_free(e);
	wire_free(w);
}
END_TEST

Suite *lost_suite(void)
{
	Suite *s = suite_create("lost");
	TCase *t = tcase_create("lost");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_too_big);
	tcase_add_loop_test(t, test_reset, 0, 3);
	tcase_add_loop_test(t, test_ended, 0, ROWS(ends));
	tcase_add_loop_test(t, test_broken, 0, ROWS(broken));
	tcase_add_loop_test(t, test_resumed, 0, ROWS(resumed));
	tcase_add_loop_test(t, test_location, 0, 2);
	tcase_add_test(t, test_expired);
	suite_add_tcase(s, t);
	return s;
}
