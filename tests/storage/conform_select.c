/* SPDX-License-Identifier: MIT */
/* Conformance: what a read of the log selects (the filters of XEP-0313), counts and lists. */
#include <stdio.h>
#include <stdlib.h>
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

enum { ENTRIES = 12 };

static void append(struct rig *r, const char *account, int64_t number, int64_t time,
		   const char *peer, const char *stanza)
{
	WRITE(r, op_make(STORE_LOG_APPEND, TABLE_LOG,
			 VALUES(V_TEXT(account), V_INT(number), V_INT(time), V_TEXT(peer), V_INT(5),
				V_INT(number), V_INT(0), V_INT(0), V_TEXT(stanza))));
}

/* Entries 1 to 12 of a@x, time ten times the number, from four peers in turn; and some of others. */
static void fill(struct rig *r)
{
	static const char *const peers[] = {"b@y/phone", "b@y", "bb@y/b@y", "b@y/desk/top"};

	rig_lease(r, "sm", OWNER);
	for (int i = 1; i <= ENTRIES; i++)
		append(r, "a@x", i, 10 * i, peers[(i - 1) % 4], "text");
	append(r, "a@xx", 1, 10, "b@y", "other");
	append(r, "b@x", 7, 70, "b@y/phone", "other");
}

static struct msg_value account = {.type = 2, .s = {"a@x", 3}};

static struct msg_read_op log_op(enum store_read_op op)
{
	return read_make(op, TABLE_LOG, &account, 1);
}

/* The numbers that it finds, and the count of all that are selected, whatever the page. */
static void ck_selects(struct rig *r, struct msg_read_op op, const char *numbers, int all)
{
	struct msg_read_op ops[2] = {op, op};
	char *text, *rest, *line, *got, total[24];
	struct buf b = BUF_INIT;

	ops[1].op = STORE_LOG_COUNT;
	ops[1].limit = 0;
	ops[1].reverse = false;
	rest = text = rig_read(r, "sm", ops, 2);
	while ((line = strsep(&rest, "\n")) && strcmp(line, "--") != 0) {
		int n;

		if (sscanf(line, "a@x %d", &n) == 1)
			buf_printf(&b, "%d ", n);
		else
			buf_printf(&b, "%s ", line);
	}
	got = buf_take(&b);
	snprintf(total, sizeof(total), "%d\n", all);
	ck_assert_str_eq(got ? got : "", numbers);
	ck_assert_str_eq(rest, total);
	free(got);
	free(text);
}

START_TEST(with)
{
	struct msg_read_op op = log_op(STORE_LOG_READ);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill(&r);
	op.with = STR("b@y");
	ck_selects(&r, op, "1 2 4 5 6 8 9 10 12 ", 9);
	op.with = STR("b@y/phone");
	ck_selects(&r, op, "1 5 9 ", 3);
	op.with = STR("b@y/desk/top");
	ck_selects(&r, op, "4 8 12 ", 3);
	op.with = STR("b@y/");
	ck_selects(&r, op, "", 0);
	op.with = STR("bb@y");
	ck_selects(&r, op, "3 7 11 ", 3);
	op.with = STR("y");
	ck_selects(&r, op, "", 0);
	rig_close(&r);
}
END_TEST

START_TEST(times)
{
	struct msg_read_op op = log_op(STORE_LOG_READ);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill(&r);
	op.start = 40;
	op.end = 60;
	ck_selects(&r, op, "4 5 6 ", 3);
	op.start = 41;
	ck_selects(&r, op, "5 6 ", 2);
	op.start = 0;
	op.end = 25;
	ck_selects(&r, op, "1 2 ", 2);
	op.start = 115;
	op.end = 0;
	ck_selects(&r, op, "12 ", 1);
	op.start = 130;
	ck_selects(&r, op, "", 0);
	rig_close(&r);
}
END_TEST

START_TEST(numbers)
{
	uint64_t list[] = {9, 3, 5, 1000, 3};
	struct msg_read_op op = log_op(STORE_LOG_READ);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill(&r);
	op.numbers = list;
	op.nnumbers = 5;
	ck_selects(&r, op, "3 5 9 ", 3);
	op.reverse = true;
	op.limit = 2;
	ck_selects(&r, op, "9 5 more ", 3);
	op.with = STR("bb@y");
	ck_selects(&r, op, "3 ", 1);
	op.nnumbers = 1;
	ck_selects(&r, op, "", 0);
	rig_close(&r);
}
END_TEST

/* All filters at once, in pages both ways: each entry once, "more" until the last. */
START_TEST(pages)
{
	struct msg_read_op op = log_op(STORE_LOG_READ);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill(&r);
	op.with = STR("b@y");
	op.start = 20;
	op.end = 100;
	op.limit = 3;
	ck_selects(&r, op, "2 4 5 more ", 7);
	op.from = 5;
	ck_selects(&r, op, "6 8 9 more ", 4);
	op.from = 9;
	ck_selects(&r, op, "10 ", 1);
	op.from = 0;
	op.reverse = true;
	ck_selects(&r, op, "10 9 8 more ", 7);
	op.to = 8;
	ck_selects(&r, op, "6 5 4 more ", 4);
	op.to = 4;
	ck_selects(&r, op, "2 ", 1);
	op.to = 2;
	ck_selects(&r, op, "", 0);
	rig_close(&r);
}
END_TEST

START_TEST(counts)
{
	struct msg_read_op op = log_op(STORE_LOG_COUNT);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill(&r);
	ck_found(&r, op, "12\n");
	op.limit = 5;
	ck_found(&r, op, "5\n");
	op.limit = 100;
	ck_found(&r, op, "12\n");
	op.from = 3;
	op.to = 10;
	op.with = STR("b@y/phone");
	ck_found(&r, op, "2\n");
	rig_close(&r);
}
END_TEST

START_TEST(sizes)
{
	struct msg_read_op op = log_op(STORE_LOG_SIZES);
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	append(&r, "a@x", 1, 10, "b@y", "12345");
	append(&r, "a@x", 2, 20, "b@y", "\xc3\xa4\xc3\xb6"); /* bytes, not characters */
	append(&r, "a@x", 3, 30, "c@y", "");
	ck_found(&r, op, "1 10 5\n2 20 4\n3 30 0\n");
	op.reverse = true;
	op.limit = 1;
	op.with = STR("b@y");
	ck_found(&r, op, "2 20 4\nmore\n");
	rig_close(&r);
}
END_TEST

START_TEST(accounts)
{
	struct msg_read_op op = read_make(STORE_LOG_ACCOUNTS, TABLE_LOG, NULL, 0);
	struct msg_value after = V_TEXT("a@x");
	struct rig r;

	rig_open(&r, engines[_i]);
	ck_found(&r, op, "");
	fill(&r);
	ck_found(&r, op, "a@x\na@xx\nb@x\n");
	op.limit = 2;
	ck_found(&r, op, "a@x\na@xx\nmore\n");
	op.after = &after;
	op.nafter = 1;
	ck_found(&r, op, "a@xx\nb@x\n");
	op.limit = 1;
	ck_found(&r, op, "a@xx\nmore\n");
	after = V_TEXT("b@x");
	ck_found(&r, op, "");
	rig_close(&r);
}
END_TEST

START_TEST(mistakes)
{
	struct msg_read_op op = log_op(STORE_LOG_READ);
	uint64_t large = UINT64_MAX;
	struct rig r;

	rig_open(&r, engines[_i]);
	op.with = str_n("b\0@y", 4);
	ck_found(&r, op, "error -22");
	op.with = STR("\xff@y");
	ck_found(&r, op, "error -22");
	op.with = STR_NONE;
	op.numbers = &large;
	op.nnumbers = 1;
	ck_found(&r, op, "error -22");
	op = log_op(STORE_LOG_ACCOUNTS);
	ck_found(&r, op, "error -22");
	op = read_make(STORE_LOG_COUNT, TABLE_VCARD, &account, 1);
	ck_found(&r, op, "error -22");
	rig_close(&r);
}
END_TEST

void fill_select(TCase *tc, int engine)
{
	ADD(tc, with, engine);
	ADD(tc, times, engine);
	ADD(tc, numbers, engine);
	ADD(tc, pages, engine);
	ADD(tc, counts, engine);
	ADD(tc, sizes, engine);
	ADD(tc, accounts, engine);
	ADD(tc, mistakes, engine);
}
