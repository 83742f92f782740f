/* SPDX-License-Identifier: MIT */
/* Makes SQL from the declared tables; names are quoted, values are always parameters. */
#include "storage/sql.h"

/* A statement that is being made. */
struct maker {
	struct buf *b;
	const struct table_def *t;
	unsigned variant;
	enum sql_dialect dialect;
};

static void columns(const struct maker *m, size_t from, size_t to, const char *suffix)
{
	for (size_t i = from; i < to; i++)
		buf_printf(m->b, "%s\"%s\"%s", i > from ? ", " : "", m->t->columns[i].name, suffix);
}

/* ?3 or $3; from 1. */
static void mark(const struct maker *m, size_t n)
{
	buf_printf(m->b, "%c%zu", m->dialect == SQL_SQLITE ? '?' : '$', n);
}

static void marks(const struct maker *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_lit(m->b, ", ");
		mark(m, i + 1);
	}
}

/* "a" = ?1, "b" = ?2 …: each column with the parameter of its number. */
static void equal(const struct maker *m, size_t from, size_t to, const char *between)
{
	for (size_t i = from; i < to; i++) {
		buf_printf(m->b, "%s\"%s\" = ", i > from ? between : "", m->t->columns[i].name);
		mark(m, i + 1);
	}
}

static void where_prefix(const struct maker *m)
{
	if (m->variant & SQL_PREFIX)
		buf_lit(m->b, " WHERE ");
	equal(m, 0, m->variant & SQL_PREFIX, " AND ");
}

static const char *down(const struct maker *m)
{
	return m->variant & SQL_REVERSE ? " DESC" : "";
}

static void limit(const struct maker *m, size_t parameter)
{
	buf_lit(m->b, " LIMIT ");
	mark(m, parameter);
}

static void select_columns(const struct maker *m)
{
	buf_lit(m->b, "SELECT ");
	columns(m, 0, m->t->ncolumns, "");
	buf_printf(m->b, " FROM \"%s\"", m->t->name);
}

static void make_list(const struct maker *m)
{
	size_t prefix = m->variant & SQL_PREFIX, n = prefix;

	select_columns(m);
	where_prefix(m);
	if (m->variant & SQL_AFTER) {
		n = m->t->nkeys;
		buf_printf(m->b, "%s (", prefix ? " AND" : " WHERE");
		columns(m, prefix, n, "");
		buf_printf(m->b, ") %c (", m->variant & SQL_REVERSE ? '<' : '>');
		marks(m, prefix, n);
		buf_lit(m->b, ")");
	}
	buf_lit(m->b, " ORDER BY ");
	columns(m, 0, m->t->nkeys, down(m));
	limit(m, n + 1);
}

static void make_count(const struct maker *m)
{
	buf_printf(m->b, "SELECT count(*) FROM \"%s\"", m->t->name);
	where_prefix(m);
}

/* --- the log ---------------------------------------------------------------------------------- */

/* A bare JID is that with any resource; '0' is the character behind '/'. */
static size_t where_with(const struct maker *m, size_t next)
{
	buf_lit(m->b, " AND (peer = ");
	mark(m, next);
	if (m->variant & SQL_WITH_BARE) {
		buf_lit(m->b, " OR (peer > ");
		mark(m, next);
		buf_lit(m->b, " || '/' AND peer < ");
		mark(m, next);
		buf_lit(m->b, " || '0')");
	}
	buf_lit(m->b, ")");
	return next + 1;
}

static size_t where_numbers(const struct maker *m, size_t next)
{
	bool lite = m->dialect == SQL_SQLITE;

	buf_printf(m->b, " AND number %s", lite ? "IN (SELECT value FROM json_each(" : "= ANY (");
	mark(m, next);
	buf_printf(m->b, "%s", lite ? "))" : "::text::bigint[])");
	return next + 1;
}

/* The entries that a read of the log is for. Returns the number of the next parameter. */
static size_t where_selected(const struct maker *m)
{
	size_t next = 4;

	buf_printf(m->b, " FROM \"%s\" WHERE account = ", m->t->name);
	mark(m, 1);
	buf_lit(m->b, " AND number > ");
	mark(m, 2);
	buf_lit(m->b, " AND number < ");
	mark(m, 3);
	if (m->variant & (SQL_WITH_FULL | SQL_WITH_BARE))
		next = where_with(m, next);
	if (m->variant & SQL_TIME) {
		buf_lit(m->b, " AND \"time\" >= ");
		mark(m, next);
		buf_lit(m->b, " AND \"time\" <= ");
		mark(m, next + 1);
		next += 2;
	}
	if (m->variant & SQL_NUMBERS)
		next = where_numbers(m, next);
	return next;
}

static void in_order(const struct maker *m, size_t next)
{
	buf_printf(m->b, " ORDER BY account%s, number%s", down(m), down(m));
	limit(m, next);
}

static void make_range(const struct maker *m)
{
	buf_lit(m->b, "SELECT ");
	columns(m, 0, m->t->ncolumns, "");
	in_order(m, where_selected(m));
}

static void make_range_sizes(const struct maker *m)
{
	buf_printf(m->b, "SELECT number, \"time\", %s",
		   m->dialect == SQL_SQLITE ? "length(CAST(stanza AS BLOB))"
					    : "octet_length(stanza)::bigint");
	in_order(m, where_selected(m));
}

static void make_range_count(const struct maker *m)
{
	buf_lit(m->b, "SELECT count(*) FROM (SELECT 1");
	limit(m, where_selected(m));
	buf_lit(m->b, ") AS selected");
}

static void make_last(const struct maker *m)
{
	buf_printf(m->b, "SELECT number, origin, origin_number, part, flags, \"time\" FROM \"%s\"",
		   m->t->name);
	buf_lit(m->b, " WHERE account = ");
	mark(m, 1);
	buf_lit(m->b, " AND number < ");
	mark(m, 2);
	buf_lit(m->b, " ORDER BY account DESC, number DESC");
	limit(m, 3);
}

/* From one account to the next by the index, however many entries each has. */
static void make_accounts(const struct maker *m)
{
	buf_printf(m->b, "WITH RECURSIVE found(account) AS (SELECT min(account) FROM \"%s\""
			 " WHERE account > ",
		   m->t->name);
	mark(m, 1);
	buf_printf(m->b,
		   " UNION ALL SELECT (SELECT min(account) FROM \"%s\""
		   " WHERE account > found.account) FROM found WHERE found.account IS NOT NULL)"
		   " SELECT account FROM found WHERE account IS NOT NULL",
		   m->t->name);
	limit(m, 2);
}

static void make_log_key(const struct maker *m)
{
	buf_printf(m->b, "SELECT origin, origin_number, part FROM \"%s\" WHERE account = ",
		   m->t->name);
	mark(m, 1);
	buf_lit(m->b, " AND number = ");
	mark(m, 2);
}

/* --- writes ----------------------------------------------------------------------------------- */

static void insert_into(const struct maker *m)
{
	buf_printf(m->b, "INSERT INTO \"%s\" (", m->t->name);
	columns(m, 0, m->t->ncolumns, "");
	buf_lit(m->b, ")");
}

static void make_append(const struct maker *m)
{
	insert_into(m);
	buf_lit(m->b, " VALUES (");
	marks(m, 0, m->t->ncolumns);
	buf_lit(m->b, ")");
}

static void make_append_many(const struct maker *m)
{
	insert_into(m);
	buf_lit(m->b, " SELECT * FROM unnest(");
	marks(m, 0, m->t->ncolumns);
	buf_lit(m->b, ")");
}

static void insert_or(const struct maker *m)
{
	make_append(m);
	buf_lit(m->b, " ON CONFLICT (");
	columns(m, 0, m->t->nkeys, "");
	buf_lit(m->b, ") DO ");
}

static void make_insert(const struct maker *m)
{
	insert_or(m);
	buf_lit(m->b, "NOTHING");
}

static void make_put(const struct maker *m)
{
	insert_or(m);
	if (m->t->ncolumns == m->t->nkeys) {
		buf_lit(m->b, "NOTHING");
		return;
	}
	buf_lit(m->b, "UPDATE SET ");
	equal(m, m->t->nkeys, m->t->ncolumns, ", ");
}

/* A row that is its key alone is set to itself, which tells whether it is there. */
static void make_update(const struct maker *m)
{
	bool bare = m->t->ncolumns == m->t->nkeys;

	buf_printf(m->b, "UPDATE \"%s\" SET ", m->t->name);
	equal(m, bare ? 0 : m->t->nkeys, m->t->ncolumns, ", ");
	buf_lit(m->b, " WHERE ");
	equal(m, 0, m->t->nkeys, " AND ");
}

static void make_delete(const struct maker *m)
{
	buf_printf(m->b, "DELETE FROM \"%s\"", m->t->name);
	where_prefix(m);
}

/* Each partition has its own unique index on (account, number), so that another one may have the
 * number: it is looked for in all. Nobody else appends to the account meanwhile (its shard is
 * locked and fenced). */
static void make_append_known(const struct maker *m)
{
	buf_lit(m->b, "WITH added AS (");
	insert_into(m);
	buf_lit(m->b, " SELECT ");
	marks(m, 0, m->t->ncolumns);
	buf_printf(m->b,
		   " WHERE NOT EXISTS (SELECT FROM \"%s\" WHERE account = $1 AND number = $2)"
		   " ON CONFLICT DO NOTHING RETURNING 1)"
		   " SELECT mercutio_same_1($1, $2, $%d, $%d, $%d)"
		   " WHERE NOT EXISTS (SELECT FROM added)",
		   m->t->name, COL_LOG_ORIGIN + 1, COL_LOG_ORIGIN_NUMBER + 1, COL_LOG_PART + 1);
}

static void make_fence(const struct maker *m)
{
	buf_lit(m->b, "SELECT mercutio_fence_1($1, $2, $3, $4, $5, $6, $7)");
}

/* ---------------------------------------------------------------------------------------------- */

void sql_text(struct buf *b, enum sql_dialect d, enum sql_kind kind, const struct table_def *t,
	      unsigned variant)
{
	static void (*const make[SQL_KINDS])(const struct maker *) = {
		[SQL_LIST] = make_list,
		[SQL_COUNT] = make_count,
		[SQL_RANGE] = make_range,
		[SQL_RANGE_SIZES] = make_range_sizes,
		[SQL_RANGE_COUNT] = make_range_count,
		[SQL_LAST] = make_last,
		[SQL_ACCOUNTS] = make_accounts,
		[SQL_PUT] = make_put,
		[SQL_INSERT] = make_insert,
		[SQL_UPDATE] = make_update,
		[SQL_DELETE] = make_delete,
		[SQL_LOG_KEY] = make_log_key,
		[SQL_APPEND] = make_append,
		[SQL_APPEND_MANY] = make_append_many,
		[SQL_APPEND_KNOWN] = make_append_known,
		[SQL_FENCE] = make_fence,
	};

	make[kind](&(struct maker){b, t, variant, d});
}
