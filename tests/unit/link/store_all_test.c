/* SPDX-License-Identifier: MIT */
/* Reads that come in several answers. */
#include <check.h>
#include <errno.h>
#include "link/store_client.h"
#include "tests/unit/link/fake_link.h"

static struct link *k;
static int calls, last_err;
static char seen[64]; /* the second columns of all rows, results apart by '|' */

static void setup(void)
{
	k = fake_new(FAKE_SELF);
	fake_member(k, 10, "storage", "storage", false);
	calls = last_err = 0;
	seen[0] = '\0';
}

static void teardown(void)
{
	fake_free(k);
}

static void on_rows(void *arg, int err, const struct msg_rows *results, size_t n)
{
	char *at = seen;

	calls++;
	last_err = err;
	for (size_t i = 0; i < n; i++) {
		for (size_t r = 0; r < results[i].nrows; r++)
			*at++ = results[i].rows[r].values[1].s.ptr[0];
		*at++ = '|';
	}
	*at = '\0';
}

static struct store_all *read_three(uint32_t limit)
{
	char name[] = "a@b";
	struct msg_value key = value_text(str_z(name));
	struct msg_read_op ops[] = {
		{.op = STORE_LIST, .table = TABLE_BLOCKING, .key = &key, .nkey = 1, .limit = limit},
		{.op = STORE_GET, .table = TABLE_LAST, .key = &key, .nkey = 1},
		{.op = STORE_LIST, .table = TABLE_BLOCKING, .key = &key, .nkey = 1},
	};
	struct store_all *a = store_read_all(k, ops, 3, 5000, on_rows, NULL);

	name[0] = '?'; /* it is encoded */
	return a;
}

/* Each text: the rows of a result; '+' behind them: more. */
static void answer(size_t n, const char *const *texts)
{
	struct msg_value values[4][8][2];
	struct msg_row rows[4][8];
	struct msg_rows results[4] = {0};
	struct msg_found found = {.results = results, .nresults = n};

	for (size_t i = 0; i < n; i++) {
		const char *z = texts[i];

		results[i].rows = rows[i];
		for (; *z && *z != '+'; z++) {
			size_t r = results[i].nrows++;

			values[i][r][0] = value_text(STR("a@b"));
			values[i][r][1] = value_text(str_n(z, 1));
			rows[i][r] = (struct msg_row){.values = values[i][r], .nvalues = 2};
		}
		results[i].more = *z == '+';
	}
	fake_answer(k, 0, 0, MSG_FOUND, &found);
}
#define ANSWER(n, ...) answer(n, (const char *const[]){__VA_ARGS__})

/* What is asked for: op, and behind which row. */
static void asked(size_t n, const uint8_t *ops, const char *const *after)
{
	struct pool *p = pool_new();
	struct msg_read m;

	ck_assert_uint_eq(fake_requests(k), 1);
	ck_assert_int_eq(msg_decode(MSG_READ, p, fake_request(k, 0)->f.body, &m), 0);
	ck_assert_uint_eq(m.nops, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(m.ops[i].op, ops[i]);
		ck_assert(str_eqz(m.ops[i].key[0].s, "a@b"));
		ck_assert_uint_eq(m.ops[i].nafter, after[i] ? 2 : 0);
		if (after[i])
			ck_assert(str_eqz(m.ops[i].after[1].s, after[i]));
	}
	pool_free(p);
}

START_TEST(one_answer)
{
	read_three(2);
	ANSWER(3, "ab+", "", "cd"); /* its own limit cut the first */
	ck_assert_int_eq(calls, 1);
	ck_assert_str_eq(seen, "ab||cd|");
	ck_assert_uint_eq(fake_requests(k), 0);
}
END_TEST

START_TEST(pages)
{
	read_three(0);
	ANSWER(3, "ab+", "+", "+");
	asked(3, (const uint8_t[]){STORE_LIST, STORE_GET, STORE_LIST},
	      (const char *const[]){"b", NULL, NULL});
	ANSWER(3, "c", "x", "de+");
	ck_assert_int_eq(calls, 0);
	asked(1, (const uint8_t[]){STORE_LIST}, (const char *const[]){"e"});
	ANSWER(1, "f");
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_err, 0);
	ck_assert_str_eq(seen, "abc|x|def|");
	ck_assert_uint_eq(fake_requests(k), 0);
}
END_TEST

START_TEST(fails_between)
{
	struct msg_failed failed = {.code = EIO};

	read_three(0);
	ANSWER(3, "ab+", "", "");
	fake_answer(k, 0, -EREMOTEIO, MSG_FAILED, &failed);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_err, -EREMOTEIO);
	ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(cancelled)
{
	struct store_all *a;

	store_read_all_cancel(NULL);
	store_read_all_cancel(read_three(0));
	ck_assert_uint_eq(fake_requests(k), 0);
	a = read_three(0);
	ANSWER(3, "ab+", "", "");
	store_read_all_cancel(a);
	ck_assert_uint_eq(fake_requests(k), 0);
	ck_assert_int_eq(calls, 0);
}
END_TEST

Suite *store_all_suite(void);

Suite *store_all_suite(void)
{
	Suite *s = suite_create("store_all");
	TCase *t = tcase_create("store_all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_answer);
	tcase_add_test(t, pages);
	tcase_add_test(t, fails_between);
	tcase_add_test(t, cancelled);
	suite_add_tcase(s, t);
	return s;
}
