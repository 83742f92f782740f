/* SPDX-License-Identifier: MIT */
/* One connection to the SQLite file: its settings, its prepared statements, values in and out. */
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/sqlite_internal.h"

enum { BUSY_MS = 5000 }; /* for an operator's shell that writes; we ourselves never collide */

static bool setup(struct db *db, size_t cache, bool writer, struct buf *error)
{
	char *pragmas = xasprintf("PRAGMA cache_size = -%zu; PRAGMA temp_store = MEMORY;"
				  "PRAGMA synchronous = FULL;"
				  "PRAGMA journal_size_limit = 67108864;"
				  "PRAGMA trusted_schema = OFF; %s",
				  cache / 1024, writer ? "" : "PRAGMA query_only = ON;");
	sqlite3_stmt *s = NULL;
	const char *mode = "";
	int rc = SQLITE_OK;

	/* The first to touch the file: this finds what is no database. */
	if (writer) {
		rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &s, NULL);
		if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
			mode = (const char *)sqlite3_column_text(s, 0);
			rc = strcmp(mode, "wal") == 0 ? SQLITE_OK : SQLITE_ERROR;
		}
		sqlite3_finalize(s);
	}
	if (rc == SQLITE_OK)
		rc = db_exec(db, pragmas);
	free(pragmas);
	if (rc != SQLITE_OK)
		buf_printf(error, "%s", db_error(db));
	return rc == SQLITE_OK;
}

struct db *db_open(const char *path, size_t cache, bool writer, struct buf *error)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int rc = sqlite3_open_v2(path, &db->handle,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
					 (writer ? SQLITE_OPEN_CREATE : 0),
				 NULL);

	if (!db->handle)
		abort(); /* out of memory */
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (rc != SQLITE_OK)
		buf_printf(error, "%s", db_error(db));
	wal_room_init(&db->wal, db->handle);
	if (rc == SQLITE_OK && setup(db, cache, writer, error))
		return db;
	return db_close(db);
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	for (size_t i = 0; i < DB_CONTROLS; i++)
		sqlite3_finalize(db->control[i]);
	for (size_t t = 0; t < TABLES; t++)
		for (size_t k = 0; k < SQL_KINDS; k++)
			for (size_t v = 0; v < SQL_VARIANTS; v++)
				sqlite3_finalize(db->cached[t][k][v]);
	sqlite3_close(db->handle);
	wal_room_close(&db->wal);
	free(db);
	return NULL;
}

sqlite3_stmt *db_stmt(struct db *db, enum sql_kind kind, size_t table, unsigned variant)
{
	sqlite3_stmt **s = &db->cached[table][kind][variant];
	struct buf b = BUF_INIT;

	if (!*s) {
		sql_text(&b, SQL_SQLITE, kind, &tables[table], variant);
		sqlite3_prepare_v3(db->handle, buf_ptr(&b), (int)b.len, SQLITE_PREPARE_PERSISTENT,
				   s, NULL);
		buf_free(&b);
	}
	return *s;
}

int db_exec(struct db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

int db_control(struct db *db, enum db_control what)
{
	static const char *const sql[DB_CONTROLS] = {"BEGIN", "BEGIN IMMEDIATE", "COMMIT"};
	sqlite3_stmt **s = &db->control[what];
	int rc = SQLITE_OK;

	if (!*s)
		rc = sqlite3_prepare_v3(db->handle, sql[what], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_step(*s);
	return sqlite3_reset(*s);
}

const char *db_error(const struct db *db)
{
	return sqlite3_errmsg(db->handle);
}

void db_bind(sqlite3_stmt *s, int first, const struct msg_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at = first + (int)i;
		/* A NULL pointer would be bound as null. */
		const char *p = v[i].s.ptr ? v[i].s.ptr : "";

		if (v[i].type == COLUMN_INT)
			sqlite3_bind_int64(s, at, v[i].i);
		else if (v[i].type == COLUMN_TEXT)
			sqlite3_bind_text64(s, at, p, v[i].s.len, SQLITE_STATIC, SQLITE_UTF8);
		else if (v[i].type == COLUMN_BLOB)
			sqlite3_bind_blob64(s, at, p, v[i].s.len, SQLITE_STATIC);
		else
			sqlite3_bind_null(s, at);
	}
}

void db_row(sqlite3_stmt *s, struct msg_value *ret_values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct msg_value *v = &ret_values[i];
		const void *p;

		switch (sqlite3_column_type(s, (int)i)) {
		case SQLITE_INTEGER:
			*v = value_int(sqlite3_column_int64(s, (int)i));
			break;
		case SQLITE_TEXT:
			p = sqlite3_column_text(s, (int)i);
			*v = value_text(str_n(p, (size_t)sqlite3_column_bytes(s, (int)i)));
			break;
		case SQLITE_BLOB:
			p = sqlite3_column_blob(s, (int)i);
			*v = value_blob(str_n(p, (size_t)sqlite3_column_bytes(s, (int)i)));
			break;
		default:
			*v = value_null();
		}
	}
}

bool db_is_trouble(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_PERM:
	case SQLITE_NOMEM:
	case SQLITE_NOTADB:
	case SQLITE_INTERRUPT:
		return true;
	}
	return false;
}
