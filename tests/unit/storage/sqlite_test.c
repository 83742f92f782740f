/* SPDX-License-Identifier: MIT */
/* Tests of storage/engine_sqlite.c: what the file keeps, who may open it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/bulk.h"
#include "storage/sqlite_internal.h"
#include "tests/storage/rig.h"

Suite *sqlite_suite(void);

static void ck_refused(struct rig *r, const char *part)
{
	struct buf error = BUF_INIT;
	struct engine *e = NULL;
	char *text;

	ck_assert_int_lt(engine_open(&engine_sqlite, &r->config, &error, &e), 0);
	text = buf_take(&error);
	ck_assert_msg(strstr(text, part) != NULL, "%s", text);
	ck_assert_ptr_null(strchr(text, '\n'));
	free(text);
}

START_TEST(keeps_all)
{
	struct msg_write_op add[] = {PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1))};
	struct written x;
	struct rig r;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	add[0].condition = 1;
	written_init(&x, add, 1);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	WRITE(&r, APPEND("a@x", 1, 5, "one"));
	rig_reopen(&r);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "1\n");
	/* Leases and ids of conditional batches are known as well. */
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one")), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 6, "one")), STORE_CLASH);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	x.w.request++;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_CONDITION);
	rig_close(&r);
}
END_TEST

START_TEST(one_process)
{
	struct rig r;
	char pid[40], *link;

	rig_open(&r, "sqlite");
	snprintf(pid, sizeof(pid), "is in use by process %ld", (long)getpid());
	ck_refused(&r, pid);
	/* Whatever it is called. */
	link = xasprintf("%s/link.db", r.dir);
	ck_assert_int_eq(symlink("data.db", link), 0);
	r.config.path = link;
	ck_refused(&r, pid);
	rig_close(&r);
	free(link);
}
END_TEST

START_TEST(what_cannot_be_opened)
{
	struct rig r;
	char *path;
	FILE *f;
	struct stat st;

	rig_open(&r, "sqlite");
	ck_assert_int_eq(stat(r.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	path = xasprintf("%s/none/data.db", r.dir);
	r.config.path = path;
	ck_refused(&r, "No such file");
	free(path);
	path = xasprintf("%s/text", r.dir);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", f);
	fclose(f);
	r.config.path = path;
	ck_refused(&r, "not a database");
	free(path);
	rig_close(&r);
}
END_TEST

START_TEST(newer_schema)
{
	struct buf error = BUF_INIT;
	struct rig r;
	struct db *db;

	rig_open(&r, "sqlite");
	engine_close(r.engine);
	db = db_open(r.path, 1 << 20, true, &error);
	db_exec(db, "INSERT INTO mercutio_schema (version) VALUES (999)");
	db_close(db);
	ck_refused(&r, "its schema (version 999) is newer");
	r.loop = loop_free(r.loop);
	rig_remove(r.dir);
}
END_TEST

/* Old ids go: nothing grows for ever. */
START_TEST(purges_requests)
{
	struct msg_write_op add[] = {PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1))};
	struct written x;
	struct rig r;
	struct buf error = BUF_INIT;
	sqlite3_stmt *s;
	struct db *db;

	rig_open(&r, "sqlite");
	add[0].condition = 1;
	written_init(&x, add, 1);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	rig_reopen(&r); /* it looks once when it starts */
	r.engine->config.keep_requests = -1;
	WRITE(&r, PUT(TABLE_ACCOUNT, V_TEXT("b@x"), V_INT(1)));
	engine_close(r.engine);
	db = db_open(r.path, 1 << 20, true, &error);
	sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM mercutio_request", -1, &s, NULL);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(s, 0), 0);
	sqlite3_finalize(s);
	db_close(db);
	r.loop = loop_free(r.loop);
	rig_remove(r.dir);
}
END_TEST

static void add_account(struct rig *r, const char *account)
{
	struct msg_write_op add[] = {PUT(TABLE_ACCOUNT, V_TEXT(account), V_INT(1))};
	struct written x;

	add[0].condition = 1;
	written_init(&x, add, 1);
	ck_assert_int_eq(rig_submit(r, &x), STORE_COMMITTED);
}

/* Also when the clock was ahead, and is right now. */
START_TEST(purges_after_clock_step)
{
	uint64_t mono = clock_mono_us();
	int64_t wall = clock_wall_us();
	struct buf error = BUF_INIT;
	sqlite3_stmt *s;
	struct rig r;
	struct db *db;

	rig_open(&r, "sqlite");
	r.engine->config.keep_requests = 1000;
	clock_fake(mono, wall + INT64_C(86400) * 1000000);
	add_account(&r, "a@x");
	clock_fake(mono + 1000000, wall);
	add_account(&r, "b@x");
	clock_advance(UINT64_C(700) * 1000000);
	add_account(&r, "c@x");
	engine_close(r.engine);
	db = db_open(r.path, 1 << 20, true, &error);
	sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM mercutio_request", -1, &s, NULL);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(s, 0), 2); /* a day ahead, and now */
	sqlite3_finalize(s);
	db_close(db);
	r.loop = loop_free(r.loop);
	rig_remove(r.dir);
}
END_TEST

struct backing {
	struct engine_backup job;
	bool done;
};

static void on_backed(struct engine_backup *b)
{
	((struct backing *)b->arg)->done = true;
}

static char told[WRITE_TEXT]; /* of the last backup, why it failed */

static int back_up(struct rig *r, const char *path)
{
	struct backing b = {.job = {.path = path, .replace = true, .done = on_backed}};

	b.job.arg = &b;
	engine_backup(r->engine, &b.job);
	rig_wait(r, &b.done);
	memcpy(told, b.job.text, sizeof(told));
	return b.job.err;
}

/* By no name does a copy take the place of the database. */
START_TEST(backup_of_itself)
{
	static const char *const parts[] = {"", "-wal", "-shm", "-journal", ".lock"};
	char *partial, *link, *copy;
	struct stat before, after;
	struct rig r;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1")));
	ck_assert_int_eq(stat(r.path, &before), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *path = xasprintf("%s%s", r.path, parts[i]);

		ck_assert_int_eq(back_up(&r, path), -EINVAL);
		free(path);
	}
	link = xasprintf("%s/link", r.dir);
	copy = xasprintf("%s/copy", r.dir);
	partial = xasprintf("%s.partial", copy);
	ck_assert_int_eq(symlink(r.path, link), 0);
	ck_assert_int_eq(back_up(&r, link), -EINVAL);
	/* The name that the copy has while it is made. */
	ck_assert_int_eq(symlink(r.path, partial), 0);
	ck_assert_int_eq(back_up(&r, copy), -EINVAL);
	unlink(partial);
	ck_assert_int_eq(back_up(&r, copy), 0);
	ck_assert_int_eq(back_up(&r, copy), 0);
	ck_assert_int_eq(stat(r.path, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	rig_reopen(&r);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 1\n");
	rig_close(&r);
	free(partial);
	free(link);
	free(copy);
}
END_TEST

static char *full_file;	  /* takes nothing */
static bool full_at_once; /* else once it has a log of writes */

static ssize_t write_unless_full(int fd, const void *p, size_t n, off_t at)
{
	char *wal = xasprintf("%s-wal", full_file);
	struct stat a, b;
	bool full = (full_at_once || access(wal, F_OK) == 0) && fstat(fd, &a) == 0 &&
		    stat(full_file, &b) == 0 && a.st_ino == b.st_ino;

	free(wal);
	errno = ENOSPC;
	return full ? -1 : pwrite(fd, p, n, at);
}

static void system_call(sqlite3_syscall_ptr fn)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "pwrite", fn);
	vfs->xSetSystemCall(vfs, "pwrite64", fn);
}

/* The copy, or the end of it alone, finds no room: it is no copy, and nothing stays of it. */
START_TEST(backup_cut_short)
{
	static const char *const parts[] = {"", ".partial", ".partial-wal", ".partial-shm"};
	struct rig r;
	char *copy;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	copy = xasprintf("%s/copy", r.dir);
	full_file = xasprintf("%s.partial", copy);
	system_call((sqlite3_syscall_ptr)write_unless_full);
	full_at_once = _i;
	ck_assert_int_eq(back_up(&r, copy), -EIO);
	ck_assert_str_eq(told, "database or disk is full");
	system_call(NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *part = xasprintf("%s%s", copy, parts[i]);

		ck_assert_msg(access(part, F_OK) < 0, "%s", part);
		free(part);
	}
	ck_assert_int_eq(back_up(&r, copy), 0);
	rig_close(&r);
	free(full_file);
	free(copy);
}
END_TEST

static bool unsynced;

/* What is opened to be synced cannot be. */
int fsync(int fd)
{
	if (!unsynced || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return (int)syscall(SYS_fsync, fd);
	errno = EIO;
	return -1;
}

/* A copy that cannot be made durable leaves the file that it was to replace as it was. */
START_TEST(copy_cut_short)
{
	struct buf error = BUF_INIT;
	struct target t = {NULL};
	struct bulk *b;
	struct rig r;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1")));
	r.engine = engine_close(r.engine);
	t.path = r.path;
	t.config.cache = 1 << 20;
	b = bulk_sqlite.open(&t, true, &error);
	ck_assert_msg(b && b->ops->begin(b, true, 0, 0), "%.*s", STR_ARG(buf_str(&error)));
	unsynced = true;
	ck_assert(!b->ops->commit(b));
	unsynced = false;
	b->ops->close(b);
	ck_assert_int_eq(engine_open(&engine_sqlite, &r.config, &error, &r.engine), 0);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 1\n");
	rig_close(&r);
}
END_TEST

/* Batches wait for others as long as commit_delay says, and no longer. */
START_TEST(commit_delay)
{
	struct engine_stats before, stats;
	struct written x[20];
	struct msg_write_op op = PUT(TABLE_SECRET, V_TEXT("n"), V_BLOB("v"));
	struct rig r;

	rig_open(&r, "sqlite");
	engine_stats(r.engine, &before);
	r.engine->config.commit_delay = 50;
	for (int i = 0; i < 20; i++) {
		written_init(&x[i], &op, 1);
		engine_write(r.engine, &x[i].w);
		if (i % 5 == 0) { /* let some turns pass */
			struct msg_read_op get = GET(TABLE_VCARD, V_TEXT("a@x"));

			free(rig_read(&r, "sm", &get, 1));
		}
	}
	for (int i = 0; i < 20; i++)
		rig_wait(&r, &x[i].done);
	engine_stats(r.engine, &stats);
	ck_assert_uint_le(stats.commits - before.commits, 2);
	rig_close(&r);
}
END_TEST

static off_t log_size(const struct rig *r)
{
	char *name = xasprintf("%s-wal", r->path);
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	free(name);
	return st.st_size;
}

static void copy_file(const struct rig *r, const char *to, const char *end)
{
	char *command = xasprintf("cp '%s%s' '%s/%s%s'", r->path, end, r->dir, to, end);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* The file of the log grows some commits ahead, and who finds it with zeros at its end, as after a
 * crash, takes all that was committed and nothing else. */
START_TEST(room_in_log)
{
	enum { ROUNDS = 300 };
	struct buf error = BUF_INIT;
	sqlite3_stmt *count = NULL;
	int64_t grown = 0;
	off_t size;
	struct db *db;
	char *path;
	struct rig r;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	size = log_size(&r);
	for (int64_t i = 1; i <= ROUNDS; i++) {
		ck_assert_int_eq(WRITE(&r, APPEND("a@x", i, i, "text")), STORE_COMMITTED);
		grown += log_size(&r) != size;
		size = log_size(&r);
	}
	ck_assert_int_gt(grown, 0);
	ck_assert_int_lt(grown, ROUNDS / 5);
	copy_file(&r, "copy", "");
	copy_file(&r, "copy", "-wal");
	path = xasprintf("%s/copy", r.dir);
	db = db_open(path, 1 << 20, false, &error);
	ck_assert_ptr_nonnull(db);
	sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM log", -1, &count, NULL);
	ck_assert_int_eq(sqlite3_step(count), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(count, 0), ROUNDS);
	sqlite3_finalize(count);
	db_close(db);
	free(path);
	rig_close(&r);
}
END_TEST

Suite *sqlite_suite(void)
{
	Suite *s = suite_create("sqlite");
	TCase *tc = tcase_create("sqlite");

	tcase_add_test(tc, keeps_all);
	tcase_add_test(tc, one_process);
	tcase_add_test(tc, what_cannot_be_opened);
	tcase_add_test(tc, newer_schema);
	tcase_add_test(tc, purges_requests);
	tcase_add_test(tc, purges_after_clock_step);
	tcase_add_test(tc, backup_of_itself);
	tcase_add_loop_test(tc, backup_cut_short, 0, 2);
	tcase_add_test(tc, copy_cut_short);
	tcase_add_test(tc, commit_delay);
	tcase_add_test(tc, room_in_log);
	suite_add_tcase(s, tc);
	return s;
}
