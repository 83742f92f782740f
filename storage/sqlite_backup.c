/* SPDX-License-Identifier: MIT */
/*
 * A copy of the SQLite file while it is worked on: one view, a few megabytes a step on a worker,
 * then checked and given its name.
 *
 * The connection that is read from keeps its transaction open from the first step to the last: so
 * commits meanwhile neither wait for the copy nor let it begin anew. SQLite's log of writes cannot
 * be emptied for as long.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/sqlite_internal.h"

enum { STEP_PAGES = 1024, PROGRESS_OPS = 10000 };

/* Whoever starts on the copy must not give out epochs, hence numbers of the log, that the original
 * gave out after it was made: so many take-overs of a shard are not had between a backup and its
 * use. */
#define LATER_EPOCHS "UPDATE mercutio_lease SET epoch = epoch + 1000"

struct backup {
	struct loop *loop;
	struct engine_backup *job;
	struct backup **slot; /* where the engine knows it */
	sqlite3 *from, *to;
	sqlite3_backup *copy;
	const char *source;
	char *temp;
	bool over;
};

static void fail(struct backup *b, int err, const char *why)
{
	b->job->err = err;
	snprintf(b->job->text, sizeof(b->job->text), "%s", why);
	b->over = true;
}

static void fail_as(struct backup *b, const char *why)
{
	fail(b, -EIO, b->job->cancel ? "the storage process is ending" : why);
}

static void fail_db(struct backup *b, sqlite3 *db)
{
	fail_as(b, sqlite3_errmsg(db));
}

static bool cancelled(struct backup *b)
{
	if (b->job->cancel && !b->over)
		fail(b, -ECANCELED, "the storage process is ending");
	return b->over;
}

static int on_progress(void *arg)
{
	return ((struct backup *)arg)->job->cancel;
}

static void begin(struct backup *b)
{
	int fd;

	db_file_remove(b->temp);
	fd = open(b->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail(b, -errno, strerror(errno));
		return;
	}
	close(fd);
	if (sqlite3_open_v2(b->source, &b->from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			    NULL) ||
	    sqlite3_exec(b->from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL))
		fail_db(b, b->from);
	else if (sqlite3_open_v2(b->temp, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL) ||
		 !(b->copy = sqlite3_backup_init(b->to, "main", b->from, "main")))
		fail_db(b, b->to);
}

static bool is_whole(struct backup *b)
{
	sqlite3_stmt *s = NULL;
	bool good = false;

	sqlite3_progress_handler(b->to, PROGRESS_OPS, on_progress, b);
	if (sqlite3_prepare_v2(b->to, "PRAGMA integrity_check(1)", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		good = text && strcmp(text, "ok") == 0;
		if (!good)
			fail(b, -EIO, text ? text : "it cannot be checked");
	} else {
		fail_db(b, b->to);
	}
	sqlite3_finalize(s);
	return good;
}

static void finish(struct backup *b)
{
	struct stat st;

	sqlite3_backup_finish(b->copy);
	b->copy = NULL;
	sqlite3_close(b->from);
	b->from = NULL;
	/* Closing it would move the log of writes as well, and say nothing when it fails. */
	if (sqlite3_exec(b->to, LATER_EPOCHS, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_wal_checkpoint_v2(b->to, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
		    SQLITE_OK) {
		fail_db(b, b->to);
		return;
	}
	if (!is_whole(b))
		return;
	sqlite3_close(b->to);
	b->to = NULL;
	if (stat(b->temp, &st) < 0 || !db_file_publish(b->temp, b->job->path))
		fail(b, -errno, strerror(errno));
	else
		b->job->bytes = (uint64_t)st.st_size;
	b->over = true;
}

static void work(void *arg)
{
	struct backup *b = arg;
	int rc;

	if (cancelled(b))
		return;
	if (!b->copy)
		begin(b);
	if (b->over)
		return;
	rc = sqlite3_backup_step(b->copy, STEP_PAGES);
	if (rc == SQLITE_DONE)
		finish(b);
	else if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		fail_as(b, sqlite3_errstr(rc)); /* neither connection knows it yet */
}

static void stepped(void *arg)
{
	struct backup *b = arg;
	struct engine_backup *job = b->job;

	if (!b->over) {
		loop_work(b->loop, work, stepped, b);
		return;
	}
	sqlite3_backup_finish(b->copy);
	sqlite3_close(b->from);
	sqlite3_close(b->to);
	if (job->err)
		db_file_remove(b->temp);
	*b->slot = NULL;
	free(b->temp);
	free(b);
	job->done(job);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 &&
				     x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* A copy under such a name would take the place of what the writer has open. */
static bool is_database(const char *source, const char *path)
{
	static const char *const parts[] = {"", "-wal", "-shm", "-journal", ".lock"};
	char *real = db_real(source);
	bool is = false;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !is; i++) {
		char *part = xasprintf("%s%s", real, parts[i]);

		is = same_file(part, path);
		free(part);
	}
	free(real);
	return is;
}

void backup_start(const struct engine_config *c, struct engine_backup *job, struct backup **slot)
{
	char *temp = xasprintf("%s.partial", job->path);
	struct backup *b;

	if (*slot) {
		job->err = -EBUSY;
		snprintf(job->text, sizeof(job->text), "another backup is under way");
	} else if (job->path[0] != '/') {
		job->err = -EINVAL;
		snprintf(job->text, sizeof(job->text), "the name of the file must begin with /");
	} else if (is_database(c->path, job->path) || is_database(c->path, temp)) {
		job->err = -EINVAL;
		snprintf(job->text, sizeof(job->text),
			 "it belongs to the database that is to be copied");
	} else if (!db_file_replaceable(job->path)) {
		job->err = -EINVAL;
		snprintf(job->text, sizeof(job->text), "not a regular file");
	} else if (!job->replace && access(job->path, F_OK) == 0) {
		job->err = -EEXIST;
		snprintf(job->text, sizeof(job->text), "it is there already (--replace)");
	}
	if (job->err) {
		free(temp);
		job->done(job);
		return;
	}
	b = *slot = xcalloc(1, sizeof(*b));
	b->loop = c->loop;
	b->job = job;
	b->slot = slot;
	b->source = c->path;
	b->temp = temp;
	loop_work(b->loop, work, stepped, b);
}
