/* SPDX-License-Identifier: MIT */
/* PostgreSQL as it is in life: several storages at once, lost answers, servers that die or hang. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"
#include "tests/storage/appender.h"
#include "tests/storage/pg_server.h"

void fill_pg_schema(TCase *tc);
void fill_pg_connect(TCase *tc);
void fill_pg_append(TCase *tc);
void fill_pg_full(TCase *tc);
void fill_pg_lost(TCase *tc);
void fill_pg_plans(TCase *tc);
void fill_pg_retention(TCase *tc);

enum { DAY_S = 86400 };

static int64_t sql_number(const struct rig *r, const char *sql)
{
	char *text = pg_server_sql(r->conninfo, sql);
	int64_t n = text ? strtoll(text, NULL, 10) : -1;

	free(text);
	return n;
}

static enum store_status submit_at(struct rig *r, struct engine *e, struct written *x)
{
	x->done = false;
	engine_write(e, &x->w);
	rig_wait(r, &x->done);
	return x->w.status;
}

/* --- faults -------------------------------------------------------------------------------------
 */

/* kill -9 of the whole server under load, and its start again: nobody is told of a failure that
 * was not one, and what was committed is there once. */
START_TEST(server_killed)
{
	struct appender a;
	struct rig r;

	pg_server_start();
	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	for (int i = 1; i <= 3; i++) {
		appender_until(&a, a.committed + 1000);
		pg_server_kill(SIGKILL);
		pg_server_run();
	}
	appender_until(&a, a.committed + 1000);
	appender_end(&a);
	ck_assert_uint_eq(a.refused, 0);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

/* Away for longer than anything is held: it is said, and ends by itself. */
START_TEST(server_away)
{
	struct engine_stats stats;
	struct appender a;
	struct rig r;
	char *text;
	struct msg_read_op get = GET(TABLE_VCARD, V_TEXT("a@x"));
	uint64_t from;

	pg_server_start();
	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 500);
	pg_server_kill(SIGKILL);
	from = clock_mono_ms();
	while (!a.bounced)
		loop_run_once(r.loop);
	ck_assert_uint_ge(clock_mono_ms() - from, 2000);
	engine_stats(r.engine, &stats);
	ck_assert(stats.failing && stats.trouble[0]);
	text = rig_read(&r, "sm", &get, 1);
	ck_assert_str_eq(text, "error -5");
	pg_server_run();
	appender_until(&a, a.committed + 1000);
	engine_stats(r.engine, &stats);
	ck_assert(!stats.failing);
	/* Readers come back a moment later, each by itself. */
	for (int i = 0; i < 10; i++) {
		free(text);
		text = rig_read(&r, "sm", &get, 1);
		if (!*text)
			break;
	}
	ck_assert_str_eq(text, "");
	free(text);
	appender_end(&a);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

static void all_processes(int signum)
{
	char *command = xasprintf("pkill -%d -P %d; kill -%d %d", signum, (int)pg_server.pid,
				  signum, (int)pg_server.pid);

	if (system(command) < 0)
		ck_abort();
	free(command);
}

/* SIGSTOP: connections stay, and answer nothing; the loop goes on. What it has taken before it may
 * still do when it wakes: not behind what is written later. */
START_TEST(server_hangs)
{
	struct appender a;
	struct rig r;

	pg_server_start();
	rig_open(&r, "postgresql");
	r.engine->config.statement_timeout = 1000;
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 500);
	all_processes(SIGSTOP);
	rig_run_for(&r, 9000);
	ck_assert_uint_gt(a.bounced, 0);
	all_processes(SIGCONT);
	appender_until(&a, a.committed + 1000);
	appender_end(&a);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

/* Connections end under load, each time at another moment: before, in and behind commits. */
START_TEST(answers_lost)
{
	struct appender a;
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	for (int i = 0; i < 20; i++) {
		appender_until(&a, a.committed + 150 + i);
		pg_server_end_backends();
	}
	appender_until(&a, a.committed + 1000);
	appender_end(&a);
	ck_assert_uint_eq(a.bounced, 0);
	rig_close(&r);
}
END_TEST

/* The connection ends while nothing is under way: what comes next goes over the next one. */
START_TEST(lost_while_idle)
{
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	for (int i = 1; i <= 5; i++) {
		pg_server_end_backends();
		rig_run_for(&r, 5 * (uint64_t)i);
		ck_assert_int_eq(WRITE(&r, APPEND("a@x", i, 5, "text"), APPEND("a@x", i + 10, 5, "text")),
				 STORE_COMMITTED);
	}
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "10\n");
	rig_close(&r);
}
END_TEST

/* The answer to a conditional batch is lost behind its commit: the engine asks again, and hears of
 * itself. */
START_TEST(conditional_answer_lost)
{
	struct msg_write_op add[] = {PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1))};
	struct written x;
	struct rig r;

	add[0].condition = 1;
	rig_open(&r, "postgresql");
	for (int i = 0; i < 30; i++) {
		char account[16];

		snprintf(account, sizeof(account), "a%d@x", i);
		add[0].values[0] = V_TEXT(account);
		written_init(&x, add, 1);
		x.done = false;
		engine_write(r.engine, &x.w);
		for (int turn = 0; turn < i % 6 && !x.done; turn++)
			loop_run_once(r.loop);
		if (i % 3 == 0)
			pg_server_end_backends();
		rig_wait(&r, &x.done);
		ck_assert_int_eq(x.w.status, STORE_COMMITTED);
	}
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM account"), 30);
	rig_close(&r);
}
END_TEST

static void *cancel_all(void *stop)
{
	char *conninfo = pg_server_conninfo();
	PGconn *c = PQconnectdb(conninfo);

	while (!atomic_load((atomic_bool *)stop)) {
		PQclear(PQexec(c, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
				  " WHERE application_name = 'mercutio-storage'"));
		usleep(1000);
	}
	PQfinish(c);
	free(conninfo);
	return NULL;
}

/* Whatever statement is cancelled, the end of a transaction too: it is no batch's fault. */
START_TEST(cancelled)
{
	struct msg_write_op del[] = {DEL(TABLE_ACCOUNT, V_TEXT("a@x"))};
	struct msg_write_op put[] = {PUT(TABLE_ACCOUNT, V_TEXT("b@x"), V_INT(1))};
	atomic_bool stop = false;
	struct written x;
	struct rig r;
	pthread_t t;

	del[0].condition = 2;
	rig_open(&r, "postgresql");
	ck_assert_int_eq(pthread_create(&t, NULL, cancel_all, &stop), 0);
	for (int i = 0; i < 2000; i++) {
		enum store_status wanted = i % 2 ? STORE_COMMITTED : STORE_CONDITION;

		written_init(&x, i % 2 ? put : del, 1);
		rig_submit(&r, &x);
		ck_assert_msg(x.w.again || x.w.status == wanted, "%s", x.w.text);
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	rig_close(&r);
}
END_TEST

/* Everything is refused but reads, as on a server that became a standby. */
START_TEST(read_only)
{
	struct msg_write_op put[] = {PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1))};
	struct written x;
	struct rig r;
	char *writable;

	pg_server_start();
	rig_open(&r, "postgresql");
	free(pg_server_sql(r.conninfo, "ALTER SYSTEM SET default_transaction_read_only = on"));
	free(pg_server_sql(r.conninfo, "SELECT pg_reload_conf()"));
	rig_run_for(&r, 300);
	written_init(&x, put, 1);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_FAILED);
	ck_assert(x.w.again);
	/* The operator ends it: all is done, without a restart. */
	writable = xasprintf("%s options='-c default_transaction_read_only=off'", r.conninfo);
	free(pg_server_sql(writable, "ALTER SYSTEM RESET default_transaction_read_only"));
	free(pg_server_sql(writable, "SELECT pg_reload_conf()"));
	free(writable);
	while (rig_submit(&r, &x) != STORE_COMMITTED)
		ck_assert(x.w.again);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

/* --- several storages ----------------------------------------------------------------------------
 */

static enum store_status put_vcard(struct rig *r, struct engine *e, uint32_t run, const char *value,
				   bool *ret_stale)
{
	struct msg_write_op op[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT(value))};
	struct written x;
	enum store_status s;

	written_init(&x, op, 1);
	x.w.write_epoch = run;
	s = submit_at(r, e, &x);
	*ret_stale = x.w.stale;
	return s;
}

/* The owner turns to another storage: what the first one still has comes too late, and the owner
 * does not hear of it as of a lost lease. */
START_TEST(owner_turns)
{
	struct engine *other;
	bool stale;
	struct rig r;

	rig_open(&r, "postgresql");
	other = rig_second(&r);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(put_vcard(&r, r.engine, 1, "1", &stale), STORE_COMMITTED);
	ck_assert_int_eq(put_vcard(&r, r.engine, 1, "2", &stale), STORE_COMMITTED);
	ck_assert_int_eq(put_vcard(&r, other, 2, "3", &stale), STORE_COMMITTED);
	ck_assert_int_eq(put_vcard(&r, r.engine, 1, "4", &stale), STORE_REFUSED);
	ck_assert(stale);
	ck_assert_int_eq(put_vcard(&r, other, 2, "5", &stale), STORE_COMMITTED);
	/* And back. */
	ck_assert_int_eq(put_vcard(&r, r.engine, 3, "6", &stale), STORE_COMMITTED);
	ck_assert_int_eq(put_vcard(&r, other, 2, "7", &stale), STORE_REFUSED);
	ck_assert(stale);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 6\n");
	engine_close(other);
	rig_close(&r);
}
END_TEST

struct taken {
	struct engine_lease l;
	struct msg_shard_epoch shard;
	bool done;
	size_t nheld;
};

static void on_taken(struct engine_lease *l)
{
	struct taken *t = (struct taken *)l;

	ck_assert_int_eq(l->err, 0);
	t->nheld = l->nheld;
	t->done = true;
}

static void take(struct taken *t, struct engine *e, uint64_t owner, uint32_t believed)
{
	*t = (struct taken){.l = {.take = true,
				  .route = "sm",
				  .owner = "sm-2",
				  .owner_id = owner,
				  .nshards = 1,
				  .done = on_taken},
			    .shard = {shard_of("a@x"), believed}};
	t->l.shards = &t->shard;
	engine_lease(e, &t->l);
}

/* Two owners at two storages: from the take-over on nothing of the first one's commits. */
START_TEST(owners_race)
{
	struct engine *other;
	struct appender a;
	struct taken t;
	struct rig r;
	int64_t stored;

	rig_open(&r, "postgresql");
	other = rig_second(&r);
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 500 + 37 * _i);
	take(&t, other, 78, 1);
	rig_wait(&r, &t.done);
	ck_assert_uint_eq(t.nheld, 1);
	stored = sql_number(&r, "SELECT count(*) FROM log");
	while (a.under_way)
		loop_run_once(r.loop);
	ck_assert_uint_eq(a.refused, IN_FLIGHT);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log"), stored);
	ck_assert_int_eq(a.committed, stored);
	appender_free(&a);
	engine_close(other);
	rig_close(&r);
}
END_TEST

/* A storage that stopped in the middle of a batch holds its lock: a take-over waits for it, and
 * ends it when it goes on waiting for its client. */
START_TEST(transaction_held)
{
	PGconn *c;
	struct taken t;
	struct rig r;
	char *sql;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	c = PQconnectdb(r.conninfo);
	sql = xasprintf("SELECT pg_advisory_xact_lock_shared(%d, %d)", (int)fence_key("sm"),
			(int)shard_of("a@x"));
	PQclear(PQexec(c, "BEGIN"));
	PQclear(PQexec(c, sql));
	take(&t, r.engine, 78, 1);
	rig_run_for(&r, 1000);
	ck_assert(!t.done);
	if (_i == 0)
		PQclear(PQexec(c, "COMMIT"));
	rig_wait(&r, &t.done);
	ck_assert_uint_eq(t.nheld, 1);
	PQclear(PQexec(c, "SELECT 1"));
	ck_assert_int_eq(PQstatus(c), _i == 0 ? CONNECTION_OK : CONNECTION_BAD);
	PQfinish(c);
	free(sql);
	rig_close(&r);
}
END_TEST

/* --- the log's partitions ------------------------------------------------------------------------
 */

static struct msg_write_op append_at(struct msg_value *v, int64_t number, int64_t time_s,
				     int64_t origin)
{
	struct msg_value row[COLS_LOG] = {V_TEXT("a@x"), V_INT(number), V_INT(time_s * 1000000),
					  V_TEXT("c@y"), V_INT(origin), V_INT(1),
					  V_INT(0),	 V_INT(0),	V_TEXT("t")};

	memcpy(v, row, sizeof(row));
	return op_make(STORE_LOG_APPEND, TABLE_LOG, v, COLS_LOG);
}

/* An owner that died appends again with a new one's time: known all the same, in whichever month.
 */
START_TEST(known_in_another_month)
{
	int64_t now = clock_wall_us() / 1000000, number = INT64_C(1) << 40 | 5, later;
	struct msg_value v[COLS_LOG];
	struct msg_write_op op;
	struct written x;
	struct rig r;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	for (later = now; later <= now + 32 * DAY_S; later += 8 * DAY_S) {
		op = append_at(v, number, later, 1);
		ck_assert_int_eq(rig_write(&r, &op, 1), STORE_COMMITTED);
		written_init(&x, &op, 1);
		x.w.repeated = true;
		ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
		if (later == now)
			rig_lease(&r, "sm", OWNER + 1), rig_lease(&r, "sm", OWNER);
		op = append_at(v, number, later, 2);
		written_init(&x, &op, 1);
		x.w.epoch = 3;
		ck_assert_int_eq(rig_submit(&r, &x), STORE_CLASH);
		if (later == now)
			break;
	}
	for (later = now; later <= now + 32 * DAY_S; later += 8 * DAY_S) {
		op = append_at(v, number, later, 1);
		written_init(&x, &op, 1);
		x.w.epoch = 3;
		ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	}
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log"), 1);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log_other"), 0);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM pg_inherits"
					" WHERE inhparent = 'log'::regclass"),
			 4);
	rig_close(&r);
}
END_TEST

/* What came before its month had a partition (nobody made it in time, a clock was wrong) lies with
 * all other times: it goes there, and does not hold up that partition nor those behind it. */
START_TEST(month_made_late)
{
	const int64_t february = INT64_C(2528000000), january = february - 31 * DAY_S; /* 2050 */
	struct msg_value v[COLS_LOG];
	struct msg_write_op op = append_at(v, INT64_C(1) << 40 | 5, february, 1);
	char why[WRITE_TEXT] = "";
	struct rig r;
	PGconn *c;

	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(rig_write(&r, &op, 1), STORE_COMMITTED);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log_other"), 1);
	c = PQconnectdb(r.conninfo);
	ck_assert_msg(pg_partitions(c, january * 1000000, why), "%s", why);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log_other"), 0);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log_2050_02"), 1);
	ck_assert_int_eq(sql_number(&r, "SELECT count(*) FROM log_2050_03"), 0);
	ck_found(&r, LIST(TABLE_LOG, V_TEXT("a@x")),
		 "a@x 1099511627781 2528000000000000 c@y 1 1 0 0 t\n");
	PQfinish(c);
	rig_close(&r);
}
END_TEST

START_TEST(months)
{
	int year, month;
	int64_t from, to;

	pg_month(0, &year, &month, &from, &to);
	ck_assert_int_eq(year * 100 + month, 197001);
	ck_assert_int_eq(from, 0);
	ck_assert_int_eq(to, INT64_C(31) * DAY_S * 1000000);
	pg_month(INT64_C(951782400) * 1000000, &year, &month, &from, &to); /* 2000-02-29 */
	ck_assert_int_eq(year * 100 + month, 200002);
	ck_assert_int_eq(to - from, INT64_C(29) * DAY_S * 1000000);
	pg_month(INT64_C(4107542399) * 1000000, &year, &month, &from, &to); /* 2100-02-28 */
	ck_assert_int_eq(year * 100 + month, 210002);
	ck_assert_int_eq(to, INT64_C(4107542400) * 1000000);
	for (int64_t t = 0; t < INT64_C(4200000000) * 1000000; t = to) {
		pg_month(t, &year, &month, &from, &to);
		ck_assert_int_eq(from, t);
		ck_assert_int_ge(to - from, INT64_C(28) * DAY_S * 1000000);
		ck_assert_int_le(to - from, INT64_C(31) * DAY_S * 1000000);
	}
}
END_TEST

/* It starts before the server does. */
START_TEST(started_first)
{
	struct buf error = BUF_INIT;
	struct rig r;

	pg_server_start();
	rig_open(&r, "postgresql");
	r.engine = engine_close(r.engine);
	pg_server_kill(SIGKILL);
	ck_assert_int_eq(engine_open(&engine_pgsql, &r.config, &error, &r.engine), 0);
	ck_assert(r.engine->stats.failing && r.engine->stats.trouble[0]);
	pg_server_run();
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one")), STORE_COMMITTED);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

static void add_all(Suite *s)
{
	TCase *tc = tcase_create("postgresql");

	tcase_set_timeout(tc, 120);
	fill_pg_schema(tc);
	fill_pg_connect(tc);
	fill_pg_append(tc);
	fill_pg_full(tc);
	fill_pg_lost(tc);
	fill_pg_plans(tc);
	fill_pg_retention(tc);
	tcase_add_test(tc, months);
	tcase_add_test(tc, known_in_another_month);
	tcase_add_test(tc, month_made_late);
	tcase_add_test(tc, owner_turns);
	tcase_add_loop_test(tc, owners_race, 0, 4);
	tcase_add_loop_test(tc, transaction_held, 0, 2);
	tcase_add_test(tc, answers_lost);
	tcase_add_test(tc, lost_while_idle);
	tcase_add_test(tc, conditional_answer_lost);
	tcase_add_test(tc, cancelled);
	tcase_add_test(tc, started_first);
	tcase_add_test(tc, server_killed);
	tcase_add_test(tc, server_away);
	tcase_add_test(tc, server_hangs);
	tcase_add_test(tc, read_only);
	suite_add_tcase(s, tc);
}

int main(void)
{
	Suite *s = suite_create("postgresql");
	SRunner *sr;
	int failed;

	if (!pg_server_installed()) {
		puts("1..0 # SKIP PostgreSQL is not installed");
		return EXIT_SUCCESS;
	}
	pg_server_start();
	add_all(s);
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	pg_server_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
