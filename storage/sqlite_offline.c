/* SPDX-License-Identifier: MIT */
/* The SQLite file's schema, made or shown without a server. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/sqlite_internal.h"

enum { LOCK_TRIES = 30, LOCK_WAIT_US = 100000 };

/* A file that is not there yet is shown as an empty one. */
static struct db *open_to_look(const char *path, struct buf *error)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int rc = access(path, F_OK) == 0
			 ? sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READONLY, NULL)
			 : sqlite3_open_v2(":memory:", &db->handle,
					   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (rc == SQLITE_OK)
		return db;
	buf_printf(error, "%s", db->handle ? db_error(db) : "out of memory");
	return db_close(db);
}

static int plan_it(const char *path, struct buf *plan, struct buf *error)
{
	struct db *db = open_to_look(path, error);
	bool good = db && db_schema(db, tables, TABLES, SCHEMA_VERSION, SCHEMA_PLAN, plan, error);

	db_close(db);
	return good ? 0 : -EIO;
}

/* Another one that does the same is soon done; a server is not. */
static int lock_patiently(const char *path, struct buf *error)
{
	int lock = db_lock(path, error);

	for (int i = 0; i < LOCK_TRIES && lock < 0; i++) {
		usleep(LOCK_WAIT_US);
		buf_clear(error);
		lock = db_lock(path, error);
	}
	return lock;
}

static int change(const struct engine_config *c, enum schema_mode mode, struct buf *error)
{
	int lock = lock_patiently(c->path, error), err = lock < 0 ? lock : db_make(c->path, error);
	struct db *db = err ? NULL : db_open(c->path, c->cache, true, error);

	if (!err && !(db && db_schema(db, tables, TABLES, SCHEMA_VERSION, mode, NULL, error)))
		err = -EIO;
	db_close(db);
	if (lock >= 0)
		close(lock);
	return err;
}

int db_schema_of(const struct engine_config *c, enum schema_mode mode, struct buf *plan,
		 unsigned *ret_version, struct buf *error)
{
	struct buf why = BUF_INIT;
	int err = mode == SCHEMA_PLAN ? plan_it(c->path, plan, &why) : change(c, mode, &why);

	if (err)
		buf_printf(error, "%s: %.*s", c->path, STR_ARG(buf_str(&why)));
	else
		*ret_version = SCHEMA_VERSION;
	buf_free(&why);
	return err;
}
