/* SPDX-License-Identifier: MIT */
/* Rates of remote domains, shared by all their streams; sizes before and after a proof. */
#include "base/clock.h"
#include "s2s/stream.h"
#include "tests/unit/s2s/s2s_tests.h"

static struct s2s x;
static struct app app;
static struct common_config common;
static struct s2s_config config;

static void setup(void)
{
	memset(&x, 0, sizeof x);
	memset(&config, 0, sizeof config);
	common.unlimited = false;
	app.common = &common;
	x.app = &app;
	x.config = &config;
	clock_fake(1000000, 0);
	x.loop = loop_new();
	config.rate_bytes = 1000;
	config.rate_stanzas = 10;
	config.rate_burst = 2000;
}

static void teardown(void)
{
	loop_free(x.loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void pass(unsigned ms)
{
	struct loop_task task = {.fn = nothing};

	clock_advance(ms * 1000);
	loop_defer(x.loop, &task);
	loop_run_once(x.loop);
}

START_TEST(test_bytes)
{
	struct bucket *b = bucket_ref(&x, STR("a.example"));

	ck_assert_ptr_eq(b, bucket_ref(&x, STR("a.example")));
	ck_assert(bucket_take(&x, b, 2000, 0));
	ck_assert(!bucket_take(&x, b, 500, 0));
	pass(400);
	ck_assert(!bucket_take(&x, b, 0, 0));
	pass(200);
	ck_assert(bucket_take(&x, b, 0, 0));
	/* Silence does not add up beyond the burst. */
	pass(60000);
	ck_assert(bucket_take(&x, b, 2000, 0));
	ck_assert(!bucket_take(&x, b, 1, 0));
	bucket_unref(&x, b);
	ck_assert_ptr_nonnull(x.buckets);
	bucket_unref(&x, b);
	ck_assert_ptr_null(x.buckets);
}
END_TEST

START_TEST(test_stanzas)
{
	struct bucket *b = bucket_ref(&x, STR("a.example")),
		      *other = bucket_ref(&x, STR("b.example"));

	for (int i = 0; i < 20; i++)
		ck_assert(bucket_take(&x, b, 0, 1));
	ck_assert(!bucket_take(&x, b, 0, 1));
	ck_assert(bucket_take(&x, other, 0, 1));
	common.unlimited = true;
	ck_assert(bucket_take(&x, b, 0, 1));
	bucket_unref(&x, b);
	bucket_unref(&x, other);
}
END_TEST

/* A rate of less than one a look adds up all the same. */
START_TEST(test_slow)
{
	struct bucket *b;

	config.rate_stanzas = 1;
	b = bucket_ref(&x, STR("a.example"));
	ck_assert(bucket_take(&x, b, 0, 2));
	ck_assert(!bucket_take(&x, b, 0, 1));
	for (int i = 0; i < 9; i++) {
		pass(100);
		ck_assert(!bucket_take(&x, b, 0, 0));
	}
	pass(100);
	ck_assert(bucket_take(&x, b, 0, 0));
	bucket_unref(&x, b);
}
END_TEST

START_TEST(test_sizes)
{
	struct xml_limits limits;

	config.max_stanza = 500000;
	limits_xml(&x, false, &limits);
	ck_assert_uint_eq(limits.stanza_bytes, 10000);
	limits_xml(&x, true, &limits);
	ck_assert_uint_eq(limits.stanza_bytes, 500000);
}
END_TEST

Suite *limits_suite(void)
{
	Suite *s = suite_create("limits");
	TCase *t = tcase_create("limits");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_bytes);
	tcase_add_test(t, test_stanzas);
	tcase_add_test(t, test_slow);
	tcase_add_test(t, test_sizes);
	suite_add_tcase(s, t);
	return s;
}
