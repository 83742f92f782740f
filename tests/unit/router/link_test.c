/* SPDX-License-Identifier: MIT */
/* Links of processes through one router or two: membership, requests, shards, what is lost when. */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "link/messages.h"
#include "base/clock.h"
#include "tests/unit/router/world.h"

static uint64_t id(struct node *n)
{
	return link_id(n->link);
}

static bool knows(struct node *n, struct node *other)
{
	return link_member(n->link, id(other)) != NULL;
}

struct pair {
	struct world *w;
	struct node *c2s, *auth;
};

static struct pair make_pair(void)
{
	struct pair p = {.w = world_new()};

	router_start(p.w, 0);
	p.c2s = node_new(p.w, "c2s-1", "c2s");
	p.auth = node_new(p.w, "auth-1", "auth");
	await(p.w, knows(p.c2s, p.auth) && knows(p.auth, p.c2s));
	return p;
}

START_TEST(membership)
{
	struct pair p = make_pair();
	const struct member *m = link_member_named(p.c2s->link, "auth-1");

	ck_assert_uint_eq(p.c2s->ready, 1);
	ck_assert(link_ready(p.c2s->link));
	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->process, "auth");
	ck_assert_uint_eq(m->nbinds, 1);
	ck_assert_str_eq(m->binds[0].route, "auth");
	ck_assert(!m->binds[0].shard);
	ck_assert_ptr_nonnull(link_member_named(p.c2s->link, "router-1"));
	ck_assert_uint_eq(link_place(p.c2s->link, "auth", 7), id(p.auth));
	ck_assert_uint_eq(link_place(p.c2s->link, "nothing", 7), 0);
	link_bind(p.auth->link, NULL, 0);
	await(p.w, link_place(p.c2s->link, "auth", 7) == 0);
	ck_assert(knows(p.c2s, p.auth));
	node_free(p.auth);
	await(p.w, p.c2s->lost == 1);
	ck_assert_str_eq(p.c2s->last_lost, "auth-1");
	world_free(p.w);
}
END_TEST

/* --- requests ---------------------------------------------------------------------------------- */

struct answer {
	unsigned calls;
	int err;
	uint16_t kind;
	char *text;
};

static void on_answer(void *arg, int err, uint16_t kind, const void *m)
{
	struct answer *a = arg;

	a->calls++;
	a->err = err;
	a->kind = kind;
	if (kind == MSG_AUTH_OFFER)
		a->text = str_dup(((const struct msg_auth_offer *)m)->mechanisms[0]);
	if (kind == MSG_FAILED)
		a->text = str_dup(((const struct msg_failed *)m)->text);
}

static struct link_request *ask(struct node *from, uint64_t to, size_t nbindings, uint32_t ms,
				struct answer *a)
{
	struct str binding = STR("echo");
	struct msg_auth_mechanisms m = {.bindings = &binding, .nbindings = nbindings};
	struct frame f = {
		.kind = MSG_AUTH_MECHANISMS,
		.to = to,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	return link_request(from->link, &f, &m, ms, on_answer, a);
}

START_TEST(requests)
{
	struct pair p = make_pair();
	struct answer good = {0}, bad = {0}, late = {0}, gone = {0}, nobody = {0}, cancelled = {0};

	ask(p.c2s, id(p.auth), 1, 5000, &good);
	await(p.w, good.calls);
	ck_assert_int_eq(good.err, 0);
	ck_assert_str_eq(good.text, "echo");
	ck_assert_uint_eq(p.auth->frame.remaining_ms, 5000);
	ask(p.c2s, id(p.auth), 0, 5000, &bad);
	await(p.w, bad.calls);
	ck_assert_int_eq(bad.err, -EREMOTEIO);
	ck_assert_str_eq(bad.text, "one binding is wanted");

	p.auth->silent = true;
	ask(p.c2s, id(p.auth), 1, 50, &late);
	await(p.w, late.calls);
	ck_assert_int_eq(late.err, -ETIMEDOUT);
	ask(p.c2s, 12345, 1, 5000, &nobody);
	ck_assert_uint_eq(nobody.calls, 0); /* never from inside the call */
	await(p.w, nobody.calls);
	ck_assert_int_eq(nobody.err, -EHOSTUNREACH);
	link_cancel(ask(p.c2s, id(p.auth), 1, 5000, &cancelled));
	link_cancel(ask(p.c2s, 12345, 1, 5000, &cancelled));
	ask(p.c2s, id(p.auth), 1, 60000, &gone);
	await(p.w, p.auth->got == 5);
	node_free(p.auth);
	await(p.w, gone.calls); /* at once, not in a minute */
	ck_assert_int_eq(gone.err, -EHOSTUNREACH);
	ck_assert_uint_eq(cancelled.calls, 0);
	ck_assert_uint_eq(good.calls + bad.calls + late.calls + nobody.calls + gone.calls, 5);
	free(good.text);
	free(bad.text);
	world_free(p.w);
}
END_TEST

START_TEST(many_requests)
{
	struct pair p = make_pair();
	struct answer a[300] = {{0}};
	unsigned done = 0;

	for (unsigned i = 0; i < 300; i++)
		ask(p.c2s, id(p.auth), i % 2, 5000 - i, &a[i]);
	await(p.w, a[299].calls);
	for (unsigned i = 0; i < 300; i++) {
		done += a[i].calls;
		ck_assert_int_eq(a[i].err, i % 2 ? 0 : -EREMOTEIO);
		free(a[i].text);
	}
	ck_assert_uint_eq(done, 300);
	world_free(p.w);
}
END_TEST

START_TEST(to_ourselves)
{
	struct world *w = world_new();
	struct node *auth;
	struct answer a = {0};

	router_start(w, 0);
	auth = node_new(w, "c2s-1", "auth");
	/* An auth may not ask itself by the declaration. */
	ask(auth, id(auth), 1, 50, &a);
	loop_run_once(w->loop);
	ck_assert_uint_eq(auth->forbidden, 1);
	await(w, a.calls);
	ck_assert_int_eq(a.err, -ETIMEDOUT);
	world_free(w);
}
END_TEST

/* Without any router, and in one turn, there and back. */
START_TEST(alone)
{
	struct world *w = world_new();
	struct node *storage = node_new(w, "storage-1", "storage");
	struct msg_read m = {0};
	struct frame f = {.kind = MSG_READ, .to = id(storage)};
	struct answer a = {0};

	f.from_shard = f.to_shard = SHARD_NONE;
	link_request(storage->link, &f, &m, 5000, on_answer, &a);
	ck_assert_uint_eq(a.calls, 0);
	loop_run_once(w->loop);
	ck_assert_uint_eq(a.calls, 1);
	ck_assert_int_eq(a.err, -EREMOTEIO); /* it has no handler for that */
	free(a.text);
	world_free(w);
}
END_TEST

/* --- shards ------------------------------------------------------------------------------------ */

static uint64_t owner(struct node *n, uint16_t shard, uint32_t *ret_epoch)
{
	return link_owner(n->link, "sm", shard, ret_epoch);
}

START_TEST(shards)
{
	struct world *w = world_new();
	struct node *c2s, *sm1, *sm2, *late;
	struct msg_shard_epoch both[] = {{3, 1}, {1023, 1}}, higher = {3, 2}, older = {3, 1};
	uint32_t e;

	router_start(w, 0);
	c2s = node_new(w, "c2s-1", "c2s");
	sm1 = node_new(w, "sm-1", "sm");
	sm2 = node_new(w, "sm-2", "sm");
	await(w, knows(c2s, sm1) && knows(c2s, sm2) && knows(sm1, sm2) && knows(sm2, sm1));
	link_shards_bind(sm1->link, "sm", both, 2);
	ck_assert_uint_eq(owner(sm1, 3, &e), id(sm1));
	await(w, owner(c2s, 1023, &e) == id(sm1));
	ck_assert_uint_eq(e, 1);
	ck_assert_uint_eq(owner(c2s, 3, &e), id(sm1));
	ck_assert_uint_eq(owner(c2s, 4, &e), 0);
	ck_assert_uint_eq(e, 0);

	link_shards_bind(sm2->link, "sm", &higher, 1);
	await(w, owner(c2s, 3, &e) == id(sm2) && owner(sm1, 3, &e) == id(sm2));
	ck_assert_uint_eq(e, 2);
	/* The older owner does not come back, and late comers learn the present one. */
	link_shards_bind(sm1->link, "sm", &older, 1);
	late = node_new(w, "c2s-2", "c2s");
	await(w, owner(late, 3, &e) == id(sm2) && owner(late, 1023, &e) == id(sm1));
	ck_assert_uint_eq(owner(c2s, 3, &e), id(sm2));

	link_shards_free(sm1->link, "sm", &both[1], 1);
	await(w, owner(late, 1023, &e) == 0);
	ck_assert_uint_eq(e, 1); /* the epoch is remembered */
	node_free(sm2);
	await(w, owner(late, 3, &e) == 0 && owner(c2s, 3, &e) == 0);
	ck_assert_uint_eq(e, 2);
	world_free(w);
}
END_TEST

/* Names decide, not ids: a restarted instance is given the same keys, and a third one takes only what
 * becomes its own. */
START_TEST(placement)
{
	struct world *w = world_new();
	struct node *c2s, *sm1, *sm2, *sm3;
	bool was_first[256];
	unsigned first = 0, moved = 0, to_third = 0;

	router_start(w, 0);
	c2s = node_new(w, "c2s-1", "c2s");
	sm1 = node_new(w, "sm-1", "sm");
	sm2 = node_new(w, "sm-2", "sm");
	await(w, knows(c2s, sm1) && knows(c2s, sm2) && knows(sm1, sm2));
	for (unsigned i = 0; i < 256; i++) {
		was_first[i] = link_place(c2s->link, "sm", i) == id(sm1);
		ck_assert_uint_eq(link_place(sm1->link, "sm", i), link_place(c2s->link, "sm", i));
		first += was_first[i];
	}
	ck_assert(first > 80 && first < 176);
	node_free(sm1);
	await(w, c2s->lost == 1);
	sm1 = node_new(w, "sm-1", "sm");
	await(w, knows(c2s, sm1));
	for (unsigned i = 0; i < 256; i++)
		moved += was_first[i] != (link_place(c2s->link, "sm", i) == id(sm1));
	ck_assert_uint_eq(moved, 0);
	sm3 = node_new(w, "sm-3", "sm");
	await(w, knows(c2s, sm3));
	for (unsigned i = 0; i < 256; i++) {
		uint64_t now = link_place(c2s->link, "sm", i);

		to_third += now == id(sm3);
		moved += now != id(sm3) && was_first[i] != (now == id(sm1));
	}
	ck_assert_uint_eq(moved, 0);
	ck_assert(to_third > 50 && to_third < 120);
	world_free(w);
}
END_TEST

/* --- routers that die --------------------------------------------------------------------------- */

START_TEST(router_restarts)
{
	struct pair p = make_pair();
	struct msg_shard_epoch s = {9, 4};
	struct node *sm = node_new(p.w, "sm-1", "sm");
	struct answer a = {0}, b = {0};
	unsigned members;
	uint32_t e;

	await(p.w, knows(p.c2s, sm));
	link_shards_bind(sm->link, "sm", &s, 1);
	await(p.w, owner(p.c2s, 9, &e) == id(sm));
	p.auth->silent = true;
	ask(p.c2s, id(p.auth), 1, 60000, &a);
	await(p.w, p.auth->got == 1);
	router_stop(p.w, 0);
	await(p.w, p.c2s->all_paths_lost == 1);
	await(p.w, a.calls == 1);
	ck_assert_int_eq(a.err, -EHOSTUNREACH);
	ck_assert(!link_ready(p.c2s->link));
	/* We are blind, they are not dead. */
	ck_assert(knows(p.c2s, p.auth) && knows(p.c2s, sm));
	ck_assert_uint_eq(owner(p.c2s, 9, &e), id(sm));
	p.auth->silent = false;
	members = p.c2s->members;
	router_start(p.w, 0);
	await(p.w, p.c2s->ready == 2 && p.auth->ready == 2 && sm->ready == 2);
	do {
		free(b.text);
		b = (struct answer){0};
		ask(p.c2s, id(p.auth), 1, 1000, &b);
		await(p.w, b.calls);
	} while (b.err);
	free(b.text);
	ck_assert_uint_eq(owner(p.c2s, 9, &e), id(sm));
	ck_assert_uint_eq(e, 4);
	await(p.w, p.c2s->members == members + 3); /* the new router; and these two are back */
	ck_assert_uint_eq(p.c2s->lost, 1); /* the old router itself */
	ck_assert_str_eq(p.c2s->last_lost, "router-1");
	/* The new router knows the owner from the owner. */
	await(p.w, owner(node_new(p.w, "c2s-2", "c2s"), 9, &e) == 0);
	await(p.w, owner(p.w->nodes[3], 9, &e) == id(sm));
	world_free(p.w);
}
END_TEST

/* A member that does not come back with the router is lost after a while. */
START_TEST(lost_with_the_router)
{
	struct world *w = world_new();
	struct node *c2s, *auth;
	uint64_t since;

	w->heartbeat_ms = 400;
	router_start(w, 0);
	c2s = node_new(w, "c2s-1", "c2s");
	auth = node_new(w, "auth-1", "auth");
	await(w, knows(c2s, auth));
	router_stop(w, 0);
	node_free(auth);
	await(w, c2s->all_paths_lost == 1);
	since = clock_mono_ms();
	router_start(w, 0);
	await(w, c2s->ready == 2);
	ck_assert_uint_eq(c2s->lost, 1);
	await(w, c2s->lost == 2);
	ck_assert_str_eq(c2s->last_lost, "auth-1");
	/* Others may pause for 2 s between two attempts, however short the heartbeat. */
	ck_assert_uint_ge(clock_mono_ms() - since, 2900);
	world_free(w);
}
END_TEST

static size_t ups(struct node *n)
{
	struct link_stats s[4];
	size_t up = 0;

	for (size_t i = link_stats(n->link, s, 4); i > 0; i--)
		up += s[i - 1].up;
	return up;
}

START_TEST(two_routers)
{
	struct world *w = world_new();
	struct node *c2s, *auth;
	struct answer a = {0}, b = {0};
	struct link_stats s[2];
	unsigned used;

	router_start(w, 0);
	router_start(w, 1);
	c2s = node_new(w, "c2s-1", "c2s");
	auth = node_new(w, "auth-1", "auth");
	await(w, ups(c2s) == 2 && ups(auth) == 2 && knows(c2s, auth) && knows(auth, c2s));
	ck_assert_uint_eq(c2s->ready, 1);
	ask(c2s, id(auth), 1, 5000, &a);
	await(w, a.calls);
	ck_assert_int_eq(a.err, 0);
	ck_assert_uint_eq(link_stats(c2s->link, s, 2), 2);
	used = s[0].bytes_out > s[1].bytes_out ? 0 : 1;
	router_stop(w, used);
	await(w, c2s->path_lost == 1);
	ck_assert_uint_eq(c2s->all_paths_lost, 0);
	ck_assert(link_ready(c2s->link));
	ck_assert(knows(c2s, auth));
	ask(c2s, id(auth), 1, 5000, &b);
	await(w, b.calls);
	ck_assert_int_eq(b.err, 0);
	/* The other one loses sight of auth: then it is dead. */
	node_free(auth);
	await(w, link_member_named(c2s->link, "auth-1") == NULL);
	free(a.text);
	free(b.text);
	world_free(w);
}
END_TEST

/* An answer takes the router of its request, whichever the two prefer: when that dies, whoever asked
 * hears of it. */
START_TEST(answers_go_back)
{
	enum { ASKERS = WORLD_NODES - 1, TIMES = 50 };
	struct world *w = world_new();
	struct node *c2s[ASKERS], *auth;

	router_start(w, 0);
	router_start(w, 1);
	auth = node_new(w, "auth-1", "auth");
	for (unsigned i = 0; i < ASKERS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "c2s-%u", i);
		c2s[i] = node_new(w, name, "c2s");
	}
	for (unsigned i = 0; i < ASKERS; i++) {
		struct link_stats before[2], after[2];
		unsigned asked;

		await(w, ups(c2s[i]) == 2 && knows(c2s[i], auth) && knows(auth, c2s[i]));
		link_stats(c2s[i]->link, before, 2);
		for (unsigned k = 0; k < TIMES; k++) {
			struct answer a = {0};

			ask(c2s[i], id(auth), 1, 5000, &a);
			await(w, a.calls);
			free(a.text);
		}
		link_stats(c2s[i]->link, after, 2);
		asked = after[0].bytes_out - before[0].bytes_out >= TIMES * FRAME_HEAD ? 0 : 1;
		ck_assert_uint_ge(after[asked].bytes_in - before[asked].bytes_in, TIMES * FRAME_HEAD);
		ck_assert_uint_lt(after[!asked].bytes_in - before[!asked].bytes_in, TIMES * FRAME_HEAD);
	}
	world_free(w);
}
END_TEST

START_TEST(start_in_any_order)
{
	struct world *w = world_new();
	struct node *n;

	router_start(w, 0);
	router_stop(w, 0);
	n = node_new(w, "c2s-1", "c2s");
	await(w, n->failed == 1);
	router_start(w, 0);
	await(w, n->ready == 1);
	ck_assert_uint_eq(n->failed, 1); /* told once, not at each attempt */
	world_free(w);
}
END_TEST

/* --- traces ------------------------------------------------------------------------------------ */

START_TEST(traces)
{
	struct pair p = make_pair();
	struct node *ctl = node_new(p.w, "ctl-7", "ctl");
	struct msg_trace_start start = {.jid = STR("echo")};
	struct frame f = {.kind = MSG_TRACE_START, .to = id(p.auth)};
	struct answer a = {0}, b = {0};

	f.from_shard = f.to_shard = SHARD_NONE;
	await(p.w, knows(ctl, p.auth) && knows(p.auth, ctl));
	ck_assert_int_eq(link_send(ctl->link, &f, &start), 0);
	ask(p.c2s, id(p.auth), 0, 5000, &a);
	await(p.w, a.calls);
	ask(p.c2s, id(p.auth), 1, 5000, &b);
	await(p.w, ctl->traces == 2); /* the request and its answer, not those without the word */
	ck_assert_ptr_nonnull(strstr(ctl->trace, "-> c2s-1 AUTH_OFFER mechanisms=[echo]"));
	node_free(ctl);
	await(p.w, link_member_named(p.auth->link, "ctl-7") == NULL);
	free(a.text);
	free(b.text);
	world_free(p.w);
}
END_TEST

Suite *link_suite(void);
Suite *link_suite(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("link");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, membership);
	tcase_add_test(t, requests);
	tcase_add_test(t, many_requests);
	tcase_add_test(t, to_ourselves);
	tcase_add_test(t, alone);
	tcase_add_test(t, shards);
	tcase_add_test(t, placement);
	tcase_add_test(t, router_restarts);
	tcase_add_test(t, lost_with_the_router);
	tcase_add_test(t, two_routers);
	tcase_add_test(t, answers_go_back);
	tcase_add_test(t, start_in_any_order);
	tcase_add_test(t, traces);
	suite_add_tcase(s, t);
	return s;
}
