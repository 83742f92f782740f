/* SPDX-License-Identifier: MIT */
/* One pass of retention: a chain of steps, each a read or a batch whose answer begins the next. */
#include "storage/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"

enum { ACCOUNTS_AT_ONCE = 100, ROWS_AT_ONCE = 500, REMOVE_AT_ONCE = 100 };
/* After so many rows that were looked at, or ten times fewer removed, it pauses. */
enum { WORK = 500, PAUSE_MS = 20, BUSY_PAUSE_MS = 200, BUSY_JOBS = 500 };
/* Longer than any append is repeated, and than its key must be known. */
#define YOUNG_US (INT64_C(3600) * 1000000)

struct account {
	const char *name;
	struct limits limits;
	bool positioned; /* without it nothing was ever delivered */
	int64_t delivered;
	int64_t *undelivered;
	size_t nundelivered;
	int64_t count, size; /* of the entries above the cursor, while they are measured */
	int64_t cut;	     /* entries up to this number are too many; 0: none */
	int64_t cursor;
};

struct retention {
	struct engine *engine;
	struct loop *loop;
	struct retention_limits *limits;
	retention_fn *fn;
	void *arg;
	struct retention_stats stats;
	char trouble[WRITE_TEXT];
	bool stopping, swept;
	int64_t now; /* wall clock, at the begin of the pass */
	/* The step under way, and what is next after a pause. */
	struct engine_read read;
	struct msg_read_op op;
	struct msg_value key, after;
	struct engine_write write;
	struct engine_sweep sweep;
	void (*next)(struct retention *r);
	struct loop_timer *pause;
	size_t work;
	/* Names of accounts that are next. */
	char *names[ACCOUNTS_AT_ONCE];
	size_t nnames, name;
	bool more_names;
	struct account account;
	/* What is to be removed from it. */
	struct msg_write_op removals[REMOVE_AT_ONCE];
	struct msg_value keys[REMOVE_AT_ONCE][2];
	size_t nremovals, nundelivered;
	bool more_rows;
};

static void names_read(struct retention *r);

/* --- steps ------------------------------------------------------------------------------------ */

static void names_free(struct retention *r)
{
	for (size_t i = 0; i < r->nnames; i++)
		free(r->names[i]);
	r->nnames = r->name = 0;
}

static void pass_end(struct retention *r, const char *trouble)
{
	if (trouble) {
		snprintf(r->trouble, sizeof(r->trouble), "%s", trouble);
		r->stats.trouble = r->trouble;
	}
	if (r->swept)
		engine_sweep_end(r->engine);
	r->swept = false;
	names_free(r);
	free(r->account.undelivered);
	r->account = (struct account){0};
	r->stats.passes += !trouble && !r->stats.elsewhere;
	r->stats.busy = false;
	r->fn(r->arg);
}

static void next_step(void *arg)
{
	struct retention *r = arg;

	if (r->stopping)
		pass_end(r, "it was stopped");
	else
		r->next(r);
}

/* What comes next, after a pause when enough was done; longer when others wait for the database. */
static void go_on(struct retention *r, void (*next)(struct retention *), size_t work)
{
	bool crowded = r->engine->stats.waiting > BUSY_JOBS;

	r->next = next;
	r->work += work;
	if (r->work < WORK && !crowded && !r->stopping) {
		next(r);
		return;
	}
	r->work = 0;
	loop_timer_start(r->pause, crowded ? BUSY_PAUSE_MS : PAUSE_MS, 0);
}

static void read_start(struct retention *r, const struct msg_read_op *op,
		       void (*done)(struct engine_read *))
{
	r->op = *op;
	r->read = (struct engine_read){
		.process = "storage", .own = true, .ops = &r->op, .nops = 1, .done = done, .arg = r};
	engine_read(r->engine, &r->read);
}

/* False: it failed, and the pass is over. */
static bool read_good(struct retention *r, const struct engine_read *x)
{
	if (x->err == 0)
		return true;
	pass_end(r, x->text ? x->text : "the log could not be read");
	return false;
}

/* --- removing --------------------------------------------------------------------------------- */

static void trim_read(struct retention *r);

static void account_end(struct retention *r)
{
	free(r->account.undelivered);
	r->account.undelivered = NULL;
	r->stats.pass_accounts++;
	r->name++;
	go_on(r, names_read, 1);
}

static void removed(struct engine_write *w)
{
	struct retention *r = w->arg;

	if (w->status != STORE_COMMITTED) {
		pass_end(r, w->text);
		return;
	}
	r->stats.removed += r->nremovals;
	r->stats.pass_removed += r->nremovals;
	r->stats.undelivered += r->nundelivered;
	r->stats.pass_undelivered += r->nundelivered;
	go_on(r, r->more_rows ? trim_read : account_end, 10 * r->nremovals);
}

static void remove_start(struct retention *r)
{
	r->write = (struct engine_write){
		.process = "storage",
		.own = true,
		.shard = SHARD_NONE,
		.ops = r->removals,
		.nops = r->nremovals,
		.done = removed,
		.arg = r,
	};
	engine_write(r->engine, &r->write);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool was_delivered(const struct account *a, int64_t number)
{
	if (!a->positioned || number > a->delivered)
		return false;
	return !a->nundelivered || !bsearch(&number, a->undelivered, a->nundelivered,
					    sizeof(number), by_size);
}

static bool older(const struct retention *r, int64_t time, int64_t limit_ms)
{
	return limit_ms > 0 && (r->now - time) / 1000 > limit_ms;
}

/* Notes the entry when it is to go. False: no limit speaks against it, delivered or not. */
static bool judge(struct retention *r, int64_t number, int64_t time)
{
	const struct account *a = &r->account;
	bool over = number <= a->cut || older(r, time, a->limits.age);
	bool waited = older(r, time, a->limits.offline), delivered = was_delivered(a, number);
	struct msg_value *key = r->keys[r->nremovals];

	if (!(delivered ? over : waited) || time > r->now - YOUNG_US)
		return over;
	key[0] = value_text(str_z(a->name));
	key[1] = value_int(number);
	r->removals[r->nremovals++] = (struct msg_write_op){
		.op = STORE_LOG_DELETE, .table = TABLE_LOG, .values = key, .nvalues = 2};
	r->nundelivered += !delivered;
	return true;
}

static void trim_rows(struct engine_read *x)
{
	struct retention *r = x->arg;
	const struct msg_rows *rows;
	bool any = false;
	size_t i;

	if (!read_good(r, x))
		return;
	rows = &x->results[0];
	r->nremovals = r->nundelivered = 0;
	for (i = 0; i < rows->nrows && r->nremovals < REMOVE_AT_ONCE; i++) {
		const struct msg_value *v = rows->rows[i].values;

		any |= judge(r, v[0].i, v[1].i);
		r->account.cursor = v[0].i;
	}
	/* Entries are in the order of time but for what was imported: behind a page of which
	 * nothing is to go, nothing is. */
	r->more_rows = any && (i < rows->nrows || rows->more);
	if (r->nremovals)
		remove_start(r);
	else
		go_on(r, r->more_rows ? trim_read : account_end, rows->nrows);
}

static struct msg_read_op sizes_of(struct retention *r)
{
	r->key = value_text(str_z(r->account.name));
	return (struct msg_read_op){.op = STORE_LOG_SIZES,
				    .table = TABLE_LOG,
				    .key = &r->key,
				    .nkey = 1,
				    .limit = ROWS_AT_ONCE};
}

static void trim_read(struct retention *r)
{
	struct msg_read_op op = sizes_of(r);

	op.from = (uint64_t)r->account.cursor;
	read_start(r, &op, trim_rows);
}

static void trim_start(struct retention *r)
{
	r->account.cursor = 0;
	trim_read(r);
}

/* --- measuring -------------------------------------------------------------------------------- */

static void measure_read(struct retention *r);

static void measured(struct engine_read *x)
{
	struct retention *r = x->arg;
	struct account *a = &r->account;
	const struct msg_rows *rows;

	if (!read_good(r, x))
		return;
	rows = &x->results[0];
	for (size_t i = 0; i < rows->nrows && !a->cut; i++) {
		const struct msg_value *v = rows->rows[i].values;

		a->count++;
		a->size += v[2].i;
		a->cursor = v[0].i;
		if ((a->limits.count && a->count > a->limits.count) ||
		    (a->limits.size && a->size > a->limits.size))
			a->cut = v[0].i;
	}
	if (!a->cut && rows->more)
		go_on(r, measure_read, rows->nrows);
	else
		go_on(r, trim_start, rows->nrows);
}

static void measure_read(struct retention *r)
{
	struct msg_read_op op = sizes_of(r);

	op.to = (uint64_t)r->account.cursor;
	op.reverse = true;
	read_start(r, &op, measured);
}

/* --- an account ------------------------------------------------------------------------------- */

enum { UNDELIVERED_BYTES = 12 }; /* of an entry in the position's list: number and flags */

static int64_t number_at(const char *p)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | (uint8_t)p[i];
	return (int64_t)n;
}

static void position_take(struct account *a, const struct msg_row *row)
{
	struct str list = row->values[COL_POSITION_UNDELIVERED].s;
	size_t n = list.len / UNDELIVERED_BYTES;

	a->positioned = true;
	a->delivered = row->values[COL_POSITION_DELIVERED].i;
	a->undelivered = n ? xcalloc(n, sizeof(*a->undelivered)) : NULL;
	a->nundelivered = n;
	for (size_t i = 0; i < n; i++)
		a->undelivered[i] = number_at(list.ptr + i * UNDELIVERED_BYTES);
	if (n)
		qsort(a->undelivered, n, sizeof(*a->undelivered), by_size);
}

static void positioned(struct engine_read *x)
{
	struct retention *r = x->arg;
	struct account *a = &r->account;

	if (!read_good(r, x))
		return;
	if (x->results[0].nrows)
		position_take(a, &x->results[0].rows[0]);
	go_on(r, a->limits.count || a->limits.size ? measure_read : trim_start, 1);
}

static void account_start(struct retention *r)
{
	struct msg_read_op op = {
		.op = STORE_GET, .table = TABLE_POSITION, .key = &r->key, .nkey = 1};
	struct account *a = &r->account;

	*a = (struct account){.name = r->names[r->name]};
	a->limits = retention_limits_of(r->limits, a->name);
	if (!a->limits.age && !a->limits.count && !a->limits.size && !a->limits.offline) {
		account_end(r);
		return;
	}
	r->key = value_text(str_z(a->name));
	read_start(r, &op, positioned);
}

/* --- all accounts ----------------------------------------------------------------------------- */

static void named(struct engine_read *x)
{
	struct retention *r = x->arg;
	const struct msg_rows *rows;

	if (!read_good(r, x))
		return;
	rows = &x->results[0];
	names_free(r);
	for (size_t i = 0; i < rows->nrows && i < ACCOUNTS_AT_ONCE; i++)
		r->names[r->nnames++] = str_dup(rows->rows[i].values[0].s);
	r->more_names = rows->more;
	if (r->nnames)
		go_on(r, account_start, r->nnames);
	else
		pass_end(r, NULL);
}

/* The next account, or the next page of their names. */
static void names_read(struct retention *r)
{
	struct msg_read_op op = {
		.op = STORE_LOG_ACCOUNTS, .table = TABLE_LOG, .limit = ACCOUNTS_AT_ONCE};

	if (r->name < r->nnames) {
		account_start(r);
		return;
	}
	if (r->nnames && !r->more_names) {
		pass_end(r, NULL);
		return;
	}
	if (r->nnames) {
		r->after = value_text(str_z(r->names[r->nnames - 1]));
		op.after = &r->after;
		op.nafter = 1;
	}
	read_start(r, &op, named);
}

/* --- the pass --------------------------------------------------------------------------------- */

static void swept(struct engine_sweep *s)
{
	struct retention *r = s->arg;

	r->swept = !s->elsewhere && s->err == 0;
	r->stats.elsewhere = s->elsewhere;
	r->stats.partitions += s->dropped;
	r->stats.pass_partitions = s->dropped;
	if (!r->swept)
		pass_end(r, s->elsewhere ? NULL : s->text);
	else
		go_on(r, names_read, 1);
}

static void sweep_start(struct retention *r)
{
	int64_t longest = retention_limits_longest(r->limits);
	/* Before the epoch there is no entry: that long is for ever. */
	bool ends = longest && longest < r->now / 1000;

	if (!retention_limits_any(r->limits)) {
		pass_end(r, NULL);
		return;
	}
	r->sweep = (struct engine_sweep){
		.before = ends ? r->now - longest * 1000 - YOUNG_US : INT64_MIN,
		.now = r->now,
		.done = swept,
		.arg = r,
	};
	engine_sweep(r->engine, &r->sweep);
}

static void overrides_read(struct retention *r);

static void overridden(struct engine_read *x)
{
	struct retention *r = x->arg;
	const struct msg_rows *rows;

	if (!read_good(r, x))
		return;
	rows = &x->results[0];
	for (size_t i = 0; i < rows->nrows; i++)
		retention_limits_row(r->limits, &rows->rows[i]);
	go_on(r, rows->more && rows->nrows ? overrides_read : sweep_start, rows->nrows);
}

static void overrides_read(struct retention *r)
{
	const struct retention_limits *l = r->limits;
	struct msg_read_op op = {.op = STORE_LIST, .table = TABLE_RETENTION};

	if (l->naccounts) {
		r->after = value_text(str_z(l->accounts[l->naccounts - 1].account));
		op.after = &r->after;
		op.nafter = 1;
	}
	read_start(r, &op, overridden);
}

void retention_run(struct retention *r)
{
	if (r->stats.busy || r->stopping)
		return;
	r->stats.busy = true;
	r->stats.elsewhere = false;
	r->stats.trouble = NULL;
	r->stats.pass_removed = r->stats.pass_undelivered = 0;
	r->stats.pass_accounts = r->stats.pass_partitions = 0;
	r->now = clock_wall_us();
	r->work = 0;
	retention_limits_forget(r->limits);
	overrides_read(r);
}

void retention_stop(struct retention *r)
{
	r->stopping = true;
}

const struct retention_stats *retention_stats(const struct retention *r)
{
	return &r->stats;
}

struct retention *retention_new(struct engine *e, struct retention_limits *limits, retention_fn *fn,
				void *arg)
{
	struct retention *r = xcalloc(1, sizeof(*r));

	r->engine = e;
	r->loop = e->config.loop;
	r->limits = limits;
	r->fn = fn;
	r->arg = arg;
	r->pause = loop_timer_new(r->loop, next_step, r);
	return r;
}

struct retention *retention_free(struct retention *r)
{
	if (!r)
		return NULL;
	loop_timer_free(r->pause);
	free(r);
	return NULL;
}
