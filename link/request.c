/* SPDX-License-Identifier: MIT */
/* Requests: found by tag, ordered by deadline on one timer, failed at once when their way is. */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "link/link_internal.h"

struct link_request {
	struct link *link;
	uint32_t tag;
	uint16_t reply; /* the kind of a good answer */
	uint64_t to;
	int way; /* it went through; -1: to ourselves */
	uint64_t deadline;
	size_t heap_at;
	link_reply_fn *fn;
	void *arg;
	int err; /* of a finished one */
	bool is_finished;
	struct link_request *next; /* finished */
};

enum { FIRST_SLOTS = 64 };

/* --- the heap of deadlines --------------------------------------------------------------------- */

static void heap_set(struct link *k, size_t i, struct link_request *r)
{
	k->heap[i] = r;
	r->heap_at = i;
}

static void heap_up(struct link *k, size_t i)
{
	struct link_request *r = k->heap[i];

	for (; i > 0 && r->deadline < k->heap[(i - 1) / 2]->deadline; i = (i - 1) / 2)
		heap_set(k, i, k->heap[(i - 1) / 2]);
	heap_set(k, i, r);
}

static void heap_down(struct link *k, size_t i)
{
	struct link_request *r = k->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= k->heap_len)
			break;
		if (child + 1 < k->heap_len &&
		    k->heap[child + 1]->deadline < k->heap[child]->deadline)
			child++;
		if (r->deadline <= k->heap[child]->deadline)
			break;
		heap_set(k, i, k->heap[child]);
		i = child;
	}
	heap_set(k, i, r);
}

static void heap_remove(struct link *k, struct link_request *r)
{
	size_t i = r->heap_at;
	struct link_request *last = k->heap[--k->heap_len];

	if (last == r)
		return;
	heap_set(k, i, last);
	heap_up(k, i);
	heap_down(k, last->heap_at);
}

static void arm(struct link *k)
{
	uint64_t now = loop_now(k->loop);

	if (!k->heap_len)
		loop_timer_stop(k->request_timer);
	else
		loop_timer_start(k->request_timer,
				 k->heap[0]->deadline > now ? k->heap[0]->deadline - now : 0, 0);
}

static void heap_add(struct link *k, struct link_request *r)
{
	if (k->heap_len == k->heap_cap) {
		k->heap_cap = k->heap_cap ? 2 * k->heap_cap : FIRST_SLOTS;
		k->heap = xrealloc(k->heap, k->heap_cap * sizeof(struct link_request *));
	}
	heap_set(k, k->heap_len, r);
	heap_up(k, k->heap_len++);
	/* The timer may fire early for a request that is gone; it need never be set back. */
	if (r->heap_at == 0)
		arm(k);
}

/* --- the table of tags ------------------------------------------------------------------------- */

static struct link_request **slot(struct link *k, uint32_t tag)
{
	return &k->requests[tag & (k->request_slots - 1)];
}

/* Tags are given in order, so those of a table twice as large do not meet where those of this one
 * did not. */
static void grow(struct link *k)
{
	struct link_request **old = k->requests;
	size_t n = k->request_slots;

	k->request_slots = n ? 2 * n : FIRST_SLOTS;
	k->requests = xcalloc(k->request_slots, sizeof(struct link_request *));
	for (size_t i = 0; i < n; i++) {
		if (old[i])
			*slot(k, old[i]->tag) = old[i];
	}
	free(old);
}

static void table_add(struct link *k, struct link_request *r)
{
	if (2 * (k->nrequests + 1) > k->request_slots)
		grow(k);
	do {
		k->last_tag++;
	} while (!k->last_tag || *slot(k, k->last_tag));
	r->tag = k->last_tag;
	*slot(k, r->tag) = r;
	k->nrequests++;
}

static struct link_request *table_find(struct link *k, uint32_t tag)
{
	struct link_request *r = k->request_slots && tag ? *slot(k, tag) : NULL;

	return r && r->tag == tag ? r : NULL;
}

static void unlink_request(struct link_request *r)
{
	*slot(r->link, r->tag) = NULL;
	r->link->nrequests--;
	heap_remove(r->link, r);
}

/* --- ends -------------------------------------------------------------------------------------- */

/* Its callback comes by itself, at the end of this turn. */
static void finish(struct link_request *r, int err)
{
	struct link *k = r->link;

	unlink_request(r);
	r->err = err;
	r->is_finished = true;
	r->next = k->finished;
	k->finished = r;
	loop_defer(k->loop, &k->finished_task);
}

static void run_finished(void *arg)
{
	struct link *k = arg;

	link_enter(k);
	while (!k->freed && k->finished) {
		struct link_request r = *k->finished;

		free(k->finished);
		k->finished = r.next;
		r.fn(r.arg, r.err, 0, NULL);
	}
	link_leave(k);
}

static void on_deadline(void *arg)
{
	struct link *k = arg;
	uint64_t now = loop_now(k->loop);

	link_enter(k);
	while (!k->freed && k->heap_len && k->heap[0]->deadline <= now)
		finish(k->heap[0], -ETIMEDOUT);
	if (link_leave(k))
		arm(k);
}

void requests_init(struct link *k)
{
	k->request_timer = loop_timer_new(k->loop, on_deadline, k);
	k->finished_task = (struct loop_task){.fn = run_finished, .arg = k};
}

void requests_deinit(struct link *k)
{
	loop_task_cancel(k->loop, &k->finished_task);
	loop_timer_free(k->request_timer);
	for (size_t i = 0; i < k->request_slots; i++)
		free(k->requests[i]);
	free(k->requests);
	free(k->heap);
	while (k->finished) {
		struct link_request *r = k->finished;

		k->finished = r->next;
		free(r);
	}
}

struct link_request *link_request(struct link *k, const struct frame *head, const void *m,
				  uint32_t timeout_ms, link_reply_fn *fn, void *arg)
{
	struct link_request *r = xcalloc(1, sizeof(*r));
	struct frame f = *head;
	int err;

	r->link = k;
	r->reply = msg_reply_kind(head->kind);
	r->to = head->to;
	r->way = -1;
	r->deadline = loop_now(k->loop) + timeout_ms;
	r->fn = fn;
	r->arg = arg;
	table_add(k, r);
	heap_add(k, r);
	f.tag = r->tag;
	f.remaining_ms = timeout_ms;
	err = link_send_frame(k, &f, m, &r->way);
	if (err < 0)
		finish(r, err);
	return r;
}

void link_cancel(struct link_request *r)
{
	struct link_request **at;

	if (!r)
		return;
	if (!r->is_finished) {
		unlink_request(r);
	} else {
		for (at = &r->link->finished; *at != r; at = &(*at)->next)
			;
		*at = r->next;
	}
	free(r);
}

bool request_answered(struct link *k, const struct frame *f, const void *m)
{
	struct link_request *r;
	link_reply_fn *fn;
	void *arg;
	int err;

	if (f->flags & FRAME_CHANNEL || f->kind == MSG_BOUNCE)
		return false;
	r = table_find(k, f->tag);
	if (!r || r->to != f->from)
		return true; /* late: it was cancelled or has failed */
	fn = r->fn;
	arg = r->arg;
	err = f->kind == r->reply ? 0 : f->kind == MSG_FAILED ? -EREMOTEIO : -EPROTO;
	unlink_request(r);
	free(r);
	fn(arg, err, f->kind, err == -EPROTO ? NULL : m);
	return true;
}

bool request_bounced(struct link *k, const struct frame *f)
{
	struct link_request *r;

	if (f->flags & FRAME_CHANNEL)
		return false;
	r = table_find(k, f->tag);
	if (!r || r->to != f->from)
		return false;
	finish(r, -EHOSTUNREACH);
	return true;
}

/* Oldest first is not kept: they fail in no promised order. */
static void fail_some(struct link *k, uint64_t to, int way)
{
	for (size_t i = 0; i < k->request_slots; i++) {
		struct link_request *r = k->requests[i];

		if (r && ((to && r->to == to) || (way >= 0 && r->way == way)))
			finish(r, -EHOSTUNREACH);
	}
}

void requests_member_lost(struct link *k, uint64_t id)
{
	fail_some(k, id, -1);
}

void requests_way_lost(struct link *k, unsigned index)
{
	fail_some(k, 0, (int)index);
}
