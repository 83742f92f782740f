/* SPDX-License-Identifier: MIT */
/*
 * The embedded database: one writer and a few readers on worker threads, commits grouped.
 *
 * While a group of batches commits, those that come meanwhile gather for the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/pace.h"
#include "storage/sqlite_internal.h"

enum { READERS_MAX = 8, READS_AT_ONCE = 64 };
/* A reader forgets its pages at every commit of the writer, and the system has them too. */
enum { READER_SHARE = 64, READER_CACHE_MIN = 256 * 1024 };

struct reader {
	struct sqlite *owner;
	struct db *db;
	struct engine_read *list; /* in work */
};


struct sqlite {
	struct engine engine;
	struct writer writer;
	int lock; /* descriptor of the lock file */
	/* Jobs that wait for the next group, and the group in work. */
	struct engine_job *jobs, **jobs_end, *group;
	size_t njobs;
	bool ok; /* how the group went */
	struct loop_task jobs_task;
	struct pace pace;
	char trouble[WRITE_TEXT]; /* of the last group that failed */
	struct engine_read *reads, **reads_end;
	struct loop_task reads_task;
	struct reader readers[READERS_MAX];
	struct backup *backup;
};

/* --- opening --------------------------------------------------------------------------------- */

char *db_real(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

int db_lock(const char *path, struct buf *error)
{
	char *real = db_real(path), *name = xasprintf("%s.lock", real);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err;
	char pid[32] = "";

	free(real);
	if (fd < 0) {
		err = -errno;
		buf_printf(error, "cannot open %s: %s", name, strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = -errno;
		if (read(fd, pid, sizeof(pid) - 1) < 0)
			pid[0] = 0;
		pid[strcspn(pid, "\n")] = 0;
		buf_printf(error, "%s is in use by process %s", path, pid[0] ? pid : "unknown");
		close(fd);
	} else {
		/* For the message above alone: a failure changes nothing. */
		if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
			lseek(fd, 0, SEEK_SET);
		err = fd;
	}
	free(name);
	return err;
}

/* SQLite gives its other files the mode of this one: credentials are nobody's to read. */
int db_make(const char *path, struct buf *error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		buf_printf(error, "cannot open %s: %s", path, strerror(errno));
		return -errno;
	}
	close(fd);
	return 0;
}

static size_t reader_cache(const struct engine_config *c)
{
	size_t n = c->cache / READER_SHARE;

	return n > READER_CACHE_MIN ? n : READER_CACHE_MIN;
}

static bool connect_all(struct sqlite *s, const struct engine_config *c, struct buf *error)
{
	struct buf why = BUF_INIT;
	bool ok = false;

	s->writer.db = db_open(c->path, c->cache, true, &why);
	if (s->writer.db)
		ok = db_schema(s->writer.db, tables, TABLES, SCHEMA_VERSION,
			       c->no_migration ? SCHEMA_CHECK : SCHEMA_MIGRATE, NULL, &why);
	for (size_t i = 0; i < c->readers && i < READERS_MAX && ok; i++) {
		s->readers[i].owner = s;
		s->readers[i].db = db_open(c->path, reader_cache(c), false, &why);
		ok = s->readers[i].db != NULL;
	}
	if (!ok)
		buf_printf(error, "%s: %.*s", c->path, STR_ARG(buf_str(&why)));
	buf_free(&why);
	return ok;
}

static struct engine *sqlite_close(struct engine *e)
{
	struct sqlite *s = (struct sqlite *)e;

	if (s->pace.timer) {
		loop_task_cancel(e->config.loop, &s->jobs_task);
		loop_task_cancel(e->config.loop, &s->reads_task);
		pace_free(&s->pace);
	}
	for (size_t i = 0; i < READERS_MAX; i++)
		db_close(s->readers[i].db);
	db_close(s->writer.db); /* the last one: moves the log into the file */
	writer_free(&s->writer);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
	return NULL;
}

static void jobs_go(void *arg);
static void reads_go(void *arg);

static int sqlite_open(const struct engine_config *c, struct buf *error, struct engine **ret_engine)
{
	struct sqlite *s = xcalloc(1, sizeof(*s));
	int err = 0;

	s->writer.leases = leases_new();
	s->writer.config = &s->engine.config;
	s->lock = db_lock(c->path, error);
	if (s->lock < 0)
		err = s->lock;
	if (!err)
		err = db_make(c->path, error);
	if (!err && !connect_all(s, c, error))
		err = -EIO;
	if (err) {
		sqlite_close(&s->engine);
		return err;
	}
	s->jobs_end = &s->jobs;
	s->reads_end = &s->reads;
	s->jobs_task = (struct loop_task){.fn = jobs_go, .arg = s};
	s->reads_task = (struct loop_task){.fn = reads_go, .arg = s};
	pace_init(&s->pace, c->loop, &s->engine.config, jobs_go, s);
	*ret_engine = &s->engine;
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static void group_work(void *arg)
{
	struct sqlite *s = arg;
	struct buf why = BUF_INIT;
	const char *path = s->engine.config.path;

	/* It was closed after trouble: what the descriptors stood for may be gone. */
	if (!s->writer.db)
		s->writer.db = db_open(path, s->engine.config.cache, true, &why);
	if (s->writer.db) {
		s->ok = group_run(&s->writer, s->group);
	} else {
		s->ok = false;
		snprintf(s->writer.trouble, sizeof(s->writer.trouble), "%.*s",
			 STR_ARG(buf_str(&why)));
		for (struct engine_job *j = s->group; j; j = j->next)
			engine_job_fail(j, s->writer.trouble);
	}
	if (!s->ok) {
		s->writer.db = db_close(s->writer.db);
		s->writer.leases_known = false;
	}
	buf_free(&why);
}

static void group_count(struct sqlite *s)
{
	struct engine_stats *st = &s->engine.stats;

	st->failing = !s->ok;
	st->trouble = s->ok ? NULL : s->trouble;
	if (!s->ok) {
		/* A copy: the next group may run when it is read. */
		memcpy(s->trouble, s->writer.trouble, sizeof(s->trouble));
		return;
	}
	st->commits++;
	st->commit_us += s->writer.group_us;
	if (s->writer.group_us > st->commit_us_max)
		st->commit_us_max = s->writer.group_us;
	for (struct engine_job *j = s->group; j; j = j->next)
		st->commit_batches += j->kind == JOB_WRITE;
}

static void group_done(void *arg)
{
	struct sqlite *s = arg;
	struct engine_job *list = s->group, *waiting = NULL, *next;

	group_count(s);
	s->group = NULL;
	/* What was handed over before the failure is known may not commit behind it. */
	if (!s->ok) {
		waiting = s->jobs;
		for (struct engine_job *j = waiting; j; j = j->next)
			engine_job_fail(j, s->trouble);
		s->jobs = NULL;
		s->jobs_end = &s->jobs;
		s->njobs = 0;
	}
	/* The next group works while the answers of this one are written. */
	jobs_go(s);
	for (; list; list = next) {
		next = list->next;
		engine_job_done(&s->engine, list);
	}
	for (; waiting; waiting = next) {
		next = waiting->next;
		engine_job_done(&s->engine, waiting);
	}
}

/* Starts the next group, when there is something to do and none is in work. */
static void jobs_go(void *arg)
{
	struct sqlite *s = arg;
	const struct engine_config *c = &s->engine.config;
	struct engine_job **end = &s->jobs;
	size_t n = 0;

	if (s->group || !s->jobs || pace_waits(&s->pace, s->njobs))
		return;
	for (; *end && n < c->commit_max; n++)
		end = &(*end)->next;
	s->group = s->jobs;
	s->jobs = *end;
	*end = NULL;
	s->njobs -= n;
	pace_began(&s->pace, n);
	if (!s->jobs)
		s->jobs_end = &s->jobs;
	loop_work(c->loop, group_work, group_done, s);
}

static void job_add(struct sqlite *s, struct engine_job *j)
{
	*s->jobs_end = j;
	s->jobs_end = &j->next;
	s->njobs++;
	/* At the end of the turn, so that all of the turn go together. */
	if (!s->group)
		loop_defer(s->engine.config.loop, &s->jobs_task);
}

static void sqlite_write(struct engine *e, struct engine_write *w)
{
	job_add((struct sqlite *)e, &w->job);
}

static void sqlite_lease(struct engine *e, struct engine_lease *l)
{
	job_add((struct sqlite *)e, &l->job);
}

static void sqlite_backup(struct engine *e, struct engine_backup *b)
{
	backup_start(&e->config, b, &((struct sqlite *)e)->backup);
}

/* --- reading --------------------------------------------------------------------------------- */

static void reader_work(void *arg)
{
	struct reader *r = arg;

	reads_run(r->db, &r->owner->engine.config, r->list);
}

static void reader_done(void *arg)
{
	struct reader *r = arg;
	struct sqlite *s = r->owner;
	struct engine_read *list = r->list, *next;

	r->list = NULL;
	reads_go(s);
	for (; list; list = next) {
		next = list->next;
		engine_read_done(&s->engine, list);
	}
}

static void reads_go(void *arg)
{
	struct sqlite *s = arg;

	for (struct reader *r = s->readers; r < s->readers + READERS_MAX && s->reads; r++) {
		struct engine_read **end = &s->reads;

		if (!r->db || r->list)
			continue;
		for (size_t n = 0; *end && n < READS_AT_ONCE; n++)
			end = &(*end)->next;
		r->list = s->reads;
		s->reads = *end;
		*end = NULL;
		if (!s->reads)
			s->reads_end = &s->reads;
		loop_work(s->engine.config.loop, reader_work, reader_done, r);
	}
}

static void sqlite_read(struct engine *e, struct engine_read *r)
{
	struct sqlite *s = (struct sqlite *)e;

	*s->reads_end = r;
	s->reads_end = &r->next;
	loop_defer(e->config.loop, &s->reads_task);
}

const struct engine_ops engine_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.read = sqlite_read,
	.write = sqlite_write,
	.lease = sqlite_lease,
	.schema = db_schema_of,
	.backup = sqlite_backup,
	.close = sqlite_close,
};
