/* SPDX-License-Identifier: MIT */
/* Retention at PostgreSQL: partitions go as a whole, one storage does it, nobody is locked out. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"
#include "storage/retention.h"
#include "tests/storage/appender.h"
#include "tests/storage/pg_server.h"

void fill_pg_retention(TCase *tc);

#define DAY_US (INT64_C(86400) * 1000000)
#define DAY_MS (INT64_C(86400) * 1000)

static void on_over(void *arg)
{
	*(bool *)arg = true;
}

static void make_partitions(struct rig *r, int64_t time)
{
	char why[WRITE_TEXT] = "";
	PGconn *c = PQconnectdb(r->conninfo);

	ck_assert_msg(pg_partitions(c, time, why), "%s", why);
	PQfinish(c);
}

static void append(struct rig *r, const char *account, int64_t number, int64_t time)
{
	ck_assert_int_eq(WRITE(r, op_make(STORE_LOG_APPEND, TABLE_LOG,
					  VALUES(V_TEXT(account), V_INT(number), V_INT(time),
						 V_TEXT("b@y"), V_INT(5), V_INT(number), V_INT(0),
						 V_INT(0), V_TEXT("text")))),
			 STORE_COMMITTED);
}

static int64_t partitions(const struct rig *r)
{
	char *text = pg_server_sql(r->conninfo, "SELECT count(*) FROM pg_inherits"
						" WHERE inhparent = 'log'::regclass");
	int64_t n = strtoll(text, NULL, 10);

	free(text);
	return n;
}

/* Entries of a year ago, past all limits; of 100 days ago, of which one waits to be delivered. */
START_TEST(partitions_go)
{
	struct retention_limits limits = {.all = {.age = 60 * DAY_MS, .offline = 200 * DAY_MS}};
	int64_t now = clock_wall_us(), made;
	bool over = false;
	struct retention *t;
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	make_partitions(&r, now - 365 * DAY_US);
	make_partitions(&r, now - 100 * DAY_US);
	for (int i = 1; i <= 5; i++)
		append(&r, "a@x", i, now - 365 * DAY_US);
	for (int i = 6; i <= 10; i++)
		append(&r, "a@x", i, now - 100 * DAY_US);
	append(&r, "a@x", 11, now);
	WRITE(&r, PUT(TABLE_POSITION, V_TEXT("a@x"), V_INT(9), value_blob(STR_NONE)));
	made = partitions(&r);
	t = retention_new(r.engine, &limits, on_over, &over);
	retention_run(t);
	rig_wait(&r, &over);
	ck_assert_msg(!retention_stats(t)->trouble, "%s", retention_stats(t)->trouble);
	/* The three months from a year ago went as a whole. */
	ck_assert_uint_ge(retention_stats(t)->partitions, 3);
	ck_assert_int_eq(partitions(&r), made - (int64_t)retention_stats(t)->partitions);
	ck_assert_uint_eq(retention_stats(t)->removed, 4);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "2\n");
	/* When it is delivered too, its month empties, and goes in the pass behind that. */
	WRITE(&r, PUT(TABLE_POSITION, V_TEXT("a@x"), V_INT(11), value_blob(STR_NONE)));
	for (int i = 0; i < 2; i++) {
		over = false;
		made = partitions(&r);
		retention_run(t);
		rig_wait(&r, &over);
	}
	ck_assert_uint_eq(retention_stats(t)->pass_partitions, 1);
	ck_assert_int_eq(partitions(&r), made - 1);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "1\n");
	retention_free(t);
	retention_limits_free(&limits);
	rig_close(&r);
}
END_TEST

struct begun {
	struct engine_sweep s;
	bool done;
};

static void on_begun(struct engine_sweep *s)
{
	((struct begun *)s)->done = true;
}

static void begin(struct begun *b, struct rig *r, struct engine *e)
{
	*b = (struct begun){.s = {.before = INT64_MIN, .now = clock_wall_us(), .done = on_begun}};
	engine_sweep(e, &b->s);
	rig_wait(r, &b->done);
	ck_assert_msg(b->s.err == 0, "%s", b->s.text);
}

START_TEST(one_at_a_time)
{
	struct engine *other;
	struct begun b;
	struct rig r;

	rig_open(&r, "postgresql");
	other = rig_second(&r);
	begin(&b, &r, r.engine);
	ck_assert(!b.s.elsewhere);
	begin(&b, &r, other);
	ck_assert(b.s.elsewhere);
	engine_sweep_end(r.engine);
	/* The server learns of the end of the connection a moment later. */
	for (int i = 0; i < 100 && b.s.elsewhere; i++) {
		rig_run_for(&r, 20);
		begin(&b, &r, other);
	}
	ck_assert(!b.s.elsewhere);
	engine_sweep_end(other);
	engine_close(other);
	rig_close(&r);
}
END_TEST

/* Partitions of this month and the next ones stay, whatever is asked for. */
START_TEST(present_stays)
{
	int64_t now = clock_wall_us(), there;
	struct begun b = {.s = {.before = INT64_MAX, .now = now, .done = on_begun}};
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	append(&r, "a@x", 1, now);
	there = partitions(&r);
	ck_assert_int_ge(there, 1);
	engine_sweep(r.engine, &b.s);
	rig_wait(&r, &b.done);
	ck_assert_msg(b.s.err == 0, "%s", b.s.text);
	/* Last month's, when there is one, has ended before. */
	ck_assert_int_eq(partitions(&r), there - (int64_t)b.s.dropped);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "1\n");
	engine_sweep_end(r.engine);
	rig_close(&r);
}
END_TEST

/* While partitions are dropped and a transaction holds the log, appends go on. */
START_TEST(nobody_locked_out)
{
	int64_t now = clock_wall_us();
	struct appender a;
	struct begun b = {.s = {.before = now - 300 * DAY_US, .now = now, .done = on_begun}};
	PGconn *reader;
	uint64_t dropped = 0;
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	make_partitions(&r, now - 500 * DAY_US);
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 500);
	/* A long report of the operator's. */
	reader = PQconnectdb(r.conninfo);
	PQclear(PQexec(reader, "BEGIN"));
	PQclear(PQexec(reader, "SELECT count(*) FROM log"));
	engine_sweep(r.engine, &b.s);
	while (!b.done)
		loop_run_once(r.loop);
	ck_assert_uint_eq(b.s.dropped, 0);
	ck_assert_int_gt(a.committed, 500);
	PQclear(PQexec(reader, "COMMIT"));
	PQfinish(reader);
	engine_sweep_end(r.engine);
	/* It does not wait long for appends that are under way: it may need another try. */
	while (dropped < 3) {
		b.done = false;
		engine_sweep(r.engine, &b.s);
		rig_wait(&r, &b.done);
		dropped += b.s.dropped;
		engine_sweep_end(r.engine);
	}
	ck_assert_uint_eq(dropped, 3);
	appender_until(&a, a.committed + 100);
	appender_end(&a);
	ck_assert_uint_eq(a.bounced + a.refused, 0);
	rig_close(&r);
}
END_TEST

void fill_pg_retention(TCase *tc)
{
	tcase_add_test(tc, partitions_go);
	tcase_add_test(tc, present_stays);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, nobody_locked_out);
}
