/* SPDX-License-Identifier: MIT */
/* Threads of one's own: bounded, in order, cancelled, and left alone when they hang. */
#include <check.h>
#include <semaphore.h>
#include "auth/workers.h"
#include "tests/unit/auth/doubles.h"

struct thing {
	sem_t begun, go;
	int done;
	bool released;
};

static void work(void *arg)
{
	struct thing *t = arg;

	sem_post(&t->begun);
	sem_wait(&t->go);
}

static void done(void *arg)
{
	struct thing *t = arg;

	t->done++;
}

static sem_t releases;

static void release(void *arg)
{
	struct thing *t = arg;

	t->released = true;
	sem_post(&releases);
}

static const struct work_ops ops = {work, done, release};
static struct thing things[4];
static struct workers *workers;

static void setup(void)
{
	double_reset();
	sem_init(&releases, 0, 0);
	for (size_t i = 0; i < 4; i++) {
		things[i] = (struct thing){0};
		sem_init(&things[i].begun, 0, 0);
		sem_init(&things[i].go, 0, 0);
	}
	workers = workers_new(NULL, 1, 1);
}

static void teardown(void)
{
	workers = workers_free(workers);
	double_reset();
}

START_TEST(one_after_the_other)
{
	ck_assert_ptr_nonnull(workers_start(workers, &ops, &things[0]));
	sem_wait(&things[0].begun);
	ck_assert_ptr_nonnull(workers_start(workers, &ops, &things[1]));
	ck_assert_uint_eq(workers_waiting(workers), 1);
	ck_assert_ptr_null(workers_start(workers, &ops, &things[2])); /* one may wait */
	sem_post(&things[0].go);
	sem_post(&things[1].go);
	while (!things[1].done)
		ck_assert(double_wait());
	ck_assert_int_eq(things[0].done, 1);
	ck_assert(things[0].released && things[1].released && !things[2].released);
}
END_TEST

START_TEST(cancelled)
{
	struct work *running = workers_start(workers, &ops, &things[0]), *waiting;

	sem_wait(&things[0].begun);
	waiting = workers_start(workers, &ops, &things[1]);
	work_cancel(waiting);
	ck_assert(things[1].released);
	work_cancel(running);
	ck_assert(!things[0].released); /* its thread has it */
	sem_post(&things[0].go);
	ck_assert_ptr_nonnull(workers_start(workers, &ops, &things[2]));
	sem_post(&things[2].go);
	while (!things[2].done)
		ck_assert(double_wait());
	ck_assert(things[0].released);
	ck_assert_int_eq(things[0].done + things[1].done, 0);
}
END_TEST

START_TEST(freed_while_one_hangs)
{
	ck_assert_ptr_nonnull(workers_start(workers, &ops, &things[0]));
	sem_wait(&things[0].begun);
	ck_assert_ptr_nonnull(workers_start(workers, &ops, &things[1]));
	workers = workers_free(workers);
	ck_assert(things[1].released && !things[0].released);
	sem_wait(&releases);
	sem_post(&things[0].go);
	sem_wait(&releases); /* of the thread, when it ends */
	ck_assert(things[0].released);
	ck_assert_int_eq(things[0].done, 0);
}
END_TEST

Suite *workers_suite(void);
Suite *workers_suite(void)
{
	Suite *s = suite_create("workers");
	TCase *tc = tcase_create("workers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_after_the_other);
	tcase_add_test(tc, cancelled);
	tcase_add_test(tc, freed_while_one_hangs);
	suite_add_tcase(s, tc);
	return s;
}
