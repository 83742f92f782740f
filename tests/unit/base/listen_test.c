/* SPDX-License-Identifier: MIT */
/* Tests of listening and dialling. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn.h"
#include "tests/unit/base/base_tests.h"

static struct loop *l;
static struct listener *s;
static int accepted, last_fd, fulls, dialled, dial_calls;
static bool free_on_accept;
static char *dir;

static void on_accept(void *arg, int take_fd)
{
	accepted++;
	last_fd = take_fd;
	if (free_on_accept)
		s = listener_free(s);
}

static void on_dial(void *arg, int take_fd_or_err)
{
	dial_calls++;
	dialled = take_fd_or_err;
}

static void on_full(void *arg)
{
	fulls++;
}

static void on_nothing(void *arg)
{
}

static void settle(int ms)
{
	struct loop_timer *t = loop_timer_new(l, on_nothing, NULL);

	for (int i = 0; i < 10; i++) {
		loop_timer_start(t, (uint64_t)ms / 10, 0);
		loop_run_once(l);
	}
	loop_timer_free(t);
}

static void setup(void)
{
	l = loop_new();
	dir = temp_dir();
	s = NULL;
}

static void teardown(void)
{
	listener_free(s);
	loop_free(l);
	temp_dir_remove(dir);
}

/* A listener on a free port of the loopback; its address. */
static char *listen_tcp(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	s = listener_from_fd(l, fd, on_accept, NULL);
	return xasprintf("127.0.0.1:%d", ntohs(in.sin_port));
}

static const struct conn_ops no_ops = {0};

START_TEST(test_tcp)
{
	char *address = listen_tcp();
	struct dial *d = dial_new(l, address, on_dial, NULL);
	struct listener *second = NULL;
	struct conn *c;
	int nodelay = 0;
	socklen_t len = sizeof(nodelay);

	ck_assert_int_eq(dial_calls, 0);
	settle(50);
	ck_assert_int_eq(dial_calls, 1);
	ck_assert_int_ge(dialled, 0);
	ck_assert_int_eq(accepted, 1);
	ck_assert(fcntl(last_fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(last_fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &second), -EADDRINUSE);
	ck_assert_ptr_null(second);
	c = conn_new(l, last_fd, &no_ops, NULL);
	ck_assert_str_eq(conn_peer(c), "127.0.0.1");
	getsockopt(conn_fd(c), IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
	ck_assert_int_ne(nodelay, 0);
	conn_free(c);
	close(dialled);
	dial_free(d);
	free(address);
}
END_TEST

START_TEST(test_addresses)
{
	static const char *const bad[] = {"", "5222", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
					  "127.0.0.1:65536", "localhost:5222", "::1:5222", "[::1:5",
					  "unix:", "1.2.3:5", "-1:5", ":5", NULL};
	char *long_path = xasprintf("unix:/%0200d", 0);

	for (int i = 0; bad[i]; i++)
		ck_assert_msg(listener_new(l, bad[i], false, on_accept, NULL, &s) == -EINVAL,
			      "%s", bad[i]);
	ck_assert_int_eq(listener_new(l, long_path, false, on_accept, NULL, &s), -ENAMETOOLONG);
	ck_assert_ptr_null(s);
	free(long_path);
}
END_TEST

START_TEST(test_reuse_port)
{
	struct listener *other = NULL;
	char *address;

	/* Its port, then freed, is ours for the two. */
	address = listen_tcp();
	s = listener_free(s);
	ck_assert_int_eq(listener_new(l, address, true, on_accept, NULL, &s), 0);
	ck_assert_int_eq(listener_new(l, address, true, on_accept, NULL, &other), 0);
	listener_free(other);
	free(address);
}
END_TEST

/* Ours share the address, a stranger's is refused whether it would share it or not. */
START_TEST(test_claim)
{
	char *address = listen_tcp(), *empty = path_in(dir, "none");
	struct listener *other = NULL;
	int one, two, none;

	ck_assert_int_eq(listener_claim(address, dir, &one), -EADDRINUSE);
	ck_assert_int_eq(listener_claim(address, empty, &none), -EADDRINUSE);
	s = listener_free(s);
	ck_assert_int_eq(listener_claim(address, empty, &none), 0);
	listener_disclaim(none);
	ck_assert_int_eq(listener_claim(address, dir, &one), 0);
	ck_assert_int_eq(listener_new(l, address, true, on_accept, NULL, &s), 0);
	listener_claimed(one);
	ck_assert_int_eq(listener_claim(address, dir, &two), 0);
	ck_assert_int_eq(listener_new(l, address, true, on_accept, NULL, &other), 0);
	listener_claimed(two);
	ck_assert_int_eq(listener_claim(address, empty, &none), -EADDRINUSE);
	s = listener_free(s);
	listener_disclaim(one);
	ck_assert_int_eq(listener_claim(address, dir, &one), 0); /* with the one that is left */
	listener_disclaim(one);
	listener_free(other);
	listener_disclaim(two);
	/* Nobody of ours is left, and a stranger takes it. */
	ck_assert_int_eq(listener_new(l, address, true, on_accept, NULL, &other), 0);
	ck_assert_int_eq(listener_claim(address, dir, &one), -EADDRINUSE);
	listener_free(other);
	free(address);
	free(empty);
}
END_TEST

static void hand_over(int fd, const char *names)
{
	char *pid = xasprintf("%ld", (long)getpid());

	if (fd != 3) {
		ck_assert_int_eq(dup2(fd, 3), 3);
		close(fd);
	}
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", names, 1);
	free(pid);
}

START_TEST(test_inherit)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct inherited *all;
	size_t n;
	int fd;

	ck_assert_int_eq(listeners_inherited(&all, &n), 0);
	ck_assert_uint_eq(n, 0);
	s = listener_free(s);
	loop_free(l); /* it may have descriptor 3 */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	hand_over(fd, "listen");
	ck_assert_int_eq(listeners_inherited(&all, &n), -ENOTSOCK);
	ck_assert_int_eq(listen(3, 1), 0);
	ck_assert_int_eq(listeners_inherited(&all, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(all[0].fd, 3);
	ck_assert_str_eq(all[0].name, "listen");
	ck_assert_uint_ne(all[0].port, 0);
	ck_assert(fcntl(3, F_GETFD) & FD_CLOEXEC);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	free(all);
	setenv("LISTEN_PID", "1", 1); /* not for us */
	setenv("LISTEN_FDS", "1", 1);
	ck_assert_int_eq(listeners_inherited(&all, &n), 0);
	ck_assert_uint_eq(n, 0);
	close(3);
	l = loop_new();
}
END_TEST

START_TEST(test_unix)
{
	char *path = path_in(dir, "sock"), *address = xasprintf("unix:%s", path);
	struct listener *other = NULL;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct dial *d;
	struct stat st;
	int stale;

	/* A file that a dead process left behind. */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	stale = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(stale, (struct sockaddr *)&un, sizeof(un)), 0);
	close(stale);
	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &s), 0);
	/* A living one is not touched. */
	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &other), -EADDRINUSE);
	d = dial_new(l, address, on_dial, NULL);
	settle(20);
	ck_assert_int_ge(dialled, 0);
	ck_assert_int_eq(accepted, 2); /* the first asked whether it lives */
	close(dialled);
	close(last_fd);
	dial_free(d);
	s = listener_free(s);
	ck_assert_int_eq(stat(path, &st), -1);
	/* What is no socket is nobody's to remove. */
	file_write(path, "data");
	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &s), -EADDRINUSE);
	ck_assert_int_eq(stat(path, &st), 0);
	free(path);
	free(address);
}
END_TEST

/* A successor has taken the name: the old listener leaves its file alone. */
START_TEST(test_unix_successor)
{
	char *path = path_in(dir, "sock"), *address = xasprintf("unix:%s", path);
	struct listener *other = NULL;
	struct stat st;

	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &s), 0);
	unlink(path);
	ck_assert_int_eq(listener_new(l, address, false, on_accept, NULL, &other), 0);
	s = listener_free(s);
	ck_assert_int_eq(stat(path, &st), 0);
	listener_free(other);
	free(path);
	free(address);
}
END_TEST

START_TEST(test_dial_fails)
{
	static const char *const addresses[] = {"unix:/nonexistent/sock", "nowhere", "*:5222", NULL};
	static const int errors[] = {-ENOENT, -EINVAL, -EINVAL};
	char *address = listen_tcp();
	struct dial *d;

	for (int i = 0; addresses[i]; i++) {
		d = dial_new(l, addresses[i], on_dial, NULL);
		ck_assert_int_eq(dial_calls, i); /* never from inside dial_new */
		loop_run_once(l);
		ck_assert_int_eq(dialled, errors[i]);
		dial_free(d);
	}
	s = listener_free(s);
	dial_calls = 0;
	d = dial_new(l, address, on_dial, NULL);
	settle(20);
	ck_assert_int_eq(dial_calls, 1);
	ck_assert_int_eq(dialled, -ECONNREFUSED);
	dial_free(d);
	/* Freed before it could tell. */
	dial_free(dial_new(l, address, on_dial, NULL));
	dial_free(dial_new(l, "nowhere", on_dial, NULL));
	settle(20);
	ck_assert_int_eq(dial_calls, 1);
	free(address);
}
END_TEST

START_TEST(test_free_in_accept)
{
	char *address = listen_tcp();
	struct dial *d = dial_new(l, address, on_dial, NULL), *e = dial_new(l, address, on_dial, NULL);

	free_on_accept = true;
	settle(30);
	ck_assert_int_eq(accepted, 1);
	ck_assert_ptr_null(s);
	dial_free(d);
	dial_free(e);
	free(address);
}
END_TEST

START_TEST(test_pause)
{
	char *address = listen_tcp();
	struct dial *d;

	listener_pause(s, true);
	d = dial_new(l, address, on_dial, NULL);
	settle(30);
	ck_assert_int_eq(accepted, 0);
	listener_pause(s, false);
	settle(30);
	ck_assert_int_eq(accepted, 1);
	dial_free(d);
	free(address);
}
END_TEST

/* Without descriptors it rests, tells once, and accepts when there are some again. */
START_TEST(test_no_descriptors)
{
	char *address = listen_tcp();
	struct rlimit limit, tight;
	struct dial *d;

	listener_on_full(s, on_full);
	d = dial_new(l, address, on_dial, NULL);
	/* No turn yet: the kernel has it, nobody has accepted it. */
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = limit;
	tight.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	settle(2500);
	ck_assert_int_eq(accepted, 0);
	ck_assert_int_eq(fulls, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	settle(1500);
	ck_assert_int_eq(accepted, 1);
	ck_assert_int_eq(fulls, 1);
	dial_free(d);
	free(address);
}
END_TEST

Suite *listen_suite(void)
{
	Suite *suite = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, test_tcp);
	tcase_add_test(tc, test_addresses);
	tcase_add_test(tc, test_reuse_port);
	tcase_add_test(tc, test_claim);
	tcase_add_test(tc, test_inherit);
	tcase_add_test(tc, test_unix);
	tcase_add_test(tc, test_unix_successor);
	tcase_add_test(tc, test_dial_fails);
	tcase_add_test(tc, test_free_in_accept);
	tcase_add_test(tc, test_pause);
	tcase_add_test(tc, test_no_descriptors);
	suite_add_tcase(suite, tc);
	return suite;
}
