/* SPDX-License-Identifier: MIT */
/* An account goes to another owner while stanzas of others wait for it here: that one gets them. */
#include <stdlib.h>
#include "sm/sm_process.h"
#include "tests/unit/sm/world.h"

static struct client *romeo;

static void setup(void)
{
	world_start("deadline = 2s");
	account("romeo@localhost");
	account("juliet@localhost");
	ck_assert_uint_ne(shard_of("romeo@localhost"), shard_of("juliet@localhost"));
	romeo = online("romeo@localhost", "orchard");
	w.nother = 0;
}

static void chat(const char *id)
{
	char *xml = xasprintf("<message type='chat' id='%s' to='juliet@localhost'><body>x</body></message>", id);

	says(romeo, xml);
	free(xml);
}

static void goes_to_a_peer(const char *bare)
{
	fake_member(w.link, PEER_ID, "sm", "sm", true);
	fake_owner(w.link, shard_of(bare), PEER_ID, ++w.epoch);
	fake_event(w.link, LINK_SHARDS, 0);
	settle();
}

static void asked(size_t n, const char *what)
{
	char *xml = tell_out(n);

	ck_assert_msg(strstr(xml, what) != NULL, "%s", xml);
	free(xml);
}

START_TEST(while_it_is_loaded)
{
	w.shelf->hold_reads = true;
	chat("one");
	chat("two");
	ck_assert_uint_eq(w.nother, 0);
	goes_to_a_peer("juliet@localhost");
	ck_assert_uint_eq(w.nother, 2);
	asked(0, "id='one'");
	asked(1, "id='two'");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in - 2);
	told(0, NULL);
	told(1, "<message type='error' id='two' from='juliet@localhost' to='romeo@localhost/orchard'/>");
	gets(romeo, "type='error'", "id='two'");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* One has asked storage already, one waits for its turn. */
START_TEST(in_turn)
{
	pass(100); /* what is read at the start */
	chat("m"); /* loads her */
	ck_assert_uint_eq(romeo->done, romeo->in);
	w.shelf->hold_reads = true;
	says(romeo, "<iq type='get' id='v1' to='juliet@localhost'><vCard xmlns='vcard-temp'/></iq>");
	says(romeo, "<iq type='get' id='v2' to='juliet@localhost'><vCard xmlns='vcard-temp'/></iq>");
	gets_nothing(romeo);
	goes_to_a_peer("juliet@localhost");
	ck_assert_uint_eq(w.nother, 2);
	asked(0, "id='v1'");
	asked(1, "id='v2'");
	told(0, "<iq type='result' id='v1' from='juliet@localhost' to='romeo@localhost/orchard'/>");
	told(1, "<iq type='result' id='v2' from='juliet@localhost' to='romeo@localhost/orchard'/>");
	gets(romeo, "type='result'", "id='v1'");
	gets(romeo, "type='result'", "id='v2'");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

static char *account_of_shard(unsigned shard)
{
	char *jid = NULL;

	for (unsigned n = 0; !jid || shard_of(jid) != shard; n++) {
		free(jid);
		jid = xasprintf("u%u@localhost", n);
	}
	account(jid);
	return jid;
}

/* It is let go first. What is said meanwhile comes behind what waits for it. */
START_TEST(while_it_is_let_go)
{
	char *first = account_of_shard(0), *last = account_of_shard(SHARDS - 1);
	struct client *c = online(last, "x");
	const char *const ids[] = {"one", "two", "three"};

	w.nother = 0;
	w.shelf->hold_reads = true;
	for (size_t i = 0; i < 3; i++) {
		char *xml = xasprintf("<message type='chat' id='%s' to='%s'><body>x</body></message>", ids[i],
				      first);

		if (i == 2)
			lets_go(first);
		says(c, xml);
		free(xml);
	}
	ck_assert(!w.sm->releasing[SHARDS - 1]);
	pass(600);
	w.nother = 0;
	goes_to_a_peer(first);
	pass(100);
	ck_assert_uint_eq(w.nother, 3);
	for (size_t i = 0; i < 3; i++)
		asked(i, ids[i]);
	free(first);
	free(last);
}
END_TEST

/* They are being written. */
START_TEST(while_it_is_committed)
{
	w.shelf->hold = true;
	chat("one");
	chat("two");
	ck_assert_uint_eq(w.shelf->nheld, 2);
	goes_to_a_peer("juliet@localhost");
	ck_assert_uint_eq(w.nother, 2);
	asked(0, "id='one'");
	asked(1, "id='two'");
	gets_nothing(romeo);
}
END_TEST

/* Its sender goes before it: the next owner of that one says it, when its c2s has repeated it. What was said of
 * some that came before, and is not repeated here, must not be overtaken. */
START_TEST(sender_is_lost_first)
{
	w.shelf->hold_reads = _i == 0;
	w.shelf->hold = _i == 1;
	chat("one");
	ck_assert_uint_eq(romeo->done, romeo->in - 1);
	goes_to_a_peer("romeo@localhost");
	goes_to_a_peer("juliet@localhost");
	ck_assert_uint_eq(w.nother, 0);
}
END_TEST

/* Storage is late for longer than anything may wait. Whoever asked may have asked again, which waits too: only
 * what is with us alone is refused. */
START_TEST(never_loaded)
{
	w.shelf->hold_reads = true;
	ck_assert_ptr_null(nurse_says(1));
	chat("one");
	w.nother = 0;
	pass(11000);
	reads_time_out();
	pass(100);
	ck_assert_uint_eq(w.nother, 0);
	gets(romeo, "type='error'", "internal-server-error", "id='one'");
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* Its c2s repeats what its own sessions asked. */
START_TEST(of_its_own)
{
	w.shelf->hold = w.shelf->hold_reads = true;
	says(romeo, "<iq type='get' id='v1'><vCard xmlns='vcard-temp'/></iq>");
	says(romeo, "<iq type='get' id='v2' to='romeo@localhost'><vCard xmlns='vcard-temp'/></iq>");
	says(romeo, "<message type='chat' id='m' to='romeo@localhost'><body>x</body></message>");
	says(romeo, "<iq type='get' id='l'><query xmlns='jabber:iq:roster'/></iq>");
	w.nother = 0;
	sm_process.drain(w.sm);
	pass(7000);
	ck_assert_int_eq(w.drained, 1);
	goes_to_a_peer("romeo@localhost");
	pass(100);
	ck_assert_uint_eq(w.nother, 0);
}
END_TEST

/* Another owner asked: it asks the next one itself. */
START_TEST(of_another_owner)
{
	w.shelf->hold_reads = true;
	ck_assert_ptr_null(nurse_says(1));
	w.nother = 0;
	goes_to_a_peer("juliet@localhost");
	ck_assert_uint_eq(w.nother, 0);
}
END_TEST

/* An earlier owner died before it could say that one of the name had replaced the other. Storage is late. */
START_TEST(announced_namesakes)
{
	struct client *first, *second;

	first = online("juliet@localhost", "balcony");
	session_free(session_find(w.sm, first->sid));
	pass(1000);
	second = online("juliet@localhost", "balcony");
	session_free(session_find(w.sm, second->sid));
	juliet_goes();
	w.shelf->hold_reads = true;
	announce(_i ? first : second);
	announce(_i ? second : first);
	pass(2000);
	reads_time_out();
	pass(5000);
	ck_assert_int_eq(first->ended, -1);
	w.shelf->hold_reads = false;
	pass(3000);
	ck_assert_int_eq(first->ended, 1 + STREAM_E_CONFLICT);
	ck_assert_int_eq(second->ended, -1);
}
END_TEST

Suite *lost_suite(void)
{
	Suite *s = suite_create("lost");
	TCase *c = tcase_create("lost");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, while_it_is_loaded);
	tcase_add_test(c, in_turn);
	tcase_add_test(c, while_it_is_let_go);
	tcase_add_test(c, while_it_is_committed);
	tcase_add_loop_test(c, sender_is_lost_first, 0, 2);
	tcase_add_test(c, never_loaded);
	tcase_add_test(c, of_its_own);
	tcase_add_test(c, of_another_owner);
	tcase_add_loop_test(c, announced_namesakes, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
