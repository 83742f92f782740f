/* SPDX-License-Identifier: MIT */
/* A PostgreSQL database as source or target of a copy, in one transaction under its tables' locks.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/bulk.h"
#include "storage/pg_internal.h"

enum { PAGE = 100, OUT_BYTES = 65536, COLUMNS = 32 };
#define OLDEST_PARTITION_US (INT64_C(10) * 366 * 86400 * 1000000)

struct pgb {
	struct bulk bulk;
	PGconn *c;
	const struct table_def *reading, *writing;
	enum column_type types[COLUMNS];
	PGresult *page;
	int at;
	struct buf out; /* rows on their way */
};

static bool command(struct pgb *p, const char *sql)
{
	PGresult *r = pg_exec(p->c, sql, 0, p->bulk.text);

	PQclear(r);
	return r != NULL;
}

static bool command_buf(struct pgb *p, struct buf *sql)
{
	bool good;

	buf_putc(sql, 0);
	good = command(p, buf_ptr(sql));
	buf_free(sql);
	return good;
}

static void pgb_close(struct bulk *b)
{
	struct pgb *p = (struct pgb *)b;

	PQclear(p->page);
	PQfinish(p->c); /* rolls back what was not committed */
	buf_free(&p->out);
	free(p);
}

/* Nobody writes from here to the end; a server that tries waits, and sees to its time limit. */
static bool lock_all(struct pgb *p, const char *mode)
{
	struct buf sql = BUF_INIT;

	buf_lit(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '10s';"
		      "SET LOCAL statement_timeout = 0;"
		      "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE ");
	for (size_t i = 0; bulk_table(i); i++)
		buf_printf(&sql, "%s\"%s\"", i ? ", " : "", bulk_table(i)->name);
	buf_printf(&sql, " IN %s MODE", mode);
	return command_buf(p, &sql);
}

static bool unused(struct pgb *p)
{
	int64_t n = pg_setup_writers(p->c, p->bulk.text);

	if (n > 0)
		snprintf(p->bulk.text, sizeof(p->bulk.text),
			 "a mercutio-storage works on that database: stop all of them first");
	return n == 0;
}

static bool same_version(struct pgb *p)
{
	int64_t v;

	if (pg_schema(p->c, tables, TABLES, SCHEMA_VERSION, SCHEMA_CHECK, NULL, p->bulk.text) !=
	    PG_OK)
		return false;
	v = pg_number(p->c, "SELECT max(version) FROM mercutio_schema", 0, p->bulk.text);
	if (v > SCHEMA_VERSION)
		snprintf(p->bulk.text, sizeof(p->bulk.text),
			 "its schema (version %lld) is newer than this program's (version %u)",
			 (long long)v, (unsigned)SCHEMA_VERSION);
	return v == SCHEMA_VERSION;
}

static struct bulk *pgb_open(const struct target *t, bool write, struct buf *error)
{
	struct pgb *p = xcalloc(1, sizeof(*p));
	struct pg_setup s = {.conninfo = t->config.connect,
			     .role = PG_WRITER,
			     .connect_ms = t->config.connect_timeout};
	bool good = pg_setup_plain(&s);

	p->bulk.ops = &bulk_pgsql;
	p->c = s.handle;
	if (!good)
		memcpy(p->bulk.text, s.text, sizeof(p->bulk.text));
	else if (write)
		good = pg_migrate(p->c, tables, TABLES, SCHEMA_VERSION, p->bulk.text) == PG_OK;
	good = good && same_version(p) && unused(p) && (write || lock_all(p, "SHARE"));
	if (good)
		return &p->bulk;
	buf_printf(error, "PostgreSQL: %s", p->bulk.text);
	pgb_close(&p->bulk);
	return NULL;
}

static bool pgb_times(struct bulk *b, int64_t *ret_from, int64_t *ret_to)
{
	struct pgb *p = (struct pgb *)b;

	*ret_from = pg_number(p->c, "SELECT coalesce(min(time), 0) FROM log", 0, b->text);
	*ret_to = pg_number(p->c, "SELECT coalesce(max(time), 0) FROM log", 0, b->text);
	return *ret_from >= 0 && *ret_to >= 0;
}

/* Rows of a month that gets none lie where those of all other times do. */
static void make_partitions(struct pgb *p, int64_t from, int64_t to)
{
	if (from && to - from > OLDEST_PARTITION_US)
		from = to - OLDEST_PARTITION_US;
	while (from && from <= to) {
		int year, month;
		int64_t first;

		pg_partitions(p->c, from, p->bulk.text);
		pg_month(from, &year, &month, &first, &from);
	}
	p->bulk.text[0] = 0;
}

static bool is_empty(struct pgb *p)
{
	for (size_t i = 0; bulk_table(i); i++) {
		struct buf sql = BUF_INIT;
		int64_t n;

		buf_printf(&sql, "SELECT count(*) FROM (SELECT FROM \"%s\" LIMIT 1) AS one",
			   bulk_table(i)->name);
		buf_putc(&sql, 0);
		n = pg_number(p->c, buf_ptr(&sql), 0, p->bulk.text);
		buf_free(&sql);
		if (n > 0)
			snprintf(p->bulk.text, sizeof(p->bulk.text),
				 "there are data in it already (--replace)");
		if (n)
			return false;
	}
	return true;
}

static bool make_empty(struct pgb *p)
{
	for (size_t i = 0; bulk_table(i); i++) {
		struct buf sql = BUF_INIT;

		buf_printf(&sql, "DELETE FROM \"%s\"", bulk_table(i)->name);
		if (!command_buf(p, &sql))
			return false;
	}
	return true;
}

static bool pgb_begin(struct bulk *b, bool replace, int64_t from, int64_t to)
{
	struct pgb *p = (struct pgb *)b;

	if (!replace && !is_empty(p))
		return false;
	make_partitions(p, from, to);
	return lock_all(p, "EXCLUSIVE") && (replace ? make_empty(p) : is_empty(p));
}

/* --- reading --------------------------------------------------------------------------------- */

static bool pgb_select(struct bulk *b, const struct table_def *t, enum bulk_order order)
{
	struct pgb *p = (struct pgb *)b;
	struct buf sql = BUF_INIT, keys = BUF_INIT;

	PQclear(p->page);
	p->page = NULL;
	p->at = 0;
	if (p->reading && !command(p, "CLOSE mercutio_copy"))
		return false;
	p->reading = t;
	for (size_t i = 0; i < t->ncolumns; i++)
		p->types[i] = t->columns[i].type;
	if (order == BULK_KEY)
		bulk_key_order(&keys, t);
	buf_putc(&keys, 0);
	buf_lit(&sql, "DECLARE mercutio_copy BINARY NO SCROLL CURSOR FOR ");
	bulk_select_sql(&sql, t, buf_ptr(&keys));
	buf_free(&keys);
	return command_buf(p, &sql);
}

static bool fetch(struct pgb *p)
{
	struct buf sql = BUF_INIT;

	PQclear(p->page);
	buf_printf(&sql, "FETCH %d FROM mercutio_copy", PAGE);
	buf_putc(&sql, 0);
	p->page = pg_exec(p->c, buf_ptr(&sql), 0, p->bulk.text);
	p->at = 0;
	buf_free(&sql);
	return p->page != NULL;
}

static int pgb_next(struct bulk *b, struct msg_value *ret_values)
{
	struct pgb *p = (struct pgb *)b;

	if ((!p->page || p->at == PQntuples(p->page)) && !fetch(p))
		return -1;
	if (!PQntuples(p->page))
		return 0;
	row_values(p->page, p->at++, p->types, ret_values, p->reading->ncolumns);
	return 1;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool send_out(struct pgb *p)
{
	bool good = PQputCopyData(p->c, buf_ptr(&p->out), (int)p->out.len) == 1;

	buf_clear(&p->out);
	if (!good)
		pg_text(p->bulk.text, PQerrorMessage(p->c));
	return good;
}

static bool pgb_flush(struct bulk *b)
{
	struct pgb *p = (struct pgb *)b;
	PGresult *r;
	bool good = true;

	if (!p->writing)
		return true;
	p->writing = NULL;
	if (!send_out(p) || PQputCopyEnd(p->c, NULL) != 1)
		return false;
	while ((r = PQgetResult(p->c))) {
		if (PQresultStatus(r) != PGRES_COMMAND_OK) {
			pg_text(b->text, PQresultErrorMessage(r));
			good = false;
		}
		PQclear(r);
	}
	return good;
}

/* What PostgreSQL keeps of a lease besides: no storage has written under it here. */
static bool is_lease(const struct table_def *t)
{
	return strcmp(t->name, "mercutio_lease") == 0;
}

static bool start_table(struct pgb *p, const struct table_def *t)
{
	struct buf sql = BUF_INIT;
	PGresult *r;
	bool good;

	if (!pgb_flush(&p->bulk))
		return false;
	buf_printf(&sql, "COPY \"%s\" (", t->name);
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_printf(&sql, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
	buf_printf(&sql, "%s) FROM STDIN", is_lease(t) ? ", write_epoch" : "");
	buf_putc(&sql, 0);
	r = PQexec(p->c, buf_ptr(&sql));
	good = PQresultStatus(r) == PGRES_COPY_IN;
	if (!good)
		pg_text(p->bulk.text, PQresultErrorMessage(r));
	PQclear(r);
	buf_free(&sql);
	p->writing = good ? t : NULL;
	return good;
}

/* COPY's text format. */
static void put_value(struct buf *b, const struct msg_value *v)
{
	static const char hex[] = "0123456789abcdef";

	if (v->type == COLUMN_INT) {
		buf_printf(b, "%lld", (long long)v->i);
	} else if (v->type == COLUMN_BLOB) {
		buf_lit(b, "\\\\x");
		for (size_t i = 0; i < v->s.len; i++) {
			buf_putc(b, hex[(uint8_t)v->s.ptr[i] >> 4]);
			buf_putc(b, hex[(uint8_t)v->s.ptr[i] & 15]);
		}
	} else if (v->type == COLUMN_TEXT) {
		for (size_t i = 0; i < v->s.len; i++) {
			char c = v->s.ptr[i];

			if (c == '\\' || c == '\n' || c == '\r' || c == '\t')
				buf_putc(b, '\\');
			buf_putc(b, c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c);
		}
	} else {
		buf_lit(b, "\\N");
	}
}

static bool pgb_put(struct bulk *b, const struct table_def *t, const struct msg_value *values)
{
	struct pgb *p = (struct pgb *)b;

	if (p->writing != t && !start_table(p, t))
		return false;
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (i)
			buf_putc(&p->out, '\t');
		put_value(&p->out, &values[i]);
	}
	if (is_lease(t))
		buf_lit(&p->out, "\t0");
	buf_putc(&p->out, '\n');
	return p->out.len < OUT_BYTES || send_out(p);
}

static bool pgb_commit(struct bulk *b)
{
	return command((struct pgb *)b, "COMMIT");
}

const struct bulk_ops bulk_pgsql = {
	.open = pgb_open,
	.times = pgb_times,
	.begin = pgb_begin,
	.select = pgb_select,
	.next = pgb_next,
	.put = pgb_put,
	.flush = pgb_flush,
	.commit = pgb_commit,
	.close = pgb_close,
};
