/* SPDX-License-Identifier: MIT */
/* Clients that do not read, or acknowledge nothing: what is kept for them, what they get in the
 * end. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { MOST = 65536, BODY = 4000 };

static struct client *romeo, *juliet;
static char body[BODY + 1];

static void setup(void)
{
	world_start("given_max = 64k");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
	befriend(romeo, juliet);
	acknowledge_all(juliet);
	memset(body, 'x', BODY);
}

static struct session *hers(void)
{
	return session_find(w.sm, juliet->sid);
}

static void send(const char *kind, int id)
{
	char *xml = xasprintf("<%s id='%d.' to='%s'><body>%s</body></message>", kind, id,
			      juliet->full, body);

	says(romeo, xml);
	free(xml);
}

/* What she was given did not arrive. */
static void lose_all(void)
{
	while (juliet->ngot)
		free(juliet->got[--juliet->ngot].xml);
}

static void chat(int id)
{
	send("message type='chat'", id);
}

static void headline(int id)
{
	send("message type='headline'", id);
}

/* Those with numbers from first to last, in order, acknowledged one by one. */
static void comes(int first, int last)
{
	char id[20];

	for (int i = first; i <= last; i++) {
		(void)snprintf(id, sizeof id, " id='%d.'", i);
		gets(juliet, id);
		acknowledge_all(juliet);
	}
}

START_TEST(held_back_in_order)
{
	reads_nothing(juliet, true);
	chat(1);
	headline(2);
	says(romeo, "<presence><show>away</show></presence>");
	chat(3);
	says(romeo, "<presence type='unavailable'/>");
	says(romeo, "<presence><show>dnd</show></presence>");
	gets_nothing(juliet);
	ck_assert_uint_eq(romeo->done, romeo->in);
	reads_nothing(juliet, false);
	comes(1, 3);
	gets(juliet, "<presence", "<show>dnd<"); /* the newest alone */
	gets_nothing(juliet);
	acknowledge_all(juliet);
	chat(4);
	comes(4, 4);
	pass(40000); /* keys are held for so long */
	ck_assert_uint_eq(hers()->ngiven, 0);
	ck_assert_uint_eq(hold_load(hers()), 0);
	ck_assert_uint_eq(hers()->flight, 0);
}
END_TEST

/* Of what the log has its number is kept. */
START_TEST(bytes_are_in_the_log)
{
	reads_nothing(juliet, true);
	for (int i = 1; i <= 60; i++)
		chat(i);
	ck_assert_uint_lt(hold_load(hers()), MOST);
	ck_assert_int_eq(juliet->ended, -1);
	ck_assert(!juliet->broken);
	reads_nothing(juliet, false);
	comes(1, 60);
	chat(61);
	comes(61, 61);
	ck_assert_uint_eq(hers()->ngiven, 0);
}
END_TEST

/* It reads, perhaps, and acknowledges nothing: no more is sent than the half of a window. */
START_TEST(nothing_acknowledged)
{
	uint32_t before = juliet->out;

	for (int i = 1; i <= 40; i++)
		chat(i);
	ck_assert_uint_gt(juliet->out, before);
	ck_assert_uint_lt((juliet->out - before) * BODY, MOST / 2);
	ck_assert_uint_lt(hold_load(hers()), MOST);
	comes(1, 40);
}
END_TEST

/* What is not logged has its bytes here alone: past the bound its connection ends, the session does
 * not. */
START_TEST(broken_and_resumed)
{
	enable(juliet);
	reads_nothing(juliet, true);
	for (int i = 1; i <= 15; i++)
		headline(i);
	ck_assert(!juliet->broken);
	headline(16);
	ck_assert(juliet->broken);
	ck_assert_int_eq(juliet->ended, -1);
	leave(juliet, false);
	chat(17);
	ck_assert_ptr_nonnull(hers());
	resume(juliet, C2S2_ID);
	comes(1, 17);
	gets_nothing(juliet);
	chat(18);
	comes(18, 18);
}
END_TEST

/* A c2s that does not do what it is told, or a session that nobody can resume. */
static void ends(void)
{
	ck_assert_int_eq(juliet->ended, 1 + STREAM_E_RESOURCE_CONSTRAINT);
	ck_assert_ptr_null(hers());
	gets_any(romeo, "id='q'", "service-unavailable");
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	gets_any(juliet, " id='1.'", "<delay");
}

START_TEST(ends_when_it_cannot_be_broken)
{
	says(juliet, "<presence to='romeo@localhost/orchard'/>");
	forget(romeo);
	if (_i)
		enable(juliet);
	reads_nothing(juliet, true);
	chat(1);
	says(romeo, "<iq type='get' id='q' to='juliet@localhost/balcony'><x xmlns='y'/></iq>");
	for (int i = 2; i <= (_i ? 32 : 16); i++)
		headline(i);
	ck_assert_int_eq(juliet->broken, _i);
	for (int i = 0; i < 2; i++)
		headline(100);
	ends();
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_OUTGOING, "juliet@localhost"), 0);
}
END_TEST

/* Without a connection there is nothing to break: it ends as when its time is over. */
START_TEST(detached_past_the_bound)
{
	enable(juliet);
	leave(juliet, false);
	chat(1);
	for (int i = 2; i <= 33; i++)
		headline(i);
	ck_assert_ptr_null(hers());
	juliet = login("juliet@localhost", "garden");
	says(juliet, "<presence/>");
	gets_any(juliet, " id='1.'", "<delay");
}
END_TEST

START_TEST(detached_keeps_the_newest_presence)
{
	enable(juliet);
	leave(juliet, false);
	for (int i = 0; i < 2000; i++)
		says(romeo, i % 2 ? "<presence><show>xa</show></presence>"
				  : "<presence><show>away</show></presence>");
	ck_assert_ptr_nonnull(hers());
	resume(juliet, C2S_ID);
	gets(juliet, "<presence", "<show>xa<");
	gets_nothing(juliet);
}
END_TEST

/* Storage is away when they are to be read. */
START_TEST(storage_away)
{
	reads_nothing(juliet, true);
	for (int i = 1; i <= 40; i++)
		chat(i);
	w.shelf->hold_reads = true;
	reads_nothing(juliet, false);
	reads_time_out();
	gets_nothing(juliet);
	chat(41);
	gets_nothing(juliet);
	w.shelf->hold_reads = false;
	pass(3000);
	comes(1, 41);
}
END_TEST

/* What was sent to c2s and lost on the way comes again, also where its bytes were dropped. */
START_TEST(lost_on_the_way)
{
	uint32_t out = juliet->out;

	for (int i = 1; i <= 40; i++)
		chat(i);
	juliet->out = out;
	lose_all();
	announce(juliet);
	comes(1, 40);
}
END_TEST

/* Its owner dies: what the log has comes, of the rest there would be a hole. */
START_TEST(owner_dies)
{
	reads_nothing(juliet, true);
	chat(1);
	chat(2);
	if (_i)
		headline(3);
	session_free(hers());
	announce(juliet);
	pass(1000);
	if (_i) {
		ck_assert_int_eq(juliet->ended, 1 + STREAM_E_INTERNAL_SERVER_ERROR);
		gets_any(romeo, "type='unavailable'", "from='juliet@localhost/balcony'");
		return;
	}
	ck_assert_int_eq(juliet->ended, -1);
	comes(1, 2);
}
END_TEST

/* The record is as before when the client has got what was held back. */
START_TEST(owner_dies_later)
{
	reads_nothing(juliet, true);
	headline(1);
	reads_nothing(juliet, false);
	comes(1, 1);
	session_free(hers());
	announce(juliet);
	pass(1000);
	ck_assert_int_eq(juliet->ended, -1);
	chat(2);
	comes(2, 2);
}
END_TEST

/* XEP-0334: what is not to be kept leaves the log when it is delivered, also when it came from
 * there. */
START_TEST(not_kept_for_good)
{
	reads_nothing(juliet, true);
	says(romeo, "<message type='chat' id='1.' to='juliet@localhost'><body>x</body>"
		    "<no-permanent-store xmlns='urn:xmpp:hints'/></message>");
	for (int i = 2; i <= 40; i++)
		chat(i);
	reads_nothing(juliet, false);
	comes(1, 40);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 40);
	pass(200000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 39);
}
END_TEST

/* RFC 6121 section 8.5.3.2: what is not logged, and was for a resource that is not resumed in time.
 */
START_TEST(not_acknowledged_in_time)
{
	struct client *other = online("juliet@localhost", "garden");

	enable(juliet);
	if (_i)
		leave(juliet, false); /* else it is broken when it was sent all that */
	says(romeo,
	     "<message type='chat' id='c.' to='juliet@localhost/balcony'><x xmlns='y'/></message>");
	says(romeo,
	     "<message type='chat' id='all.' to='juliet@localhost'><x xmlns='y'/></message>");
	says(romeo, "<message type='normal' id='n.' to='juliet@localhost/balcony'><x "
		    "xmlns='y'/></message>");
	says(romeo, "<message type='groupchat' id='g.' "
		    "to='juliet@localhost/balcony'><body>x</body></message>");
	says(romeo, "<message type='headline' id='h.' "
		    "to='juliet@localhost/balcony'><body>x</body></message>");
	says(romeo, "<message type='error' id='e.' to='juliet@localhost/balcony'/>");
	says(romeo, "<message type='chat' id='s.' to='juliet@localhost/balcony'>"
		    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>");
	if (!_i)
		leave(juliet, false);
	gets(other, " id='all.'");
	gets_nothing(other);
	forget(romeo);
	if (_i == 2)
		leave(other, true);
	pass(63000);
	ck_assert_ptr_null(hers());
	if (_i == 2) {
		gets_any(romeo, " id='c.'", "type='error'", "<service-unavailable");
	} else {
		gets_any(other, " id='c.'", "to='juliet@localhost/balcony'",
			 "<delay xmlns='urn:xmpp:delay'");
		gets_any(other, " id='s.'");
	}
	gets_any(romeo, " id='n.'", "type='error'", "<service-unavailable");
	gets_any(romeo, " id='g.'", "type='error'", "<service-unavailable");
	for (size_t i = 0; i < romeo->ngot; i++)
		ck_assert(romeo->got[i].taken || !strstr(romeo->got[i].xml, "<message"));
	for (size_t i = 0; i < other->ngot; i++)
		ck_assert(other->got[i].taken || !strstr(other->got[i].xml, "<message"));
}
END_TEST

static void near_the_end(struct session *s, uint32_t less)
{
	s->taken = s->done = s->announced = UINT32_MAX - less;
	s->out = s->sent = s->acked = UINT32_MAX - less;
}

/* Counters wrap at 2^32: those of a session that has run for long, whether it is held back or not.
 */
START_TEST(counters_wrap)
{
	pass(40000); /* no keys are held any more */
	acknowledge_all(juliet);
	acknowledge_all(romeo);
	near_the_end(hers(), 5);
	near_the_end(session_find(w.sm, romeo->sid), 5);
	juliet->in = juliet->out = juliet->acked = romeo->in = romeo->out = romeo->acked =
		UINT32_MAX - 5;
	enable(juliet);
	chat(1);
	reads_nothing(juliet, true);
	for (int i = 2; i <= 12; i++)
		chat(i);
	ck_assert_uint_eq(romeo->done, romeo->in);
	ck_assert_uint_eq(romeo->done, 6);
	reads_nothing(juliet, false);
	leave(juliet, false);
	headline(13);
	resume(juliet, C2S2_ID);
	lose_all();
	resume(juliet, C2S_ID); /* the answer to the first was lost */
	comes(1, 13);
	ck_assert_uint_eq(juliet->out, 7);
	pass(40000);
	ck_assert_uint_eq(hers()->ngiven, 0);
}
END_TEST

/* An announcement that came late: what it does not know of was acknowledged since. */
START_TEST(old_announcement)
{
	chat(1);
	comes(1, 1);
	ck_assert_uint_eq(hers()->ngiven, 0);
	juliet->out--;
	announce(juliet);
	juliet->out++;
	gets_nothing(juliet);
	ck_assert_uint_eq(hers()->sent, hers()->out);
	chat(2);
	comes(2, 2);
	ck_assert_uint_eq(hers()->ngiven, 0);
}
END_TEST

/* What was announced once lies 2^31 stanzas back. */
START_TEST(long_since_announced)
{
	struct session *s = session_find(w.sm, romeo->sid);

	s->announced = 0;
	s->taken = s->done = romeo->in = INT32_MAX - 2;
	enable(romeo);
	for (int i = 1; i <= 6; i++)
		chat(i);
	acknowledge_all(romeo);
	leave(romeo, false);
	resume(romeo, C2S2_ID);
	ck_assert_ptr_null(s->resuming);
	chat(7);
	comes(1, 7);
}
END_TEST

/* More is acknowledged than was sent, though not more than there is. */
START_TEST(too_high_when_resuming)
{
	struct session *s = hers();

	enable(juliet);
	leave(juliet, false);
	chat(1);
	juliet->acked = juliet->out + 1;
	resume(juliet, C2S_ID);
	ck_assert_uint_eq(s->c2s, 0);
	juliet->attachment--; /* it was refused */
	juliet->acked = juliet->out = juliet->acked - 1;
	resume(juliet, C2S_ID);
	comes(1, 1);
}
END_TEST

Suite *hold_suite(void);

Suite *hold_suite(void)
{
	Suite *s = suite_create("hold");
	TCase *c = tcase_create("hold");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, held_back_in_order);
	tcase_add_test(c, bytes_are_in_the_log);
	tcase_add_test(c, nothing_acknowledged);
	tcase_add_test(c, broken_and_resumed);
	tcase_add_loop_test(c, ends_when_it_cannot_be_broken, 0, 2);
	tcase_add_test(c, detached_past_the_bound);
	tcase_add_test(c, detached_keeps_the_newest_presence);
	tcase_add_test(c, storage_away);
	tcase_add_test(c, lost_on_the_way);
	tcase_add_loop_test(c, owner_dies, 0, 2);
	tcase_add_test(c, owner_dies_later);
	tcase_add_test(c, not_kept_for_good);
	tcase_add_loop_test(c, not_acknowledged_in_time, 0, 3);
	tcase_add_test(c, counters_wrap);
	tcase_add_test(c, old_announcement);
	tcase_add_test(c, long_since_announced);
	tcase_add_test(c, too_high_when_resuming);
	suite_add_tcase(s, c);
	return s;
}
