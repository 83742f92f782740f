/* SPDX-License-Identifier: MIT */
/* Conformance: retention removes what is past its limits, nothing else, while others append. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/retention.h"
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

enum { HOUR_MS = 3600 * 1000 };
#define DAY_MS (INT64_C(24) * HOUR_MS)

struct pass {
	struct rig r;
	struct retention_limits limits;
	struct retention *retention;
	bool over;
	int64_t now;
};

static void on_over(void *arg)
{
	((struct pass *)arg)->over = true;
}

static void pass_open(struct pass *p, const char *engine)
{
	*p = (struct pass){.now = clock_wall_us()};
	rig_open(&p->r, engine);
	rig_lease(&p->r, "sm", OWNER);
	p->retention = retention_new(p->r.engine, &p->limits, on_over, p);
}

static void pass_run(struct pass *p)
{
	p->over = false;
	retention_run(p->retention);
	rig_wait(&p->r, &p->over);
	ck_assert_msg(!retention_stats(p->retention)->trouble, "%s",
		      retention_stats(p->retention)->trouble);
}

static void pass_close(struct pass *p)
{
	retention_free(p->retention);
	retention_limits_free(&p->limits);
	rig_close(&p->r);
}

/* An entry that was appended some hours ago. */
static void append(struct pass *p, const char *account, int64_t number, int64_t hours,
		   const char *stanza)
{
	int64_t time = p->now - hours * HOUR_MS * 1000;

	ck_assert_int_eq(WRITE(&p->r, op_make(STORE_LOG_APPEND, TABLE_LOG,
					      VALUES(V_TEXT(account), V_INT(number), V_INT(time),
						     V_TEXT("b@y"), V_INT(5), V_INT(number),
						     V_INT(0), V_INT(0), V_TEXT(stanza)))),
			 STORE_COMMITTED);
}

static void put_number(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

/* Delivered up to that number, but for one below. */
static void position(struct pass *p, const char *account, int64_t delivered, uint64_t but)
{
	struct buf list = BUF_INIT;

	if (but) {
		put_number(&list, but, 8);
		put_number(&list, 0, 4);
	}
	WRITE(&p->r, PUT(TABLE_POSITION, V_TEXT(account), V_INT(delivered),
			 value_blob(buf_str(&list))));
	buf_free(&list);
}

/* Numbers of an account's entries that are left. */
static void ck_left(struct pass *p, const char *account, const char *numbers)
{
	struct msg_value key = V_TEXT(account);
	struct msg_read_op op = read_make(STORE_LOG_SIZES, TABLE_LOG, &key, 1);
	char *text = rig_read(&p->r, "sm", &op, 1), *rest = text, *line;
	struct buf b = BUF_INIT;
	char *got;

	while ((line = strsep(&rest, "\n")) && *line)
		buf_printf(&b, "%d ", atoi(line));
	got = buf_take(&b);
	ck_assert_str_eq(got ? got : "", numbers);
	free(got);
	free(text);
}

START_TEST(age)
{
	struct pass p;

	pass_open(&p, engines[_i]);
	p.limits.all = (struct limits){.age = 10 * DAY_MS};
	for (int i = 1; i <= 6; i++) {
		append(&p, "a@x", i, 24 * (15 - 2 * i), "text"); /* 13, 11, 9 … days */
		append(&p, "b@x", i, 1, "text");
	}
	position(&p, "a@x", 100, 0);
	position(&p, "b@x", 100, 0);
	pass_run(&p);
	ck_left(&p, "a@x", "3 4 5 6 ");
	ck_left(&p, "b@x", "1 2 3 4 5 6 ");
	ck_assert_uint_eq(retention_stats(p.retention)->removed, 2);
	ck_assert_uint_eq(retention_stats(p.retention)->pass_accounts, 2);
	pass_run(&p);
	ck_assert_uint_eq(retention_stats(p.retention)->removed, 2);
	pass_close(&p);
}
END_TEST

START_TEST(count_and_size)
{
	struct pass p;

	pass_open(&p, engines[_i]);
	for (int i = 1; i <= 8; i++) {
		append(&p, "a@x", i, 100, "0123456789");
		append(&p, "b@y", i, 100, "0123456789");
	}
	position(&p, "a@x", 100, 0);
	position(&p, "b@y", 100, 0);
	p.limits.all = (struct limits){.count = 6};
	retention_limits_domain(&p.limits, "y", &(struct limits){.size = 35});
	pass_run(&p);
	ck_left(&p, "a@x", "3 4 5 6 7 8 ");
	ck_left(&p, "b@y", "6 7 8 ");
	pass_close(&p);
}
END_TEST

/* What waits to be delivered is removed by its own limit alone. */
START_TEST(undelivered)
{
	struct pass p;

	pass_open(&p, engines[_i]);
	p.limits.all = (struct limits){.age = DAY_MS, .count = 1, .offline = 10 * DAY_MS};
	for (int i = 1; i <= 6; i++) {
		append(&p, "a@x", i, 24 * 20, "text");
		append(&p, "b@x", i, 24 * 5, "text");
		append(&p, "c@x", i, 24 * 5, "text");
	}
	position(&p, "a@x", 4, 0);
	position(&p, "b@x", 4, 2);
	/* c@x was never online. */
	pass_run(&p);
	ck_left(&p, "a@x", "");
	ck_left(&p, "b@x", "2 5 6 ");
	ck_left(&p, "c@x", "1 2 3 4 5 6 ");
	ck_assert_uint_eq(retention_stats(p.retention)->removed, 9);
	ck_assert_uint_eq(retention_stats(p.retention)->undelivered, 2);
	pass_close(&p);
}
END_TEST

/* A limit of an account wins over its domain's, in both directions; what it does not say does not. */
START_TEST(of_accounts)
{
	static const char *const names[] = {"a@x", "b@x", "c@x"};
	struct msg_write_op ops[] = {
		PUT(TABLE_RETENTION, V_TEXT("a@x"), V_INT(0), value_null(), value_null(),
		    value_null()),
		PUT(TABLE_RETENTION, V_TEXT("b@x"), value_null(), V_INT(1), value_null(),
		    value_null()),
	};
	struct written x;
	struct pass p;

	pass_open(&p, engines[_i]);
	p.limits.all = (struct limits){.age = DAY_MS};
	written_init(&x, ops, 2);
	x.w.process = "storage";
	x.w.own = true;
	x.w.shard = SHARD_NONE;
	ck_assert_int_eq(rig_submit(&p.r, &x), STORE_COMMITTED);
	for (size_t n = 0; n < 3; n++) {
		append(&p, names[n], 1, 48, "text");
		append(&p, names[n], 2, 10, "text");
		append(&p, names[n], 3, 9, "text");
		position(&p, names[n], 3, 0);
	}
	pass_run(&p);
	ck_left(&p, "a@x", "1 2 3 ");
	ck_left(&p, "b@x", "3 ");
	ck_left(&p, "c@x", "2 3 ");
	pass_close(&p);
}
END_TEST

/* A time that is longer than all time removes nothing, in what unit it ever is counted. */
START_TEST(for_ever)
{
	static const int64_t times[] = {INT64_C(999999999) * DAY_MS, INT64_MAX, 100 * 365 * DAY_MS};
	struct pass p;

	pass_open(&p, engines[_i]);
	for (int i = 1; i <= 4; i++)
		append(&p, "a@x", i, 24 * 20, "text");
	position(&p, "a@x", 2, 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		p.limits.all = (struct limits){.age = times[i], .offline = times[i]};
		pass_run(&p);
		ck_left(&p, "a@x", "1 2 3 4 ");
	}
	ck_assert_uint_eq(retention_stats(p.retention)->partitions, 0);
	pass_close(&p);
}
END_TEST

/* Young entries stay, however many: their append may be repeated, and would store them again. */
START_TEST(young)
{
	struct pass p;

	pass_open(&p, engines[_i]);
	p.limits.all = (struct limits){.count = 1, .size = 1};
	for (int i = 1; i <= 3; i++)
		append(&p, "a@x", i, 0, "text");
	position(&p, "a@x", 3, 0);
	pass_run(&p);
	ck_left(&p, "a@x", "1 2 3 ");
	pass_close(&p);
}
END_TEST

/* Appends go on while a pass removes much: each of them commits, none waits for its end. */
START_TEST(appends_go_on)
{
	enum { OLD = 1500 };
	struct msg_write_op ops[100];
	struct msg_value values[100][COLS_LOG];
	struct msg_write_op one;
	struct written x;
	struct pass p;
	int64_t n = OLD;

	pass_open(&p, engines[_i]);
	for (int64_t i = 0; i < OLD; i += 100) {
		for (int k = 0; k < 100; k++) {
			struct msg_value v[] = {V_TEXT("a@x"), V_INT(i + k + 1), V_INT(1000),
						V_TEXT("b@y"), V_INT(5), V_INT(i + k + 1),
						V_INT(0), V_INT(0), V_TEXT("text")};

			memcpy(values[k], v, sizeof(v));
			ops[k] = op_make(STORE_LOG_APPEND, TABLE_LOG, values[k], COLS_LOG);
		}
		ck_assert_int_eq(rig_write(&p.r, ops, 100), STORE_COMMITTED);
	}
	position(&p, "a@x", OLD, 0);
	p.limits.all = (struct limits){.age = DAY_MS};
	retention_run(p.retention);
	while (!p.over) {
		n++;
		one = APPEND("a@x", n, 6, "new");
		one.values[COL_LOG_TIME] = V_INT(p.now);
		written_init(&x, &one, 1);
		ck_assert_int_eq(rig_submit(&p.r, &x), STORE_COMMITTED);
	}
	ck_assert_int_ge(n - OLD, 10);
	ck_assert_uint_eq(retention_stats(p.retention)->removed, OLD);
	{
		char count[24];

		snprintf(count, sizeof(count), "%d\n", (int)(n - OLD));
		ck_found(&p.r, COUNT(TABLE_LOG, V_TEXT("a@x")), count);
	}
	pass_close(&p);
}
END_TEST

START_TEST(stopped)
{
	struct pass p;

	pass_open(&p, engines[_i]);
	p.limits.all = (struct limits){.age = DAY_MS};
	append(&p, "a@x", 1, 48, "text");
	retention_run(p.retention);
	retention_stop(p.retention);
	rig_wait(&p.r, &p.over);
	ck_assert_str_eq(retention_stats(p.retention)->trouble, "it was stopped");
	ck_assert(!retention_stats(p.retention)->busy);
	pass_close(&p);
}
END_TEST

void fill_retention(TCase *tc, int engine)
{
	ADD(tc, age, engine);
	ADD(tc, count_and_size, engine);
	ADD(tc, undelivered, engine);
	ADD(tc, of_accounts, engine);
	ADD(tc, for_ever, engine);
	ADD(tc, young, engine);
	ADD(tc, appends_go_on, engine);
	ADD(tc, stopped, engine);
}
