/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL: one connection that writes and several that read, each made anew when it is lost.
 *
 * Connections are made on worker threads, since that blocks (names, TLS, migrations); all that
 * follows is done by the loop. What waits is held for a moment without one, so that a server which
 * restarts is not noticed; then it fails, and is sent again by those who asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "storage/pg_internal.h"

enum { TICK_MS = 500 };
enum { RETRY_FIRST = 50, RETRY_MOST = 1000 };		       /* ms */
enum { PARTITIONS_FIRST = 60000, PARTITIONS_EVERY = 3600000 }; /* ms */

struct slot {
	struct pg *pg;
	size_t index; /* 0: the writer's */
	enum { SLOT_DOWN, SLOT_SETUP, SLOT_UP } state;
	struct pg_setup setup;
	struct loop_timer *retry;
	unsigned failures;
	uint64_t since; /* loop_now, when it was lost */
	char why[WRITE_TEXT];
	bool crowded; /* that was that all connections are taken */
	struct pg_reader *reader;
};

struct pg {
	struct engine engine;
	struct loop *loop;
	char *conninfo;
	struct pg_writer *writer;
	struct pg_reads *reads;
	struct slot *slots;
	size_t nslots;
	struct loop_timer *tick;
	bool watching;
	struct pg_setup partitions;
	struct pg_sweep *sweep;
	struct loop_timer *partitions_due;
	size_t working; /* calls on worker threads */
	bool closing;
};

/* --- connections --------------------------------------------------------------------------------
 */

static void retry_later(struct slot *s)
{
	uint64_t ms = (uint64_t)RETRY_FIRST << (s->failures < 7 ? s->failures : 7);

	if (ms > RETRY_MOST)
		ms = RETRY_MOST;
	s->failures++;
	s->state = SLOT_DOWN;
	/* Not all at once, when a server is back. */
	loop_timer_start(s->retry, ms + random_u64() % (ms / 2), 0);
}

/* Where a server has no connection left for the writer, readers do not take the next. */
static bool waits_for_writer(const struct slot *s)
{
	const struct slot *first = &s->pg->slots[0];

	return s->index && first->state != SLOT_UP && first->crowded;
}

static void readers_hurry(struct pg *pg)
{
	for (struct slot *s = pg->slots + 1; s < pg->slots + pg->nslots; s++)
		if (s->state == SLOT_DOWN && s->failures)
			loop_timer_start(s->retry, 1 + random_u64() % RETRY_FIRST, 0);
}

static void slot_attach(struct slot *s)
{
	struct pg *pg = s->pg;
	PGconn *handle = s->setup.handle;

	s->setup.handle = NULL;
	s->failures = 0;
	s->state = SLOT_UP;
	s->crowded = false;
	if (s->index == 0) {
		pg_writer_attach(pg->writer, handle);
		readers_hurry(pg);
	} else {
		s->reader = reader_new(pg, pg->reads, &pg->engine, s->index, handle);
	}
}

static void attempt_failed(struct slot *s)
{
	memcpy(s->why, s->setup.text, sizeof(s->why));
	s->crowded = s->setup.crowded;
	retry_later(s);
}

static void setup_work(void *arg)
{
	struct slot *s = arg;

	pg_setup_run(&s->setup);
}

static void setup_done(void *arg)
{
	struct slot *s = arg;

	s->pg->working--;
	if (s->pg->closing) {
		PQfinish(s->setup.handle);
		s->setup.handle = NULL;
		s->state = SLOT_DOWN;
	} else if (s->setup.handle) {
		slot_attach(s);
	} else {
		attempt_failed(s);
	}
}

static void slot_connect(void *arg)
{
	struct slot *s = arg;

	if (waits_for_writer(s)) {
		retry_later(s);
		return;
	}
	s->state = SLOT_SETUP;
	s->pg->working++;
	loop_work(s->pg->loop, setup_work, setup_done, s);
}

void pg_slot_lost(struct pg *pg, size_t slot, const char *why)
{
	struct slot *s = &pg->slots[slot];

	s->since = loop_now(pg->loop);
	pg_text(s->why, why);
	s->reader = reader_free(s->reader);
	retry_later(s);
}

/* --- time limits --------------------------------------------------------------------------------
 */

/* How long no reader has been there, and the reason of the one that was lost last. */
static uint64_t readers_away(const struct pg *pg, const char **ret_why)
{
	uint64_t since = 0;

	*ret_why = "";
	for (const struct slot *s = pg->slots + 1; s < pg->slots + pg->nslots; s++) {
		if (s->state == SLOT_UP)
			return 0;
		if (s->since >= since) {
			since = s->since;
			*ret_why = s->why;
		}
	}
	return loop_now(pg->loop) - since;
}

static void on_tick(void *arg)
{
	struct pg *pg = arg;
	struct slot *first = &pg->slots[0];
	const char *why;
	uint64_t away;

	for (size_t i = 1; i < pg->nslots; i++)
		if (pg->slots[i].reader)
			reader_tick(pg->slots[i].reader);
	pg_writer_tick(pg->writer, first->state == SLOT_UP ? 0 : loop_now(pg->loop) - first->since,
		       first->why);
	away = readers_away(pg, &why);
	reads_tick(pg->reads, away, why);
	if (!pg_writer_idle(pg->writer) || !reads_idle(pg->reads))
		return;
	pg->watching = false;
	loop_timer_stop(pg->tick);
}

void pg_watch(struct pg *pg)
{
	if (pg->watching)
		return;
	pg->watching = true;
	loop_timer_start(pg->tick, TICK_MS, TICK_MS);
}

/* --- partitions ---------------------------------------------------------------------------------
 */

static void partitions_work(void *arg)
{
	struct pg *pg = arg;

	pg_setup_partitions(&pg->partitions);
}

static void partitions_done(void *arg)
{
	struct pg *pg = arg;

	pg->working--;
	if (pg->closing)
		return;
	/* Rows of that month go to the partition of all other times meanwhile. */
	if (pg->partitions.outcome != PG_OK)
		log_warn("a partition of the log could not be made",
			 LF_S("reason", pg->partitions.text));
	loop_timer_start(pg->partitions_due, PARTITIONS_EVERY, 0);
}

static void partitions_start(void *arg)
{
	struct pg *pg = arg;

	pg->working++;
	loop_work(pg->loop, partitions_work, partitions_done, pg);
}

/* --- opening and closing ------------------------------------------------------------------------
 */

static struct engine *pgsql_close(struct engine *e)
{
	struct pg *pg = (struct pg *)e;

	pg->closing = true;
	while (pg->working || pg_sweep_working(pg->sweep))
		loop_run_once(pg->loop);
	pg->writer = pg_writer_free(pg->writer);
	for (size_t i = 0; i < pg->nslots; i++) {
		reader_free(pg->slots[i].reader);
		loop_timer_free(pg->slots[i].retry);
	}
	pg->reads = reads_free(pg->reads);
	pg->sweep = pg_sweep_free(pg->sweep);
	loop_timer_free(pg->tick);
	loop_timer_free(pg->partitions_due);
	if (pg->conninfo)
		wipe(pg->conninfo, strlen(pg->conninfo));
	free(pg->conninfo);
	free(pg->slots);
	free(pg);
	return NULL;
}

static int conninfo_check(const char *conninfo, struct buf *error)
{
	char *message = NULL;
	PQconninfoOption *o = conninfo && *conninfo ? PQconninfoParse(conninfo, &message) : NULL;
	size_t n = message ? strcspn(message, "\n") : 0;

	if (o)
		buf_clear(error);
	else if (message)
		buf_printf(error, "connect: %.*s", (int)n, message);
	else
		buf_lit(error, "connect is empty: it says where the server is, as libpq takes it");
	PQfreemem(message);
	PQconninfoFree(o);
	return o ? 0 : -EINVAL;
}

static struct pg *pg_new(const struct engine_config *c)
{
	struct pg *pg = xcalloc(1, sizeof(*pg));
	int32_t key = (int32_t)(random_u64() & 0x7fffffff);

	pg->engine.config = *c;
	pg->loop = c->loop;
	pg->conninfo = xstrdup(c->connect);
	pg->writer = pg_writer_new(pg, &pg->engine);
	pg->reads = reads_new(&pg->engine);
	pg->nslots = c->connections > 1 ? c->connections : 2;
	pg->slots = xcalloc(pg->nslots, sizeof(*pg->slots));
	pg->tick = loop_timer_new(c->loop, on_tick, pg);
	pg->partitions_due = loop_timer_new(c->loop, partitions_start, pg);
	for (size_t i = 0; i < pg->nslots; i++) {
		struct slot *s = &pg->slots[i];

		s->pg = pg;
		s->index = i;
		s->since = loop_now(c->loop);
		s->retry = loop_timer_new(c->loop, slot_connect, s);
		s->setup = (struct pg_setup){
			.conninfo = pg->conninfo,
			.role = i ? PG_READER : PG_WRITER,
			.connect_ms = c->connect_timeout,
			.statement_ms = c->statement_timeout,
			.writer_key = key,
			.no_migration = c->no_migration,
		};
	}
	pg->partitions = pg->slots[0].setup;
	pg->sweep = pg_sweep_new(c->loop, &pg->partitions);
	return pg;
}

/* A server that is away is no reason not to start: it is waited for. What it refuses is. */
static int pgsql_open(const struct engine_config *c, struct buf *error, struct engine **ret_engine)
{
	int err = conninfo_check(c->connect, error);
	struct slot *first;
	struct pg *pg;

	if (err)
		return err;
	pg = pg_new(c);
	first = &pg->slots[0];
	pg_setup_run(&first->setup);
	if (first->setup.outcome == PG_REFUSED) {
		buf_printf(error, "PostgreSQL: %s", first->setup.text);
		pgsql_close(&pg->engine);
		return -EIO;
	}
	if (first->setup.handle) {
		slot_attach(first);
	} else {
		pg->engine.stats.failing = true;
		pg->engine.stats.trouble = first->why;
		attempt_failed(first);
	}
	for (size_t i = 1; i < pg->nslots; i++)
		slot_connect(&pg->slots[i]);
	loop_timer_start(pg->partitions_due, PARTITIONS_FIRST, 0);
	*ret_engine = &pg->engine;
	return 0;
}

static void pgsql_read(struct engine *e, struct engine_read *r)
{
	struct pg *pg = (struct pg *)e;

	pg_watch(pg);
	reads_add(pg->reads, r);
}

static void pgsql_write(struct engine *e, struct engine_write *w)
{
	pg_writer_add(((struct pg *)e)->writer, &w->job);
}

static void pgsql_lease(struct engine *e, struct engine_lease *l)
{
	pg_writer_add(((struct pg *)e)->writer, &l->job);
}

static void pgsql_sweep(struct engine *e, struct engine_sweep *s)
{
	pg_sweep_start(((struct pg *)e)->sweep, s);
}

static void pgsql_sweep_end(struct engine *e)
{
	pg_sweep_end(((struct pg *)e)->sweep);
}

const struct engine_ops engine_pgsql = {
	.name = "postgresql",
	.open = pgsql_open,
	.read = pgsql_read,
	.write = pgsql_write,
	.lease = pgsql_lease,
	.schema = pg_schema_of,
	.sweep = pgsql_sweep,
	.sweep_end = pgsql_sweep_end,
	.close = pgsql_close,
};
