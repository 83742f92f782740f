/* SPDX-License-Identifier: MIT */
/* Calls on storage: reads go to any instance, writes over the channel of their shard. */
#include "link/store_client.h"

#include <errno.h>
#include "base/random.h"
#include "link/channel_internal.h"

enum { RETRY_FIRST = 20, RETRY_MOST = 1000 }; /* ms */

struct store_read {
	struct link *link;
	struct link_request *request;
	struct loop_timer *retry;
	store_read_fn *fn;
	void *arg;
	uint64_t key; /* of placement, another one at each attempt */
	uint64_t deadline;
	unsigned failures;
	int err; /* of the last */
	uint32_t timeout_ms;
	size_t len;
	char body[];
};

static void read_attempt(void *arg);

static void read_free(struct store_read *r)
{
	link_cancel(r->request);
	loop_timer_free(r->retry);
	free(r);
}

static void read_finish(struct store_read *r, int err, const struct msg_found *m)
{
	store_read_fn *fn = r->fn;
	void *arg = r->arg;

	r->request = NULL;
	read_free(r);
	if (err < 0)
		fn(arg, err, NULL, 0);
	else
		fn(arg, 0, m->results, m->nresults);
}

/* That instance is gone or hangs: another one, or the same a little later. */
static void read_again(struct store_read *r, int err)
{
	uint64_t now = loop_now(link_loop(r->link));
	uint64_t ms = (uint64_t)RETRY_FIRST << (r->failures < 6 ? r->failures : 6);

	r->request = NULL;
	r->failures++;
	r->err = err;
	if (now >= r->deadline) {
		read_finish(r, err, NULL);
		return;
	}
	if (ms > RETRY_MOST)
		ms = RETRY_MOST;
	if (ms > r->deadline - now)
		ms = r->deadline - now;
	loop_timer_start(r->retry, ms, 0);
}

static void on_found(void *arg, int err, uint16_t kind, const void *m)
{
	struct store_read *r = arg;

	if (err == -EHOSTUNREACH || err == -ETIMEDOUT)
		read_again(r, err);
	else if (err == 0 && kind != MSG_FOUND)
		read_finish(r, -EPROTO, NULL);
	else
		read_finish(r, err, m);
}

static void count_one(void *arg, const struct member *m)
{
	++*(size_t *)arg;
}

/* Where others could answer, one that hangs does not get all the time. */
static uint32_t attempt_ms(const struct store_read *r)
{
	enum { LEAST = 1000 };
	uint64_t left = r->deadline - loop_now(link_loop(r->link));
	uint64_t part = r->timeout_ms / 3 > LEAST ? r->timeout_ms / 3 : LEAST;
	size_t instances = 0;

	link_serving(r->link, "storage", count_one, &instances);
	return (uint32_t)(instances > 1 && part < left ? part : left);
}

static void read_attempt(void *arg)
{
	struct store_read *r = arg;
	struct frame head = {
		.kind = MSG_READ,
		.to = link_place(r->link, "storage", hash64_pair(r->key, r->failures)),
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
		.body = str_n(r->body, r->len),
	};

	if (loop_now(link_loop(r->link)) >= r->deadline)
		read_finish(r, r->err, NULL);
	else if (!head.to)
		read_again(r, -EHOSTUNREACH);
	else
		r->request = link_request(r->link, &head, NULL, attempt_ms(r), on_found, r);
}

struct store_read *store_read(struct link *k, const struct msg_read_op *ops, size_t n,
			      uint32_t timeout_ms, store_read_fn *fn, void *arg)
{
	struct msg_read m = {.ops = (struct msg_read_op *)ops, .nops = n};
	size_t len = msg_length(MSG_READ, &m);
	struct store_read *r = xcalloc(1, sizeof *r + len);

	r->link = k;
	r->fn = fn;
	r->arg = arg;
	r->key = random_u64();
	r->timeout_ms = timeout_ms > 0 ? timeout_ms : 1; /* the callback never comes from in here */
	r->deadline = loop_now(link_loop(k)) + r->timeout_ms;
	r->retry = loop_timer_new(link_loop(k), read_attempt, r);
	r->len = len;
	msg_put(MSG_READ, &m, r->body);
	read_attempt(r);
	return r;
}

void store_read_cancel(struct store_read *r)
{
	if (r)
		read_free(r);
}

static void written(struct channel_item *i, int err, uint16_t kind, const void *m)
{
	store_write_fn *fn = (store_write_fn *)(void (*)(void))i->fn;
	const struct msg_written *w = m;
	const struct msg_failed *f = m;

	if (err == 0 && kind == MSG_WRITTEN)
		fn(i->arg, w->status, w->text);
	else if (err == -EREMOTEIO)
		fn(i->arg, STORE_FAILED, f->text);
	else
		fn(i->arg, STORE_FAILED, STR("storage answered with another message"));
}

struct channel_item *store_write(struct channels *c, uint16_t shard, uint32_t epoch,
				 uint32_t write_epoch, const struct msg_write_op *ops, size_t n,
				 store_write_fn *fn, void *arg)
{
	struct msg_write m = {
		.ops = (struct msg_write_op *)ops,
		.nops = n,
		.request = random_u64(),
		.write_epoch = write_epoch,
	};
	struct channel_send s = {
		.route = "storage",
		.to_shard = SHARD_NONE,
		.from_shard = shard,
		.from_epoch = epoch,
		.kind = MSG_WRITE,
		.m = &m,
		.fn = (link_reply_fn *)(void (*)(void))fn,
		.arg = arg,
	};

	return channel_send_as(c, &s, written);
}
