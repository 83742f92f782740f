/* SPDX-License-Identifier: MIT */
/* Questions of administration to other processes, with an end to waiting. */
#include "sm/ask.h"

#include <errno.h>
#include <stdlib.h>

enum { GATHER_MS = 8000, ASK_MS = 15000, TRIES = 40, RETRY_MS = 250 };

/* --- all sm ---------------------------------------------------------------------------------- */

struct asked {
	struct gather *g;
	struct link_request *request; /* NULL: answered */
	char *name;
};

struct gather {
	struct asked *list;
	size_t n, open;
	gather_each_fn *each;
	gather_done_fn *done;
	void *arg;
	struct buf missing;
	struct loop *loop;
	struct loop_task nobody; /* there is no sm to ask: told later, too */
};

void gather_cancel(struct gather *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		link_cancel(g->list[i].request);
		free(g->list[i].name);
	}
	loop_task_cancel(g->loop, &g->nobody);
	buf_free(&g->missing);
	free(g->list);
	free(g);
}

static void finish(void *arg)
{
	struct gather *g = arg;
	struct buf missing = g->missing;
	gather_done_fn *done = g->done;
	void *done_arg = g->arg;

	g->missing = BUF_INIT;
	gather_cancel(g);
	done(done_arg, buf_str(&missing));
	buf_free(&missing);
}

static void answered(void *arg, int err, uint16_t kind, const void *m)
{
	struct asked *a = arg;
	struct gather *g = a->g;

	(void)kind;
	a->request = NULL;
	if (!err && g->each)
		g->each(g->arg, m);
	else if (err)
		buf_printf(&g->missing, "%s%s", g->missing.len ? ", " : "", a->name);
	if (--g->open == 0)
		finish(g);
}

static void add(void *arg, const struct member *m)
{
	struct gather *g = arg;

	g->list = xrealloc(g->list, (g->n + 1) * sizeof *g->list);
	g->list[g->n++] = (struct asked){.g = g, .name = xstrdup(m->name)};
}

struct sending {
	struct gather *g;
	struct sm *sm;
	uint16_t kind;
	const void *m;
	size_t at;
};

static void send_one(void *arg, const struct member *m)
{
	struct sending *s = arg;
	struct frame head = {
		.kind = s->kind, .to = m->id, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
	struct asked *a = &s->g->list[s->at++];

	a->request = link_request(sm_link(s->sm), &head, s->m, GATHER_MS, answered, a);
}

struct gather *gather_sms(struct sm *sm, uint16_t kind, const void *m, gather_each_fn *each,
			  gather_done_fn *done, void *arg)
{
	struct gather *g = xcalloc(1, sizeof *g);
	struct sending s = {.g = g, .sm = sm, .kind = kind, .m = m};

	g->each = each;
	g->done = done;
	g->arg = arg;
	g->loop = sm_loop(sm);
	g->nobody = (struct loop_task){.fn = finish, .arg = g};
	link_serving(sm_link(sm), "sm", add, g);
	g->open = g->n;
	link_serving(sm_link(sm), "sm", send_one, &s);
	if (!g->n)
		loop_defer(g->loop, &g->nobody);
	return g;
}

/* --- one ------------------------------------------------------------------------------------- */

struct ask {
	struct sm *sm;
	struct link_request *request;
	struct loop_timer *retry;
	ask_fn *fn;
	void *arg;
	uint64_t key;
	bool owner; /* of the account; else auth */
	unsigned tries;
	uint16_t kind;
	struct buf body;
};

void ask_cancel(struct ask *a)
{
	if (!a)
		return;
	link_cancel(a->request);
	loop_timer_free(a->retry);
	buf_wipe(&a->body);
	free(a);
}

static void ask_finish(struct ask *a, int err, const void *m)
{
	ask_fn *fn = a->fn;
	void *arg = a->arg;

	a->request = NULL;
	ask_cancel(a);
	fn(arg, err, m);
}

static void replied(void *arg, int err, uint16_t kind, const void *m)
{
	struct ask *a = arg;
	const struct msg_failed *failed = m;

	(void)kind;
	a->request = NULL;
	if (err == -EREMOTEIO && failed)
		err = -failed->code;
	/* It has lost the account on the way, or is about to. */
	if (a->owner && (err == -EHOSTUNREACH || err == -EAGAIN) && ++a->tries < TRIES)
		loop_timer_start(a->retry, RETRY_MS, 0);
	else
		ask_finish(a, err, err ? NULL : m);
}

static void attempt(void *arg)
{
	struct ask *a = arg;
	struct link *k = sm_link(a->sm);
	struct frame head = {.kind = a->kind,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE,
			     .body = buf_str(&a->body)};

	if (a->owner) {
		head.to_shard = (uint16_t)(a->key % SHARDS);
		head.to = link_owner(k, "sm", head.to_shard, &head.to_epoch);
	} else {
		head.to = link_place(k, "auth", a->key);
	}
	if (head.to)
		a->request = link_request(k, &head, NULL, ASK_MS, replied, a);
	else if (++a->tries < TRIES)
		loop_timer_start(a->retry, RETRY_MS, 0);
	else
		ask_finish(a, -EHOSTUNREACH, NULL);
}

static struct ask *ask_new(struct sm *sm, struct str bare, bool owner, uint16_t kind, const void *m,
			   ask_fn *fn, void *arg)
{
	struct ask *a = xcalloc(1, sizeof *a);

	a->sm = sm;
	a->fn = fn;
	a->arg = arg;
	a->owner = owner;
	a->kind = kind;
	a->key = jid_key(bare);
	a->retry = loop_timer_new(sm_loop(sm), attempt, a);
	msg_encode(kind, m, &a->body);
	attempt(a);
	return a;
}

struct ask *ask_owner(struct sm *sm, struct str bare, uint16_t kind, const void *m, ask_fn *fn,
		      void *arg)
{
	return ask_new(sm, bare, true, kind, m, fn, arg);
}

struct ask *ask_auth(struct sm *sm, struct str bare, uint16_t kind, const void *m, ask_fn *fn,
		     void *arg)
{
	return ask_new(sm, bare, false, kind, m, fn, arg);
}
