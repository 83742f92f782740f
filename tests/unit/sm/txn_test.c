/* SPDX-License-Identifier: MIT */
/* What is done when: appends and commits, slow and failing storage, repetitions, other owners. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("deadline = 2s\nslow_storage = 200ms");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

static void chat(const char *body)
{
	char *xml = xasprintf("<message type='chat' id='%s' to='juliet@localhost'><body>%s</body></message>",
			      body, body);

	says(romeo, xml);
	free(xml);
}

/* Rules 3, 5 and 6: given after the commit, done after it. */
START_TEST(after_the_commit)
{
	w.shelf->hold = true;
	chat("one");
	gets_nothing(juliet);
	ck_assert_uint_lt(romeo->done, romeo->in);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, "one");
	ck_assert(juliet->got[juliet->ngot - 1].committed);
	ck_assert_uint_ne(juliet->got[juliet->ngot - 1].log, 0);
	ck_assert_uint_eq(romeo->done, romeo->in);
	gets_nothing(romeo);
}
END_TEST

/* Rule 6: in the order of the client's stanzas, however they end. */
START_TEST(done_in_order)
{
	uint32_t before = romeo->done;

	w.shelf->hold = true;
	chat("one");
	says(romeo, "<iq id='p' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	chat("two");
	gets(romeo, "id='p'", "type='result'"); /* the answer does not wait */
	ck_assert_uint_eq(romeo->done, before);
	shelf_release(w.shelf, w.link, 1);
	settle();
	ck_assert_uint_eq(romeo->done, before + 2);
	shelf_release(w.shelf, w.link, 1);
	settle();
	ck_assert_uint_eq(romeo->done, before + 3);
	gets(juliet, "one");
	gets(juliet, "two");
}
END_TEST

/* Promise 3: given before the commit when storage is slow; done by the client's acknowledgement, settled
 * after the commit. */
START_TEST(slow_storage)
{
	uint32_t before = romeo->done;

	w.shelf->hold = true;
	chat("one");
	pass(150);
	gets_nothing(juliet);
	pass(200);
	gets(juliet, "one");
	ck_assert(!juliet->got[juliet->ngot - 1].committed);
	ck_assert_uint_eq(romeo->done, before);
	acknowledge_all(juliet);
	ck_assert_uint_eq(romeo->done, before + 1);
	ck_assert_uint_lt(juliet->settled, juliet->out);
	shelf_release(w.shelf, w.link, 9);
	settle();
	ck_assert_uint_eq(juliet->settled, juliet->out);
	gets_nothing(juliet);
	gets_nothing(romeo);
}
END_TEST

/* Commits keep their order, answers may not: one of two routers was slow. */
START_TEST(answers_out_of_order)
{
	uint32_t before = romeo->done;
	struct fake_frame first;

	w.shelf->hold = true;
	chat("one");
	chat("two");
	chat("three");
	first = w.shelf->held[0];
	w.shelf->held[0] = w.shelf->held[1];
	w.shelf->held[1] = first;
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets_nothing(juliet);
	ck_assert_uint_eq(romeo->done, before);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, "one");
	gets(juliet, "two");
	ck_assert_uint_eq(romeo->done, before + 2);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, "three");
	gets_nothing(juliet);
}
END_TEST

/* The same when storage is slow besides: what comes before its commit does so in its order. */
START_TEST(answers_out_of_order_and_late)
{
	struct fake_frame first;

	w.shelf->hold = true;
	chat("one");
	chat("two");
	first = w.shelf->held[0];
	w.shelf->held[0] = w.shelf->held[1];
	w.shelf->held[1] = first;
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets_nothing(juliet);
	pass(400);
	gets(juliet, "one");
	gets(juliet, "two");
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets_nothing(juliet);
	acknowledge_all(juliet);
	ck_assert_uint_eq(juliet->settled, juliet->out);
}
END_TEST

/* Committed, and the answer lost: who reads it in the log is not given it again when it is repeated. */
START_TEST(seen_in_the_log)
{
	uint32_t before = romeo->done;

	leave(juliet, true);
	forget(romeo);
	w.shelf->hold = true;
	chat("one");
	chat("two");
	shelf_lose_answer(w.shelf);
	shelf_release(w.shelf, w.link, 1);
	w.shelf->hold = false;
	settle();
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	pass(400);
	gets_any(juliet, "one");
	gets_any(juliet, "two");
	forget(juliet);
	acknowledge_all(juliet);
	ck_assert_uint_eq(romeo->done, before + 2);
	pass(9000); /* the write is repeated */
	gets_nothing(juliet);
	gets_nothing(romeo);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 2);
}
END_TEST

/* Given before the commit, acknowledged, and its session over: a later session does not get it. */
START_TEST(acknowledged_before_the_commit)
{
	for (int read = 0; read < 2; read++) {
		w.shelf->hold = true;
		chat("one");
		pass(400);
		gets(juliet, "one");
		acknowledge_all(juliet);
		leave(juliet, true);
		forget(romeo);
		if (read) { /* it finds it in the log, before the answer has come */
			shelf_lose_answer(w.shelf);
			w.shelf->hold = false;
			shelf_release(w.shelf, w.link, 9);
			settle();
		}
		juliet = login("juliet@localhost", "balcony");
		says(juliet, "<presence/>");
		w.shelf->hold = false;
		shelf_release(w.shelf, w.link, 9);
		settle();
		gets(juliet, "<presence");
		gets_nothing(juliet);
		chat("two");
		gets(juliet, "two");
		gets_nothing(juliet);
		acknowledge_all(juliet);
	}
}
END_TEST

/* Rule 12: an error for what nobody was given, and before its done. */
START_TEST(deadline)
{
	uint32_t before = romeo->done;

	leave(juliet, true);
	forget(romeo);
	w.shelf->hold = true;
	chat("one");
	pass(1900);
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, before);
	pass(300);
	gets(romeo, "type='error'", "id='one'", "from='juliet@localhost'");
	ck_assert_uint_eq(romeo->done, before + 1);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, 9); /* committed all the same: taken back */
	settle();
	gets_nothing(romeo);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 0);
}
END_TEST

START_TEST(failed_write)
{
	w.shelf->status = STORE_FAILED;
	chat("one");
	gets(romeo, "type='error'", "internal-server-error", "id='one'");
	gets_nothing(juliet);
	ck_assert_uint_eq(romeo->done, romeo->in);
	w.shelf->status = STORE_COMMITTED;
	chat("two");
	gets(juliet, "two");
	gets_nothing(romeo);
}
END_TEST

/* Rule 5: a shard that storage says is another's is dropped with all its state, in silence. */
START_TEST(refused_write)
{
	uint32_t before = romeo->done;

	w.shelf->status = STORE_REFUSED;
	chat("one");
	gets_nothing(juliet);
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, before);
	ck_assert(!shards_mine(w.sm->shards, shard_of("juliet@localhost")));
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	ck_assert_ptr_nonnull(user_get(w.sm, STR("romeo@localhost")));
	ck_assert_int_eq(juliet->ended, -1);
}
END_TEST

/* Rule 3: a key that is known is not appended again; who repeats it waits for the first. */
START_TEST(repetition)
{
	static const char one[] = "<message type='chat' id='r' from='nurse@localhost/x' "
				  "to='juliet@localhost'><body>one</body></message>";
	char *a, *b;

	w.shelf->hold = true;
	a = tell_in(one, 77, 1);
	b = tell_in(one, 77, 1);
	ck_assert_ptr_null(a);
	ck_assert_ptr_null(b);
	ck_assert_uint_eq(w.shelf->nheld, 1);
	w.nother = 0;
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, "one");
	gets_nothing(juliet);
	ck_assert_uint_eq(w.nother, 2); /* both are told */
	w.shelf->hold = false;
	a = tell_in(one, 77, 1);
	ck_assert_str_eq(a, "");
	gets_nothing(juliet);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 1);
	free(a);
}
END_TEST

START_TEST(repetition_after_eviction)
{
	static const char one[] = "<message type='chat' id='r' from='nurse@localhost/x' "
				  "to='juliet@localhost'><body>one</body></message>";
	char *a = tell_in(one, 77, 1);

	free(a);
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(juliet, true);
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	a = tell_in(one, 77, 1);
	ck_assert_str_eq(a, "");
	free(a);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 1);
}
END_TEST

START_TEST(told_an_error)
{
	char *a = tell_in("<iq type='get' id='q' from='nurse@localhost/x' to='juliet@localhost'>"
			  "<x xmlns='x'/></iq>", 78, 1);

	ck_assert_ptr_nonnull(strstr(a, "service-unavailable"));
	ck_assert_ptr_nonnull(strstr(a, "to='nurse@localhost/x'"));
	free(a);
}
END_TEST

/* Storage that does not answer reads: no stanza waits for ever (rule 12). */
START_TEST(account_not_loaded)
{
	uint32_t before = romeo->done;

	w.shelf->hold_reads = true;
	says(romeo, "<message type='chat' id='n' to='nurse@localhost'><body>x</body></message>");
	pass(11000);
	ck_assert_uint_eq(romeo->done, before);
	reads_time_out();
	gets(romeo, "type='error'", "id='n'");
	ck_assert_uint_eq(romeo->done, before + 1);
	w.shelf->hold_reads = false;
	pass(2500);
	ck_assert_ptr_null(user_get(w.sm, STR("nurse@localhost")));
}
END_TEST

/* --- a recipient of another owner ------------------------------------------------------------ */

static void setup_peer(void)
{
	world_start_without("deadline = 2s", "nurse@localhost");
	account("romeo@localhost");
	romeo = online("romeo@localhost", "orchard");
}

START_TEST(tell_a_peer)
{
	char *xml;

	chat("zero"); /* juliet does not exist here */
	forget(romeo);
	says(romeo, "<message type='chat' id='t' to='nurse@localhost'><body>x</body></message>");
	xml = tell_out(0);
	ck_assert_ptr_nonnull(strstr(xml, "from='romeo@localhost/orchard'"));
	free(xml);
	ck_assert_uint_eq(romeo->done, romeo->in - 1);
	told(0, NULL);
	ck_assert_uint_eq(romeo->done, romeo->in);
	gets_nothing(romeo);
}
END_TEST

START_TEST(peer_tells_an_error)
{
	says(romeo, "<message type='chat' id='t' to='nurse@localhost'><body>x</body></message>");
	told(0, "<message type='error' id='t' from='nurse@localhost' to='romeo@localhost/orchard'/>");
	gets(romeo, "type='error'", "id='t'");
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

START_TEST(peer_is_silent)
{
	says(romeo, "<message type='chat' id='t' to='nurse@localhost'><body>x</body></message>");
	pass(4000);
	gets(romeo, "type='error'", "remote-server-timeout", "id='t'");
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

static void probes(const char *whom, uint16_t part)
{
	char *xml = xasprintf("<presence type='probe' from='nurse@localhost/ward' to='%s'/>", whom);

	free(tell_in_part(xml, (struct msg_stanza_key){NURSE, 5, part}));
	free(xml);
}

static bool same_key(struct msg_stanza_key a, struct msg_stanza_key b)
{
	return a.origin == b.origin && a.number == b.number && a.part == b.part;
}

/* One presence of hers asks all whom she sees (RFC 6121 section 4.3): their answers come to one session, which takes
 * each key once. A repetition has the same. */
START_TEST(answers_of_several)
{
	account("juliet@localhost");
	juliet = online("juliet@localhost", "balcony");
	free(tell_in("<presence type='subscribe' from='nurse@localhost' to='romeo@localhost'/>", NURSE, 1));
	free(tell_in("<presence type='subscribe' from='nurse@localhost' to='juliet@localhost'/>", NURSE, 2));
	says(romeo, "<presence type='subscribed' to='nurse@localhost'/>");
	says(juliet, "<presence type='subscribed' to='nurse@localhost'/>");
	w.nother = 0;
	probes("romeo@localhost", 1);
	probes("juliet@localhost", 2);
	probes("romeo@localhost", 1);
	ck_assert(!same_key(tell_out_key(0), tell_out_key(1)));
	ck_assert(same_key(tell_out_key(0), tell_out_key(2)));
}
END_TEST

Suite *txn_suite(void)
{
	Suite *s = suite_create("transactions");
	TCase *c = tcase_create("here");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, after_the_commit);
	tcase_add_test(c, done_in_order);
	tcase_add_test(c, slow_storage);
	tcase_add_test(c, answers_out_of_order);
	tcase_add_test(c, answers_out_of_order_and_late);
	tcase_add_test(c, seen_in_the_log);
	tcase_add_test(c, acknowledged_before_the_commit);
	tcase_add_test(c, deadline);
	tcase_add_test(c, failed_write);
	tcase_add_test(c, refused_write);
	tcase_add_test(c, repetition);
	tcase_add_test(c, repetition_after_eviction);
	tcase_add_test(c, told_an_error);
	tcase_add_test(c, account_not_loaded);
	suite_add_tcase(s, c);
	c = tcase_create("between owners");
	tcase_add_checked_fixture(c, setup_peer, world_stop);
	tcase_add_test(c, tell_a_peer);
	tcase_add_test(c, peer_tells_an_error);
	tcase_add_test(c, peer_is_silent);
	tcase_add_test(c, answers_of_several);
	suite_add_tcase(s, c);
	return s;
}
