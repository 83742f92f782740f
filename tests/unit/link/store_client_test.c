/* SPDX-License-Identifier: MIT */
/* Reads that find another storage, writes over the channel, shared secrets. */
#include <check.h>
#include <errno.h>
#include "link/secrets.h"
#include "link/store_client.h"
#include "tests/unit/link/fake_link.h"

static struct link *k;
static struct channels *c;
static int calls, last_err;
static size_t last_rows;
static enum store_status last_status;
static uint8_t last_key[SEAL_KEY];

static void setup(void)
{
	k = fake_new(FAKE_SELF);
	c = channels_new(k);
	calls = last_err = 0;
	last_rows = 0;
}

static void teardown(void)
{
	channels_free(c);
	fake_free(k);
}

static void on_rows(void *arg, int err, const struct msg_rows *results, size_t n)
{
	calls++;
	last_err = err;
	last_rows = n ? results[0].nrows : 0;
}

static void on_written(void *arg, enum store_status status, struct str text)
{
	calls++;
	last_status = status;
}

static struct store_read *read_one(uint32_t timeout_ms)
{
	struct msg_value key = value_text(STR("a@b"));
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1};

	return store_read(k, &op, 1, timeout_ms, on_rows, NULL);
}

static void answer_rows(size_t request, const struct msg_value *values, size_t n)
{
	struct msg_row row = {.values = (struct msg_value *)values, .nvalues = n};
	struct msg_rows rows = {.rows = &row, .nrows = n ? 1 : 0};
	struct msg_found found = {.results = &rows, .nresults = 1};

	fake_answer(k, request, 0, MSG_FOUND, &found);
}

START_TEST(read_waits_for_storage)
{
	struct msg_value value = value_int(1);

	read_one(5000);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_member(k, 10, "storage", "storage", false);
	fake_advance(k, 1500);
	ck_assert_uint_eq(fake_requests(k), 1);
	ck_assert_uint_eq(fake_request(k, 0)->f.to, 10);
	ck_assert_uint_gt(fake_request(k, 0)->f.body.len, 0);
	ck_assert_uint_le(fake_request(k, 0)->timeout_ms, 5000);
	answer_rows(0, &value, 1);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_err, 0);
	ck_assert_uint_eq(last_rows, 1);
}
END_TEST

START_TEST(read_finds_another)
{
	uint64_t tried = 0;

	for (uint64_t id = 10; id < 14; id++)
		fake_member(k, id, "storage", "storage", false);
	read_one(9000);
	for (int n = 0; n < 12; n++) {
		ck_assert_uint_eq(fake_requests(k), 1);
		ck_assert_uint_le(fake_request(k, 0)->timeout_ms, 3000);
		tried |= UINT64_C(1) << fake_request(k, 0)->f.to;
		fake_answer(k, 0, n % 2 ? -EHOSTUNREACH : -ETIMEDOUT, 0, NULL);
		ck_assert_int_eq(calls, 0);
		fake_advance(k, 1000);
		if (calls)
			break;
	}
	ck_assert_uint_ne(tried & (tried - 1), 0); /* more than one */
	ck_assert_int_eq(calls, 1);
	ck_assert_int_lt(last_err, 0);
}
END_TEST

START_TEST(read_ends_at_its_deadline)
{
	struct msg_failed failed = {.code = EIO};

	read_one(2000);
	fake_advance(k, 1900);
	ck_assert_int_eq(calls, 0);
	fake_advance(k, 200);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_err, -EHOSTUNREACH);
	store_read_cancel(read_one(2000));
	fake_member(k, 10, "storage", "storage", false);
	store_read_cancel(read_one(2000));
	ck_assert_uint_eq(fake_requests(k), 0);
	read_one(2000);
	fake_answer(k, 0, -EREMOTEIO, MSG_FAILED, &failed);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(last_err, -EREMOTEIO);
}
END_TEST

static struct channel_item *write_one(void)
{
	struct msg_value values[2] = {value_text(STR("a@b")), value_int(7)};
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_ACCOUNT, .values = values, .nvalues = 2};

	return store_write(c, 5, 9, 3, &op, 1, on_written, NULL);
}

START_TEST(write_is_repeated_as_it_was)
{
	struct msg_written done = {.status = STORE_CONDITION};
	struct msg_failed failed = {.code = EIO, .text = STR("disk")};
	struct pool *p = pool_new();
	struct msg_write m;

	fake_member(k, 10, "storage", "storage", false);
	write_one();
	fake_event(k, LINK_PATH_LOST, 10);
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert(str_eq(fake_out(k, 0)->f.body, fake_out(k, 1)->f.body));
	ck_assert_uint_eq(fake_out(k, 1)->f.from_shard, 5);
	ck_assert_uint_eq(fake_out(k, 1)->f.from_epoch, 9);
	ck_assert_int_eq(msg_decode(MSG_WRITE, p, fake_out(k, 1)->f.body, &m), 0);
	ck_assert_uint_ne(m.request, 0);
	ck_assert_uint_eq(m.write_epoch, 3);
	pool_free(p);
	fake_reply(k, &fake_out(k, 1)->f, MSG_WRITTEN, &done);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_status, STORE_CONDITION);
	write_one();
	fake_reply(k, &fake_out(k, 2)->f, MSG_FAILED, &failed);
	ck_assert_int_eq(last_status, STORE_FAILED);
	channel_forget(write_one());
	fake_reply(k, &fake_out(k, 3)->f, MSG_WRITTEN, &done);
	ck_assert_int_eq(calls, 2);
	ck_assert_uint_eq(channels_unanswered(c), 0);
}
END_TEST

static void on_secret(void *arg, const uint8_t key[SEAL_KEY])
{
	calls++;
	memcpy(last_key, key, SEAL_KEY);
}

START_TEST(secret_is_made_once)
{
	struct msg_written lost = {.status = STORE_CONDITION};
	struct msg_value row[COLS_SECRET] = {value_text(STR("ticket")),
					     value_blob(STR("0123456789abcdef0123456789abcdef"))};

	fake_member(k, 10, "storage", "storage", false);
	secret_get(k, c, "ticket", on_secret, NULL);
	answer_rows(0, NULL, 0);
	ck_assert_uint_eq(fake_sent(k), 1);
	ck_assert_uint_eq(fake_out(k, 0)->f.kind, MSG_WRITE);
	ck_assert_uint_eq(fake_out(k, 0)->f.from_shard, SHARD_NONE);
	/* Another was faster: its key counts. */
	fake_reply(k, &fake_out(k, 0)->f, MSG_WRITTEN, &lost);
	ck_assert_int_eq(calls, 0);
	ck_assert_uint_eq(fake_requests(k), 1);
	answer_rows(0, row, COLS_SECRET);
	ck_assert_int_eq(calls, 1);
	ck_assert_mem_eq(last_key, "0123456789abcdef0123456789abcdef", SEAL_KEY);
}
END_TEST

START_TEST(secret_is_tried_again)
{
	struct msg_value row[COLS_SECRET] = {value_text(STR("ticket")), value_blob(STR("short"))};
	struct secret_get *g;

	fake_member(k, 10, "storage", "storage", false);
	g = secret_get(k, c, "ticket", on_secret, NULL);
	fake_answer(k, 0, -EREMOTEIO, MSG_FAILED, &(struct msg_failed){.code = EIO});
	fake_advance(k, 200);
	ck_assert_uint_eq(fake_requests(k), 1);
	answer_rows(0, row, COLS_SECRET);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_advance(k, 500);
	ck_assert_uint_eq(fake_requests(k), 1);
	answer_rows(0, NULL, 0);
	secret_get_cancel(g);
	fake_reply(k, &fake_out(k, 0)->f, MSG_WRITTEN, &(struct msg_written){0});
	ck_assert_int_eq(calls, 0);
	secret_get_cancel(secret_get(k, c, "record", on_secret, NULL));
	ck_assert_uint_eq(fake_requests(k), 0);
}
END_TEST

Suite *store_client_suite(void);

Suite *store_client_suite(void)
{
	Suite *s = suite_create("store_client");
	TCase *t = tcase_create("store_client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, read_waits_for_storage);
	tcase_add_test(t, read_finds_another);
	tcase_add_test(t, read_ends_at_its_deadline);
	tcase_add_test(t, write_is_repeated_as_it_was);
	tcase_add_test(t, secret_is_made_once);
	tcase_add_test(t, secret_is_tried_again);
	suite_add_tcase(s, t);
	return s;
}
