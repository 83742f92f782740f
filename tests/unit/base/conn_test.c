/* SPDX-License-Identifier: MIT */
/* Tests of connections in the clear: partial writes, ends, pauses, lifetimes. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/conn.h"
#include "base/random.h"
#include "tests/unit/base/base_tests.h"

struct side {
	struct conn *c;
	struct buf in;
	int reads, drained, closed, err;
	bool free_on_read, free_on_close, pause_on_read, write_on_drained;
};

static struct loop *l;
static struct side a, b;
static int fds[2];

static void on_read(void *arg, const char *data, size_t len)
{
	struct side *s = arg;

	s->reads++;
	buf_append(&s->in, data, len);
	if (s->pause_on_read)
		conn_pause(s->c);
	if (s->free_on_read)
		s->c = conn_free(s->c);
}

static void on_drained(void *arg)
{
	struct side *s = arg;

	s->drained++;
	if (s->write_on_drained) {
		s->write_on_drained = false;
		conn_write(s->c, "more", 4);
	}
}

static void on_closed(void *arg, int err, const char *reason)
{
	struct side *s = arg;

	s->closed++;
	s->err = err;
	if (s->free_on_close)
		s->c = conn_free(s->c);
}

static const struct conn_ops ops = {.read = on_read, .drained = on_drained, .closed = on_closed};

static void on_nothing(void *arg)
{
}

/* Turns until nothing happened for a while. */
static void settle(void)
{
	struct loop_timer *t = loop_timer_new(l, on_nothing, NULL);

	for (int i = 0; i < 20; i++) {
		loop_timer_start(t, 2, 0);
		loop_run_once(l);
	}
	loop_timer_free(t);
}

static void setup(void)
{
	int small = 4096;

	l = loop_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.c = conn_new(l, fds[0], &ops, &a);
}

static void open_b(void)
{
	b.c = conn_new(l, fds[1], &ops, &b);
}

static void teardown(void)
{
	conn_free(a.c);
	conn_free(b.c);
	buf_free(&a.in);
	buf_free(&b.in);
	loop_free(l);
}

START_TEST(test_gather)
{
	char text[64];

	conn_write(a.c, "one ", 4);
	conn_write(a.c, "two ", 4);
	buf_lit(conn_out(a.c), "three");
	conn_flush_later(a.c);
	ck_assert_uint_eq(conn_unsent(a.c), 13);
	ck_assert_int_eq(recv(fds[1], text, sizeof(text), MSG_DONTWAIT), -1);
	loop_run_once(l);
	ck_assert_int_eq(recv(fds[1], text, sizeof(text), MSG_DONTWAIT), 13);
	ck_assert_uint_eq(conn_sent(a.c), 13);
	/* An idle connection holds no buffer. */
	ck_assert_ptr_null(conn_out(a.c)->data);
	ck_assert_int_eq(a.drained, 0);
	close(fds[1]);
}
END_TEST

START_TEST(test_partial_writes)
{
	size_t size = 3000000;
	char *bytes = malloc(size);

	random_bytes(bytes, size);
	conn_write(a.c, bytes, size);
	loop_run_once(l);
	ck_assert_uint_gt(conn_unsent(a.c), 0);
	ck_assert_uint_lt(conn_unsent(a.c), size);
	ck_assert_uint_eq(conn_sent(a.c) + conn_unsent(a.c), size);
	ck_assert_int_eq(a.drained, 0);
	open_b();
	while (b.in.len < size)
		loop_run_once(l);
	settle();
	ck_assert_int_eq(memcmp(buf_ptr(&b.in), bytes, size), 0);
	ck_assert_int_eq(a.drained, 1);
	ck_assert_uint_eq(conn_sent(a.c), size);
	ck_assert_ptr_null(conn_out(a.c)->data);
	free(bytes);
}
END_TEST

START_TEST(test_large_buffer_shrinks)
{
	static char chunk[8192];
	char *bytes = calloc(1, 4 << 20);
	size_t left = 4 << 20;

	conn_write(a.c, bytes, left);
	loop_run_once(l);
	while (conn_unsent(a.c) > 100000) {
		ck_assert_int_gt(recv(fds[1], chunk, sizeof(chunk), 0), 0);
		loop_run_once(l);
	}
	ck_assert_uint_lt(conn_out(a.c)->cap, 1 << 20);
	free(bytes);
	close(fds[1]);
}
END_TEST

START_TEST(test_write_from_drained)
{
	static char bytes[100000];

	a.write_on_drained = true;
	conn_write(a.c, bytes, sizeof(bytes));
	open_b();
	while (b.in.len < sizeof(bytes) + 4)
		loop_run_once(l);
	ck_assert_int_eq(memcmp(buf_ptr(&b.in) + sizeof(bytes), "more", 4), 0);
}
END_TEST

/* Whoever asks for the flush before it appends is told too, though the kernel takes all at once. */
START_TEST(test_drained_at_once)
{
	static char bytes[20000];
	int large = 200000;

	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	conn_flush_later(a.c);
	buf_append(conn_out(a.c), bytes, sizeof(bytes));
	loop_run_once(l);
	ck_assert_uint_eq(conn_sent(a.c), sizeof(bytes));
	ck_assert_int_eq(a.drained, 1);
	close(fds[1]);
}
END_TEST

START_TEST(test_end)
{
	open_b();
	conn_write(b.c, "bye", 3);
	loop_run_once(l);
	b.c = conn_free(b.c);
	settle();
	assert_str(buf_str(&a.in), "bye");
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, 0);
	/* Of no effect any more. */
	conn_write(a.c, "x", 1);
	conn_resume(a.c);
	conn_shutdown(a.c, 1);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_uint_eq(conn_unsent(a.c), 0);
}
END_TEST

START_TEST(test_peer_dies_while_writing)
{
	static char bytes[1000000];

	conn_pause(a.c);
	conn_write(a.c, bytes, sizeof(bytes));
	ck_assert_int_eq(a.closed, 0);
	loop_run_once(l);
	close(fds[1]);
	conn_write(a.c, bytes, sizeof(bytes));
	ck_assert_int_eq(a.closed, 0); /* never from inside conn_write */
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert(a.err == -EPIPE || a.err == -ECONNRESET);
}
END_TEST

START_TEST(test_free_in_callbacks)
{
	a.free_on_read = true;
	ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3);
	settle();
	ck_assert_ptr_null(a.c);
	ck_assert_int_eq(a.reads, 1);
	ck_assert_int_eq(a.closed, 0);
	close(fds[1]);
}
END_TEST

START_TEST(test_free_in_closed)
{
	a.free_on_close = true;
	close(fds[1]);
	settle();
	ck_assert_ptr_null(a.c);
	ck_assert_int_eq(a.closed, 1);
}
END_TEST

START_TEST(test_pause)
{
	open_b();
	a.pause_on_read = true;
	conn_write(b.c, "first", 5);
	settle();
	conn_write(b.c, "second", 6);
	settle();
	ck_assert_int_eq(a.reads, 1);
	assert_str(buf_str(&a.in), "first");
	a.pause_on_read = false;
	conn_resume(a.c);
	settle();
	assert_str(buf_str(&a.in), "firstsecond");
}
END_TEST

/* One busy connection does not keep the others from being read. */
START_TEST(test_fair)
{
	static char bytes[400000];
	int more[2], big = 1 << 20;
	struct side c = {0};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, more), 0);
	setsockopt(more[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	c.c = conn_new(l, more[0], &ops, &c);
	ck_assert_int_gt(send(more[1], bytes, sizeof(bytes), MSG_DONTWAIT), 150000);
	ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
	loop_run_once(l);
	ck_assert_uint_le(c.in.len, 65536);
	ck_assert_uint_eq(a.in.len, 1);
	conn_free(c.c);
	buf_free(&c.in);
	close(more[1]);
	close(fds[1]);
}
END_TEST

START_TEST(test_shutdown)
{
	static char bytes[50000];

	conn_write(a.c, bytes, sizeof(bytes));
	conn_shutdown(a.c, 5);
	conn_write(a.c, "late", 4);
	open_b();
	while (!b.closed)
		loop_run_once(l);
	ck_assert_uint_eq(b.in.len, sizeof(bytes));
	ck_assert_int_eq(b.err, 0);
	ck_assert_int_eq(a.closed, 0);
	conn_write(b.c, "dropped", 7);
	settle();
	ck_assert_int_eq(a.reads, 0);
	b.c = conn_free(b.c);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, 0);
}
END_TEST

START_TEST(test_shutdown_lingers)
{
	uint64_t start = clock_mono_ms();

	conn_shutdown(a.c, 1);
	while (!a.closed)
		loop_run_once(l);
	ck_assert_uint_ge(clock_mono_ms() - start, 990);
	ck_assert_uint_le(clock_mono_ms() - start, 3000);
	ck_assert_int_eq(a.err, 0);
	close(fds[1]);
}
END_TEST

START_TEST(test_shutdown_unread)
{
	static char bytes[1000000];

	conn_write(a.c, bytes, sizeof(bytes));
	conn_shutdown(a.c, 0);
	while (!a.closed)
		loop_run_once(l);
	ck_assert_int_eq(a.err, -ETIMEDOUT);
	close(fds[1]);
}
END_TEST

START_TEST(test_peer_name)
{
	char want[64];

	snprintf(want, sizeof(want), "unix:%ld", (long)getpid());
	ck_assert_str_eq(conn_peer(a.c), want);
	ck_assert_int_eq(conn_fd(a.c), fds[0]);
	ck_assert(!conn_secure(a.c));
	ck_assert_ptr_null(conn_ssl(a.c));
	ck_assert_ptr_null(conn_free(NULL));
	close(fds[1]);
}
END_TEST

Suite *conn_suite(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = tcase_create("conn");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_gather);
	tcase_add_test(tc, test_partial_writes);
	tcase_add_test(tc, test_large_buffer_shrinks);
	tcase_add_test(tc, test_write_from_drained);
	tcase_add_test(tc, test_drained_at_once);
	tcase_add_test(tc, test_end);
	tcase_add_test(tc, test_peer_dies_while_writing);
	tcase_add_test(tc, test_free_in_callbacks);
	tcase_add_test(tc, test_free_in_closed);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_fair);
	tcase_add_test(tc, test_shutdown);
	tcase_add_test(tc, test_shutdown_lingers);
	tcase_add_test(tc, test_shutdown_unread);
	tcase_add_test(tc, test_peer_name);
	suite_add_tcase(s, tc);
	return s;
}
