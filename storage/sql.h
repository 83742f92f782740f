/* SPDX-License-Identifier: MIT */
/* SQL of the declared tables, for both databases: statements, schema, and what a read asks for. */
#ifndef STORAGE_SQL_H
#define STORAGE_SQL_H

#include "base/pool.h"
#include "storage/engine.h"

enum sql_dialect { SQL_SQLITE, SQL_POSTGRESQL };

enum sql_kind {
	SQL_LIST,  /* by prefix, or behind a key in it: prefix's values, then the rest of the key */
	SQL_COUNT, /* by prefix */
	SQL_RANGE, /* log: account, number above, number below, what is selected; then the limit */
	SQL_RANGE_SIZES, /* the same: number, time, bytes */
	SQL_RANGE_COUNT, /* the same: how many, up to the limit */
	SQL_LAST,	 /* log: account */
	SQL_ACCOUNTS,	 /* log: accounts that have entries, behind a name */
	SQL_PUT,	 /* all columns; replaces */
	SQL_INSERT,	 /* all columns; changes nothing when the key is there */
	SQL_UPDATE,	 /* all columns; changes nothing when the key is not there */
	SQL_DELETE,	 /* by prefix */
	SQL_LOG_KEY,	 /* log: account, number; the key of the stanza */
	/* PostgreSQL's alone: */
	SQL_APPEND,	  /* log: fails when the number is known in the same partition */
	SQL_APPEND_MANY,  /* log: the same of many rows, each column an array */
	SQL_APPEND_KNOWN, /* log: the same number and key may be there, in any partition */
	SQL_FENCE,	  /* locks and compares leases */
	SQL_KINDS
};
/* Variants: number of the prefix's columns, and flags; for the ranges of the log flags alone. */
enum { SQL_PREFIX = 7, SQL_REVERSE = 8, SQL_AFTER = 16, SQL_VARIANTS = 32 };
enum { SQL_WITH_FULL = 1, SQL_WITH_BARE = 2, SQL_TIME = 4, SQL_NUMBERS = 16 };

void sql_text(struct buf *b, enum sql_dialect d, enum sql_kind kind, const struct table_def *t,
	      unsigned variant);

/* --- sql_schema.c ---------------------------------------------------------------------------- */

/* In PostgreSQL the log's rows lie in partitions, made later. */
void sql_create_table(struct buf *b, enum sql_dialect d, const struct table_def *t,
		      unsigned version);
void sql_create_index(struct buf *b, const struct table_def *t, size_t index);
void sql_add_column(struct buf *b, enum sql_dialect d, const struct table_def *t, size_t column);

/* --- sql_query.c: the statement that answers a read ------------------------------------------- */

enum { QUERY_VALUES = 16, QUERY_COLUMNS = 32 };
struct sql_columns { /* of the rows that it finds */
	size_t n;
	enum column_type types[QUERY_COLUMNS];
};
struct sql_query {
	enum sql_kind kind;
	unsigned variant;
	bool nothing; /* there can be no row */
	size_t nvalues;
	struct msg_value values[QUERY_VALUES]; /* parameters; borrowed from the op, or in pool */
	struct sql_columns columns;
};
void sql_query_columns(struct sql_columns *c, const struct msg_read_op *o);
/* Finds one row more than wanted, which tells whether there are more; most: rows of an op. */
void sql_query_make(struct sql_query *q, enum sql_dialect d, const struct msg_read_op *o,
		    size_t most, struct pool *pool);

#endif
