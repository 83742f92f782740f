/* SPDX-License-Identifier: MIT */
/* The connection ends at another moment each time, before, in and behind the commit of each kind of
 * request: each is done once, and is answered so. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_internal.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

void fill_pg_lost(TCase *tc);

enum { MOMENTS = 10 };

/* Lets the loop turn so often, then ends the connections. */
static void lose(struct rig *r, int moment, const bool *done)
{
	for (int turn = 0; turn < moment && !*done; turn++)
		loop_run_once(r->loop);
	pg_server_end_backends();
	rig_wait(r, done);
}

static void ck_done(struct rig *r, struct msg_write_op op, int moment, const char *what)
{
	struct written x;

	written_init(&x, &op, 1);
	engine_write(r->engine, &x.w);
	lose(r, moment, &x.done);
	ck_assert_msg(x.w.status == STORE_COMMITTED, "%s, moment %d: %s", what, moment, x.w.text);
}

START_TEST(writes)
{
	struct msg_read_op vcards = LIST_ALL(TABLE_VCARD), log = COUNT(TABLE_LOG, V_TEXT("a@x"));
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	for (int i = 0; i < MOMENTS; i++) {
		struct msg_write_op put = PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"));
		struct msg_write_op del = DEL(TABLE_VCARD, V_TEXT("a@x"));

		ck_done(&r, put, i, "put");
		put.condition = 2;
		ck_done(&r, put, i, "put if there");
		ck_found(&r, vcards, "a@x 1\n");
		del.condition = 2;
		ck_done(&r, del, i, "delete if there");
		put.condition = 1;
		ck_done(&r, put, i, "put if not there");
		del.condition = 0;
		ck_done(&r, del, i, "delete");
		ck_found(&r, vcards, "");
		ck_done(&r, APPEND("a@x", i + 1, 5, "text"), i, "append");
		ck_found(&r, log, "1\n");
		ck_done(&r,
			op_make(STORE_LOG_DELETE, TABLE_LOG, VALUES(V_TEXT("a@x"), V_INT(i + 1))),
			i, "delete from the log");
		ck_found(&r, log, "0\n");
	}
	rig_close(&r);
}
END_TEST

struct taken {
	struct engine_lease l;
	bool done;
	size_t nheld;
	uint32_t epoch;
};

static void on_taken(struct engine_lease *l)
{
	struct taken *t = (struct taken *)l;

	ck_assert_int_eq(l->err, 0);
	t->nheld = l->nheld;
	t->epoch = l->nheld ? l->held[0].epoch : 0;
	t->done = true;
}

/* The epoch rises by one each time, never by two. */
START_TEST(leases)
{
	struct msg_shard_epoch all[SHARDS];
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	for (int i = 0; i < MOMENTS; i++) {
		struct taken t = {.l = {.take = true,
					.route = "sm",
					.owner = "sm-2",
					.owner_id = 100 + (uint64_t)i,
					.shards = all,
					.nshards = SHARDS,
					.done = on_taken}};

		for (uint16_t s = 0; s < SHARDS; s++)
			all[s] = (struct msg_shard_epoch){s, (uint32_t)i + 1};
		engine_lease(r.engine, &t.l);
		lose(&r, i, &t.done);
		ck_assert_uint_eq(t.nheld, SHARDS);
		ck_assert_uint_eq(t.epoch, (uint32_t)i + 2);
	}
	rig_close(&r);
}
END_TEST

/* A read is asked again on another connection. */
START_TEST(reads)
{
	struct msg_read_op op = GET(TABLE_VCARD, V_TEXT("a@x"));
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1")));
	for (int i = 0; i < MOMENTS; i++) {
		pg_server_end_backends();
		ck_found(&r, op, "a@x 1\n");
	}
	rig_close(&r);
}
END_TEST

static void standby_wanted(struct rig *r, const char *name)
{
	char *sql = xasprintf("ALTER SYSTEM SET synchronous_standby_names = '%s'", name);

	free(pg_server_sql(r->conninfo, sql));
	free(pg_server_sql(r->conninfo, "SELECT pg_reload_conf()"));
	free(sql);
	rig_run_for(r, 3000); /* nothing shows that all of its processes know */
}

/* What was committed here may not be with the standby: its repetition is answered once it is, though there is
 * nothing left to do. */
START_TEST(standby_gone)
{
	struct msg_write_op append = APPEND("a@x", 1, 5, "one");
	struct msg_write_op put = PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1));
	struct written x;
	struct rig r;

	put.condition = 1;
	pg_server_start();
	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	written_init(&x, _i ? &put : &append, 1);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	standby_wanted(&r, "gone");
	x.done = false;
	x.w.repeated = true;
	engine_write(r.engine, &x.w);
	rig_run_for(&r, 1500);
	ck_assert(!x.done);
	standby_wanted(&r, "");
	rig_wait(&r, &x.done);
	ck_assert_int_eq(x.w.status, STORE_COMMITTED);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), _i ? "0\n" : "1\n");
	rig_close(&r);
	pg_server_stop();
}
END_TEST

void fill_pg_lost(TCase *tc)
{
	tcase_add_test(tc, writes);
	tcase_add_test(tc, leases);
	tcase_add_test(tc, reads);
	tcase_add_loop_test(tc, standby_gone, 0, 2);
}
