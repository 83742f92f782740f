/* SPDX-License-Identifier: MIT */
/* Conformance: the log is appended to once, and read by ranges. */
#include <stdio.h>
#include <stdlib.h>
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

#define EPOCH(e, n) ((int64_t)(e) << 40 | (n))
#define POSITION(account, delivered)                                                               \
	PUT(TABLE_POSITION, V_TEXT(account), V_INT(delivered), value_blob(STR("list")))

static void fill_log_of(struct rig *r)
{
	rig_lease(r, "sm", OWNER);
	/* Commit order is not the order of accounts. */
	WRITE(r, APPEND("b@x", EPOCH(1, 1), 5, "b1"));
	for (int i = 1; i <= 3; i++)
		WRITE(r, APPEND("a@x", EPOCH(1, i), 5, "a1"));
	WRITE(r, APPEND("b@x", EPOCH(1, 2), 5, "b2"));
	WRITE(r, APPEND("a@x", EPOCH(2, 1), 6, "a2"), APPEND("a@x", EPOCH(2, 2), 6, "a2"));
}

static struct msg_read_op log_read(struct msg_value *account, uint64_t from, uint64_t to)
{
	struct msg_read_op op = read_make(STORE_LOG_READ, TABLE_LOG, account, 1);

	op.from = from;
	op.to = to;
	return op;
}

static void ck_numbers(struct rig *r, struct msg_read_op op, const char *numbers)
{
	char *text = rig_read(r, "sm", &op, 1), *rest = text, *line;
	struct buf b = BUF_INIT;
	char *got;

	while ((line = strsep(&rest, "\n")) && *line) {
		long long n;

		if (sscanf(line, "%*s %lld", &n) == 1)
			buf_printf(&b, "%lld.%lld ", n >> 40, n & 0xffffffffff);
		else
			buf_printf(&b, "%s ", line);
	}
	got = buf_take(&b);
	ck_assert_str_eq(got ? got : "", numbers);
	free(got);
	free(text);
}

START_TEST(ranges)
{
	struct msg_value a = V_TEXT("a@x"), nobody = V_TEXT("a@");
	struct msg_read_op op;
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_log_of(&r);
	ck_numbers(&r, log_read(&a, 0, 0), "1.1 1.2 1.3 2.1 2.2 ");
	ck_numbers(&r, log_read(&a, EPOCH(1, 2), 0), "1.3 2.1 2.2 ");
	ck_numbers(&r, log_read(&a, EPOCH(1, 1), EPOCH(2, 1)), "1.2 1.3 ");
	ck_numbers(&r, log_read(&a, EPOCH(1, 1), EPOCH(1, 2)), "");
	ck_numbers(&r, log_read(&a, EPOCH(5, 1), EPOCH(1, 2)), "");
	ck_numbers(&r, log_read(&nobody, 0, 0), "");
	op = log_read(&a, 0, 0);
	op.limit = 2;
	ck_numbers(&r, op, "1.1 1.2 more ");
	op.reverse = true;
	ck_numbers(&r, op, "2.2 2.1 more ");
	op.to = EPOCH(1, 3);
	ck_numbers(&r, op, "1.2 1.1 ");
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "5\n");
	rig_close(&r);
}
END_TEST

START_TEST(whole_entries)
{
	struct msg_value a = V_TEXT("b@x");
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_log_of(&r);
	ck_found(&r, log_read(&a, EPOCH(1, 1), 0),
		 "b@x 1099511627778 1099511628778 peer@b 5 1099511627778 0 0 b2\n");
	rig_close(&r);
}
END_TEST

START_TEST(newest_keys)
{
	struct msg_value a = V_TEXT("a@x");
	struct msg_read_op op = read_make(STORE_LOG_LAST, TABLE_LOG, &a, 1);
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_log_of(&r);
	op.limit = 3;
	ck_found(&r, op,
		 "2199023255554 6 2199023255554 0 0 2199023256554\n"
		 "2199023255553 6 2199023255553 0 0 2199023256553\n"
		 "1099511627779 5 1099511627779 0 0 1099511628779\nmore\n");
	op.to = 2199023255553;
	op.limit = 1;
	ck_found(&r, op, "1099511627779 5 1099511627779 0 0 1099511628779\nmore\n");
	rig_close(&r);
}
END_TEST

START_TEST(again_and_clash)
{
	struct msg_write_op both[] = {APPEND("a@x", 2, 5, "two"), APPEND("a@x", 1, 6, "other")};
	struct written x;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one")), STORE_COMMITTED);
	/* The same number and key: known, nothing is stored. */
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one again")), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 6, "other")), STORE_CLASH);
	written_init(&x, both, 2);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_CLASH);
	ck_assert_uint_eq(x.w.op, 1);
	ck_found(&r, LIST_ALL(TABLE_LOG), "a@x 1 1001 peer@b 5 1 0 0 one\n");
	/* It fails alone: what comes behind it in its group is another number's. */
	rig_close(&r);
}
END_TEST

/* The position that must know of an entry is written with it, or not at all. */
START_TEST(with_its_position)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one"), POSITION("a@x", 7)), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one"), POSITION("a@x", 8)), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 6, "other"), POSITION("a@x", 9)), STORE_CLASH);
	ck_found(&r, LIST_ALL(TABLE_POSITION), "a@x 8 list\n");
	ck_found(&r, LIST_ALL(TABLE_LOG), "a@x 1 1001 peer@b 5 1 0 0 one\n");
	rig_close(&r);
}
END_TEST

START_TEST(deleting)
{
	struct msg_value one[] = {V_TEXT("a@x"), V_INT(EPOCH(1, 2))};
	struct msg_write_op op = op_make(STORE_LOG_DELETE, TABLE_LOG, one, 2);
	struct msg_value a = V_TEXT("a@x");
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_log_of(&r);
	ck_assert_int_eq(rig_write(&r, &op, 1), STORE_COMMITTED);
	ck_numbers(&r, log_read(&a, 0, 0), "1.1 1.3 2.1 2.2 ");
	op.nvalues = 1;
	ck_assert_int_eq(rig_write(&r, &op, 1), STORE_COMMITTED);
	ck_numbers(&r, log_read(&a, 0, 0), "");
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("b@x")), "2\n");
	rig_close(&r);
}
END_TEST

void fill_log(TCase *tc, int engine)
{
	ADD(tc, ranges, engine);
	ADD(tc, whole_entries, engine);
	ADD(tc, newest_keys, engine);
	ADD(tc, again_and_clash, engine);
	ADD(tc, with_its_position, engine);
	ADD(tc, deleting, engine);
}
