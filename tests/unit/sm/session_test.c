/* SPDX-License-Identifier: MIT */
/* Binding, tickets, conflicts, records, take-over, resumption, options read again. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "sm/sm_process.h"
#include "tests/unit/sm/world.h"

static struct sm_config *config;

static void setup(void)
{
	world_start("sessions_max = 3");
	config = w.app.config;
	account("romeo@localhost");
	account("juliet@localhost");
}

START_TEST(server_makes_a_resource)
{
	struct client *a = login("romeo@localhost", ""), *b = login("romeo@localhost", "");

	ck_assert_uint_gt(strlen(a->full), strlen("romeo@localhost/") + 15);
	ck_assert_str_ne(a->full, b->full);
}
END_TEST

START_TEST(tickets)
{
	struct buf t = BUF_INIT;
	struct client *a, *c;

	seal_ticket("romeo@localhost", C2S_ID, &t);
	a = login_with("romeo@localhost", "a", C2S_ID, buf_str(&t));
	ck_assert_uint_eq(a->refused, 0);
	c = login_with("romeo@localhost", "a", C2S_ID, buf_str(&t)); /* the answer was lost */
	ck_assert_uint_eq(c->refused, 0);
	ck_assert_uint_eq(c->sid, a->sid);
	leave(a, true);
	c = login_with("romeo@localhost", "a", C2S_ID, buf_str(&t)); /* used */
	ck_assert_uint_eq(c->refused, 1 + STANZA_E_NOT_AUTHORIZED);
	buf_clear(&t);
	seal_ticket("romeo@localhost", C2S_ID, &t);
	c = login_with("romeo@localhost", "b", C2S2_ID, buf_str(&t)); /* another's */
	ck_assert_uint_eq(c->refused, 1 + STANZA_E_NOT_AUTHORIZED);
	c = login_with("juliet@localhost", "b", C2S_ID, buf_str(&t)); /* another account */
	ck_assert_uint_eq(c->refused, 1 + STANZA_E_NOT_AUTHORIZED);
	c = login_with("romeo@localhost", "b", C2S_ID, STR("made up"));
	ck_assert_uint_eq(c->refused, 1 + STANZA_E_NOT_AUTHORIZED);
	buf_free(&t);
}
END_TEST

START_TEST(no_account)
{
	ck_assert_uint_eq(login_on("nobody@localhost", "x", C2S_ID)->refused,
			  1 + STANZA_E_NOT_ALLOWED);
	ck_assert_ptr_null(user_get(w.sm, STR("nobody@localhost")));
}
END_TEST

/* RFC 6120 section 7.7.2.2 */
START_TEST(conflict_replace)
{
	struct client *a = online("romeo@localhost", "x"), *watch = online("romeo@localhost", "w"), *b;

	b = login("romeo@localhost", "x");
	ck_assert_int_eq(a->ended, 1 + STREAM_E_CONFLICT);
	ck_assert_str_eq(a->full, b->full);
	gets(watch, "type='unavailable'", "from='romeo@localhost/x'");
}
END_TEST

START_TEST(conflict_refuse)
{
	struct client *a = online("romeo@localhost", "x");

	config->conflict = CONFLICT_REFUSE;
	ck_assert_uint_eq(login_on("romeo@localhost", "x", C2S_ID)->refused, 1 + STANZA_E_CONFLICT);
	ck_assert_int_eq(a->ended, -1);
}
END_TEST

/* 7.7.3: the client may try another resource, with the ticket that it has. */
START_TEST(conflict_retry)
{
	struct buf t = BUF_INIT;

	online("romeo@localhost", "x");
	config->conflict = CONFLICT_REFUSE;
	seal_ticket("romeo@localhost", C2S_ID, &t);
	ck_assert_uint_eq(login_with("romeo@localhost", "x", C2S_ID, buf_str(&t))->refused,
			  1 + STANZA_E_CONFLICT);
	ck_assert_uint_eq(login_with("romeo@localhost", "y", C2S_ID, buf_str(&t))->refused, 0);
	buf_free(&t);
}
END_TEST

START_TEST(conflict_rename)
{
	struct client *a = online("romeo@localhost", "x"), *b;

	config->conflict = CONFLICT_RENAME;
	b = login("romeo@localhost", "x");
	ck_assert_int_eq(a->ended, -1);
	ck_assert_str_ne(a->full, b->full);
}
END_TEST

/* The old client is gone, but what it sent last is not done: its goodbye comes before the greeting of the
 * next one. */
START_TEST(same_resource_while_leaving)
{
	struct client *watch = online("romeo@localhost", "w"), *a = online("romeo@localhost", "x"), *b;

	config->slow_storage = config->deadline;
	forget(watch);
	w.shelf->hold = true;
	says(a, "<message type='chat' to='juliet@localhost'><body>x</body></message>");
	leave(a, true);
	b = login("romeo@localhost", "x");
	says(b, "<presence/>");
	gets(watch, "type='unavailable'", "from='romeo@localhost/x'");
	gets(watch, "<presence", "from='romeo@localhost/x'");
	shelf_release(w.shelf, w.link, 9);
	settle();
	gets_nothing(watch);
	w.shelf->hold = false;
}
END_TEST

/* 7.6.2.1 */
START_TEST(sessions_max)
{
	login("romeo@localhost", "1");
	login("romeo@localhost", "2");
	login("romeo@localhost", "3");
	ck_assert_uint_eq(login_on("romeo@localhost", "4", C2S_ID)->refused,
			  1 + STANZA_E_RESOURCE_CONSTRAINT);
	login("romeo@localhost", "3"); /* in place of the old one */
}
END_TEST

/* Those that wait to be resumed keep nobody out: the one that waits longest goes. */
START_TEST(sessions_max_detached)
{
	struct client *c[3];

	for (int i = 0; i < 3; i++) {
		c[i] = login("romeo@localhost", i == 0 ? "1" : i == 1 ? "2" : "3");
		enable(c[i]);
	}
	leave(c[1], false);
	pass(1000);
	leave(c[0], false);
	login("romeo@localhost", "4");
	ck_assert_ptr_null(session_find(w.sm, c[1]->sid));
	ck_assert_ptr_nonnull(session_find(w.sm, c[0]->sid));
	login("romeo@localhost", "5");
	ck_assert_ptr_null(session_find(w.sm, c[0]->sid));
	ck_assert_uint_eq(login_on("romeo@localhost", "6", C2S_ID)->refused,
			  1 + STANZA_E_RESOURCE_CONSTRAINT);
	ck_assert_ptr_nonnull(session_find(w.sm, c[2]->sid));
}
END_TEST

/* --- records and take-over ------------------------------------------------------------------- */

START_TEST(record_round_trip)
{
	struct client *c = online("romeo@localhost", "x");
	struct session *s;

	says(c, "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");
	says(c, "<presence><show>away</show><priority>7</priority></presence>");
	says(c, "<presence to='juliet@localhost/a'/>");
	acknowledge_all(c);
	session_free(session_find(w.sm, c->sid)); /* as a new owner, who has none */
	announce(c);
	s = session_find(w.sm, c->sid);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->full, "romeo@localhost/x");
	ck_assert_int_eq(s->priority, 7);
	ck_assert(session_flag(s, SESSION_ROSTER) && !session_flag(s, SESSION_BLOCKLIST));
	ck_assert(session_available(s) && s->secure);
	ck_assert_str_eq(s->address, "192.0.2.1");
	ck_assert_uint_eq(s->ndirected, 1);
	ck_assert_uint_eq(s->done, c->done);
	c->in = c->done;
	says(c, "<iq id='p' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	forget(c);
	ck_assert_uint_eq(c->done, c->in);
}
END_TEST

/* An announced session, its account not loaded yet: what its stanzas start waits in order, and it is read
 * once. */
START_TEST(stanzas_before_the_account)
{
	struct client *c = online("romeo@localhost", "x");
	size_t reads;

	acknowledge_all(c);
	user_drop(user_get(w.sm, STR("romeo@localhost")));
	w.shelf->hold_reads = true;
	announce(c);
	c->in = c->done;
	says_only(c, "<message type='chat' to='romeo@localhost'><body>1</body></message>");
	says_only(c, "<message type='chat' to='romeo@localhost'><body>2</body></message>");
	says_only(c, "<iq id='3' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
	settle();
	gets_nothing(c);
	w.shelf->hold_reads = false;
	reads = w.shelf->reads;
	settle();
	gets_any(c, "<body>1<");
	gets_any(c, "<body>2<");
	gets_any(c, "id='3'");
	gets_nothing(c);
	ck_assert_uint_eq(w.shelf->reads, reads + 1);
	ck_assert_uint_eq(c->done, c->in);
}
END_TEST

/* An owner died when the credentials of an account that is removed were gone, and the data were not. */
START_TEST(announced_without_account)
{
	struct client *c = online("romeo@localhost", "x"), *juliet = online("juliet@localhost", "y");

	says(juliet, "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");
	befriend(c, juliet);
	says(c, "<iq type='set' id='v'><vCard xmlns='vcard-temp'><FN>R</FN></vCard></iq>");
	acknowledge_all(c);
	forget(juliet);
	user_drop(user_get(w.sm, STR("romeo@localhost")));
	shelf_remove(w.shelf, TABLE_ACCOUNT, "romeo@localhost");
	announce(c);
	pass(2000);
	ck_assert_int_eq(c->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	ck_assert_ptr_null(session_find(w.sm, c->sid));
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 0);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "romeo@localhost"), 0);
	gets_any(juliet, "type='unsubscribed'", "from='romeo@localhost'");
}
END_TEST

START_TEST(record_of_another_session)
{
	struct client *a = online("romeo@localhost", "x"), *b = online("romeo@localhost", "y");
	char *keep = b->record;

	session_free(session_find(w.sm, b->sid));
	b->record = a->record;
	announce(b);
	ck_assert_ptr_null(session_find(w.sm, b->sid));
	ck_assert_int_eq(b->ended, 1 + STREAM_E_INTERNAL_SERVER_ERROR);
	b->record = keep;
}
END_TEST

/* --- XEP-0198 -------------------------------------------------------------------------------- */

START_TEST(resumption)
{
	struct client *romeo = online("romeo@localhost", "x"), *juliet = online("juliet@localhost", "y");

	enable(romeo);
	acknowledge_all(romeo);
	leave(romeo, false);
	says(juliet, "<message type='chat' to='romeo@localhost'><body>one</body></message>");
	says(juliet, "<message type='headline' to='romeo@localhost'><body>two</body></message>");
	gets_nothing(juliet);
	ck_assert_ptr_nonnull(session_find(w.sm, romeo->sid));
	resume(romeo, C2S2_ID);
	gets(romeo, "one");
	gets(romeo, "two");
	gets_nothing(romeo);
	says(romeo, "<iq id='p' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	gets(romeo, "id='p'");
}
END_TEST

static size_t asked_again(void)
{
	size_t n = 0;

	for (size_t i = 0; i < w.nother; i++) {
		struct pool *pool = pool_new();
		struct msg_failed *m = pool_calloc(pool, msg_size(MSG_FAILED));

		if (w.other[i].f.kind == MSG_FAILED &&
		    msg_decode(MSG_FAILED, pool, w.other[i].f.body, m) == 0)
			n += m->code == EAGAIN;
		pool_free(pool);
	}
	return n;
}

/* What was under way is done: the session is resumed, and its old connection has ended. */
static void storage_is_back(const struct client *c)
{
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	ck_assert(!c->resuming);
	ck_assert_int_eq(c->refused, 0);
	ck_assert_int_eq(c->ended, 1 + STREAM_E_CONFLICT);
}

/* While it waits for what is under way the c2s that had it keeps all that the next owner must know: it hears of the
 * end when the session is resumed. _i: the account goes before. */
START_TEST(resumption_waits)
{
	struct client *romeo = online("romeo@localhost", "x");
	struct msg_session_close late = {.sid = romeo->sid, .attachment = romeo->attachment, .out = romeo->out};

	enable(romeo);
	acknowledge_all(romeo);
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='juliet@localhost'><body>one</body></message>");
	if (_i != 1)
		leave(romeo, false);
	resume(romeo, C2S2_ID);
	if (_i == 1) { /* the old connection breaks only now */
		fake_receive(w.link, frame_from(C2S_ID, MSG_SESSION_CLOSE, "romeo@localhost"), &late);
		settle();
	}
	ck_assert(romeo->resuming);
	ck_assert_int_eq(romeo->ended, -1);
	if (_i == 2) {
		user_drop(user_get(w.sm, STR("romeo@localhost")));
		settle();
		ck_assert(romeo->resuming);
		ck_assert_uint_eq(asked_again(), 1);
		ck_assert_int_eq(romeo->ended, -1);
		return;
	}
	storage_is_back(romeo);
}
END_TEST

/* Another connection resumes it while the first still waits: that one starts anew, and the c2s that had it hears once. */
START_TEST(resumption_waits_twice)
{
	struct client *romeo = online("romeo@localhost", "x");

	enable(romeo);
	acknowledge_all(romeo);
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='juliet@localhost'><body>one</body></message>");
	leave(romeo, false);
	resume(romeo, C2S2_ID);
	resume(romeo, C2S2_ID);
	ck_assert(romeo->resuming);
	ck_assert_int_eq(romeo->ended, -1);
	storage_is_back(romeo);
}
END_TEST

/* What c2s is told of as acknowledged when its client resumes, it keeps until it hears that it is settled: all of it. */
START_TEST(resumed_and_settled)
{
	struct client *romeo = online("romeo@localhost", "x"), *juliet = online("juliet@localhost", "y");

	enable(romeo);
	acknowledge_all(romeo);
	pass(40000);
	says(juliet, "<message type='headline' to='romeo@localhost'><body>one</body></message>");
	says(juliet, "<message type='chat' to='romeo@localhost'><body>two</body></message>");
	romeo->acked = romeo->out; /* its client has both, its c2s has not heard so */
	leave(romeo, false);
	resume(romeo, C2S2_ID);
	ck_assert_int_eq(romeo->refused, 0);
	pass(200000);
	ck_assert_uint_eq(session_find(w.sm, romeo->sid)->ngiven, 0);
	ck_assert_uint_eq(romeo->nkept, 0);
}
END_TEST

static void resume_with(const struct client *c, struct str ticket, uint64_t c2s, bool undo)
{
	struct msg_session_resume m = {.ticket = ticket,
				       .account = str_z(c->account),
				       .sid = c->sid,
				       .h = c->acked,
				       .undo = undo};

	fake_receive(w.link, frame_from(c2s, MSG_SESSION_RESUME, c->account), &m);
	settle();
}

/* A resumption whose client is gone is undone where it was the last, and never done for that. */
START_TEST(resumption_undone)
{
	struct client *romeo = online("romeo@localhost", "x");
	struct session *s = session_find(w.sm, romeo->sid);
	struct buf old = BUF_INIT, newer = BUF_INIT;

	seal_ticket(romeo->account, C2S2_ID, &old);
	seal_ticket(romeo->account, C2S2_ID, &newer);
	enable(romeo);
	acknowledge_all(romeo);
	resume_with(romeo, buf_str(&old), C2S2_ID, true);
	ck_assert_uint_eq(s->attachment, 1);
	ck_assert_uint_eq(s->c2s, C2S_ID);
	resume_with(romeo, buf_str(&old), C2S2_ID, false);
	ck_assert_uint_eq(s->attachment, 2);
	resume_with(romeo, buf_str(&old), C2S2_ID, true);
	ck_assert_uint_eq(s->attachment, 3); /* for its c2s to leave it */
	resume_with(romeo, buf_str(&newer), C2S2_ID, false);
	ck_assert_uint_eq(s->attachment, 4);
	resume_with(romeo, buf_str(&old), C2S2_ID, true);
	ck_assert_uint_eq(s->attachment, 4);
	buf_free(&old);
	buf_free(&newer);
}
END_TEST

static void open_with(const char *bare, struct str ticket, bool undo)
{
	struct msg_session_open m = {.ticket = ticket,
				     .account = str_z(bare),
				     .resource = STR("x"),
				     .address = STR("192.0.2.1"),
				     .secure = true,
				     .undo = undo};

	fake_receive(w.link, frame_from(C2S_ID, MSG_SESSION_OPEN, bare), &m);
	settle();
}

/* The same for a resource: another session that has it by now stays, and no late request takes it. */
START_TEST(binding_undone)
{
	struct client *romeo = online("romeo@localhost", "x");
	struct buf t = BUF_INIT;

	seal_ticket(romeo->account, C2S_ID, &t);
	open_with(romeo->account, buf_str(&t), true);
	open_with(romeo->account, buf_str(&t), false);
	ck_assert_ptr_nonnull(session_find(w.sm, romeo->sid));
	ck_assert_int_eq(romeo->ended, -1);
	ck_assert_uint_eq(w.sm->sessions.n, 1);
	buf_free(&t);
}
END_TEST

static void keep_line(void *arg, struct str line)
{
	buf_str_append(arg, line);
}

/* auth and sm on two hosts, whose clocks are further apart than a ticket lives. */
START_TEST(clocks_differ)
{
	struct ticket t = {.account = STR("romeo@localhost"), .c2s = C2S_ID, .expires_us = clock_wall_us() - 1};
	struct buf ticket = BUF_INIT, lines = BUF_INIT;

	ticket_write(w.sm->ticket_key, &t, &ticket);
	log_capture(keep_line, &lines);
	ck_assert_uint_eq(login_with("romeo@localhost", "orchard", C2S_ID, buf_str(&ticket))->refused,
			  1 + STANZA_E_NOT_AUTHORIZED);
	log_capture(NULL, NULL);
	buf_putc(&lines, '\0');
	ck_assert_ptr_nonnull(strstr(buf_ptr(&lines), "clocks"));
	buf_free(&ticket);
	buf_free(&lines);
}
END_TEST

START_TEST(detached_expires)
{
	struct client *romeo = online("romeo@localhost", "x"), *watch = online("romeo@localhost", "w");

	forget(romeo);
	enable(romeo);
	leave(romeo, false);
	gets_nothing(watch);
	pass(63000);
	gets(watch, "type='unavailable'", "from='romeo@localhost/x'");
	ck_assert_ptr_null(session_find(w.sm, romeo->sid));
}
END_TEST

START_TEST(c2s_dies)
{
	struct client *a = online("romeo@localhost", "x"), *b = online("romeo@localhost", "w");

	fake_member_lost(w.link, C2S_ID);
	settle();
	ck_assert_ptr_null(session_find(w.sm, a->sid));
	ck_assert_ptr_null(session_find(w.sm, b->sid));
	ck_assert_uint_eq(w.sm->sessions.n, 0);
}
END_TEST

START_TEST(kick_and_list)
{
	struct client *a = online("romeo@localhost", "x"), *b = online("romeo@localhost", "w");
	struct msg_session_kick m = {.jid = STR("romeo@localhost/x"), .text = STR("out")};
	struct msg_session_list l = {.after = STR("")};

	fake_receive(w.link, frame_from(CTL_ID, MSG_SESSION_LIST, NULL), &l);
	fake_receive(w.link, frame_from(CTL_ID, MSG_SESSION_KICK, "romeo@localhost"), &m);
	settle();
	ck_assert_int_eq(a->ended, 1 + STREAM_E_POLICY_VIOLATION);
	ck_assert_int_eq(b->ended, -1);
	ck_assert_uint_eq(w.other[w.nother - 2].f.kind, MSG_SESSION_LISTED);
	ck_assert_uint_eq(w.other[w.nother - 1].f.kind, MSG_OK);
}
END_TEST

/* --- the process ----------------------------------------------------------------------------- */

START_TEST(options_read_again)
{
	struct client *romeo = online("romeo@localhost", "x");

	says(romeo, "<iq id='1' type='get' to='localhost'>"
		    "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	gets(romeo, "name='Mercutio'");
	world_reconfigure("server_name = \"Verona\"");
	says(romeo, "<iq id='2' type='get' to='localhost'>"
		    "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	gets(romeo, "name='Verona'");
	ck_assert_int_eq(romeo->ended, -1);
}
END_TEST

START_TEST(drain)
{
	online("romeo@localhost", "x");
	sm_process.drain(w.sm);
	pass(3000);
	ck_assert_int_eq(w.drained, 1);
	ck_assert_uint_eq(w.sm->users.n, 0);
}
END_TEST

static unsigned failures;
static bool found;

static void ask_again(void *arg, struct user *u)
{
	(void)arg;
	found = u != NULL;
	if (u)
		return;
	failures++;
	user_run(user_need(w.sm, STR("romeo@localhost")), ask_again, NULL);
}

/* Who is told that an account cannot be read asks for it again: it is read once, not once more for each. */
START_TEST(asked_for_again_at_once)
{
	config->deadline = 1000;
	failures = 0;
	pass(100); /* what is read at the start */
	w.shelf->hold_reads = true;
	user_run(user_need(w.sm, STR("romeo@localhost")), ask_again, NULL);
	pass(10100); /* of the read itself */
	reads_time_out();
	ck_assert_uint_eq(failures, 1);
	ck_assert_uint_eq(fake_requests(w.link), 0);
	pass(2100);
	ck_assert_uint_eq(fake_requests(w.link), 1);
	w.shelf->hold_reads = false;
	settle();
	ck_assert(found);
	ck_assert_uint_eq(fake_requests(w.link), 0);
}
END_TEST

/* All shards of a loaded instance taken over or lost: no loop over all users for each. */
START_TEST(many_users)
{
	struct timespec a, b;
	char jid[40];

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(jid, sizeof jid, "user%d@localhost", i);
		user_need(w.sm, str_z(jid));
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint16_t i = 0; i < SHARDS; i++)
		sm_shards_ops.open(w.sm, i);
	for (uint16_t i = 0; i < SHARDS; i++)
		sm_shards_ops.lost(w.sm, i);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_uint_eq(w.sm->users.n, 0);
	ck_assert_msg(b.tv_sec - a.tv_sec < 2, "took %ld s", (long)(b.tv_sec - a.tv_sec));
}
END_TEST

Suite *session_suite(void)
{
	Suite *s = suite_create("sessions");
	TCase *c = tcase_create("sessions");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, server_makes_a_resource);
	tcase_add_test(c, tickets);
	tcase_add_test(c, conflict_retry);
	tcase_add_test(c, no_account);
	tcase_add_test(c, conflict_replace);
	tcase_add_test(c, conflict_refuse);
	tcase_add_test(c, conflict_rename);
	tcase_add_test(c, same_resource_while_leaving);
	tcase_add_test(c, sessions_max);
	tcase_add_test(c, sessions_max_detached);
	tcase_add_test(c, record_round_trip);
	tcase_add_test(c, stanzas_before_the_account);
	tcase_add_test(c, record_of_another_session);
	tcase_add_test(c, announced_without_account);
	tcase_add_test(c, resumption);
	tcase_add_loop_test(c, resumption_waits, 0, 3);
	tcase_add_test(c, resumption_waits_twice);
	tcase_add_test(c, resumed_and_settled);
	tcase_add_test(c, resumption_undone);
	tcase_add_test(c, binding_undone);
	tcase_add_test(c, clocks_differ);
	tcase_add_test(c, detached_expires);
	tcase_add_test(c, c2s_dies);
	tcase_add_test(c, kick_and_list);
	tcase_add_test(c, options_read_again);
	tcase_add_test(c, drain);
	tcase_add_test(c, asked_for_again_at_once);
	tcase_add_test(c, many_users);
	suite_add_tcase(s, c);
	return s;
}
