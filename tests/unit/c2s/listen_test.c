/* SPDX-License-Identifier: MIT */
/* Where c2s listens, what is refused at the door, and the limit of open files. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/listeners.h"
#include "tests/unit/c2s/bed.h"

/* A socket on a port that is free, or on this one. */
static int bound(unsigned short *port, bool listening)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(*port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	if (listening)
		ck_assert_int_eq(listen(fd, 4), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static struct bed *listening(unsigned short *ret_port, const char *more)
{
	struct bed *b;
	char *config;

	*ret_port = 0;
	close(bound(ret_port, false));
	config = xasprintf("listen = {\"127.0.0.1:%u\"}\n%s", *ret_port, more);
	b = bed_new(config);
	free(config);
	c2s_process.ready(bed_c2s(b));
	return b;
}

START_TEST(it_listens_when_the_others_are_known)
{
	unsigned short port;
	struct bed *b = listening(&port, "tcp_keepalive = 90s\nuser_timeout = 45s");
	struct peer *p = peer_connect(b, port);
	int fd, on = 0, idle = 0, unanswered = 0;
	socklen_t n = sizeof on;

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	fd = conn_fd(bed_c2s(b)->clients->conn);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &n), 0);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, &n), 0);
	ck_assert_int_eq(on, 1);
	ck_assert_int_eq(idle, 90);
	ck_assert_int_eq(unanswered, 45000);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* Exits with 1: a stranger on the port, even one that shares it. */
START_TEST(a_port_that_is_taken)
{
	unsigned short port = 0;
	int fd = bound(&port, true);
	char *config = xasprintf("listen = {\"127.0.0.1:%u\"}\nreuse_port = %s", port,
				 _i ? "true" : "false");

	(void)fd;
	(void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	bed_new(config);
}
END_TEST

START_TEST(connections_from_one_address)
{
	unsigned short port;
	struct bed *b = listening(&port, "connections_per_address = 2");
	struct peer *p = peer_connect(b, port), *q = peer_connect(b, port), *r;

	r = peer_connect(b, port);
	peer_expect_end(r);
	peer_free(r);
	ck_assert_uint_eq(bed_c2s(b)->stats.refused_address, 1);
	peer_free(q);
	r = peer_connect(b, port);
	peer_send(r, HEADER("example.com"));
	peer_expect(r, "<stream:stream");
	peer_free(r);
	peer_free(p);
	bed_free(b);
}
END_TEST

static unsigned told;

static void count_line(void *arg, struct str line)
{
	told += memmem(line.ptr, line.len, "limit of open files", 19) != NULL;
}

/* Our own ends count as well: a process has both here. */
START_TEST(the_limit_of_open_files)
{
	enum { MAX = 24 };
	unsigned short port;
	struct bed *b = listening(&port, "unauthenticated = 0");
	struct peer *p[MAX + 1];
	struct rlimit tight = {64, 64};
	unsigned turns = 0;
	size_t n;

	log_capture(count_line, NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	for (n = 0; n < MAX && !bed_c2s(b)->full; n++)
		p[n] = peer_connect(b, port);
	ck_assert(bed_c2s(b)->full);
	ck_assert_uint_eq(told, 1);
	p[n] = peer_connect(b, port); /* waits in the kernel */
	bed_turn(b);
	ck_assert_uint_eq(bed_c2s(b)->nclients, n);
	for (uint64_t end = clock_mono_ms() + 100; clock_mono_ms() < end; turns++)
		bed_turn(b);
	ck_assert_uint_lt(turns, 200); /* it sleeps: the bed's clock wakes it each millisecond */
	peer_free(p[0]);
	bed_turn(b);
	ck_assert_uint_eq(bed_c2s(b)->nclients, n);
	peer_send(p[n], HEADER("example.com"));
	peer_expect(p[n], "<stream:stream");
	ck_assert_uint_eq(told, 1); /* one came for one that went */
	for (size_t i = 1; i <= n; i++)
		peer_free(p[i]);
	ck_assert(!bed_c2s(b)->full);
	ck_assert(!bed_c2s(b)->full_told);
	log_capture(NULL, NULL);
	bed_free(b);
}
END_TEST

START_TEST(sockets_that_were_handed_over)
{
	unsigned short plain = 0, tls = 0;
	int one = fcntl(bound(&plain, true), F_DUPFD, 10),
	    two = fcntl(bound(&tls, true), F_DUPFD, 10);
	char *pid = xasprintf("%ld", (long)getpid()), *config;
	struct bed *b;
	struct peer *p;

	ck_assert_int_eq(dup2(one, 3), 3);
	ck_assert_int_eq(dup2(two, 4), 4);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES",
	       _i ? "listen:listen_tls" : "mercutio-c2s.socket:mercutio-c2s.socket", 1);
	config = xasprintf("listen = {\"127.0.0.1:%u\"}\nlisten_tls = {\"127.0.0.1:%u\"}", plain,
			   _i ? 1 : tls);
	b = bed_new(config);
	ck_assert_uint_eq(listeners_count(bed_c2s(b)->listeners), 0);
	p = peer_connect(b, plain); /* before we are ready: it waits */
	c2s_process.ready(bed_c2s(b));
	ck_assert_uint_eq(listeners_count(bed_c2s(b)->listeners), 2);
	peer_send(p, HEADER("example.com"));
	peer_expect(p, "<stream:stream");
	peer_free(p);
	p = peer_connect(b, tls);
	peer_start_tls(p, NULL, NULL);
	peer_expect_tls(p);
	peer_free(p);
	bed_free(b);
	free(pid);
	free(config);
}
END_TEST

Suite *listen_suite(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listen");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, it_listens_when_the_others_are_known);
	tcase_add_loop_exit_test(t, a_port_that_is_taken, 1, 0, 2);
	tcase_add_test(t, connections_from_one_address);
	tcase_add_test(t, the_limit_of_open_files);
	tcase_add_loop_test(t, sockets_that_were_handed_over, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
