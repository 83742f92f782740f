/* SPDX-License-Identifier: MIT */
/* Makes the SQL of the schema from the declared tables. */
#include "storage/sql.h"

/* In PostgreSQL keys are compared by bytes, whatever the database's locale. */
static void column_def(struct buf *b, enum sql_dialect d, const struct column *c)
{
	static const char *const types[][4] = {
		[SQL_SQLITE] = {[COLUMN_INT] = "INTEGER",
				[COLUMN_TEXT] = "TEXT",
				[COLUMN_BLOB] = "BLOB"},
		[SQL_POSTGRESQL] = {[COLUMN_INT] = "bigint",
				    [COLUMN_TEXT] = "text COLLATE \"C\"",
				    [COLUMN_BLOB] = "bytea"},
	};

	buf_printf(b, "\"%s\" %s%s", c->name, types[d][c->type], c->nullable ? "" : " NOT NULL");
}

static void key(struct buf *b, const char *what, const struct table_def *t)
{
	buf_printf(b, "%s (", what);
	for (size_t i = 0; i < t->nkeys; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
	buf_lit(b, ")");
}

/* SQLite: the log keeps the order of commits, with one index on its key; clustering it by account
 * costs three times as much a message. All other tables are their key's tree. */
void sql_create_table(struct buf *b, enum sql_dialect d, const struct table_def *t,
		      unsigned version)
{
	bool log = strcmp(t->name, tables[TABLE_LOG].name) == 0, lite = d == SQL_SQLITE;
	const char *between = "";

	buf_printf(b, "CREATE TABLE IF NOT EXISTS \"%s\" (%s", t->name,
		   log && lite ? "seq INTEGER PRIMARY KEY, " : "");
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (t->columns[i].since > version)
			continue;
		buf_printf(b, "%s", between);
		column_def(b, d, &t->columns[i]);
		between = ", ";
	}
	if (lite || !log)
		key(b, log ? ", UNIQUE" : ", PRIMARY KEY", t);
	buf_lit(b, ")");
	if (lite)
		buf_printf(b, " STRICT%s", log ? "" : ", WITHOUT ROWID");
	else if (log)
		buf_lit(b, " PARTITION BY RANGE (\"time\")");
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

void sql_add_column(struct buf *b, enum sql_dialect d, const struct table_def *t, size_t column)
{
	buf_printf(b, "ALTER TABLE \"%s\" ADD COLUMN %s", t->name,
		   d == SQL_SQLITE ? "" : "IF NOT EXISTS ");
	column_def(b, d, &t->columns[column]);
}
