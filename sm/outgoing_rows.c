/* SPDX-License-Identifier: MIT */
/* Rows of outgoing stanzas: written when they are done without an answer, read by a new owner. */
#include "sm/outgoing.h"

#include <utlist.h>

/* --- writing ---------------------------------------------------------------------------------- */

static void row_key(const struct outgoing *o, struct msg_value *v)
{
	v[COL_OUTGOING_ACCOUNT] = value_text(str_z(o->sender->jid));
	v[COL_OUTGOING_ORIGIN] = value_int((int64_t)o->key.origin);
	v[COL_OUTGOING_NUMBER] = value_int((int64_t)o->key.number);
	v[COL_OUTGOING_PART] = value_int(o->key.part);
}

static struct channel_item *write_row(struct outgoing *o, const struct msg_write_op *op,
				      store_write_fn *fn, void *arg)
{
	struct sm *sm = o->sm;

	return store_write(sm->channels, o->shard, shards_epoch(sm->shards, o->shard),
			   shards_write_epoch(sm->shards), op, 1, fn, arg);
}

static void committed(void *arg, enum store_status status, struct str text)
{
	struct outgoing *o = arg;

	o->write = NULL;
	switch (status) {
	case STORE_COMMITTED:
		o->state = OUT_COMMITTED;
		o->sm->outgoing->stat_committed++;
		outgoing_waiters_done(o);
		return;
	case STORE_REFUSED:
		shards_refused(o->sm->shards, o->shard); /* o goes with it */
		return;
	default: /* its sender goes on waiting for the answer */
		log_error("outgoing stanza not stored", LF_S("account", o->sender->jid),
			  LF_STR("reason", text));
		o->state = OUT_WAITING;
		o->pair->rows--;
	}
}

void outgoing_commit(struct outgoing *o)
{
	struct pool *pool = sm_pool(o->sm);
	struct msg_value v[COLS_OUTGOING];
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_OUTGOING, .values = v, .nvalues = COLS_OUTGOING};
	struct buf b = BUF_INIT;
	struct stanza st;

	if (stanza_decode(pool, buf_str(&o->envelope), &st) < 0)
		bug("a stanza that we encoded cannot be decoded");
	stanza_write(&st, &b);
	row_key(o, v);
	v[COL_OUTGOING_EPOCH] = value_int(shards_epoch(o->sm->shards, o->shard));
	v[COL_OUTGOING_TIME] = value_int(clock_wall_us());
	v[COL_OUTGOING_DEADLINE] = value_int(o->deadline);
	v[COL_OUTGOING_STANZA] = value_text(buf_str(&b));
	o->state = OUT_COMMITTING;
	o->pair->rows++;
	o->write = write_row(o, &op, committed, o);
	buf_free(&b);
	sm_pool_back(o->sm, pool);
}

/* A row that stays is repeated by the next owner, and its answer known by its key. */
static void deleted(void *arg, enum store_status status, struct str text)
{
	struct outgoing_deletes *d = arg;

	d->n--;
	if (status == STORE_REFUSED)
		shards_refused(d->sm->shards, d->shard);
	else if (status != STORE_COMMITTED)
		log_error("outgoing stanza not deleted", LF_STR("reason", text));
}

void outgoing_delete(struct outgoing *o)
{
	struct outgoing_deletes *d = &o->sm->outgoing->deletes[o->shard];
	struct msg_value v[COL_OUTGOING_PART + 1];
	struct msg_write_op op = {.op = STORE_DELETE,
				  .table = TABLE_OUTGOING,
				  .values = v,
				  .nvalues = COL_OUTGOING_PART + 1};

	row_key(o, v);
	d->sm = o->sm;
	d->shard = o->shard;
	d->n++;
	(void)write_row(o, &op, deleted, d);
}

/* --- taking over ------------------------------------------------------------------------------ */

static void adopt_known(struct outgoing *o, int64_t deadline)
{
	/* Its client has sent it again before we came to its row. */
	if (o->state == OUT_WAITING) {
		o->state = OUT_COMMITTED;
		o->pair->rows++;
		outgoing_waiters_done(o);
	}
	o->deadline = deadline;
}

/* What ends a row does harm when the shard goes to another before all that it causes is done. */
static bool is_next_owners(const struct sm *sm, const struct msg_value *v, uint16_t shard,
			   const struct stanza *st)
{
	return !shards_is_open(sm->shards, shard) &&
	       (st->type == IQ_ERROR || v[COL_OUTGOING_DEADLINE].i <= clock_wall_us());
}

static void adopt_row(struct sm *sm, const struct msg_value *v, uint16_t shard)
{
	struct msg_stanza_key key = {.origin = (uint64_t)v[COL_OUTGOING_ORIGIN].i,
				     .number = (uint64_t)v[COL_OUTGOING_NUMBER].i,
				     .part = (uint16_t)v[COL_OUTGOING_PART].i};
	struct outgoing *o = outgoing_find(sm, &key);
	struct pool *pool = sm_pool(sm);
	struct stanza st;
	struct jid to;

	if (o) {
		adopt_known(o, v[COL_OUTGOING_DEADLINE].i);
	} else if (stanza_parse(pool, v[COL_OUTGOING_STANZA].s, &st) < 0 ||
		   jid_split(st.to, &to) < 0) {
		log_error("malformed row of an outgoing stanza",
			  LF_STR("account", v[COL_OUTGOING_ACCOUNT].s));
	} else if (is_next_owners(sm, v, shard, &st)) {
		log_debug("row of an outgoing stanza left to the next owner",
			  LF_STR("account", v[COL_OUTGOING_ACCOUNT].s));
	} else if (st.type == IQ_ERROR) {
		owed_adopt(sm, &key, v);
	} else {
		o = outgoing_new(sm, &key, &st, shard);
		o->state = OUT_COMMITTED;
		o->pair->rows++;
		o->deadline = v[COL_OUTGOING_DEADLINE].i;
		o->route = outgoing_route(sm, to.domain);
		if (!o->route) /* it may come until the deadline */
			o->route = xstrdup("s2s");
		if (o->deadline <= clock_wall_us())
			outgoing_expired(o);
		else
			outgoing_ask(o);
	}
	sm_pool_back(sm, pool);
}

/* Rows of our own epoch are known; one that is answered may still be there to be read. */
static void adopt(struct sm *sm, uint16_t shard, const struct msg_value *v)
{
	if (v[COL_OUTGOING_EPOCH].i < shards_epoch(sm->shards, shard))
		adopt_row(sm, v, shard);
}

/* What came meanwhile goes behind what was there. */
static void queue_send(struct sm *sm)
{
	struct outgoing *o, *tmp;

	DL_FOREACH_SAFE2(sm->outgoing->queue, o, tmp, queue_next)
	{
		if (scan_pending(sm->outgoing->scan, o->shard))
			continue;
		DL_DELETE2(sm->outgoing->queue, o, queue_prev, queue_next);
		o->queued = false;
		outgoing_ask(o);
	}
}

void outgoing_open(struct sm *sm, uint16_t shard)
{
	scan_shard(sm->outgoing->scan, shard);
}

struct outgoings *outgoings_new(struct sm *sm)
{
	struct outgoings *all = xcalloc(1, sizeof *all);

	all->scan = scan_new(sm, TABLE_OUTGOING, adopt, queue_send);
	return all;
}

void outgoings_free(struct sm *sm)
{
	for (unsigned i = 0; i <= SHARDS; i++)
		outgoing_drop(sm, (uint16_t)i);
	scan_free(sm->outgoing->scan);
	free(sm->outgoing);
}
