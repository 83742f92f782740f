/* SPDX-License-Identifier: MIT */
/*
 * Retention at PostgreSQL: one storage at a time, and partitions of the log that go as a whole.
 *
 * It has a connection of its own, whose session lock says who is at it, and works on a worker
 * thread. A partition is dropped under the log's exclusive lock, which is asked for in short
 * attempts: whoever appends meanwhile waits for a fraction of a second at the most.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_internal.h"

enum { SWEEP_KEY = 0x4d657265 };
enum { SWEEP_MS = 30000, DROP_TRIES = 10, LOCK_MS = 300 };
/* Entries of a month may come late: an empty partition stays for a while. */
#define EMPTY_US (INT64_C(7) * 86400 * 1000000)

struct pg_sweep {
	struct loop *loop;
	struct pg_setup setup;
	struct engine_sweep *sweep; /* under way */
	bool working;
};

static bool lock(struct pg_sweep *p)
{
	char sql[96];
	int64_t got;

	snprintf(sql, sizeof(sql), "SELECT pg_try_advisory_lock(%d, hashtext(current_schema()))::int",
		 SWEEP_KEY);
	got = pg_number(p->setup.handle, sql, SWEEP_MS, p->sweep->text);
	p->sweep->elsewhere = got == 0;
	return got == 1;
}

/* Whether it is gone: with all in it, or when it is found to be empty under the lock. */
static bool drop(struct pg_sweep *p, const char *name, bool past)
{
	PGconn *c = p->setup.handle;
	char ignored[WRITE_TEXT], *sql, *there;
	PGresult *r = NULL;

	sql = xasprintf("BEGIN; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = '20s';"
			"LOCK TABLE ONLY \"log\" IN ACCESS EXCLUSIVE MODE;"
			"DO $$ BEGIN IF %s OR NOT EXISTS (SELECT FROM %s) THEN DROP TABLE %s;"
			" END IF; END $$; COMMIT",
			LOCK_MS, past ? "true" : "false", name, name);
	for (int i = 0; i < DROP_TRIES && !r && PQstatus(c) == CONNECTION_OK; i++) {
		r = pg_exec(c, sql, SWEEP_MS, p->sweep->text);
		if (!r && PQstatus(c) == CONNECTION_OK) {
			PQclear(pg_exec(c, "ROLLBACK", SWEEP_MS, ignored));
			PQclear(pg_exec(c, "SELECT pg_sleep(0.2)", SWEEP_MS, ignored));
		}
	}
	free(sql);
	if (!r)
		return false;
	PQclear(r);
	there = xasprintf("SELECT count(to_regclass('%s'))", name);
	past = pg_number(c, there, SWEEP_MS, ignored) == 0;
	free(there);
	return past;
}

/* Those that end before the time; and such as retention, or somebody else, has emptied. */
static bool drop_old(struct pg_sweep *p)
{
	struct engine_sweep *s = p->sweep;
	PGresult *r = pg_exec(
		p->setup.handle,
		"SELECT * FROM (SELECT c.oid::regclass AS name, (regexp_match("
		"pg_get_expr(c.relpartbound, c.oid), 'TO \\(''?(-?[0-9]+)''?\\)'))[1]::bigint AS upper"
		" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
		" WHERE i.inhparent = '\"log\"'::regclass) p WHERE upper IS NOT NULL ORDER BY upper",
		SWEEP_MS, s->text);
	int n = r ? PQntuples(r) : 0;

	for (int i = 0; i < n; i++) {
		int64_t upper = strtoll(PQgetvalue(r, i, 1), NULL, 10);

		/* Never that of this month, or of the next ones, whatever the limits are. */
		if (upper > s->now)
			break;
		if (upper <= s->before || upper <= s->now - EMPTY_US)
			s->dropped += drop(p, PQgetvalue(r, i, 0), upper <= s->before);
	}
	PQclear(r);
	return r && PQstatus(p->setup.handle) == CONNECTION_OK;
}

static void work(void *arg)
{
	struct pg_sweep *p = arg;
	struct engine_sweep *s = p->sweep;

	if (!pg_setup_plain(&p->setup)) {
		snprintf(s->text, sizeof(s->text), "%s", p->setup.text);
		s->err = -EIO;
	} else if (!lock(p) || !drop_old(p)) {
		s->err = s->elsewhere ? 0 : -EIO;
	} else {
		return;
	}
	PQfinish(p->setup.handle);
	p->setup.handle = NULL;
}

static void done(void *arg)
{
	struct pg_sweep *p = arg;
	struct engine_sweep *s = p->sweep;

	p->working = false;
	p->sweep = NULL;
	s->done(s);
}

void pg_sweep_start(struct pg_sweep *p, struct engine_sweep *s)
{
	pg_sweep_end(p);
	p->sweep = s;
	p->working = true;
	loop_work(p->loop, work, done, p);
}

void pg_sweep_end(struct pg_sweep *p)
{
	PQfinish(p->setup.handle);
	p->setup.handle = NULL;
}

bool pg_sweep_working(const struct pg_sweep *p)
{
	return p->working;
}

struct pg_sweep *pg_sweep_new(struct loop *l, const struct pg_setup *how)
{
	struct pg_sweep *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->setup = *how;
	p->setup.handle = NULL;
	return p;
}

struct pg_sweep *pg_sweep_free(struct pg_sweep *p)
{
	if (!p)
		return NULL;
	pg_sweep_end(p);
	free(p);
	return NULL;
}
