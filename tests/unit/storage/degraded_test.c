/* SPDX-License-Identifier: MIT */
/* A disk that is full or read-only: writes fail with a reason, reads go on, and all works again. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/alloc.h"
#include "storage/sqlite_internal.h"
#include "tests/storage/appender.h"

Suite *degraded_suite(void);

/* Files may not grow beyond: the next commit finds no room. */
static void limit_files(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

enum { BATCHES = 8, BIG = 200000 };

START_TEST(disk_full)
{
	static char big[BIG];
	struct msg_value values[BATCHES][3];
	struct msg_write_op ops[BATCHES];
	struct written x[BATCHES];
	struct engine_stats stats;
	struct rig r;

	signal(SIGXFSZ, SIG_IGN);
	memset(big, 'x', sizeof(big));
	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("before")));
	limit_files(400000);
	for (int i = 0; i < BATCHES; i++) {
		values[i][0] = V_TEXT("a@x");
		values[i][1] = V_INT(i);
		values[i][2] = value_blob(str_n(big, BIG));
		ops[i] = op_make(STORE_PUT, TABLE_SESSION, values[i], 3);
		written_init(&x[i], &ops[i], 1);
		engine_write(r.engine, &x[i].w);
	}
	for (int i = 0; i < BATCHES; i++) {
		rig_wait(&r, &x[i].done);
		ck_assert_int_eq(x[i].w.status, STORE_FAILED);
		ck_assert(x[i].w.again && x[i].w.text[0]);
	}
	engine_stats(r.engine, &stats);
	ck_assert(stats.failing && stats.trouble[0]);
	ck_found(&r, GET(TABLE_VCARD, V_TEXT("a@x")), "a@x before\n");
	ck_found(&r, COUNT(TABLE_SESSION, V_TEXT("a@x")), "0\n");
	/* Leases as they were, also in memory. */
	limit_files(RLIM_INFINITY);
	for (int i = 0; i < BATCHES; i++)
		ck_assert_int_eq(rig_submit(&r, &x[i]), STORE_COMMITTED);
	ck_found(&r, COUNT(TABLE_SESSION, V_TEXT("a@x")), "8\n");
	engine_stats(r.engine, &stats);
	ck_assert(!stats.failing);
	rig_close(&r);
}
END_TEST

struct late {
	struct engine *engine;
	struct written *x;
};

static void submit_late(void *arg)
{
	struct late *l = arg;

	engine_write(l->engine, &l->x->w);
}

static void first_done(struct engine_write *w)
{
	*(bool *)w->arg = w->status == STORE_FAILED;
	((struct written *)w)->done = true;
}

/* What was handed over while the group that fails is under way fails with it, though it would have
 * had room: a later append never commits before an earlier one. */
START_TEST(later_ones_fail_too)
{
	static char big[2 * BIG];
	struct msg_write_op large, small = APPEND("a@x", 2, 5, "2");
	struct written a, b;
	struct loop_task task;
	bool failed = false;
	struct rig r;

	signal(SIGXFSZ, SIG_IGN);
	memset(big, 'x', sizeof(big) - 1);
	large = APPEND("a@x", 1, 5, big);
	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	limit_files(300000);
	written_init(&b, &small, 1);
	task = (struct loop_task){.fn = submit_late, .arg = &(struct late){r.engine, &b}};
	written_init(&a, &large, 1);
	a.w.done = first_done;
	a.w.arg = &failed;
	engine_write(r.engine, &a.w);
	/* Called behind the engine's own task: the group of a is at work. */
	loop_defer(r.loop, &task);
	rig_wait(&r, &a.done);
	rig_wait(&r, &b.done);
	ck_assert(failed);
	ck_assert_int_eq(b.w.status, STORE_FAILED);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(rig_submit(&r, &a), STORE_COMMITTED);
	ck_assert_int_eq(rig_submit(&r, &b), STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

/* --- a file system that became read-only ------------------------------------------------------ */

/* Between SQLite and the file: writes are refused while read_only is set. */
static bool read_only;
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static sqlite3_io_methods methods[2]; /* of the database itself, and of its other files */
static int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);

static int write_unless(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return read_only ? SQLITE_READONLY : real_write(f, p, n, at);
}

static int open_between(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret)
{
	sqlite3_io_methods *m = &methods[flags & SQLITE_OPEN_MAIN_DB ? 0 : 1];
	int rc = real_open(v, name, f, flags, ret);

	if (rc != SQLITE_OK || !f->pMethods)
		return rc;
	*m = *f->pMethods;
	real_write = m->xWrite;
	m->xWrite = write_unless;
	f->pMethods = m;
	return rc;
}

static void vfs_between(void)
{
	static sqlite3_vfs between;

	between = *sqlite3_vfs_find(NULL);
	real_open = between.xOpen;
	between.xOpen = open_between;
	between.zName = "between";
	sqlite3_vfs_register(&between, 1);
}

/* It says so, reads go on, and what waits is written when it may be, in order. */
START_TEST(file_read_only)
{
	struct engine_stats stats;
	struct appender a;
	struct rig r;

	vfs_between();
	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("before")));
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 500);
	read_only = true;
	while (!a.bounced)
		loop_run_once(r.loop);
	engine_stats(r.engine, &stats);
	ck_assert(stats.failing);
	ck_assert_msg(strstr(stats.trouble, "readonly") != NULL, "%s", stats.trouble);
	ck_found(&r, GET(TABLE_VCARD, V_TEXT("a@x")), "a@x before\n");
	read_only = false;
	appender_until(&a, a.committed + 500);
	engine_stats(r.engine, &stats);
	ck_assert(!stats.failing);
	appender_end(&a);
	ck_assert_uint_eq(a.refused, 0);
	rig_close(&r);
}
END_TEST

/* At the start too: it is waited for, and users who are there already need not be. */
START_TEST(started_read_only)
{
	struct rig r;

	vfs_between();
	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	r.engine = engine_close(r.engine);
	read_only = true;
	ck_assert_int_eq(engine_open(&engine_sqlite, &r.config, NULL, &r.engine), 0);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))), STORE_FAILED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "");
	read_only = false;
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))), STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

Suite *degraded_suite(void)
{
	Suite *s = suite_create("degraded");
	TCase *tc = tcase_create("degraded");

	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, later_ones_fail_too);
	tcase_add_test(tc, file_read_only);
	tcase_add_test(tc, started_read_only);
	suite_add_tcase(s, tc);
	return s;
}
