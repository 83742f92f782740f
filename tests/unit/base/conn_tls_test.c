/* SPDX-License-Identifier: MIT */
/* Tests of TLS on connections: STARTTLS, injection, volume, ends. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/conn.h"
#include "base/random.h"
#include "base/tls.h"
#include "tests/unit/base/base_tests.h"

struct side {
	struct conn *c;
	struct buf in;
	SSL *start; /* STARTTLS when the first bytes arrive */
	const char *greeting; /* written when secured */
	int secured, closed, err;
	char reason[256];
	bool free_on_secured, pause_on_read;
};

static struct loop *l;
static struct side a, b; /* the server and the client */
static int fds[2];
static char *dir, *ca;
static struct tls_store *server, *client;

static void on_read(void *arg, const char *data, size_t len)
{
	struct side *s = arg;

	buf_append(&s->in, data, len);
	if (s->pause_on_read)
		conn_pause(s->c);
	if (s->start) {
		if (s == &a)
			conn_write(s->c, "<proceed/>", 10);
		conn_start_tls(s->c, s->start);
		s->start = NULL;
	}
}

static void on_secured(void *arg)
{
	struct side *s = arg;

	s->secured++;
	ck_assert(conn_secure(s->c));
	if (s->free_on_secured)
		s->c = conn_free(s->c);
	else if (s->greeting)
		conn_write(s->c, s->greeting, strlen(s->greeting));
}

static void on_closed(void *arg, int err, const char *reason)
{
	struct side *s = arg;

	s->closed++;
	s->err = err;
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
}

static const struct conn_ops ops = {.read = on_read, .secured = on_secured, .closed = on_closed};

static void on_nothing(void *arg)
{
}

static void settle(void)
{
	struct loop_timer *t = loop_timer_new(l, on_nothing, NULL);

	for (int i = 0; i < 30; i++) {
		loop_timer_start(t, 2, 0);
		loop_run_once(l);
	}
	loop_timer_free(t);
}

static void setup(void)
{
	char *key, *error = NULL;
	int small = 4096;

	dir = temp_dir();
	cert_make(dir, "a.example", CERT_EC);
	ca = path_in(dir, "a.example.crt");
	key = path_in(dir, "a.example.key");
	server = tls_store_new(&(struct tls_options){0}, &error);
	client = tls_store_new(&(struct tls_options){.ca_file = ca}, &error);
	ck_assert_int_eq(tls_store_add(server, "a.example", ca, key, &error), 0);
	free(key);
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

static void secure_both(void)
{
	open_b();
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	conn_start_tls(b.c, tls_client_new(client, STR("a.example")));
	while (!a.secured || !b.secured)
		loop_run_once(l);
}

static void teardown(void)
{
	conn_free(a.c);
	conn_free(b.c);
	buf_free(&a.in);
	buf_free(&b.in);
	loop_free(l);
	tls_store_free(server);
	tls_store_free(client);
	temp_dir_remove(dir);
	free(ca);
}

/* Direct TLS: the client's first bytes may be there before the server starts. */
START_TEST(test_direct)
{
	open_b();
	b.greeting = "hello";
	conn_start_tls(b.c, tls_client_new(client, STR("a.example")));
	conn_pause(a.c);
	settle();
	conn_resume(a.c);
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	settle();
	assert_str(buf_str(&a.in), "hello");
	ck_assert_int_eq(a.secured, 1);
	conn_write(a.c, "world", 5);
	settle();
	assert_str(buf_str(&b.in), "world");
	ck_assert_uint_eq(conn_sent(a.c), 5);
}
END_TEST

START_TEST(test_starttls)
{
	open_b();
	a.start = tls_server_new(server, STR(""));
	b.start = tls_client_new(client, STR("a.example"));
	a.greeting = "from server";
	b.greeting = "from client";
	conn_write(b.c, "<starttls/>", 11);
	settle();
	assert_str(buf_str(&a.in), "<starttls/>from client");
	assert_str(buf_str(&b.in), "<proceed/>from server");
	ck_assert_ptr_nonnull(conn_ssl(a.c));
}
END_TEST

/* RFC 6120 section 5.4.3.3: what was sent in the clear behind <starttls/> never counts, whether
 * it came with it or after. */
START_TEST(test_injection)
{
	static char flood[20000];

	a.start = tls_server_new(server, STR(""));
	/* The read buffer takes 64 KiB: more than that is left in the kernel. */
	if (_i == 1) {
		int big = 1 << 20;

		setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
		memset(flood, 'x', sizeof(flood));
		for (int i = 0; i < 6; i++)
			ck_assert_int_eq(send(fds[1], flood, sizeof(flood), 0), sizeof(flood));
	} else {
		ck_assert_int_eq(send(fds[1], "<starttls/><evil/>", 18, 0), 18);
	}
	loop_run_once(l);
	open_b();
	b.start = tls_client_new(client, STR("a.example"));
	b.greeting = "good";
	settle();
	ck_assert_int_eq(a.secured, 1);
	ck_assert_int_eq(b.secured, 1);
	ck_assert_uint_ge(a.in.len, 22);
	ck_assert_uint_le(a.in.len, 65540);
	assert_str(str_n(buf_ptr(&a.in) + a.in.len - 4, 4), "good");
	if (_i == 0)
		assert_str(buf_str(&a.in), "<starttls/><evil/>good");
}
END_TEST

START_TEST(test_volume)
{
	size_t size = 3000000;
	char *bytes = malloc(size);

	random_bytes(bytes, size);
	secure_both();
	conn_write(a.c, bytes, size);
	conn_write(b.c, bytes, size);
	while (a.in.len < size || b.in.len < size)
		loop_run_once(l);
	settle();
	ck_assert_int_eq(memcmp(buf_ptr(&a.in), bytes, size), 0);
	ck_assert_int_eq(memcmp(buf_ptr(&b.in), bytes, size), 0);
	ck_assert_uint_eq(conn_sent(a.c), size);
	ck_assert_ptr_null(conn_out(a.c)->data);
	free(bytes);
}
END_TEST

START_TEST(test_pause)
{
	char bytes[50000];

	secure_both();
	a.pause_on_read = true;
	memset(bytes, 'x', sizeof(bytes));
	conn_write(b.c, bytes, sizeof(bytes));
	settle();
	ck_assert_uint_gt(a.in.len, 0);
	ck_assert_uint_lt(a.in.len, sizeof(bytes));
	for (int i = 0; i < 50 && a.in.len < sizeof(bytes); i++) {
		conn_resume(a.c);
		settle();
	}
	ck_assert_uint_eq(a.in.len, sizeof(bytes));
}
END_TEST

START_TEST(test_shutdown)
{
	secure_both();
	conn_write(a.c, "last", 4);
	conn_shutdown(a.c, 5);
	settle();
	assert_str(buf_str(&b.in), "last");
	ck_assert_int_eq(b.closed, 1);
	ck_assert_int_eq(b.err, 0);
	ck_assert_int_eq(a.closed, 0);
	b.c = conn_free(b.c);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, 0);
}
END_TEST

START_TEST(test_cut)
{
	secure_both();
	b.c = conn_free(b.c);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, -ECONNRESET);
	ck_assert_str_eq(a.reason, "the peer closed without close_notify");
}
END_TEST

START_TEST(test_garbage)
{
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	ck_assert_int_eq(send(fds[1], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, -EPROTO);
	ck_assert_str_eq(a.reason, "TLS handshake: http request");
	close(fds[1]);
}
END_TEST

START_TEST(test_gone_in_handshake)
{
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	settle();
	close(fds[1]);
	settle();
	ck_assert_int_eq(a.closed, 1);
	ck_assert_int_eq(a.err, -ECONNRESET);
	ck_assert_str_eq(a.reason, "the peer closed in the TLS handshake");
}
END_TEST

START_TEST(test_untrusted)
{
	open_b();
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	conn_start_tls(b.c, tls_client_new(client, STR("b.example")));
	settle();
	ck_assert_int_eq(b.closed, 1);
	ck_assert_int_eq(b.err, -EPROTO);
	/* OpenSSL's spelling of the word differs between versions. */
	ck_assert_int_eq(strncasecmp(b.reason, "TLS handshake: hostname mismatch", 32), 0);
	ck_assert_int_eq(b.secured, 0);
}
END_TEST

START_TEST(test_free_in_secured)
{
	a.free_on_secured = true;
	open_b();
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	conn_start_tls(b.c, tls_client_new(client, STR("a.example")));
	settle();
	ck_assert_ptr_null(a.c);
	ck_assert_int_eq(a.secured, 1);
	ck_assert_int_eq(b.closed, 1);
}
END_TEST

/* What is written while the handshake runs goes out under TLS, and is not lost. */
START_TEST(test_write_during_handshake)
{
	open_b();
	conn_write(a.c, "clear", 5);
	conn_start_tls(a.c, tls_server_new(server, STR("")));
	conn_write(a.c, "hidden", 6);
	b.start = tls_client_new(client, STR("a.example"));
	settle();
	assert_str(buf_str(&b.in), "clearhidden");
	ck_assert_int_eq(b.secured, 1);
}
END_TEST

Suite *conn_tls_suite(void)
{
	Suite *s = suite_create("conn_tls");
	TCase *tc = tcase_create("conn_tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_direct);
	tcase_add_test(tc, test_starttls);
	tcase_add_loop_test(tc, test_injection, 0, 2);
	tcase_add_test(tc, test_volume);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_shutdown);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_garbage);
	tcase_add_test(tc, test_gone_in_handshake);
	tcase_add_test(tc, test_untrusted);
	tcase_add_test(tc, test_free_in_secured);
	tcase_add_test(tc, test_write_during_handshake);
	suite_add_tcase(s, tc);
	return s;
}
