/* SPDX-License-Identifier: MIT */
/*
 * Whatever clients, storage and other servers do in whatever order: nothing crashes or leaks, every stanza that
 * was taken is done in the end, no session and no server gets the same message twice, each message is received
 * or refused, and each request answered once.
 */
#include <stdlib.h>
#include "tests/unit/sm/abroad.h"
#include "tests/unit/sm/ledger.h"
#include "tests/unit/sm/monkey_says.h"

enum { MOST_CLIENTS = 24, STEPS = 1500 };

static struct client *live[MOST_CLIENTS], *late[MOST_CLIENTS]; /* late: not answered yet */
static struct client *broken[MOST_CLIENTS]; /* their connections; or being resumed */
static size_t nlive, nlate, nbroken;
static struct client *known; /* as it was then, which its c2s may say late */
static uint32_t known_out, known_acked, known_attachment;
static bool far; /* other servers take nothing */
static bool crowded[2]; /* there is no room for some frames to C2S_ID, C2S2_ID */

/* Room for what is to come, and each message once. */
static void look_over(struct client *c)
{
	for (size_t i = 0; i < c->ngot; i++)
		for (size_t j = 0; c->got[i].log && j < i; j++)
			ck_assert_msg(c->got[j].log != c->got[i].log, "twice: %s", c->got[i].xml);
	if (c->ngot < MOST_GIVEN / 2)
		return;
	ledger_got(c, c->out);
	for (size_t i = 0; i < c->ngot; i++)
		free(c->got[i].xml);
	c->ngot = 0;
}

static void sweep(void)
{
	for (size_t i = 0; i < nlate;) {
		if (!late[i]->full) {
			i++;
			continue;
		}
		if (!late[i]->refused)
			live[nlive++] = late[i];
		late[i] = late[--nlate];
	}
	for (size_t i = 0; i < nlive;) {
		look_over(live[i]);
		if (live[i]->ended >= 0 || !session_find(w.sm, live[i]->sid)) {
			ledger_doubt(live[i]);
			live[i] = live[--nlive];
		} else {
			i++;
		}
	}
}

static void acks(struct client *c, uint32_t m)
{
	ledger_got(c, m);
	acknowledge(c, m);
}

static void breaks(struct client *c)
{
	ledger_doubt(c);
	for (size_t i = 0; i < nlive; i++)
		if (live[i] == c)
			live[i] = live[--nlive];
	broken[nbroken++] = c;
}

static void leaves(struct client *c)
{
	bool closed = dice(2);

	ledger_doubt(c);
	if (!closed && c->resumable)
		breaks(c);
	leave(c, closed);
}

/* What it has not acknowledged it did not get. Its c2s may not know yet that the connection is broken. */
static void resumes(void)
{
	struct client *c = nbroken ? broken[dice((unsigned)nbroken)] : NULL;

	if (!c)
		return;
	while (c->ngot && (int32_t)(c->got[c->ngot - 1].m - c->acked) > 0)
		free(c->got[--c->ngot].xml);
	resume(c, dice(2) ? C2S_ID : C2S2_ID);
}

/* A c2s dies, and is started again. */
static void c2s_dies(uint64_t id)
{
	for (size_t i = nlive; i-- > 0;) {
		struct client *c = live[i];

		if (c->c2s != id)
			continue;
		ledger_doubt(c);
		if (c->resumable)
			breaks(c);
		else
			live[i] = live[--nlive];
	}
	fake_member_lost(w.link, id);
	fake_member(w.link, id, "c2s", "c2s", false);
}

/* Another owner, who knows nothing but what c2s and storage have. Of what was on its way to storage some has
 * arrived. */
static void taken_over(void)
{
	abroad_owner_lost();
	shelf_release(w.shelf, w.link, dice((unsigned)w.shelf->nheld + 1));
	shelf_lose(w.shelf);
	w.epoch++;
	w.shelf->hold_reads = dice(2);
	fake_member(w.link, PEER_ID, "sm", "sm", true);
	for (uint16_t i = 0; i < SHARDS; i++)
		fake_owner(w.link, i, PEER_ID, w.epoch);
	fake_event(w.link, LINK_SHARDS, 0);
	settle();
	ck_assert_uint_eq(w.sm->sessions.n, 0);
	w.epoch++;
	fake_member_lost(w.link, PEER_ID);
	pass(200);
	nlate = nbroken = 0;
	for (size_t i = nlive; i-- > 0;)
		if (live[i]->left)
			live[i] = live[--nlive];
		else
			announce_whole(live[i]);
	announced_all();
	pass(100);
}

static bool crowded_out(const struct fake_frame *f)
{
	return crowded[f->f.to == C2S2_ID] && dice(2);
}

/* A c2s was asked for all that it has. */
static void announces_again(unsigned i)
{
	if (!w.asked[i])
		return;
	w.asked[i] = 0;
	for (size_t n = 0; n < nlive; n++) {
		struct client *c = live[n];

		if (c->c2s != (i ? C2S2_ID : C2S_ID))
			continue;
		announce_whole(c);
		if (c->left)
			leave(c, true);
	}
	settle();
}

/* They go on, or cannot. */
static void sweep_broken(void)
{
	for (size_t i = 0; i < nbroken;) {
		struct client *c = broken[i];

		if (c->refused || !session_find(w.sm, c->sid)) {
			broken[i] = broken[--nbroken];
		} else if (c->resume_tag && !c->resuming) {
			c->resume_tag = 0;
			live[nlive++] = c;
			broken[i] = broken[--nbroken];
		} else {
			i++;
		}
	}
}

/* What its c2s knew when it was announced again may be old when sm hears of it. */
static void announces_late(struct client *c)
{
	struct client old;

	if (c && dice(2)) {
		known = c;
		known_out = c->out;
		known_acked = c->acked;
		known_attachment = c->attachment;
	} else if (known && known->attachment == known_attachment && session_find(w.sm, known->sid)) {
		old = *known;
		old.out = known_out;
		old.acked = known_acked;
		announce(&old);
	}
}

static void abroad_steps(void)
{
	switch (dice(40)) {
	case 0:
		if (!dice(5))
			far = !far;
		break;
	case 1:
		abroad_holds();
		break;
	case 2:
		abroad_takes_silently();
		break;
	case 3:
		if (!dice(4))
			abroad_dies();
		break;
	}
	for (unsigned n = far ? 0 : dice(3); n; n--)
		(void)(dice(8) ? abroad_takes() : abroad_refuses());
}

/* Storage, time, and those whom sm asks. */
static void world_steps(void)
{
	switch (dice(9)) {
	case 0:
		w.shelf->hold = !w.shelf->hold;
		break;
	case 1:
		shelf_release(w.shelf, w.link, dice(8));
		break;
	case 2:
		w.shelf->status = dice(6) ? STORE_COMMITTED : STORE_FAILED;
		break;
	case 3:
		pass(dice(400));
		break;
	case 4:
		((struct sm_config *)w.app.config)->users_cached = dice(3);
		w.shelf->hold_reads = dice(3) == 0;
		if (!dice(3))
			reads_time_out();
		break;
	case 5:
		if (!dice(4))
			fake_sleep(w.link, 8000); /* sm was stopped, and doubts its leases */
		w.hold_leases = dice(2);
		break;
	case 6:
		if (!dice(8) && !w.sm->bounced)
			c2s_dies(dice(2) ? C2S_ID : C2S2_ID);
		break;
	case 7:
		if (!dice(20) && !w.sm->bounced) /* one fault at a time */
			taken_over();
		break;
	case 8:
		crowded[dice(2)] = !dice(4);
		break;
	}
}

static void peer_says(void)
{
	free(tell_in(dice(2) ? "<message type='chat' id='t' from='p@localhost/x' to='a@localhost'>"
			       "<body>t</body></message>"
			     : "<presence type='subscribe' from='p@localhost' to='b@localhost'/>",
		     99, loop_now(w.sm->loop) / 60000 * 40 + dice(40))); /* repeated for a minute */
}

static void client_steps(struct client *c)
{
	switch (dice(15)) {
	case 0:
		leaves(c);
		break;
	case 1:
		reads_nothing(c, dice(2));
		break;
	case 2:
		if (!c->resumable)
			enable(c);
		else if (dice(2))
			breaks(c);
		break;
	case 3:
	case 4:
	case 5:
		acks(c, c->acked + (c->out - c->acked) / (1 + dice(3)));
		break;
	default:
		if (!c->left && w.shelf->nheld < 200 && fake_requests(w.link) < 50)
			monkey_says(c, live[dice((unsigned)nlive)]->full);
	}
}

static void step(void)
{
	static const char *const resources[] = {"x", "y", "z", ""};
	struct client *c = nlive ? live[dice((unsigned)nlive)] : NULL;
	unsigned what = dice(28);

	if (what < 2) {
		if (nlive + nlate + nbroken < MOST_CLIENTS)
			late[nlate++] = login_on(monkey_accounts[dice(ACCOUNTS)], resources[dice(4)],
						 C2S_ID);
	} else if (what < 3) {
		peer_says();
	} else if (what < 4) {
		resumes();
	} else if (what < 5) {
		announces_late(c);
	} else if (what < 13) {
		world_steps();
	} else if (c) {
		client_steps(c);
	}
	settle();
	sweep();
	sweep_broken();
	announces_again(0);
	announces_again(1);
	abroad_steps();
	sweep();
	sweep_broken();
}

/* Takes all that is there for it; more comes when some is acknowledged. */
static void reads_all(struct client *c)
{
	for (int i = 0; i < 40; i++) {
		acks(c, c->out);
		pass(100);
		look_over(c);
	}
}

/* One more session of each account gets what no other has. */
static void collect(void)
{
	for (size_t i = 0; i < ACCOUNTS; i++) {
		struct client *c = login(monkey_accounts[i], "last");

		says(c, "<presence/>");
		reads_all(c);
	}
	ledger_check();
}

/* The servers that have the sessions left say that the clients are gone; detached ones end by themselves. */
static void end_broken(void)
{
	for (struct client *c = w.clients; c; c = c->next) {
		const struct session *s = session_find(w.sm, c->sid);

		if (!s || !s->c2s)
			continue;
		c->attachment = s->attachment;
		c->c2s = s->c2s;
		leave(c, true);
	}
	pass(70000);
}

START_TEST(anything)
{
	world_relaxed = _i % 4 == 0;
	world_start("deadline = 5s\ngiven_max = 64k\noutgoing_after = 1s");
	w.shelf->in_order = true;
	monkey_says_start((unsigned)_i);
	nlive = nlate = nbroken = 0;
	known = NULL;
	far = false;
	crowded[0] = crowded[1] = false;
	w.full = getenv("MONKEY_CROWDED") ? crowded_out : NULL;
	ledger_clear();
	abroad_start();
	for (size_t i = 0; i < ACCOUNTS; i++)
		account(monkey_accounts[i]);
	for (int i = 0; i < STEPS; i++)
		step();
	w.shelf->hold = w.shelf->hold_reads = w.hold_leases = false;
	w.shelf->status = STORE_COMMITTED;
	w.full = NULL;
	while (w.shelf->nheld)
		shelf_release(w.shelf, w.link, 100);
	while (abroad_takes())
		;
	pass(8000);
	sweep();
	sweep_broken();
	announces_again(0);
	announces_again(1);
	while (abroad_takes())
		;
	sweep();
	for (size_t i = 0; i < nlive; i++)
		ck_assert_uint_eq(live[i]->done, live[i]->in);
	for (size_t i = 0; i < nlive; i++)
		reads_nothing(live[i], false);
	for (size_t i = 0; i < nlive; i++)
		reads_all(live[i]);
	ledger_answered();
	for (size_t i = 0; i < nlive; i++)
		leave(live[i], true);
	end_broken();
	ck_assert_uint_eq(w.sm->sessions.n, 0);
	if (!world_relaxed) /* then what only clients have may be lost with them */
		collect();
	world_stop();
	abroad_stop();
	world_relaxed = false;
}
END_TEST

Suite *monkey_suite(void)
{
	Suite *s = suite_create("monkey");
	TCase *c = tcase_create("anything");
	/* For a longer search: to which seed, and from which. */
	const char *last = getenv("MONKEYS"), *first = getenv("MONKEY");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, anything, first ? (int)strtol(first, NULL, 10) : 1,
			    last ? (int)strtol(last, NULL, 10) + 1 : 7);
	suite_add_tcase(s, c);
	return s;
}
