/* SPDX-License-Identifier: MIT */
/* Tests of the loop: order, lifetimes, the wheel, an idle loop that sleeps. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "tests/unit/base/base_tests.h"

static struct loop *l;
static struct buf trace;

static void setup(void)
{
	l = loop_new();
}

static void teardown(void)
{
	ck_assert_ptr_null(loop_free(l));
	buf_free(&trace);
}

static void stop(void *arg)
{
	loop_stop(l);
}

static void run_for(uint64_t ms)
{
	struct loop_timer *t = loop_timer_new(l, stop, NULL);

	loop_timer_start(t, ms, 0);
	loop_run(l);
	loop_timer_free(t);
}

struct rounds {
	struct loop_task task;
	int left;
	char name;
};

static void on_round(void *arg)
{
	struct rounds *r = arg;

	buf_putc(&trace, r->name);
	if (--r->left > 0)
		loop_defer(l, &r->task);
}

START_TEST(test_defer)
{
	struct rounds a = {.left = 3, .name = 'a'}, b = {.left = 1, .name = 'b'},
		      c = {.left = 1, .name = 'c'};

	a.task = (struct loop_task){.fn = on_round, .arg = &a};
	b.task = (struct loop_task){.fn = on_round, .arg = &b};
	c.task = (struct loop_task){.fn = on_round, .arg = &c};
	loop_defer(l, &a.task);
	loop_defer(l, &a.task);
	loop_defer(l, &b.task);
	loop_defer(l, &c.task);
	loop_task_cancel(l, &c.task);
	loop_task_cancel(l, &c.task);
	loop_run_once(l);
	assert_str(buf_str(&trace), "abaa");
}
END_TEST

/* Behind what others have deferred, also in the same turn. */
START_TEST(test_defer_last)
{
	struct rounds a = {.left = 3, .name = 'a'}, b = {.left = 1, .name = 'b'},
		      c = {.left = 1, .name = 'c'};

	a.task = (struct loop_task){.fn = on_round, .arg = &a};
	b.task = (struct loop_task){.fn = on_round, .arg = &b};
	c.task = (struct loop_task){.fn = on_round, .arg = &c};
	loop_defer_last(l, &b.task);
	loop_defer_last(l, &b.task);
	loop_defer_last(l, &c.task);
	loop_defer(l, &a.task);
	loop_task_cancel(l, &c.task);
	loop_run_once(l);
	assert_str(buf_str(&trace), "aaab");
	buf_clear(&trace);
	c.left = b.left = 1;
	loop_defer_last(l, &c.task); /* alone it does not let the loop sleep */
	loop_run_once(l);
	assert_str(buf_str(&trace), "c");
}
END_TEST

struct tick {
	struct loop_timer *timer;
	int count;
};

static void on_tick(void *arg)
{
	struct tick *t = arg;

	if (++t->count == 3) {
		t->timer = loop_timer_free(t->timer);
		loop_stop(l);
	}
}

START_TEST(test_timer_frees_itself)
{
	struct tick t = {0};
	uint64_t start = clock_mono_ms();

	t.timer = loop_timer_new(l, on_tick, &t);
	loop_timer_start(t.timer, 20, 10);
	loop_run(l);
	ck_assert_uint_ge(clock_mono_ms() - start, 38);
	run_for(40);
	ck_assert_int_eq(t.count, 3);
}
END_TEST

static void on_due(void *arg)
{
	*(bool *)arg = true;
}

/* A timer that is due before the turn begins is an event: nothing else is waited for. */
START_TEST(test_timer_due)
{
	bool due = false;
	struct loop_timer *t = loop_timer_new(l, on_due, &due);
	uint64_t start;

	loop_timer_start(t, 1, 0);
	start = clock_mono_ms();
	while (clock_mono_ms() < start + 5)
		;
	loop_run_once(l);
	ck_assert(due);
	loop_timer_free(t);
}
END_TEST

static void never(void *arg)
{
	ck_abort_msg("called after it was stopped or freed");
}

static void again(void *arg)
{
	struct tick *t = arg;

	if (++t->count == 3)
		loop_stop(l);
	loop_timer_ensure(t->timer, 5);
}

static void put_off(void *arg)
{
	struct tick *t = arg;

	loop_timer_ensure(t->timer, 100000);
}

/* Asked for more often than it takes, it fires all the same; also when asked for from its own call. */
START_TEST(test_timer_ensured)
{
	struct tick t = {0};
	struct loop_timer *often = loop_timer_new(l, put_off, &t);

	t.timer = loop_timer_new(l, again, &t);
	loop_timer_ensure(t.timer, 20);
	loop_timer_start(often, 1, 1);
	loop_run(l);
	loop_timer_free(often);
	loop_timer_free(t.timer);
}
END_TEST

START_TEST(test_timer_replaced)
{
	struct loop_timer *t = loop_timer_new(l, never, NULL), *u = loop_timer_new(l, never, NULL);

	loop_timer_start(t, 5, 0);
	loop_timer_start(t, 100000, 0);
	loop_timer_start(u, 5, 5);
	loop_timer_stop(u);
	run_for(30);
	loop_timer_free(t);
	loop_timer_free(u);
}
END_TEST

struct pair {
	int fds[2];
	struct loop_io *io, *other;
	unsigned seen;
	int calls;
};

static void on_pair(void *arg, unsigned events)
{
	struct pair *p = arg;

	p->seen |= events;
	p->calls++;
	/* Both ends are ready in this turn: the one served first ends the other's. */
	p->io = loop_io_free(p->io);
	p->other = loop_io_free(p->other);
}

START_TEST(test_io_frees_another)
{
	struct pair p = {0};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p.fds), 0);
	p.io = loop_io_new(l, p.fds[0], on_pair, &p);
	p.other = loop_io_new(l, p.fds[1], on_pair, &p);
	loop_io_set(p.io, LOOP_READ | LOOP_WRITE);
	loop_io_set(p.other, LOOP_READ | LOOP_WRITE);
	run_for(20);
	ck_assert_int_eq(p.calls, 1);
	ck_assert_uint_eq(p.seen, LOOP_WRITE);
	close(p.fds[0]);
	close(p.fds[1]);
}
END_TEST

static void on_count(void *arg, unsigned events)
{
	struct pair *p = arg;

	p->seen |= events;
	if (++p->calls == 3)
		loop_io_set(p->io, 0);
}

/* A hang-up is told as readable, and again until somebody deals with it. */
START_TEST(test_io_hangup)
{
	struct pair p = {0};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p.fds), 0);
	p.io = loop_io_new(l, p.fds[0], on_count, &p);
	loop_io_set(p.io, LOOP_READ);
	close(p.fds[1]);
	run_for(20);
	ck_assert_int_eq(p.calls, 3);
	ck_assert_uint_eq(p.seen, LOOP_READ);
	loop_io_free(p.io);
	close(p.fds[0]);
}
END_TEST

static void on_timeout(void *arg)
{
	*(uint64_t *)arg = clock_mono_ms();
}

START_TEST(test_timeouts)
{
	uint64_t at[3] = {0}, start = clock_mono_ms();
	struct loop_timeout t[3] = {{.fn = on_timeout, .arg = &at[0]},
				    {.fn = on_timeout, .arg = &at[1]},
				    {.fn = on_timeout, .arg = &at[2]}};
	struct loop_timeout stopped = {.fn = never}, far = {.fn = never};

	loop_timeout_start(l, &t[0], 0);
	loop_timeout_start(l, &t[1], 1);
	loop_timeout_start(l, &t[2], 30);
	loop_timeout_start(l, &t[2], 1); /* starting again replaces */
	loop_timeout_start(l, &stopped, 0);
	loop_timeout_stop(l, &stopped);
	loop_timeout_stop(l, &stopped);
	/* Shares the slot of t[1]: 256 ticks later. */
	loop_timeout_start(l, &far, 257);
	run_for(2200);
	ck_assert_uint_le(at[0] - start, 1050);
	ck_assert_uint_ge(at[1] - start, 990);
	ck_assert_uint_le(at[1] - start, 2050);
	ck_assert_uint_eq(at[1] / 50, at[2] / 50);
	ck_assert_uint_eq(t[0].due, 0);
	ck_assert_uint_ne(far.due, 0);
	loop_timeout_stop(l, &far);
}
END_TEST

struct chain {
	struct loop_timeout t;
	struct chain *victim;
	int calls;
};

static void on_chain(void *arg)
{
	struct chain *c = arg;

	c->calls++;
	if (c->victim) {
		loop_timeout_stop(l, &c->victim->t);
		free(c->victim);
		c->victim = NULL;
		loop_timeout_start(l, &c->t, 0);
	} else {
		loop_stop(l);
	}
}

/* In one tick: the first stops and frees the second, and starts itself again. */
START_TEST(test_timeout_frees_another)
{
	struct chain a = {.t = {.fn = on_chain, .arg = &a}};

	a.victim = calloc(1, sizeof(*a.victim));
	a.victim->t.fn = never;
	loop_timeout_start(l, &a.t, 0);
	loop_timeout_start(l, &a.victim->t, 0);
	loop_run(l);
	ck_assert_int_eq(a.calls, 2);
}
END_TEST

struct seldom {
	struct loop_timeout *t;
	int calls;
};

static void on_seldom(void *arg)
{
	struct seldom *s = arg;

	s->calls++;
	loop_timeout_drop(l, &s->t); /* itself */
	loop_stop(l);
}

START_TEST(test_timeout_made_when_needed)
{
	struct seldom a = {0}, b = {0};

	loop_timeout_drop(l, &b.t);
	loop_timeout_need(l, &b.t, never, NULL, 0);
	loop_timeout_drop(l, &b.t);
	ck_assert_ptr_null(b.t);
	loop_timeout_need(l, &a.t, never, NULL, 0);
	loop_timeout_need(l, &a.t, on_seldom, &a, 0); /* starting again replaces */
	loop_run(l);
	ck_assert_int_eq(a.calls, 1);
	ck_assert_ptr_null(a.t);
}
END_TEST

static void *stop_after_a_while(void *arg)
{
	struct timespec wait = {.tv_sec = 2, .tv_nsec = 300000000};

	nanosleep(&wait, NULL);
	kill(getpid(), SIGUSR1);
	return NULL;
}

static long wakeups(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nvcsw;
}

/* An idle loop does not wake, also when timeouts and timers were used before. */
START_TEST(test_idle_sleeps)
{
	struct loop_timeout t = {.fn = never};
	struct loop_signal *s = loop_signal_new(l, SIGUSR1, stop, NULL);
	pthread_t thread;
	long before;

	loop_timeout_start(l, &t, 5);
	loop_timeout_stop(l, &t);
	ck_assert_int_eq(pthread_create(&thread, NULL, stop_after_a_while, NULL), 0);
	before = wakeups();
	loop_run(l);
	ck_assert_int_le(wakeups() - before, 2);
	pthread_join(thread, NULL);
	ck_assert_ptr_null(loop_signal_free(s));
}
END_TEST

struct job {
	pthread_t loop_thread;
	bool elsewhere, done;
};

static void on_work(void *arg)
{
	struct job *j = arg;

	j->elsewhere = !pthread_equal(pthread_self(), j->loop_thread);
}

static void on_done(void *arg)
{
	struct job *j = arg;

	j->done = pthread_equal(pthread_self(), j->loop_thread);
	loop_stop(l);
}

START_TEST(test_work)
{
	struct job j = {.loop_thread = pthread_self()};

	loop_work(l, on_work, on_done, &j);
	loop_run(l);
	ck_assert(j.elsewhere && j.done);
}
END_TEST

enum { AT_ONCE = 9 };

struct crowd {
	pthread_barrier_t all;
	int done;
};

static void meet(void *arg)
{
	pthread_barrier_wait(&((struct crowd *)arg)->all);
}

static void met(void *arg)
{
	if (++((struct crowd *)arg)->done == AT_ONCE)
		loop_stop(l);
}

/* As many as were asked for run at the same time: none ends before all have begun. */
START_TEST(test_workers)
{
	struct crowd c = {.done = 0};

	unsetenv("UV_THREADPOOL_SIZE");
	loop_workers(AT_ONCE);
	loop_workers(1); /* what is set stands */
	ck_assert_int_eq(pthread_barrier_init(&c.all, NULL, AT_ONCE), 0);
	for (int i = 0; i < AT_ONCE; i++)
		loop_work(l, meet, met, &c);
	loop_run(l);
	ck_assert_int_eq(c.done, AT_ONCE);
	pthread_barrier_destroy(&c.all);
}
END_TEST

START_TEST(test_now)
{
	uint64_t a = loop_now(l);

	ck_assert_uint_le(clock_mono_ms() - a, 50);
	clock_fake(7000000, 0);
	ck_assert_uint_eq(loop_now(l), 7000);
	clock_advance(1000000);
	ck_assert_uint_eq(loop_now(l), 8000);
}
END_TEST

Suite *loop_suite(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, test_defer);
	tcase_add_test(tc, test_defer_last);
	tcase_add_test(tc, test_timer_frees_itself);
	tcase_add_test(tc, test_timer_due);
	tcase_add_test(tc, test_timer_replaced);
	tcase_add_test(tc, test_timer_ensured);
	tcase_add_test(tc, test_io_frees_another);
	tcase_add_test(tc, test_io_hangup);
	tcase_add_test(tc, test_timeouts);
	tcase_add_test(tc, test_timeout_frees_another);
	tcase_add_test(tc, test_timeout_made_when_needed);
	tcase_add_test(tc, test_idle_sleeps);
	tcase_add_test(tc, test_work);
	tcase_add_test(tc, test_workers);
	tcase_add_test(tc, test_now);
	suite_add_tcase(s, tc);
	return s;
}
