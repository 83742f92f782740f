/* SPDX-License-Identifier: MIT */
/* Sending to an instance, receiving from one, answers, bounces, frames to ourselves. */
#include <errno.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/link_internal.h"

/* --- sending ----------------------------------------------------------------------------------- */

static void send_to_self(struct link *k, const struct frame *f, const void *m)
{
	size_t n = m ? msg_length(f->kind, m) : f->body.len;
	char *at = buf_reserve(&k->self_queue, FRAME_HEAD + n);

	frame_head_write(f, n, at);
	if (m)
		msg_put(f->kind, m, at + FRAME_HEAD);
	else if (n)
		memcpy(at + FRAME_HEAD, f->body.ptr, n);
	buf_added(&k->self_queue, FRAME_HEAD + n);
	k->self_secret |= (f->flags & FRAME_SECRET) != 0;
	loop_defer(k->loop, &k->self_task);
}

/* Frames that these cause come in the same turn's next round. */
void link_self_task(void *arg)
{
	struct link *k = arg;
	struct buf q = k->self_queue;
	bool secret = k->self_secret;
	struct str rest = buf_str(&q);
	struct frame f;
	long n;

	k->self_queue = BUF_INIT;
	k->self_secret = false;
	link_enter(k);
	while (!k->freed && (n = frame_read(rest, SIZE_MAX / 2, &f)) > 0) {
		rest.ptr += n;
		rest.len -= (size_t)n;
		link_receive(k, NULL, &f);
	}
	link_leave(k);
	if (secret)
		buf_wipe(&q);
	buf_free(&q);
}

static uint16_t demanded_flags(const struct frame *f)
{
	uint16_t flags = f->flags;

	if (msg_secret(f->kind))
		flags |= FRAME_SECRET;
	if (msg_is_reply(f->kind))
		flags |= FRAME_REPLY;
	if (msg_is_control(f->kind))
		flags |= FRAME_CONTROL;
	return flags;
}

/* Unique in the cluster, and cheap: a random start for each run, counted on. */
static uint64_t make_trace(struct link *k)
{
	return hash64_pair(k->trace_base, ++k->trace_count);
}

int link_send_frame(struct link *k, const struct frame *head, const void *m, int *ret_way)
{
	struct frame f = *head;
	struct link_member *e;
	struct way *w;

	f.from = k->self.id;
	f.flags = demanded_flags(head);
	if (!f.trace)
		f.trace = make_trace(k);
	if (k->nwatchers)
		trace_frame(k, false, &f, m);
	if (f.to == k->self.id) {
		send_to_self(k, &f, m);
		return 0;
	}
	e = member_find(k, f.to);
	if (!e)
		return -EHOSTUNREACH;
	if (!e->is_peer)
		return -EPERM;
	w = f.way ? member_way_back(k, e, f.way - 1u) : member_way(k, e);
	if (!w)
		return -EHOSTUNREACH;
	*ret_way = (int)w->index;
	return way_send(w, &f, m);
}

int link_send(struct link *k, const struct frame *head, const void *m)
{
	int way;

	return link_send_frame(k, head, m, &way);
}

int link_send_body(struct link *k, const struct frame *head)
{
	int way;

	return link_send_frame(k, head, NULL, &way);
}

/* What is given to a session comes behind the answer that begins it, by the one way for all. */
static bool begins_session(uint16_t kind)
{
	return kind == MSG_SESSION_OPENED || kind == MSG_SESSION_RESUMED;
}

/* By the router that the request came by: when that dies, whoever asked hears of it and asks again. Another
 * may have died unknown to us, after he has heard and asked by this one. */
void link_reply(struct link *k, const struct frame *request, uint16_t kind, const void *m)
{
	struct frame f = {
		.way = begins_session(kind) ? 0 : request->way,
		.kind = kind,
		.flags = FRAME_REPLY | (request->flags & FRAME_CHANNEL),
		.tag = request->tag,
		.trace = request->trace,
		.to = request->from,
		.from_shard = request->to_shard,
		.to_shard = request->from_shard,
		.from_epoch = request->to_epoch,
		.to_epoch = request->from_epoch,
		.run = request->run,
		.number = request->number,
	};

	/* Whoever asked may be gone; nobody waits for the answer then. */
	if (link_send(k, &f, m) == -EMSGSIZE && kind != MSG_FAILED)
		link_fail(k, request, -EMSGSIZE, "the answer is longer than a frame may be");
}

void link_fail(struct link *k, const struct frame *request, int err, const char *text)
{
	struct msg_failed m = {.code = (uint16_t)(err < 0 ? -err : err), .text = str_z(text)};

	link_reply(k, request, MSG_FAILED, &m);
}

void link_bounce(struct link *k, const struct frame *f, uint8_t why, uint32_t epoch)
{
	struct msg_bounce m = {.kind = f->kind, .why = why, .epoch = epoch};
	struct frame b = frame_keep(f);

	if (f->kind == MSG_BOUNCE)
		return;
	b.kind = MSG_BOUNCE;
	b.flags = (uint16_t)(f->flags & ~FRAME_SECRET);
	b.to = f->from;
	b.to_epoch = epoch;
	link_send(k, &b, &m);
}

/* --- receiving --------------------------------------------------------------------------------- */

static void call_handlers(struct link *k, const struct frame *f, const void *m)
{
	const struct link_handler_list *list = &k->handlers[f->kind];

	for (size_t i = 0; i < list->n && !k->freed; i++)
		list->entries[i].fn(list->entries[i].arg, f, m);
}

static void on_unknown(struct link *k, const struct frame *f)
{
	for (size_t i = 0; i < k->nlisteners && !k->freed; i++) {
		const struct link_listener *l = &k->listeners[i];

		if (l->ops && l->ops->unknown)
			l->ops->unknown(l->arg, f);
	}
	/* Somebody waits for an answer: better none at once than none at the deadline. */
	if (!k->freed && f->tag && !(f->flags & FRAME_REPLY))
		link_bounce(k, f, 3, 0);
}

static void handle(struct link *k, const struct frame *f, const void *m)
{
	if (f->kind == MSG_TRACE_START) {
		trace_start(k, f, m);
		return;
	}
	if (f->kind == MSG_TRACE_STOP) {
		trace_stop(k, f->from);
		return;
	}
	/* That an answer did not arrive concerns nobody here; its tag is the other side's. */
	if (f->kind == MSG_BOUNCE && (f->flags & FRAME_REPLY || request_bounced(k, f)))
		return;
	if (f->flags & FRAME_REPLY && request_answered(k, f, m))
		return;
	if (k->handlers[f->kind].n)
		call_handlers(k, f, m);
	else if (msg_reply_kind(f->kind) && !(f->flags & FRAME_REPLY))
		link_fail(k, f, -ENOSYS, "this process does not answer that");
}

/* A body that does not decode is its sender's fault, not that of the router between: the sender
 * hears that we do not understand it, and whoever runs us reads it in the log. */
static void malformed(struct link *k, const struct frame *f)
{
	link_notice(k, &(struct link_notice){.kind = LINK_N_MALFORMED,
					     .err = -EPROTO,
					     .message = f->kind,
					     .from = f->from});
	if (!k->freed)
		link_bounce(k, f, 3, 0);
}

/* The pool is the link's, unless a handler is running and has its message in it. */
static struct pool *take_pool(struct link *k)
{
	if (k->pool_busy)
		return pool_new();
	k->pool_busy = true;
	return k->pool;
}

static void give_pool(struct link *k, struct pool *p)
{
	if (k->freed) {
		if (p != k->pool)
			pool_free(p);
		return;
	}
	if (p == k->pool) {
		k->pool_busy = false;
		pool_reset(p);
	} else {
		pool_free(p);
	}
}

void link_dispatch(struct link *k, const struct frame *f)
{
	struct pool *p;
	void *m;
	int r;

	link_enter(k);
	if (!msg_size(f->kind)) {
		on_unknown(k, f);
		link_leave(k);
		return;
	}
	p = take_pool(k);
	m = pool_alloc(p, msg_size(f->kind));
	r = msg_decode(f->kind, p, f->body, m);
	if (r < 0) {
		malformed(k, f);
	} else {
		if (k->nwatchers)
			trace_frame(k, true, f, m);
		handle(k, f, m);
	}
	give_pool(k, p);
	link_leave(k);
}

/* w NULL: from ourselves. */
void link_receive(struct link *k, struct way *w, const struct frame *f)
{
	struct link_member *e = w ? member_find(k, f->from) : k->me;
	struct frame came = *f;

	/* What did not reach one who is gone: we have been told, and acted. */
	if (!e && f->kind == MSG_BOUNCE)
		return;
	/* The router has checked the sender's kind as well; this is the second lock. */
	if (!e || !e->is_peer || f->to != k->self.id || !msg_may_bits(f->kind, e->bit, k->bit)) {
		link_notice(k, &(struct link_notice){.kind = LINK_N_FORBIDDEN,
						     .router = w ? w->address : NULL,
						     .err = -EPERM,
						     .message = f->kind,
						     .from = f->from});
		return;
	}
	if (w)
		e->came |= UINT32_C(1) << w->index;
	came.way = w ? (uint8_t)(w->index + 1) : 0;
	link_dispatch(k, &came);
}
