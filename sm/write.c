/* SPDX-License-Identifier: MIT */
/* Modules' reads and writes of an account's rows, and what waits for their answers. */
#include <errno.h>
#include <utlist.h>
#include "sm/sm_internal.h"

enum { READ_TIMEOUT_MS = 10000 };

struct wait {
	struct wait *prev, *next;
	struct user *user;
	struct txn *txn;
	struct channel_item *write;
	struct store_read *read;
	user_write_fn *wrote;
	user_read_fn *got;
	void *arg;
	void (*free_arg)(void *arg);
	struct loop_task nothing; /* answers what a temporary account has not written */
};

static struct wait *wait_new(struct user *u, struct txn *t, void *arg, void (*free_arg)(void *))
{
	struct wait *w = xcalloc(1, sizeof *w);

	w->user = u;
	w->txn = t;
	w->arg = arg;
	w->free_arg = free_arg;
	txn_hold(t);
	u->busy++;
	DL_APPEND(u->waits, w);
	return w;
}

static void wait_end(struct wait *w)
{
	struct user *u = w->user;

	if (w->arg && w->free_arg)
		w->free_arg(w->arg);
	txn_release(w->txn);
	free(w);
	u->busy--;
	user_touch(u);
}

/* The account is lost: nothing is said to other owners (DELIVERY rule 5), who will ask the new one. */
void wait_drop_all(struct user *u)
{
	struct wait *w, *tmp;

	DL_FOREACH_SAFE(u->waits, w, tmp)
	{
		DL_DELETE(u->waits, w);
		if (w->write)
			channel_forget(w->write);
		store_read_cancel(w->read);
		loop_task_cancel(u->sm->loop, &w->nothing);
		if (w->arg && w->free_arg)
			w->free_arg(w->arg);
		(void)txn_lost(w->txn);
		txn_release(w->txn);
		free(w);
		u->busy--;
	}
}

static void write_done(struct wait *w, int err)
{
	DL_DELETE(w->user->waits, w);
	if (w->wrote)
		w->wrote(w->user, err, w->arg);
	wait_end(w);
}

static void wrote_nothing(void *arg)
{
	write_done(arg, 0);
}

static void written(void *arg, enum store_status status, struct str text)
{
	struct wait *w = arg;
	struct user *u = w->user;

	w->write = NULL;
	if (status == STORE_REFUSED) {
		shards_refused(u->sm->shards, u->shard); /* drops u and w with it */
		return;
	}
	if (status != STORE_COMMITTED)
		log_error("write failed", LF_S("account", u->jid), LF_STR("reason", text));
	write_done(w, status == STORE_COMMITTED ? 0 : -EIO);
}

/* What is written of deliveries and sessions is nobody's data. */
static bool changes_data(const struct msg_write_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].table != TABLE_POSITION && ops[i].table != TABLE_SESSION)
			return true;
	return false;
}

void user_write(struct user *u, struct txn *t, const struct msg_write_op *ops, size_t n,
		user_write_fn *fn, void *arg, void (*free_arg)(void *arg))
{
	struct sm *sm = u->sm;
	struct wait *w = wait_new(u, t, arg, free_arg);
	struct later_joined joined;
	size_t njoined = later_join(u, ops, n, &joined);

	if (njoined) {
		ops = joined.ops;
		n = njoined;
	}
	if (changes_data(ops, n))
		user_changed(u);
	w->wrote = fn;
	if (u->temporary) {
		w->nothing = (struct loop_task){.fn = wrote_nothing, .arg = w};
		loop_defer(sm->loop, &w->nothing);
		return;
	}
	w->write = store_write(sm->channels, u->shard, shards_epoch(sm->shards, u->shard),
			       shards_write_epoch(sm->shards), ops, n, written, w);
	if (njoined)
		later_free(u);
}

static void reply_written(struct user *u, int err, void *arg)
{
	struct packet *p = arg;

	(void)u;
	if (err)
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR);
	else
		packet_result(p, STR_NONE);
}

static void free_packet(void *arg)
{
	packet_free(arg);
}

void user_write_reply(struct user *u, struct packet *p, const struct msg_write_op *ops, size_t n)
{
	if (packet_turn_hold(p))
		user_write(u, NULL, ops, n, reply_written, p, packet_turn_over);
	else
		user_write(u, NULL, ops, n, reply_written, packet_keep(p), free_packet);
}

static void got_rows(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct wait *w = arg;
	struct user *u = w->user;

	(void)n;
	w->read = NULL;
	DL_DELETE(u->waits, w);
	w->got(u, err, results, w->arg);
	wait_end(w);
}

void user_read(struct user *u, const struct msg_read_op *ops, size_t n, user_read_fn *fn, void *arg,
	       void (*free_arg)(void *arg))
{
	struct wait *w = wait_new(u, NULL, arg, free_arg);

	w->got = fn;
	w->read = store_read(u->sm->link, ops, n, READ_TIMEOUT_MS, got_rows, w);
}
