/* SPDX-License-Identifier: MIT */
/* The parts of the SQLite engine: connections and statements, schema, reading, writing. */
#ifndef STORAGE_SQLITE_INTERNAL_H
#define STORAGE_SQLITE_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>
#include "storage/engine.h"
#include "storage/lease.h"
#include "storage/sql.h"

/* --- sqlite_wal.c: room in the write-ahead log ----------------------------------------------- */

struct wal_room {
	int fd;		  /* of the log; -1: not yet */
	off_t used, size; /* bytes of the log as of the last commit, and of its file at least */
};

/* Must stay where it is. Also has the log checkpointed, where the connection writes. */
void wal_room_init(struct wal_room *r, sqlite3 *handle);
void wal_room_close(struct wal_room *r); /* after the connection */
/* Inside a write transaction, before its commit. */
void wal_room_make(struct wal_room *r, sqlite3 *handle);

/* --- sqlite_db.c: one connection, used by one thread at a time ------------------------------ */

enum db_control { DB_BEGIN, DB_BEGIN_WRITE, DB_COMMIT, DB_CONTROLS };

struct db {
	sqlite3 *handle;
	sqlite3_stmt *control[DB_CONTROLS];
	struct buf *plan; /* of a migration: its statements go there instead of being run; NULL: not so */
	sqlite3_stmt *cached[TABLES][SQL_KINDS][SQL_VARIANTS];
	struct wal_room wal; /* of a writer */
};

/* NULL with one line in error. */
struct db *db_open(const char *path, size_t cache, bool writer, struct buf *error);
struct db *db_close(struct db *db);
/* Reset and without bindings; NULL: it could not be prepared (db_error tells). */
sqlite3_stmt *db_stmt(struct db *db, enum sql_kind kind, size_t table, unsigned variant);
int db_exec(struct db *db, const char *sql); /* an SQLite code */
/* What frames every group of reads or writes, prepared once. SQLITE_OK or another code. */
int db_control(struct db *db, enum db_control what);
const char *db_error(const struct db *db);
/* Binds values to parameters first, first + 1, …; what they point to must live until the reset. */
void db_bind(sqlite3_stmt *s, int first, const struct msg_value *v, size_t n);
void db_row(sqlite3_stmt *s, struct msg_value *ret_values, size_t n); /* borrowed until the step */
/* Whether the code speaks of the database's surroundings (disk full, …), not of the statement. */
bool db_is_trouble(int code);

/* --- sqlite_migrate.c ----------------------------------------------------------------------- */

/* Brings the schema to version, by what each table, column and index declares as its `since`.
 * Idempotent, one transaction. False with one line in error; a newer schema is refused. */
bool db_migrate(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version,
		struct buf *error);
/* The same as the mode says. Without the file's lock only SCHEMA_PLAN is right. */
bool db_schema(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version,
	       enum schema_mode mode, struct buf *plan, struct buf *error);

/* --- engine_sqlite.c: the file -------------------------------------------------------------- */

/* The name of the file itself, which SQLite puts its other files beside: path may be a link to it.
 * malloc'ed. */
char *db_real(const char *path);
/* Whoever holds it is the only process at the file, which leases in memory rely on. A descriptor, or a
 * negative errno with one line in error. */
int db_lock(const char *path, struct buf *error);
/* Makes the file, readable by nobody else, when it is not there. */
int db_make(const char *path, struct buf *error);

/* A device or the like is not: it would go, and a file be in its place. */
bool db_file_replaceable(const char *path);
/* Gives a file that was closed its name, durably, in the place of what had it (bulk_sqlite.c). */
bool db_file_publish(const char *temp, const char *path);
void db_file_remove(const char *path); /* with what SQLite puts beside it */

/* --- sqlite_offline.c: as of struct engine_ops ----------------------------------------------- */

int db_schema_of(const struct engine_config *c, enum schema_mode mode, struct buf *plan,
		 unsigned *ret_version, struct buf *error);

/* --- sqlite_backup.c ------------------------------------------------------------------------ */

struct backup; /* under way */
/* *slot is NULL while there is none. */
void backup_start(const struct engine_config *c, struct engine_backup *b, struct backup **slot);

/* --- sqlite_read.c, sqlite_write.c: run on a worker thread ---------------------------------- */

/* All in one view. */
void reads_run(struct db *db, const struct engine_config *c, struct engine_read *list);

struct writer {
	const struct engine_config *config;
	struct db *db;
	struct lease_book *leases;
	bool leases_known;
	uint64_t purge_due; /* clock_mono_us when old request ids are removed again */
	/* Batches of these fail since an earlier one of the group did. */
	struct failed_shard {
		uint64_t sender;
		uint16_t shard;
	} * failed;
	size_t nfailed, failed_cap;
	char trouble[WRITE_TEXT]; /* why the last group failed as a whole; empty: it did not */
	uint64_t group_us;	  /* time that it took */
};

/* One transaction. Every job of the list has its answer afterwards; false: all failed by trouble.
 */
bool group_run(struct writer *w, struct engine_job *list);
void writer_free(struct writer *w); /* what it holds, but for the connection */

#endif
