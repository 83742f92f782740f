/* SPDX-License-Identifier: MIT */
/* Makes SQL from the declared tables; names are quoted, values are always parameters. */
#include "storage/sqlite_internal.h"

/* "a", "b", … of the columns from..to. */
static void columns(struct buf *b, const struct table_def *t, size_t from, size_t to,
		    const char *suffix)
{
	for (size_t i = from; i < to; i++)
		buf_printf(b, "%s\"%s\"%s", i > from ? ", " : "", t->columns[i].name, suffix);
}

static void marks(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s?", i ? ", " : "");
}

static void where_prefix(struct buf *b, const struct table_def *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s\"%s\" = ?", i ? " AND " : " WHERE ", t->columns[i].name);
}

static void sql_list(struct buf *b, const struct table_def *t, unsigned variant)
{
	size_t prefix = variant & SQL_PREFIX;

	buf_lit(b, "SELECT ");
	columns(b, t, 0, t->ncolumns, "");
	buf_printf(b, " FROM \"%s\"", t->name);
	where_prefix(b, t, prefix);
	if (variant & SQL_AFTER) {
		buf_printf(b, "%s (", prefix ? " AND" : " WHERE");
		columns(b, t, prefix, t->nkeys, "");
		buf_printf(b, ") %c (", variant & SQL_REVERSE ? '<' : '>');
		marks(b, t->nkeys - prefix);
		buf_lit(b, ")");
	}
	buf_lit(b, " ORDER BY ");
	columns(b, t, 0, t->nkeys, variant & SQL_REVERSE ? " DESC" : "");
}

static void sql_count(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b, "SELECT count(*) FROM \"%s\"", t->name);
	where_prefix(b, t, variant & SQL_PREFIX);
}

static void sql_range(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_lit(b, "SELECT ");
	columns(b, t, 0, t->ncolumns, "");
	buf_printf(b,
		   " FROM \"%s\" WHERE account = ? AND number > ? AND number < ?"
		   " ORDER BY account%s, number%s",
		   t->name, variant & SQL_REVERSE ? " DESC" : "",
		   variant & SQL_REVERSE ? " DESC" : "");
}

static void sql_last(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b,
		   "SELECT number, origin, origin_number, part, flags FROM \"%s\" WHERE account = ?"
		   " ORDER BY account DESC, number DESC",
		   t->name);
}

static void sql_log_key(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(
		b,
		"SELECT origin, origin_number, part FROM \"%s\" WHERE account = ? AND number = ?",
		t->name);
}

static void sql_insert(struct buf *b, const struct table_def *t, unsigned variant)
{
	buf_printf(b, "INSERT INTO \"%s\" (", t->name);
	columns(b, t, 0, t->ncolumns, "");
	buf_lit(b, ") VALUES (");
	marks(b, t->ncolumns);
	buf_lit(b, ") ON CONFLICT (");
	columns(b, t, 0, t->nkeys, "");
	buf_lit(b, ") DO NOTHING");
}

/* name = ?, with the numbers of the columns, since they come out of order. */
static void set_columns(struct buf *b, const struct table_def *t, size_t from, size_t to,
			const char *between)
{
	for (size_t i = from; i < to; i++)
		buf_printf(b, "%s\"%s\" = ?%zu", i > from ? between : "", t->columns[i].name,
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
	where_prefix(b, t, variant & SQL_PREFIX);
}

void sql_text(struct buf *b, enum sql_kind kind, const struct table_def *t, unsigned variant)
{
	static void (*const make[])(struct buf *, const struct table_def *, unsigned) = {
		[SQL_LIST] = sql_list,	   [SQL_COUNT] = sql_count,   [SQL_RANGE] = sql_range,
		[SQL_LAST] = sql_last,	   [SQL_PUT] = sql_put,	      [SQL_INSERT] = sql_insert,
		[SQL_UPDATE] = sql_update, [SQL_DELETE] = sql_delete, [SQL_LOG_KEY] = sql_log_key,
	};

	make[kind](b, t, variant);
}

static void column_def(struct buf *b, const struct column *c)
{
	static const char *const types[] = {
		[COLUMN_INT] = "INTEGER",
		[COLUMN_TEXT] = "TEXT",
		[COLUMN_BLOB] = "BLOB",
	};

	buf_printf(b, "\"%s\" %s%s", c->name, types[c->type], c->nullable ? "" : " NOT NULL");
}

/* The log keeps the order of commits, with one index on its key; clustering it by account costs
 * three times as much a message. All other tables are their key's tree. */
void sql_create_table(struct buf *b, const struct table_def *t, unsigned version)
{
	bool log = strcmp(t->name, tables[TABLE_LOG].name) == 0;

	buf_printf(b, "CREATE TABLE IF NOT EXISTS \"%s\" (%s", t->name,
		   log ? "seq INTEGER PRIMARY KEY, " : "");
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (t->columns[i].since > version)
			continue;
		column_def(b, &t->columns[i]);
		buf_lit(b, ", ");
	}
	buf_printf(b, "%s (", log ? "UNIQUE" : "PRIMARY KEY");
	columns(b, t, 0, t->nkeys, "");
	buf_printf(b, ")) STRICT%s", log ? "" : ", WITHOUT ROWID");
}

void sql_create_index(struct buf *b, const struct table_def *t, size_t index)
{
	const struct table_index *x = &t->indexes[index];

	buf_printf(b, "CREATE INDEX IF NOT EXISTS \"%s_index_%zu\" ON \"%s\" (", t->name, index + 1,
		   t->name);
	for (size_t i = 0; i < x->ncolumns; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", t->columns[x->columns[i]].name);
	buf_lit(b, ")");
}

void sql_add_column(struct buf *b, const struct table_def *t, size_t column)
{
	buf_printf(b, "ALTER TABLE \"%s\" ADD COLUMN ", t->name);
	column_def(b, &t->columns[column]);
}
