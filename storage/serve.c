/* SPDX-License-Identifier: MIT */
/*
 * Frames that ask storage for something: who asks, in which order, and what is answered.
 *
 * Order is what the log depends on. When the database fails, its batches are not answered but sent
 * back: the channel of the shard then starts a new run with all that is unanswered, in order, and
 * every frame of the old run that is still on its way is dropped here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>
#include "storage/storage_internal.h"

enum { GONE = 0, QUEUE_FULL = 2, OUT_OF_ORDER = 4 }; /* why a frame is bounced */
enum { PROCESS_NAME = 32 };

/* A run in which a batch failed by the database's state: nothing more of it is taken. */
struct failed_run {
	struct {
		uint64_t sender;
		uint64_t shard;
	} key;
	uint32_t run;
	UT_hash_handle hh;
};

/* A request under way: a copy of its frame, decoded. */
struct request {
	struct storage *storage;
	struct frame head;
	char process[PROCESS_NAME];
	struct pool *pool;
	union {
		struct engine_read read;
		struct engine_write write;
		struct engine_lease lease;
	};
	size_t len;
	char body[];
};

/* --- requests ------------------------------------------------------------------------------- */

static void bounce(struct storage *s, const struct frame *f, uint8_t why)
{
	s->bounced++;
	link_bounce(s->link, f, why, f->to_epoch);
}

static size_t request_bytes(size_t body)
{
	return sizeof(struct request) + body;
}

/* Whether it may be taken now; else it was sent back. */
static bool admit(struct storage *s, const struct frame *f)
{
	if (s->draining)
		bounce(s, f, GONE);
	else if (s->pending >= (size_t)s->config->waiting_max ||
		 (s->pending &&
		  s->pending_bytes + request_bytes(f->body.len) > (size_t)s->config->waiting_bytes))
		bounce(s, f, QUEUE_FULL);
	else
		return true;
	return false;
}

/* NULL when the sender is gone: nobody waits for an answer. */
static struct request *request_new(struct storage *s, const struct frame *f, void *ret_message)
{
	const struct member *m = link_member(s->link, f->from);
	struct request *q;

	if (!m || strlen(m->process) >= PROCESS_NAME)
		return NULL;
	q = xcalloc(1, request_bytes(f->body.len));
	q->storage = s;
	q->head = frame_keep(f);
	memcpy(q->process, m->process, strlen(m->process) + 1);
	q->pool = pool_new();
	q->len = f->body.len;
	if (q->len)
		memcpy(q->body, f->body.ptr, q->len);
	/* It was decoded before: this cannot fail. */
	if (msg_decode(f->kind, q->pool, str_n(q->body, q->len), ret_message) < 0)
		bug("kind %u was decoded and is not", f->kind);
	s->pending++;
	s->pending_bytes += request_bytes(q->len);
	return q;
}

static void request_end(struct request *q)
{
	struct storage *s = q->storage;

	/* Credentials and keys are written without a shard. */
	if (q->head.kind == MSG_WRITE && q->head.from_shard == SHARD_NONE)
		wipe(q->body, q->len);
	s->pending_bytes -= request_bytes(q->len);
	pool_free(q->pool);
	free(q);
	storage_answered(s);
}

/* --- reads ---------------------------------------------------------------------------------- */

static void read_done(struct engine_read *r)
{
	struct request *q = r->arg;
	struct storage *s = q->storage;
	struct msg_found m = {.results = r->results, .nresults = r->nops};

	if (r->err)
		link_fail(s->link, &q->head, r->err, r->text);
	else
		link_reply(s->link, &q->head, MSG_FOUND, &m);
	if (r->err == -EIO)
		snprintf(s->read_reason, sizeof(s->read_reason), "%s", r->text ? r->text : "");
	if (r->err == -EIO && !s->read_failing)
		log_error("database cannot be read", LF_S("reason", r->text));
	else if (r->err && r->err != -EIO)
		log_error("read refused", LF_S("process", q->process), LF_S("reason", r->text));
	else if (!r->err && s->read_failing)
		log_info("database can be read again");
	s->read_failing = r->err == -EIO;
	request_end(q);
}

static void on_read(void *arg, const struct frame *f, const void *m)
{
	struct storage *s = arg;
	struct msg_read copy;
	struct request *q;

	if (!admit(s, f))
		return;
	q = request_new(s, f, &copy);
	if (!q)
		return;
	q->read = (struct engine_read){
		.process = q->process,
		.ops = copy.ops,
		.nops = copy.nops,
		.done = read_done,
		.arg = q,
	};
	engine_read(s->engine, &q->read);
}

/* --- writes --------------------------------------------------------------------------------- */

static struct failed_run *failed_find(struct storage *s, const struct frame *f)
{
	struct failed_run key = {.key = {f->from, f->from_shard}}, *r;

	HASH_FIND (hh, s->failed, &key.key, sizeof(key.key), r)
		;
	return r;
}

static void failed_free(struct storage *s, struct failed_run *r)
{
	HASH_DEL(s->failed, r);
	free(r);
}

static void run_fail(struct storage *s, const struct frame *f)
{
	struct failed_run *r = failed_find(s, f);

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->key.sender = f->from;
		r->key.shard = f->from_shard;
		HASH_ADD(hh, s->failed, key, sizeof(r->key), r);
	}
	if (f->run > r->run)
		r->run = f->run;
}

static bool run_failed(struct storage *s, const struct frame *f)
{
	struct failed_run *r = failed_find(s, f);

	if (!r)
		return false;
	if (f->run <= r->run)
		return true;
	failed_free(s, r);
	return false;
}

static void tell_refusal(const struct request *q)
{
	const struct engine_write *w = &q->write;

	if (w->status != STORE_CLASH && w->status != STORE_FORBIDDEN && w->status != STORE_FAILED)
		return;
	log_error("batch refused", LF_S("process", q->process), LF_S("reason", w->text),
		  LF_S("table", w->op < w->nops && w->ops[w->op].table < TABLES
					? tables[w->ops[w->op].table].name
					: ""),
		  LF_U("op", w->op));
}

static void write_done(struct engine_write *w)
{
	struct request *q = w->arg;
	struct storage *s = q->storage;
	struct msg_written m = {
		.status = (uint8_t)w->status,
		.op = w->op,
		.text = str_z(w->text),
	};

	if (w->stale) {
		/* Of a run that its sender has ended: it takes no notice. */
		bounce(s, &q->head, OUT_OF_ORDER);
	} else if (w->again && w->shard != SHARD_NONE) {
		run_fail(s, &q->head);
		bounce(s, &q->head, OUT_OF_ORDER);
	} else {
		if (!w->again)
			tell_refusal(q);
		link_reply(s->link, &q->head, MSG_WRITTEN, &m);
	}
	request_end(q);
}

static void on_write(void *arg, const struct frame *f, const void *m)
{
	struct storage *s = arg;
	struct msg_write copy;
	struct request *q;

	if (!admit(s, f))
		return;
	if (f->from_shard != SHARD_NONE && run_failed(s, f)) {
		bounce(s, f, OUT_OF_ORDER);
		return;
	}
	if (!channels_take(s->channels, f))
		return;
	q = request_new(s, f, &copy);
	if (!q)
		return;
	q->write = (struct engine_write){
		.process = q->process,
		.sender = f->from,
		.shard = f->from_shard,
		.epoch = f->from_epoch,
		/* A channel begins a run whenever its owner turns to another storage. */
		.write_epoch = f->run,
		.repeated = f->flags & FRAME_REPEATED,
		.request = copy.request,
		.ops = copy.ops,
		.nops = copy.nops,
		.done = write_done,
		.arg = q,
	};
	engine_write(s->engine, &q->write);
}

/* --- leases --------------------------------------------------------------------------------- */

static void lease_done(struct engine_lease *l)
{
	struct request *q = l->arg;
	struct msg_leases m = {
		.shards = l->held,
		.nshards = l->nheld,
		.write_epoch = l->write_epoch,
		.relaxed = q->storage->config->durability == DURABILITY_RELAXED,
	};

	if (l->err)
		link_fail(q->storage->link, &q->head, l->err, "the leases could not be written");
	else
		link_reply(q->storage->link, &q->head, MSG_LEASES, &m);
	request_end(q);
}

/* A process leases the shards of the route that has its name, for itself. */
static bool lease_allowed(struct storage *s, const struct frame *f, struct str route,
			  uint64_t owner)
{
	const struct member *m = link_member(s->link, f->from);

	if (m && str_eqz(route, m->process) && owner == f->from)
		return true;
	link_fail(s->link, f, -EPERM, "not a lease of this process");
	return false;
}

static void lease_start(struct request *q, struct str owner, const struct msg_shard_epoch *shards,
			size_t n)
{
	q->lease = (struct engine_lease){
		.take = q->head.kind == MSG_LEASE_TAKE,
		.route = q->process,
		.owner = pool_str(q->pool, owner).ptr,
		.owner_id = q->head.from,
		.shards = shards,
		.nshards = n,
		.done = lease_done,
		.arg = q,
	};
	engine_lease(q->storage->engine, &q->lease);
}

static void on_lease_take(void *arg, const struct frame *f, const void *m)
{
	const struct msg_lease_take *t = m;
	struct msg_lease_take copy;
	struct storage *s = arg;
	struct request *q;

	if (!lease_allowed(s, f, t->route, t->owner_id) || !admit(s, f))
		return;
	q = request_new(s, f, &copy);
	if (q)
		lease_start(q, copy.owner, copy.shards, copy.nshards);
}

static void on_lease_check(void *arg, const struct frame *f, const void *m)
{
	const struct msg_lease_check *c = m;
	struct msg_lease_check copy;
	struct storage *s = arg;
	struct request *q;

	if (!lease_allowed(s, f, c->route, c->owner_id) || !admit(s, f))
		return;
	q = request_new(s, f, &copy);
	if (q)
		lease_start(q, STR_NONE, copy.shards, copy.nshards);
}

/* -------------------------------------------------------------------------------------------- */

const struct link_handler storage_handlers[] = {
	{MSG_READ, on_read},
	{MSG_WRITE, on_write},
	{MSG_LEASE_TAKE, on_lease_take},
	{MSG_LEASE_CHECK, on_lease_check},
	{MSG_BACKUP, backup_handle},
	{MSG_RETENTION, retention_handle},
	{0, NULL},
};

void serve_member_lost(struct storage *s, uint64_t instance)
{
	struct failed_run *r, *next;

	HASH_ITER (hh, s->failed, r, next) {
		if (r->key.sender == instance)
			failed_free(s, r);
	}
}

void serve_free(struct storage *s)
{
	struct failed_run *r, *next;

	HASH_ITER (hh, s->failed, r, next) {
		failed_free(s, r);
	}
}
