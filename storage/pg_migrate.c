/* SPDX-License-Identifier: MIT */
/* Makes and extends the PostgreSQL schema, and the log's partitions in time. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_internal.h"

/* Programs from this schema version on can use what this one makes: all changes since only add. */
enum { OLDEST_USER = 1 };
enum { MIGRATE_KEY = 0x4d657263, MIGRATE_LOCK = 1 }; /* advisory lock */
enum { MONTHS_AHEAD = 2, PARTITION_MS = 30000 };

/* What the engine keeps for itself; an operator's query finds it by the prefix. */
static const char own_tables[] =
	"CREATE TABLE IF NOT EXISTS mercutio_schema ("
	" version integer PRIMARY KEY, oldest integer NOT NULL);"
	"CREATE TABLE IF NOT EXISTS mercutio_lease ("
	" route text COLLATE \"C\" NOT NULL, shard integer NOT NULL, owner text NOT NULL,"
	" owner_id bigint NOT NULL, epoch bigint NOT NULL, write_epoch bigint NOT NULL,"
	" PRIMARY KEY (route, shard)) WITH (fillfactor = 50);"
	"CREATE TABLE IF NOT EXISTS mercutio_request ("
	" sender bigint NOT NULL, request bigint NOT NULL, \"time\" bigint NOT NULL,"
	" PRIMARY KEY (sender, request));";

/* Functions are never changed: another behaviour is another name, so that programs of two versions
 * can work at the same time.
 *
 * The fence takes the locks in the order given, which is the same everywhere, and only then looks:
 * each statement of a volatile function sees what was committed before it (READ COMMITTED). It lies
 * in one message, so that no lock waits for a client between it and the comparison. */
static const char own_functions[] =
	"CREATE OR REPLACE FUNCTION mercutio_fence_1(lock_key integer, lease_route text,"
	" shards integer[], raises integer[], owners bigint[], epochs bigint[], runs bigint[])"
	" RETURNS void LANGUAGE plpgsql VOLATILE AS $f$"
	" DECLARE lost text; stale text; o bigint[]; e bigint[]; r bigint[];"
	" BEGIN"
	" IF 1 = ANY (raises) THEN"
	"  FOR i IN 1 .. cardinality(shards) LOOP"
	"   IF raises[i] = 1 THEN PERFORM pg_advisory_xact_lock(lock_key, shards[i]);"
	"   ELSE PERFORM pg_advisory_xact_lock_shared(lock_key, shards[i]); END IF;"
	"  END LOOP;"
	" ELSE"
	/* As a rule all is as expected: one look is enough, three times as fast as what follows. */
	"  PERFORM pg_advisory_xact_lock_shared(lock_key, u.shard) FROM unnest(shards) AS u(shard);"
	"  SELECT array_agg(l.owner_id), array_agg(l.epoch), array_agg(l.write_epoch) INTO o, e, r"
	"   FROM (SELECT owner_id, epoch, write_epoch FROM mercutio_lease"
	"    WHERE route = lease_route AND shard = ANY (shards) ORDER BY route, shard) l;"
	"  IF o = owners AND e = epochs AND r = runs THEN RETURN; END IF;"
	" END IF;"
	" SELECT string_agg(f.n::text, ',') FILTER (WHERE l.owner_id IS DISTINCT FROM f.owner"
	"   OR (f.epoch <> 0 AND l.epoch <> f.epoch)),"
	"  string_agg(f.n::text, ',') FILTER (WHERE f.epoch <> 0 AND l.write_epoch > f.run)"
	"  INTO lost, stale"
	"  FROM unnest(shards, owners, epochs, runs) WITH ORDINALITY AS f(shard, owner, epoch, "
	"run, n)"
	"  LEFT JOIN mercutio_lease l ON l.route = lease_route AND l.shard = f.shard;"
	" IF lost IS NOT NULL THEN RAISE EXCEPTION 'mercutio: the lease is of another owner'"
	"  USING ERRCODE = 'MR001', DETAIL = lost; END IF;"
	" IF stale IS NOT NULL THEN RAISE EXCEPTION 'mercutio: its owner writes through another "
	"storage'"
	"  USING ERRCODE = 'MR003', DETAIL = stale; END IF;"
	" IF 1 = ANY (raises) THEN UPDATE mercutio_lease l SET write_epoch = f.run"
	"  FROM (SELECT u.shard, max(u.run) AS run FROM unnest(shards, runs) AS u(shard, run)"
	"   GROUP BY u.shard) f"
	"  WHERE l.route = lease_route AND l.shard = f.shard AND l.write_epoch < f.run; END IF;"
	" END $f$;"
	"CREATE OR REPLACE FUNCTION mercutio_same_1(a text, n bigint, o bigint, o_number bigint,"
	" p bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $f$"
	" BEGIN"
	" IF EXISTS (SELECT FROM log WHERE account = a AND number = n"
	"  AND (origin <> o OR origin_number <> o_number OR part <> p)) THEN"
	"  RAISE EXCEPTION 'mercutio: the log number is known with another key'"
	"   USING ERRCODE = 'MR002';"
	" END IF;"
	" END $f$;";

struct migration {
	PGconn *c;
	struct buf *plan; /* statements go there instead of being run; NULL: not so */
	char *text;	  /* why it failed, WRITE_TEXT */
};

static bool run_text(const struct migration *m, const char *sql)
{
	PGresult *r;

	if (m->plan) {
		buf_printf(m->plan, "%s;\n", sql);
		return true;
	}
	r = pg_exec(m->c, sql, 0, m->text);
	PQclear(r);
	return r != NULL;
}

static bool run(const struct migration *m, struct buf *sql)
{
	bool good;

	buf_putc(sql, 0);
	good = run_text(m, buf_ptr(sql));
	buf_clear(sql);
	return good;
}

/* The rest of what makes the log a log: where rows go that no month has. */
static void log_parts(struct buf *sql, const struct table_def *t)
{
	buf_printf(sql,
		   ";CREATE TABLE IF NOT EXISTS \"%s_other\" PARTITION OF \"%s\""
		   " (PRIMARY KEY (account, number)) DEFAULT",
		   t->name, t->name);
}

static bool table_to(const struct migration *m, const struct table_def *t, unsigned version)
{
	bool log = strcmp(t->name, tables[TABLE_LOG].name) == 0, ok = true;
	struct buf sql = BUF_INIT;

	if (t->since == version) {
		sql_create_table(&sql, SQL_POSTGRESQL, t, version);
		if (log)
			log_parts(&sql, t);
		ok = run(m, &sql);
	}
	for (size_t i = 0; i < t->ncolumns && ok; i++) {
		if (t->columns[i].since != version || t->since >= version)
			continue;
		sql_add_column(&sql, SQL_POSTGRESQL, t, i);
		ok = run(m, &sql);
	}
	for (size_t i = 0; i < t->nindexes && ok; i++) {
		if (t->indexes[i].since != version)
			continue;
		sql_create_index(&sql, t, i);
		ok = run(m, &sql);
	}
	buf_free(&sql);
	return ok;
}

static bool version_to(const struct migration *m, const struct table_def *defs, size_t ndefs,
		       unsigned version)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; i < ndefs && ok; i++)
		ok = table_to(m, &defs[i], version);
	if (!ok)
		return false;
	buf_printf(&sql,
		   "INSERT INTO mercutio_schema (version, oldest) VALUES (%u, %d)"
		   " ON CONFLICT DO NOTHING",
		   version, OLDEST_USER);
	ok = run(m, &sql);
	buf_free(&sql);
	return ok;
}

/* -1: it could not be read. */
static int64_t stored_version(PGconn *c, char text[WRITE_TEXT])
{
	int64_t there = pg_number(c, "SELECT count(to_regclass('mercutio_schema'))", 0, text);

	if (there <= 0)
		return there;
	return pg_number(c, "SELECT coalesce(max(version), 0) FROM mercutio_schema", 0, text);
}

static int64_t functions_known(PGconn *c, char text[WRITE_TEXT])
{
	return pg_number(c,
			 "SELECT count(to_regproc('mercutio_fence_1')) + "
			 "count(to_regproc('mercutio_same_1'))",
			 0, text);
}

static bool versions_to(const struct migration *m, const struct table_def *defs, size_t ndefs,
			int64_t stored, unsigned version)
{
	bool ok = stored >= 0;

	for (int64_t v = stored + 1; ok && v <= (int64_t)version; v++)
		ok = version_to(m, defs, ndefs, (unsigned)v);
	return ok;
}

static bool upgrade(const struct migration *m, const struct table_def *defs, size_t ndefs,
		    unsigned version)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql, "BEGIN; SELECT pg_advisory_xact_lock(%d, %d)", MIGRATE_KEY, MIGRATE_LOCK);
	/* Another process may have done it while this one waited. */
	ok = run(m, &sql) && run_text(m, own_tables) && run_text(m, own_functions) &&
	     versions_to(m, defs, ndefs, stored_version(m->c, m->text), version);
	buf_free(&sql);
	if (ok && run_text(m, "COMMIT"))
		return true;
	if (PQstatus(m->c) == CONNECTION_OK) {
		char ignored[WRITE_TEXT];

		PQclear(pg_exec(m->c, "ROLLBACK", 0, ignored));
	}
	return false;
}

static enum pg_outcome failed(const PGconn *c)
{
	return PQstatus(c) == CONNECTION_OK ? PG_REFUSED : PG_AWAY;
}

/* It has all that this version needs, perhaps more. */
static enum pg_outcome usable(PGconn *c, int64_t stored, unsigned version, char text[WRITE_TEXT])
{
	int64_t oldest = pg_number(c, "SELECT max(oldest) FROM mercutio_schema", 0, text);

	if (oldest < 0)
		return failed(c);
	if (oldest <= (int64_t)version)
		return PG_OK;
	snprintf(text, WRITE_TEXT,
		 "its schema (version %lld) is newer than this program's (version %u)",
		 (long long)stored, version);
	return PG_REFUSED;
}

static enum pg_outcome too_old(int64_t stored, unsigned version, const char *but,
			       char text[WRITE_TEXT])
{
	snprintf(text, WRITE_TEXT,
		 "its schema (version %lld) is older than this program's (version %u)%s: run "
		 "mercutioctl storage migrate",
		 (long long)stored, version, but);
	return PG_REFUSED;
}

/* Whether there is a place for every character; to SQL_ASCII they are bytes. */
static bool holds_all(PGconn *c, char text[WRITE_TEXT])
{
	int64_t good = pg_number(
		c, "SELECT (current_setting('server_encoding') IN ('UTF8', 'SQL_ASCII'))::int", 0, text);

	if (good == 0)
		snprintf(text, WRITE_TEXT,
			 "its encoding has not all characters: make the database with ENCODING 'UTF8'");
	return good > 0;
}

enum pg_outcome pg_schema(PGconn *c, const struct table_def *defs, size_t ndefs, unsigned version,
			  enum schema_mode mode, struct buf *plan, char text[WRITE_TEXT])
{
	struct migration m = {c, mode == SCHEMA_PLAN ? plan : NULL, text};
	int64_t stored = stored_version(c, text);

	if (stored < 0)
		return failed(c);
	/* A role that may only work gets no further when all is there. */
	if (stored >= (int64_t)version && functions_known(c, text) == 2)
		return usable(c, stored, version, text);
	if (mode == SCHEMA_CHECK)
		return too_old(stored, version, "", text);
	if (!stored && !holds_all(c, text))
		return failed(c);
	if (mode == SCHEMA_PLAN) {
		if (run_text(&m, own_tables) && run_text(&m, own_functions) &&
		    versions_to(&m, defs, ndefs, stored, version))
			return PG_OK;
		return failed(c);
	}
	if (pg_number(c, "SELECT has_schema_privilege(current_schema(), 'CREATE')::int", 0, text) == 0)
		return too_old(stored, version, ", and this role may not change it", text);
	return upgrade(&m, defs, ndefs, version) ? PG_OK : failed(c);
}

enum pg_outcome pg_migrate(PGconn *c, const struct table_def *defs, size_t ndefs, unsigned version,
			   char text[WRITE_TEXT])
{
	return pg_schema(c, defs, ndefs, version, SCHEMA_MIGRATE, NULL, text);
}

/* --- the log's partitions ----------------------------------------------------------------------
 */

/* Days from 1970-01-01 to the first of a month (proleptic Gregorian, months from 0). */
static int64_t days_to(int64_t year, int month)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t y = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162 + before[month] + (leap && month > 1);
}

void pg_month(int64_t wall_us, int *ret_year, int *ret_month, int64_t *ret_from, int64_t *ret_to)
{
	const int64_t day = INT64_C(86400) * 1000000;
	int64_t days = wall_us / day, year = 1970 + days / 366;
	int month = 11;

	while (days_to(year + 1, 0) <= days)
		year++;
	while (days_to(year, month) > days)
		month--;
	*ret_year = (int)year;
	*ret_month = month + 1;
	*ret_from = days_to(year, month) * day;
	*ret_to = (month == 11 ? days_to(year + 1, 0) : days_to(year, month + 1)) * day;
}

static bool partition_there(PGconn *c, const char *name)
{
	struct buf sql = BUF_INIT;
	char ignored[WRITE_TEXT];
	bool there;

	buf_printf(&sql, "SELECT count(to_regclass('\"%s\"'))", name);
	buf_putc(&sql, 0);
	there = pg_number(c, buf_ptr(&sql), PARTITION_MS, ignored) == 1;
	buf_free(&sql);
	return there;
}

/* What lies with all other times and is of that month would forbid its partition for ever. */
static void move_rows(struct buf *sql, const char *name, int64_t from, int64_t to)
{
	buf_printf(sql,
		   "LOCK TABLE ONLY \"log\" IN SHARE UPDATE EXCLUSIVE MODE;"
		   "LOCK TABLE \"log_other\" IN ACCESS EXCLUSIVE MODE;"
		   "WITH moved AS (DELETE FROM \"log_other\" WHERE \"time\" >= %lld"
		   " AND \"time\" < %lld RETURNING *) INSERT INTO \"%s\" SELECT * FROM moved;",
		   (long long)from, (long long)to, name);
}

static bool make_partition(PGconn *c, const char *name, int64_t from, int64_t to, bool move,
			   char text[WRITE_TEXT])
{
	struct buf sql = BUF_INIT;
	PGresult *r;

	/* Made apart and then attached: that does not lock out those who use the log. */
	buf_printf(&sql,
		   "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s';"
		   "SELECT pg_advisory_xact_lock(%d, %d);"
		   "CREATE TABLE IF NOT EXISTS \"%s\" (LIKE \"log\" INCLUDING ALL,"
		   " PRIMARY KEY (account, number));",
		   MIGRATE_KEY, MIGRATE_LOCK, name);
	if (move)
		move_rows(&sql, name, from, to);
	buf_printf(&sql,
		   "ALTER TABLE \"log\" ATTACH PARTITION \"%s\" FOR VALUES FROM (%lld) TO (%lld);"
		   "COMMIT",
		   name, (long long)from, (long long)to);
	buf_putc(&sql, 0);
	r = pg_exec(c, buf_ptr(&sql), PARTITION_MS, text);
	buf_free(&sql);
	if (!r && PQstatus(c) == CONNECTION_OK) {
		char ignored[WRITE_TEXT];

		PQclear(pg_exec(c, "ROLLBACK", PARTITION_MS, ignored));
	}
	PQclear(r);
	return r != NULL;
}

static bool misplaced(PGconn *c, int64_t from, int64_t to)
{
	char sql[160], ignored[WRITE_TEXT];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM (SELECT FROM \"log_other\" WHERE \"time\" >= %lld"
		 " AND \"time\" < %lld LIMIT 1) AS one",
		 (long long)from, (long long)to);
	return pg_number(c, sql, PARTITION_MS, ignored) == 1;
}

static bool partition(PGconn *c, const char *name, int64_t from, int64_t to, char text[WRITE_TEXT])
{
	return partition_there(c, name) || make_partition(c, name, from, to, false, text) ||
	       /* Another process may have made it while this one waited for the lock. */
	       partition_there(c, name) ||
	       (misplaced(c, from, to) && make_partition(c, name, from, to, true, text));
}

bool pg_partitions(PGconn *c, int64_t wall_us, char text[WRITE_TEXT])
{
	bool good = true;

	for (int i = 0; i <= MONTHS_AHEAD; i++) {
		int year, month;
		int64_t from, to;
		char name[40];

		pg_month(wall_us, &year, &month, &from, &to);
		snprintf(name, sizeof(name), "log_%04d_%02d", year, month);
		good &= partition(c, name, from, to, text);
		wall_us = to;
	}
	return good;
}
