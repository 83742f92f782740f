/* SPDX-License-Identifier: MIT */
/* The double of link.h and of the loop's timers. */
#include "tests/unit/link/fake_link.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/random.h"

enum { MOST_MEMBERS = 32, MOST_LISTENERS = 8, MOST_FRAMES = 200000, MOST_PLACES = 4 };

struct loop_timer {
	struct loop_timer *prev, *next;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	uint64_t due, repeat; /* due 0: stopped */
};

struct loop {
	uint64_t now;
	struct loop_timer *timers;
	struct loop_task *tasks;
	struct loop_timeout *timeouts;
};

struct link_request {
	struct link *link;
	struct fake_request r;
	link_reply_fn *fn;
	void *arg;
	bool gone;
};

struct link {
	struct loop loop;
	uint64_t id;
	bool ready, unreachable, unbound;
	size_t max_frame;
	struct member members[MOST_MEMBERS];
	struct member_bind binds[MOST_MEMBERS];
	size_t nmembers;
	struct {
		uint64_t owner;
		uint32_t epoch;
	} owners[SHARDS];
	struct {
		const char *route;
		uint64_t instance;
	} places[MOST_PLACES];
	struct {
		const struct link_handler *table;
		void *arg;
	} handlers[MOST_LISTENERS];
	struct {
		const struct link_ops *ops;
		void *arg;
	} listeners[MOST_LISTENERS];
	size_t nhandlers, nlisteners;
	struct fake_frame *out;
	size_t nout, bound, freed;
	struct link_request *requests[64];
	size_t nrequests;
};

/* The loop: time is the test's. */

uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	DL_APPEND(l->timers, t);
	return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	t->due = t->loop->now + ms;
	t->repeat = repeat_ms;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->due = 0;
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (t) {
		DL_DELETE(t->loop->timers, t);
		free(t);
	}
	return NULL;
}

void loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	DL_APPEND(l->tasks, t);
}

void loop_task_cancel(struct loop *l, struct loop_task *t)
{
	if (!t->queued)
		return;
	t->queued = false;
	DL_DELETE(l->tasks, t);
}

void loop_timeout_start(struct loop *l, struct loop_timeout *t, unsigned seconds)
{
	loop_timeout_stop(l, t);
	t->due = l->now + seconds * 1000;
	DL_APPEND(l->timeouts, t);
}

void loop_timeout_stop(struct loop *l, struct loop_timeout *t)
{
	if (t->due)
		DL_DELETE(l->timeouts, t);
	t->due = 0;
}

void fake_turn(struct link *k)
{
	struct loop_task *t;

	while ((t = k->loop.tasks)) {
		loop_task_cancel(&k->loop, t);
		t->fn(t->arg);
	}
}

static bool fire_one(struct loop *l)
{
	struct loop_timer *t;
	struct loop_timeout *o;

	DL_FOREACH (l->timers, t) {
		if (!t->due || t->due > l->now)
			continue;
		t->due = t->repeat ? l->now + t->repeat : 0;
		t->fn(t->arg);
		return true;
	}
	DL_FOREACH (l->timeouts, o) {
		if (o->due > l->now)
			continue;
		loop_timeout_stop(l, o);
		o->fn(o->arg);
		return true;
	}
	return false;
}

void fake_advance(struct link *k, uint64_t ms)
{
	uint64_t end = k->loop.now + ms;

	fake_turn(k);
	while (k->loop.now < end) {
		k->loop.now += end - k->loop.now < 10 ? end - k->loop.now : 10;
		while (fire_one(&k->loop))
			fake_turn(k);
	}
}

void fake_sleep(struct link *k, uint64_t ms)
{
	k->loop.now += ms;
}

/* Membership and owners. */

static struct member *member_find(const struct link *k, uint64_t id)
{
	for (size_t n = 0; n < k->nmembers; n++) {
		if (k->members[n].id == id)
			return (struct member *)&k->members[n];
	}
	return NULL;
}

void fake_event(struct link *k, enum link_event e, uint64_t member)
{
	for (size_t n = 0; n < k->nlisteners; n++)
		k->listeners[n].ops->event(k->listeners[n].arg, e, member_find(k, member));
}

void fake_ready(struct link *k, bool ready)
{
	k->ready = ready;
	fake_event(k, ready ? LINK_READY : LINK_PATH_LOST, 0);
}

void fake_member(struct link *k, uint64_t id, const char *process, const char *route, bool shard)
{
	size_t n = 0;

	while (n < k->nmembers && k->members[n].id != id)
		n++;
	if (n == k->nmembers) /* not a new one that serves something else now */
		n = 0;
	while (n < k->nmembers && k->members[n].id && k->members[n].id != id)
		n++;
	if (n == k->nmembers)
		k->nmembers++;
	k->binds[n] = (struct member_bind){route, shard};
	k->members[n] = (struct member){.id = id,
					.name = process,
					.process = process,
					.nbinds = route ? 1 : 0,
					.binds = &k->binds[n]};
	fake_event(k, LINK_MEMBER, id);
}

/* As the real one: the member's shards are free, and it is placed no more. */
void fake_member_lost(struct link *k, uint64_t id)
{
	struct member was = *member_find(k, id);

	member_find(k, id)->id = 0;
	for (size_t i = 0; i < SHARDS; i++) {
		if (k->owners[i].owner == id)
			k->owners[i].owner = 0;
	}
	for (size_t n = 0; n < k->nlisteners; n++)
		k->listeners[n].ops->event(k->listeners[n].arg, LINK_MEMBER_LOST, &was);
}

void fake_owner(struct link *k, uint16_t shard, uint64_t owner, uint32_t epoch)
{
	k->owners[shard].owner = owner;
	if (epoch > k->owners[shard].epoch)
		k->owners[shard].epoch = epoch;
}

void fake_place(struct link *k, const char *route, uint64_t instance)
{
	size_t n = 0;

	while (k->places[n].route && strcmp(k->places[n].route, route) != 0)
		n++;
	k->places[n].route = route;
	k->places[n].instance = instance;
}

void fake_max_frame(struct link *k, size_t bytes)
{
	k->max_frame = bytes;
}

void fake_unreachable(struct link *k, bool unreachable)
{
	k->unreachable = unreachable;
}

uint64_t link_id(const struct link *k)
{
	return k->id;
}

const char *link_name(const struct link *k)
{
	return "fake-1";
}

bool link_ready(const struct link *k)
{
	return k->ready;
}

uint64_t link_heartbeat_ms(const struct link *k)
{
	return 1000;
}

size_t link_max_frame(const struct link *k)
{
	return k->max_frame ? k->max_frame : 1 << 20;
}

struct loop *link_loop(struct link *k)
{
	return &k->loop;
}

const struct member *link_member(const struct link *k, uint64_t id)
{
	return id ? member_find(k, id) : NULL;
}

void link_members(const struct link *k, void (*fn)(void *arg, const struct member *m), void *arg)
{
	for (size_t n = 0; n < k->nmembers; n++) {
		if (k->members[n].id)
			fn(arg, &k->members[n]);
	}
}

static bool member_serves(const struct member *m, const char *route)
{
	return m->id && m->nbinds && !strcmp(m->binds[0].route, route);
}

void link_serving(const struct link *k, const char *route,
		  void (*fn)(void *arg, const struct member *m), void *arg)
{
	for (size_t n = 0; n < k->nmembers; n++) {
		if (member_serves(&k->members[n], route))
			fn(arg, &k->members[n]);
	}
}

uint64_t link_place(const struct link *k, const char *route, uint64_t key)
{
	uint64_t best = 0, weight = 0;

	for (size_t n = 0; n < MOST_PLACES && k->places[n].route; n++) {
		if (!strcmp(k->places[n].route, route) && k->places[n].instance)
			return k->places[n].instance;
	}
	for (size_t n = 0; n < k->nmembers; n++) {
		uint64_t w = hash64_pair(k->members[n].id, key);

		if (!member_serves(&k->members[n], route) || w < weight)
			continue;
		best = k->members[n].id;
		weight = w;
	}
	return best;
}

uint64_t link_owner(const struct link *k, const char *route, uint16_t shard, uint32_t *ret_epoch)
{
	*ret_epoch = k->owners[shard].epoch;
	return k->owners[shard].owner;
}

void link_shards_bind(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fake_owner(k, s[i].shard, k->id, s[i].epoch);
	k->bound += n;
	fake_event(k, LINK_SHARDS, 0);
}

void link_shards_free(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (k->owners[s[i].shard].owner == k->id)
			k->owners[s[i].shard].owner = 0;
	}
	k->freed += n;
	fake_event(k, LINK_SHARDS, 0);
}

void link_bind(struct link *k, const struct msg_bind *binds, size_t n)
{
	k->unbound = n == 0;
}

size_t fake_bound(const struct link *k)
{
	return k->bound;
}

size_t fake_freed(const struct link *k)
{
	return k->freed;
}

bool fake_unbound(const struct link *k)
{
	return k->unbound;
}

/* Frames. */

static struct str body_copy(struct str body)
{
	return str_n(xmemdup(body.ptr ? body.ptr : "", body.len ? body.len : 1), body.len);
}

static void out_add(struct link *k, const struct frame *f, enum fake_how how, uint8_t why,
		    uint32_t epoch)
{
	struct fake_frame *o = &k->out[k->nout++];

	if (k->nout > MOST_FRAMES)
		abort();
	*o = (struct fake_frame){*f, how, why, epoch};
	o->f.body = body_copy(f->body);
}

int link_send_body(struct link *k, const struct frame *head)
{
	struct frame f = *head;

	if (k->unreachable || !head->to)
		return -EHOSTUNREACH;
	if (FRAME_HEAD + head->body.len > link_max_frame(k))
		return -EMSGSIZE;
	f.from = k->id;
	out_add(k, &f, FAKE_SENT, 0, 0);
	return 0;
}

void link_bounce(struct link *k, const struct frame *f, uint8_t why, uint32_t epoch)
{
	out_add(k, f, FAKE_BOUNCED, why, epoch);
}

void link_handlers(struct link *k, const struct link_handler *handlers, void *arg)
{
	k->handlers[k->nhandlers].table = handlers;
	k->handlers[k->nhandlers++].arg = arg;
}

void link_events(struct link *k, const struct link_ops *ops, void *arg)
{
	k->listeners[k->nlisteners].ops = ops;
	k->listeners[k->nlisteners++].arg = arg;
}

void link_dispatch(struct link *k, const struct frame *f)
{
	struct pool *p = pool_new();
	void *m = pool_calloc(p, msg_size(f->kind));
	const struct link_handler *h;

	if (msg_decode(f->kind, p, f->body, m) < 0)
		abort();
	for (size_t n = 0; n < k->nhandlers; n++) {
		for (h = k->handlers[n].table; h->kind; h++) {
			if (h->kind == f->kind)
				h->fn(k->handlers[n].arg, f, m);
		}
	}
	pool_free(p);
}

void fake_receive(struct link *k, struct frame f, const void *m)
{
	struct buf b = BUF_INIT;

	if (m) {
		msg_encode(f.kind, m, &b);
		f.body = buf_str(&b);
	}
	link_dispatch(k, &f);
	buf_free(&b);
}

void fake_reply(struct link *k, const struct frame *sent, uint16_t kind, const void *m)
{
	struct frame f = *sent;

	f.kind = kind;
	f.flags = FRAME_REPLY | (sent->flags & FRAME_CHANNEL);
	f.from = sent->to;
	f.to = sent->from;
	fake_receive(k, f, m);
}

void fake_bounce(struct link *k, const struct frame *sent, uint8_t why, uint32_t epoch)
{
	struct msg_bounce b = {.kind = sent->kind, .why = why, .epoch = epoch};
	struct frame f = *sent;

	f.kind = MSG_BOUNCE;
	f.from = sent->to;
	f.to = sent->from;
	fake_receive(k, f, &b);
}

size_t fake_sent(const struct link *k)
{
	return k->nout;
}

struct fake_frame *fake_out(struct link *k, size_t n)
{
	if (n >= k->nout)
		abort();
	return &k->out[n];
}

void fake_forget(struct link *k)
{
	while (k->nout)
		free((char *)k->out[--k->nout].f.body.ptr);
}

/* Requests. */

struct link_request *link_request(struct link *k, const struct frame *head, const void *m,
				  uint32_t timeout_ms, link_reply_fn *fn, void *arg)
{
	struct link_request *r = xcalloc(1, sizeof *r);
	struct buf b = BUF_INIT;

	r->link = k;
	r->r.f = *head;
	if (m)
		msg_encode(head->kind, m, &b);
	r->r.f.body = body_copy(m ? buf_str(&b) : head->body);
	buf_free(&b);
	r->r.timeout_ms = timeout_ms;
	r->fn = fn;
	r->arg = arg;
	k->requests[k->nrequests++] = r;
	return r;
}

static void request_remove(struct link *k, size_t n)
{
	free((char *)k->requests[n]->r.f.body.ptr);
	free(k->requests[n]);
	memmove(&k->requests[n], &k->requests[n + 1], sizeof k->requests[0] * (--k->nrequests - n));
}

void link_cancel(struct link_request *r)
{
	for (size_t n = 0; r && n < r->link->nrequests; n++) {
		if (r->link->requests[n] == r) {
			request_remove(r->link, n);
			return;
		}
	}
	if (r)
		abort(); /* answered before, or never asked */
}

size_t fake_requests(const struct link *k)
{
	return k->nrequests;
}

struct fake_request *fake_request(struct link *k, size_t n)
{
	if (n >= k->nrequests)
		abort();
	return &k->requests[n]->r;
}

void fake_answer(struct link *k, size_t n, int err, uint16_t kind, const void *m)
{
	link_reply_fn *fn = k->requests[n]->fn;
	void *arg = k->requests[n]->arg;

	request_remove(k, n);
	fn(arg, err, kind, m);
}

void fake_bounces(struct link *far, struct link *k, uint32_t epoch)
{
	for (size_t i = 0; i < fake_sent(far); i++) {
		struct frame f = fake_out(far, i)->f;

		f.body = STR_NONE;
		fake_bounce(k, &f, fake_out(far, i)->why, epoch);
	}
	fake_forget(far);
}

struct link *fake_new(uint64_t id)
{
	struct link *k = xcalloc(1, sizeof *k);

	k->id = id;
	k->ready = true;
	k->loop.now = 1000000;
	k->out = xcalloc(MOST_FRAMES, sizeof *k->out);
	return k;
}

/* Timers that their owners have not freed are leaks that the sanitizer reports. */
struct link *fake_free(struct link *k)
{
	fake_forget(k);
	while (k->nrequests)
		request_remove(k, 0);
	free(k->out);
	free(k);
	return NULL;
}
