/* SPDX-License-Identifier: MIT */
/* What all engines share: the list of them, checks before a job, the ends of jobs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "storage/check.h"

const struct engine_ops *engine_named(const char *name)
{
	static const struct engine_ops *const all[] = {&engine_sqlite, &engine_pgsql,
							&engine_memory};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

static void bad_jobs_done(void *arg)
{
	struct engine *e = arg;
	struct engine_read *r;
	struct engine_job *j;

	while ((r = e->bad_reads)) {
		e->bad_reads = r->next;
		engine_read_done(e, r);
	}
	while ((j = e->bad_jobs)) {
		e->bad_jobs = j->next;
		engine_job_done(e, j);
	}
}

static void sweep_now(void *arg)
{
	struct engine *e = arg;

	e->sweep->done(e->sweep);
}

int engine_open(const struct engine_ops *ops, const struct engine_config *c, struct buf *error,
		struct engine **ret_engine)
{
	struct engine *e = NULL;
	int err = ops->open(c, error, &e);

	if (err)
		return err;
	e->ops = ops;
	e->config = *c;
	e->config.path = c->path ? xstrdup(c->path) : NULL;
	e->bad_task = (struct loop_task){.fn = bad_jobs_done, .arg = e};
	e->sweep_task = (struct loop_task){.fn = sweep_now, .arg = e};
	*ret_engine = e;
	return 0;
}

struct engine *engine_close(struct engine *e)
{
	if (!e)
		return NULL;
	loop_task_cancel(e->config.loop, &e->bad_task);
	loop_task_cancel(e->config.loop, &e->sweep_task);
	free((char *)e->config.path);
	return e->ops->close(e);
}

void engine_read(struct engine *e, struct engine_read *r)
{
	r->next = NULL;
	r->pool = NULL;
	r->results = NULL;
	r->text = NULL;
	r->tries = 0;
	e->stats.reads++;
	e->stats.read_ops += r->nops;
	e->stats.waiting++;
	r->err = check_read(r, &r->text);
	if (r->err == 0) {
		r->pool = pool_new();
		e->ops->read(e, r);
		return;
	}
	r->next = e->bad_reads;
	e->bad_reads = r;
	loop_defer(e->config.loop, &e->bad_task);
}

static void bad_job(struct engine *e, struct engine_job *j)
{
	j->next = e->bad_jobs;
	e->bad_jobs = j;
	loop_defer(e->config.loop, &e->bad_task);
}

void engine_write(struct engine *e, struct engine_write *w)
{
	const char *text = NULL;
	size_t op = 0;
	enum store_status s = check_write(w, &op, &text);

	w->job = (struct engine_job){.kind = JOB_WRITE};
	w->text[0] = 0;
	w->again = w->stale = false;
	e->stats.batches++;
	e->stats.write_ops += w->nops;
	e->stats.waiting++;
	engine_write_status(w, s, op, text);
	if (s == STORE_COMMITTED)
		e->ops->write(e, w);
	else
		bad_job(e, &w->job);
}

void engine_lease(struct engine *e, struct engine_lease *l)
{
	l->job = (struct engine_job){.kind = JOB_LEASE};
	l->err = 0;
	l->held = NULL;
	l->nheld = 0;
	l->write_epoch = 0;
	e->stats.waiting++;
	for (size_t i = 0; i < l->nshards; i++)
		if (l->shards[i].shard >= SHARDS)
			l->err = -EINVAL;
	if (l->err)
		bad_job(e, &l->job);
	else
		e->ops->lease(e, l);
}

void engine_sweep(struct engine *e, struct engine_sweep *s)
{
	s->err = 0;
	s->text[0] = 0;
	s->elsewhere = false;
	s->dropped = 0;
	if (e->ops->sweep) {
		e->ops->sweep(e, s);
		return;
	}
	e->sweep = s;
	loop_defer(e->config.loop, &e->sweep_task);
}

void engine_sweep_end(struct engine *e)
{
	if (e->ops->sweep_end)
		e->ops->sweep_end(e);
}

void engine_backup(struct engine *e, struct engine_backup *b)
{
	b->err = 0;
	b->text[0] = 0;
	b->bytes = 0;
	if (e->ops->backup) {
		e->ops->backup(e, b);
		return;
	}
	b->err = -EOPNOTSUPP;
	snprintf(b->text, sizeof(b->text),
		 "the engine %s is not backed up in this way: use the database's own tools",
		 e->ops->name);
	b->done(b);
}

void engine_stats(const struct engine *e, struct engine_stats *ret_stats)
{
	*ret_stats = e->stats;
}

void engine_read_done(struct engine *e, struct engine_read *r)
{
	struct pool *p = r->pool;

	e->stats.waiting--;
	for (size_t i = 0; r->err == 0 && i < r->nops; i++)
		e->stats.rows += r->results[i].nrows;
	r->done(r);
	pool_free(p);
}

void engine_job_done(struct engine *e, struct engine_job *j)
{
	e->stats.waiting--;
	if (j->kind == JOB_WRITE) {
		struct engine_write *w = (struct engine_write *)j;

		*(w->status == STORE_COMMITTED ? &e->stats.committed : &e->stats.failed) += 1;
		w->done(w);
	} else {
		struct engine_lease *l = (struct engine_lease *)j;
		struct msg_shard_epoch *held = l->held;

		l->done(l);
		free(held);
	}
}

void engine_job_fail(struct engine_job *j, const char *text)
{
	if (j->kind == JOB_WRITE) {
		struct engine_write *w = (struct engine_write *)j;

		engine_write_status(w, STORE_FAILED, 0, text);
		w->again = true;
	} else {
		struct engine_lease *l = (struct engine_lease *)j;

		l->err = -EIO;
		l->nheld = 0;
	}
}

void engine_write_status(struct engine_write *w, enum store_status s, size_t op, const char *text)
{
	static const char *const texts[] = {
		[STORE_COMMITTED] = "",
		[STORE_REFUSED] = "the lease is another's",
		[STORE_CONDITION] = "the condition does not hold",
		[STORE_CLASH] = "the log number is known with another key",
		[STORE_FORBIDDEN] = "not allowed",
		[STORE_FAILED] = "failed",
	};
	size_t n;

	if (!text)
		text = texts[s];
	n = strlen(text);
	w->status = s;
	w->op = (uint16_t)op;
	if (n >= sizeof(w->text))
		n = sizeof(w->text) - 1;
	memcpy(w->text, text, n);
	w->text[n] = 0;
}
