/* SPDX-License-Identifier: MIT */
/* Makes PostgreSQL's SQL from the declared tables; names are quoted, values are parameters. */
#include "storage/pg_internal.h"

static void columns(struct buf *b, const struct table_def *t, size_t from, size_t to,
		    const char *suffix)
{
	for (size_t i = from; i < to; i++)
		buf_printf(b, "%s\"%s\"%s", i > from ? ", " : "", t->columns[i].name, suffix);
}

static void marks(struct buf *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		buf_printf(b, "%s$%zu", i > from ? ", " : "", i + 1);
}

static void where_prefix(struct buf *b, const struct table_def *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s\"%s\" = $%zu", i ? " AND " : " WHERE ", t->columns[i].name,
			   i + 1);
}

static void sql_list(struct buf *b, const struct table_def *t, unsigned variant)
{
	size_t prefix = variant & PG_PREFIX, n = prefix;

	buf_lit(b, "SELECT ");
	columns(b, t, 0, t->ncolumns, "");
	buf_printf(b, " FROM \"%s\"", t->name);
	where_prefix(b, t, prefix);
	if (variant & PG_AFTER) {
		n = t->nkeys;
		buf_printf(b, "%s (", prefix ? " AND" : " WHERE");
		columns(b, t, prefix, t->nkeys, "");
		buf_printf(b, ") %c (", variant & PG_REVERSE ? '<' : '>');
		marks(b, prefix, t->nkeys);
		buf_lit(b, ")");
	}
	buf_lit(b, " ORDER BY ");
	columns(b, t, 0, t->nkeys, variant & PG_REVERSE ? " DESC" : "");
	buf_printf(b, " LIMIT $%zu", n + 1);
}

static void sql_count(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b, "SELECT count(*) FROM \"%s\"", t->name);
	where_prefix(b, t, variant & PG_PREFIX);
}

static void sql_range(struct buf *b, const struct table_def *t, unsigned variant)
{
	const char *down = variant & PG_REVERSE ? " DESC" : "";

	buf_lit(b, "SELECT ");
	columns(b, t, 0, t->ncolumns, "");
	buf_printf(b,
		   " FROM \"%s\" WHERE account = $1 AND number > $2 AND number < $3"
		   " ORDER BY account%s, number%s LIMIT $4",
		   t->name, down, down);
}

static void sql_last(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b,
		   "SELECT number, origin, origin_number, part, flags FROM \"%s\""
		   " WHERE account = $1 ORDER BY account DESC, number DESC LIMIT $2",
		   t->name);
}

static void insert_into(struct buf *b, const struct table_def *t)
{
	buf_printf(b, "INSERT INTO \"%s\" (", t->name);
	columns(b, t, 0, t->ncolumns, "");
	buf_lit(b, ")");
}

static void sql_append(struct buf *b, const struct table_def *t, unsigned variant)
{
	insert_into(b, t);
	buf_lit(b, " VALUES (");
	marks(b, 0, t->ncolumns);
	buf_lit(b, ")");
}

static void sql_insert(struct buf *b, const struct table_def *t, unsigned variant)
{
	sql_append(b, t, variant);
	buf_lit(b, " ON CONFLICT (");
	columns(b, t, 0, t->nkeys, "");
	buf_lit(b, ") DO NOTHING");
}

static void set_columns(struct buf *b, const struct table_def *t, size_t from, size_t to,
			const char *between)
{
	for (size_t i = from; i < to; i++)
		buf_printf(b, "%s\"%s\" = $%zu", i > from ? between : "", t->columns[i].name,
			   i + 1);
}

static void sql_put(struct buf *b, const struct table_def *t, unsigned variant)
{
	sql_insert(b, t, variant);
	if (t->ncolumns == t->nkeys)
		return;
	b->len -= sizeof("NOTHING") - 1;
	buf_lit(b, "UPDATE SET ");
	set_columns(b, t, t->nkeys, t->ncolumns, ", ");
}

/* A row that is its key alone is set to itself, which tells whether it is there. */
static void sql_update(struct buf *b, const struct table_def *t, unsigned variant)
{
	bool bare = t->ncolumns == t->nkeys;

	buf_printf(b, "UPDATE \"%s\" SET ", t->name);
	set_columns(b, t, bare ? 0 : t->nkeys, t->ncolumns, ", ");
	buf_lit(b, " WHERE ");
	set_columns(b, t, 0, t->nkeys, " AND ");
}

static void sql_delete(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b, "DELETE FROM \"%s\"", t->name);
	where_prefix(b, t, variant & PG_PREFIX);
}

/* Each partition has its own unique index on (account, number), so that another one may have the
 * number: it is looked for in all. Nobody else appends to the account meanwhile (its shard is
 * locked and fenced). */
static void sql_append_known(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_lit(b, "WITH added AS (");
	insert_into(b, t);
	buf_lit(b, " SELECT ");
	marks(b, 0, t->ncolumns);
	buf_printf(b,
		   " WHERE NOT EXISTS (SELECT FROM \"%s\" WHERE account = $1 AND number = $2)"
		   " ON CONFLICT DO NOTHING RETURNING 1)"
		   " SELECT mercutio_same_1($1, $2, $%d, $%d, $%d)"
		   " WHERE NOT EXISTS (SELECT FROM added)",
		   t->name, COL_LOG_ORIGIN + 1, COL_LOG_ORIGIN_NUMBER + 1, COL_LOG_PART + 1);
}

static void sql_fence(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_lit(b, "SELECT mercutio_fence_1($1, $2, $3, $4, $5, $6, $7)");
}

void pg_sql_text(struct buf *b, enum pg_kind kind, const struct table_def *t, unsigned variant)
{
	static void (*const make[])(struct buf *, const struct table_def *, unsigned) = {
		[PG_LIST] = sql_list,	  [PG_RANGE] = sql_range,
		[PG_LAST] = sql_last,	  [PG_COUNT] = sql_count,
		[PG_PUT] = sql_put,	  [PG_INSERT] = sql_insert,
		[PG_UPDATE] = sql_update, [PG_DELETE] = sql_delete,
		[PG_APPEND] = sql_append, [PG_APPEND_KNOWN] = sql_append_known,
		[PG_FENCE] = sql_fence,
	};

	make[kind](b, t, variant);
}

/* Keys are compared by bytes, whatever the database's locale. */
static void column_def(struct buf *b, const struct column *c)
{
	static const char *const types[] = {
		[COLUMN_INT] = "bigint",
		[COLUMN_TEXT] = "text COLLATE \"C\"",
		[COLUMN_BLOB] = "bytea",
	};

	buf_printf(b, "\"%s\" %s%s", c->name, types[c->type], c->nullable ? "" : " NOT NULL");
}

void pg_sql_create_table(struct buf *b, const struct table_def *t, unsigned version, bool log)
{
	const char *between = "";

	buf_printf(b, "CREATE TABLE IF NOT EXISTS \"%s\" (", t->name);
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (t->columns[i].since > version)
			continue;
		buf_printf(b, "%s", between);
		column_def(b, &t->columns[i]);
		between = ", ";
	}
	if (log) {
		buf_lit(b, ") PARTITION BY RANGE (\"time\")");
		return;
	}
	buf_lit(b, ", PRIMARY KEY (");
	columns(b, t, 0, t->nkeys, "");
	buf_lit(b, "))");
}

void pg_sql_create_index(struct buf *b, const struct table_def *t, size_t index)
{
	const struct table_index *x = &t->indexes[index];

	buf_printf(b, "CREATE INDEX IF NOT EXISTS \"%s_index_%zu\" ON \"%s\" (", t->name, index + 1,
		   t->name);
	for (size_t i = 0; i < x->ncolumns; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", t->columns[x->columns[i]].name);
	buf_lit(b, ")");
}

void pg_sql_add_column(struct buf *b, const struct table_def *t, size_t column)
{
	buf_printf(b, "ALTER TABLE \"%s\" ADD COLUMN IF NOT EXISTS ", t->name);
	column_def(b, &t->columns[column]);
}
