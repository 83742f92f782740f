/* SPDX-License-Identifier: MIT */
/* An SQLite file as source or target of a copy; the target gets its name when it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/bulk.h"
#include "storage/sqlite_internal.h"

enum { COMMIT_ROWS = 5000 };

struct lite {
	struct bulk bulk;
	int lock;
	struct db *db;
	char *path, *temp; /* temp: of a target */
	size_t cache, rows;
	sqlite3_stmt *reading, *writing;
	const struct table_def *read_table, *write_table;
};

static bool failed(struct lite *l)
{
	snprintf(l->bulk.text, sizeof(l->bulk.text), "%s: %s", l->path, db_error(l->db));
	return false;
}

static bool failed_file(struct lite *l, const char *path)
{
	snprintf(l->bulk.text, sizeof(l->bulk.text), "%s: %s", path, strerror(errno));
	return false;
}

static void remove_beside(const char *path)
{
	static const char *const ends[] = {"-wal", "-shm"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *name = xasprintf("%s%s", path, ends[i]);

		unlink(name);
		free(name);
	}
}

void db_file_remove(const char *path)
{
	unlink(path);
	remove_beside(path);
}

static void lite_close(struct bulk *b)
{
	struct lite *l = (struct lite *)b;

	sqlite3_finalize(l->reading);
	sqlite3_finalize(l->writing);
	db_close(l->db);
	if (l->temp)
		db_file_remove(l->temp);
	if (l->lock >= 0)
		close(l->lock);
	free(l->temp);
	free(l->path);
	free(l);
}

static struct bulk *lite_open(const struct target *t, bool write, struct buf *error)
{
	struct lite *l = xcalloc(1, sizeof(*l));
	struct buf why = BUF_INIT;

	l->bulk.ops = &bulk_sqlite;
	l->path = db_real(t->path);
	l->cache = t->config.cache;
	l->lock = -1;
	if (!write && access(l->path, F_OK) < 0)
		buf_printf(&why, "%s", strerror(errno));
	else if (write && !db_file_replaceable(l->path))
		buf_lit(&why, "not a regular file");
	else if ((l->lock = db_lock(l->path, &why)) < 0)
		;
	else if (!write && (l->db = db_open(l->path, l->cache, true, &why)))
		db_schema(l->db, tables, TABLES, SCHEMA_VERSION, SCHEMA_CHECK, NULL, &why);
	if (!why.len && !write && db_exec(l->db, "BEGIN") != SQLITE_OK)
		buf_printf(&why, "%s", db_error(l->db));
	if (why.len) {
		buf_printf(error, "%s: %.*s", l->path, STR_ARG(buf_str(&why)));
		lite_close(&l->bulk);
		l = NULL;
	}
	buf_free(&why);
	return l ? &l->bulk : NULL;
}

/* -1: it could not be asked. */
static int64_t number(struct db *db, const char *sql, int column)
{
	sqlite3_stmt *s = NULL;
	int64_t n = -1;

	sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (s && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, column);
	sqlite3_finalize(s);
	return n;
}

static bool lite_times(struct bulk *b, int64_t *ret_from, int64_t *ret_to)
{
	struct lite *l = (struct lite *)b;

	*ret_from = number(l->db, "SELECT coalesce(min(time), 0) FROM log", 0);
	*ret_to = number(l->db, "SELECT coalesce(max(time), 0) FROM log", 0);
	return true;
}

static bool is_empty(struct db *db)
{
	for (size_t i = 0; bulk_table(i); i++) {
		char *sql = xasprintf("SELECT count(*) FROM (SELECT 1 FROM \"%s\" LIMIT 1)",
				      bulk_table(i)->name);
		int64_t n = number(db, sql, 0);

		free(sql);
		if (n > 0)
			return false;
	}
	return true;
}

static bool may_begin(struct lite *l, bool replace)
{
	struct buf why = BUF_INIT;
	struct db *db;
	bool good = true;

	if (replace || access(l->path, F_OK) < 0)
		return true;
	db = db_open(l->path, l->cache, true, &why);
	if (!db || !is_empty(db)) {
		good = false;
		snprintf(l->bulk.text, sizeof(l->bulk.text), "%s: %.*s", l->path,
			 STR_ARG(db ? STR("there are data in it already (--replace)")
				    : buf_str(&why)));
	}
	db_close(db);
	buf_free(&why);
	return good;
}

static bool lite_begin(struct bulk *b, bool replace, int64_t from, int64_t to)
{
	struct lite *l = (struct lite *)b;
	struct buf why = BUF_INIT;
	bool good;

	(void)from;
	(void)to;
	if (!may_begin(l, replace))
		return false;
	l->temp = xasprintf("%s.copying", l->path);
	db_file_remove(l->temp);
	good = db_make(l->temp, &why) == 0 && (l->db = db_open(l->temp, l->cache, true, &why)) &&
	       db_migrate(l->db, tables, TABLES, SCHEMA_VERSION, &why) &&
	       db_exec(l->db, "BEGIN") == SQLITE_OK;
	if (!good)
		snprintf(b->text, sizeof(b->text), "%.*s", STR_ARG(buf_str(&why)));
	buf_free(&why);
	return good;
}

static bool lite_select(struct bulk *b, const struct table_def *t, enum bulk_order order)
{
	struct lite *l = (struct lite *)b;
	struct buf sql = BUF_INIT, keys = BUF_INIT;
	int rc;

	sqlite3_finalize(l->reading);
	l->reading = NULL;
	if (order == BULK_KEY)
		bulk_key_order(&keys, t);
	buf_putc(&keys, 0);
	bulk_select_sql(&sql, t, buf_ptr(&keys));
	rc = sqlite3_prepare_v2(l->db->handle, buf_ptr(&sql), (int)sql.len, &l->reading, NULL);
	l->read_table = t;
	buf_free(&sql);
	buf_free(&keys);
	return rc == SQLITE_OK || failed(l);
}

static int lite_next(struct bulk *b, struct msg_value *ret_values)
{
	struct lite *l = (struct lite *)b;
	int rc = sqlite3_step(l->reading);

	if (rc == SQLITE_ROW)
		db_row(l->reading, ret_values, l->read_table->ncolumns);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		failed(l);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

static bool prepare_put(struct lite *l, const struct table_def *t)
{
	struct buf sql = BUF_INIT;
	int rc;

	sqlite3_finalize(l->writing);
	l->writing = NULL;
	l->write_table = t;
	buf_printf(&sql, "INSERT INTO \"%s\" (", t->name);
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_printf(&sql, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
	buf_lit(&sql, ") VALUES (");
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_printf(&sql, i ? ", ?" : "?");
	buf_lit(&sql, ")");
	rc = sqlite3_prepare_v2(l->db->handle, buf_ptr(&sql), (int)sql.len, &l->writing, NULL);
	buf_free(&sql);
	return rc == SQLITE_OK || failed(l);
}

static bool lite_flush(struct bulk *b)
{
	struct lite *l = (struct lite *)b;

	l->rows = 0;
	return (db_exec(l->db, "COMMIT") == SQLITE_OK && db_exec(l->db, "BEGIN") == SQLITE_OK) ||
	       failed(l);
}

static bool lite_put(struct bulk *b, const struct table_def *t, const struct msg_value *values)
{
	struct lite *l = (struct lite *)b;
	int rc;

	if (l->write_table != t && !prepare_put(l, t))
		return false;
	db_bind(l->writing, 1, values, t->ncolumns);
	rc = sqlite3_step(l->writing);
	sqlite3_reset(l->writing);
	if (rc != SQLITE_DONE)
		return failed(l);
	return ++l->rows < COMMIT_ROWS || lite_flush(b);
}

static bool sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

bool db_file_replaceable(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

bool db_file_publish(const char *temp, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xasprintf("%.*s", (int)(slash - path + 1), path) : xstrdup(".");
	bool good = sync_path(temp);

	/* What belongs to the file that goes must not be taken for this one's. */
	if (good)
		remove_beside(path);
	good = good && rename(temp, path) == 0 && sync_path(dir);
	free(dir);
	return good;
}

static bool lite_commit(struct bulk *b)
{
	struct lite *l = (struct lite *)b;
	char *wal = xasprintf("%s-wal", l->temp);
	bool good = db_exec(l->db, "COMMIT") == SQLITE_OK || failed(l);

	sqlite3_finalize(l->reading);
	sqlite3_finalize(l->writing);
	l->reading = l->writing = NULL;
	l->db = db_close(l->db); /* moves the log of writes into the file */
	if (good && access(wal, F_OK) == 0) {
		snprintf(b->text, sizeof(b->text), "%s was not closed well", l->temp);
		good = false;
	}
	if (good && !db_file_publish(l->temp, l->path))
		good = failed_file(l, l->path);
	free(wal);
	return good;
}

const struct bulk_ops bulk_sqlite = {
	.open = lite_open,
	.times = lite_times,
	.begin = lite_begin,
	.select = lite_select,
	.next = lite_next,
	.put = lite_put,
	.flush = lite_flush,
	.commit = lite_commit,
	.close = lite_close,
};
