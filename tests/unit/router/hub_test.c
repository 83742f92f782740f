/* SPDX-License-Identifier: MIT */
/* The router against processes that misbehave, die, do not read, or are not allowed. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/messages.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/router/world.h"

static struct world *world_with_router(void)
{
	struct world *w = world_new();

	router_start(w, 0);
	return w;
}

static struct frame stanza_to(uint64_t to)
{
	return (struct frame){
		.kind = MSG_STANZA,
		.to = to,
		.tag = 77,
		.from_shard = SHARD_NONE,
		.to_shard = 5,
		.to_epoch = 3,
		.run = 8,
		.number = 9,
	};
}

/* The sender recognises by the head what came back and from whom. */
START_TEST(bounced_when_gone)
{
	struct world *w = world_with_router();
	struct raw *c2s = raw_new(w, "c2s-9", "c2s", 900);
	struct frame f = stanza_to(12345);

	raw_await_linked(c2s);
	f.from = 900;
	peer_send_body(c2s->peer, &f);
	await(w, c2s->last.kind == MSG_BOUNCE);
	ck_assert_uint_eq(c2s->last.from, 12345);
	ck_assert_uint_eq(c2s->last.to, 900);
	ck_assert_uint_eq(c2s->last.tag, 77);
	ck_assert_uint_eq(c2s->last.from_shard, SHARD_NONE);
	ck_assert_uint_eq(c2s->last.to_shard, 5);
	ck_assert_uint_eq(c2s->last.to_epoch, 3);
	ck_assert_uint_eq(c2s->last.run, 8);
	ck_assert_uint_eq(c2s->last.number, 9);
	raw_free(c2s);
	world_free(w);
}
END_TEST

/* Who does not read gets the queue's bytes and no more; what is beyond returns, every frame of it. */
START_TEST(full_queue)
{
	struct world *w = world_new();
	struct raw *sm;
	struct node *c2s;
	char *block = xcalloc(1, 100000);
	struct msg_stanza m = {.sid = 1, .envelope = {block, 100000}};
	struct frame f = stanza_to(902);
	json_t *stats;

	w->routers[0].config.queue = 2 << 20;
	router_start(w, 0);
	c2s = node_new(w, "c2s-1", "c2s");
	sm = raw_new(w, "sm-9", "sm", 902);
	raw_await_linked(sm);
	await(w, link_member(c2s->link, 902) != NULL);
	conn_pause(peer_conn(sm->peer));
	for (unsigned i = 0; i < 60; i++)
		ck_assert_int_eq(link_send(c2s->link, &f, &m), 0);
	await(w, c2s->bounces > 0 && link_flushed(c2s->link));
	ck_assert_uint_eq(c2s->bounced_why, 2);
	sm->frames = 0;
	conn_resume(peer_conn(sm->peer));
	await(w, sm->frames + c2s->bounces >= 60);
	ck_assert_uint_ge(sm->frames, 20);
	stats = hub_stats(w->routers[0].hub);
	ck_assert_int_eq(json_integer_value(json_object_get(stats, "bounced")), c2s->bounces);
	json_decref(stats);
	free(block);
	raw_free(sm);
	world_free(w);
}
END_TEST

/* Each is the last thing that its link says; nobody else notices. */
static void last_words(struct world *w, struct node *witness, uint64_t id, const char *name,
		       const char *process, const struct frame *f, const char *logged)
{
	struct raw *r = raw_new(w, name, process, id);

	raw_await_linked(r);
	await(w, link_member(witness->link, id) != NULL);
	log_forget();
	peer_send_body(r->peer, f);
	await(w, r->down);
	await(w, link_member(witness->link, id) == NULL);
	ck_assert_msg(log_count(logged) > 0, "%s", logged);
	raw_free(r);
}

START_TEST(misbehaviour)
{
	struct world *w = world_with_router();
	struct node *sm = node_new(w, "sm-1", "sm");
	struct frame forged = {.kind = MSG_STANZA, .from = 1};
	struct frame forbidden = {.kind = MSG_TELL, .from = 911};
	struct frame garbage = {.kind = MSG_BINDS, .from = 912, .body = {"\377\377\377\377", 4}};
	struct frame router_only = {.kind = MSG_MEMBER_DOWN, .from = 913};
	struct frame not_sharded = {.kind = MSG_SHARDS_BOUND, .from = 914};
	struct msg_shards_bound bound = {
		.route = STR("sm"),
		.shards = &(struct msg_shard_epoch){1, 1},
		.nshards = 1,
	};
	struct buf b = BUF_INIT;

	await(w, sm->ready);
	forged.to = forbidden.to = link_id(sm->link);
	msg_encode(MSG_SHARDS_BOUND, &bound, &b);
	not_sharded.body = buf_str(&b);
	last_words(w, sm, 910, "c2s-8", "c2s", &forged, "in the name of another");
	last_words(w, sm, 911, "c2s-8", "c2s", &forbidden, "may not send");
	last_words(w, sm, 912, "c2s-8", "c2s", &garbage, "do not decode");
	last_words(w, sm, 913, "c2s-8", "c2s", &router_only, "not for routers");
	last_words(w, sm, 914, "c2s-8", "c2s", &not_sharded, "does not bind");
	ck_assert_uint_eq(sm->stanzas, 0);
	ck_assert_uint_eq(sm->down, 0);
	buf_free(&b);
	world_free(w);
}
END_TEST

START_TEST(malformed_body)
{
	struct world *w = world_with_router();
	struct node *sm = node_new(w, "sm-1", "sm");
	struct raw *c2s = raw_new(w, "c2s-8", "c2s", 920);
	struct frame f = {.kind = MSG_STANZA, .from = 920, .body = {"abc", 3}};

	raw_await_linked(c2s);
	await(w, sm->ready && link_member(sm->link, 920) != NULL);
	f.to = link_id(sm->link);
	peer_send_body(c2s->peer, &f);
	await(w, sm->malformed == 1);
	ck_assert_uint_eq(sm->stanzas, 0);
	ck_assert_uint_eq(sm->down, 0);
	await(w, memchr(buf_ptr(&c2s->kinds), MSG_BOUNCE, c2s->kinds.len) != NULL);
	raw_free(c2s);
	world_free(w);
}
END_TEST

/* A newer minor's messages pass the router, and are nobody's mistake. */
START_TEST(unknown_kinds)
{
	struct world *w = world_with_router();
	struct node *sm = node_new(w, "sm-1", "sm");
	struct raw *c2s = raw_new(w, "c2s-8", "c2s", 921);
	struct frame f = {.kind = 5000, .from = 921, .tag = 4};
	struct msg_stanza m = {.sid = 1};

	raw_await_linked(c2s);
	await(w, sm->ready && link_member(sm->link, 921) != NULL);
	peer_send_body(c2s->peer, &f); /* to the router */
	f.to = link_id(sm->link);
	peer_send_body(c2s->peer, &f);
	await(w, memchr(buf_ptr(&c2s->kinds), MSG_BOUNCE, c2s->kinds.len) != NULL);
	raw_send(c2s, MSG_STANZA, link_id(sm->link), &m);
	await(w, sm->stanzas == 1);
	ck_assert(!c2s->down);
	raw_free(c2s);
	world_free(w);
}
END_TEST

START_TEST(same_name)
{
	struct world *w = world_with_router();
	struct node *old = node_new(w, "sm-1", "sm"), *watcher = node_new(w, "c2s-1", "c2s");
	uint64_t id = link_id(old->link);
	struct raw *newer;

	await(w, link_member(watcher->link, id) != NULL);
	newer = raw_new(w, "sm-1", "sm", 930);
	raw_await_linked(newer);
	await(w, link_member(watcher->link, 930) != NULL && link_member(watcher->link, id) == NULL);
	await(w, old->down == 1);
	ck_assert_ptr_nonnull(strstr(old->failure, "another instance of that name"));
	ck_assert_uint_eq(log_count("instance replaced by a newer one"), 1);
	/* Another's id is not taken over with another name. */
	raw_free(newer);
	newer = raw_new(w, "c2s-7", "c2s", link_id(watcher->link));
	await(w, newer->refused);
	ck_assert_uint_eq(watcher->down, 0);
	raw_free(newer);
	world_free(w);
}
END_TEST

static void try(struct world *w, const char *name, const char *process, const char *why)
{
	static uint64_t id = 940;
	struct raw *r = raw_new(w, name, process, id++);

	await(w, r->linked || r->refused);
	if (r->linked && why) { /* refused for what it binds */
		raw_await_linked(r);
		await(w, r->down);
		ck_assert_uint_gt(log_count(why), 0);
	} else if (why) {
		ck_assert_ptr_nonnull(strstr(r->reason, why));
	} else {
		ck_assert(r->linked);
	}
	raw_free(r);
}

START_TEST(rules)
{
	char *allow[] = {"sm-* sm sm", "bridge-? component irc.example.org *.example.net", NULL};
	struct world *w = world_new();

	w->routers[0].config.allow = allow;
	router_start(w, 0);
	try(w, "sm-1", "sm", NULL);
	try(w, "smx-1", "sm", "no rule");
	try(w, "sm-1", "auth", "no rule");
	try(w, "bridge-12", "component", "no rule");
	try(w, "bridge-1", "component", "route refused"); /* binds "component" */
	try(w, "ctl-1", "ctl", NULL);
	try(w, "router-1", "sm", "is the router's");
	world_free(w);
}
END_TEST

START_TEST(silence_is_death)
{
	struct world *w = world_new();
	struct node *sm;
	struct raw *mute;

	w->heartbeat_ms = 400;
	router_start(w, 0);
	sm = node_new(w, "sm-1", "sm");
	mute = raw_new(w, "c2s-9", "c2s", 950);
	raw_await_linked(mute);
	await(w, link_member(sm->link, 950) != NULL);
	await(w, mute->down);
	await(w, link_member(sm->link, 950) == NULL);
	/* The one that beats is still there. */
	ck_assert_uint_eq(sm->down, 0);
	ck_assert_uint_ge(log_count("silent"), 1);
	raw_free(mute);
	world_free(w);
}
END_TEST

/* The loop did not run for longer than links live. */
START_TEST(we_were_stopped)
{
	struct world *w = world_new();
	struct node *sm;

	w->heartbeat_ms = 400;
	router_start(w, 0);
	sm = node_new(w, "sm-1", "sm");
	await(w, sm->ready == 1);
	usleep(1300000);
	await(w, sm->ready == 2);
	ck_assert_uint_eq(sm->down, 1);
	ck_assert_uint_eq(sm->all_paths_lost, 1);
	world_free(w);
}
END_TEST

START_TEST(bounded_strangers)
{
	struct world *w = world_new();
	struct raw *r;

	w->routers[0].config.unproven_max = 0;
	router_start(w, 0);
	r = raw_new(w, "sm-1", "sm", 960);
	await(w, r->refused || r->down);
	ck_assert_uint_eq(log_count("too many links"), 1);
	raw_free(r);
	world_free(w);
}
END_TEST

static void stop(void *arg)
{
	loop_stop(arg);
}

START_TEST(drained)
{
	struct world *w = world_with_router();
	struct node *sm = node_new(w, "sm-1", "sm");

	await(w, sm->ready == 1);
	hub_drain(w->routers[0].hub, stop, w->loop);
	loop_run(w->loop);
	world_free(w);
}
END_TEST

Suite *hub_suite(void);
Suite *hub_suite(void)
{
	Suite *s = suite_create("hub");
	TCase *t = tcase_create("hub");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, bounced_when_gone);
	tcase_add_test(t, full_queue);
	tcase_add_test(t, misbehaviour);
	tcase_add_test(t, malformed_body);
	tcase_add_test(t, unknown_kinds);
	tcase_add_test(t, same_name);
	tcase_add_test(t, rules);
	tcase_add_test(t, silence_is_death);
	tcase_add_test(t, we_were_stopped);
	tcase_add_test(t, bounded_strangers);
	tcase_add_test(t, drained);
	suite_add_tcase(s, t);
	return s;
}
