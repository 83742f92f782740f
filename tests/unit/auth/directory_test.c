/* SPDX-License-Identifier: MIT */
/* Tests of auth/directory.c: what becomes of the connections that it keeps. The directory is a thread that
 * says yes to each bind. */
#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "auth/auth_internal.h"
#include "auth/directory.h"
#include "base/alloc.h"
#include "base/clock.h"

Suite *directory_suite(void);

enum { TIMEOUT_MS = 60000, CONNECT_MS = 500 };

static atomic_int connections, mute; /* those up to `mute` are silent, and stay open */

/* RFC 4511 section 4.2; all messages are short. */
static void *serve(void *arg)
{
	int fd = *(int *)arg, number = atomic_fetch_add(&connections, 1) + 1;
	unsigned char in[1024], yes[] = {0x30, 0x0c, 2, 1, 0, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0};
	ssize_t n;

	free(arg);
	while ((n = read(fd, in, sizeof(in))) > 5 && in[5] == 0x60) {
		yes[4] = in[4];
		if (number > atomic_load(&mute) && write(fd, yes, sizeof(yes)) < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	int fd, *each;

	while ((fd = accept(*(int *)arg, NULL, NULL)) >= 0) {
		pthread_t t;

		each = xmalloc(sizeof(*each));
		*each = fd;
		pthread_create(&t, NULL, serve, each);
		pthread_detach(t);
	}
	return NULL;
}

static struct directory *open_directory(void)
{
	static int fd;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	char *servers[2] = {NULL, NULL};
	struct source_config c = {.ldap_servers = servers,
				  .ca = "",
				  .ldap_dn = "uid=%u,dc=test",
				  .ldap_base = "",
				  .ldap_filter = "",
				  .ldap_bind_dn = "",
				  .ldap_password_file = "",
				  .timeout = TIMEOUT_MS,
				  .connect_timeout = CONNECT_MS,
				  .parallel = 4};
	struct buf errors = BUF_INIT;
	struct directory *d;
	pthread_t t;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	pthread_create(&t, NULL, accept_all, &fd);
	pthread_detach(t);
	servers[0] = xasprintf("ldap://127.0.0.1:%d", ntohs(a.sin_port));
	d = directory_new(&c, &errors);
	ck_assert_ptr_nonnull(d);
	free(servers[0]);
	return d;
}

static void ck_let_in(struct directory *d)
{
	struct buf reason = BUF_INIT;
	struct backend_answer a =
		directory_check(d, STR("joe"), STR("test"), STR("secret"), &reason);

	ck_assert_msg(a.status == BACKEND_KNOWN && a.good, "%.*s", STR_ARG(buf_str(&reason)));
	buf_free(&reason);
}

START_TEST(kept_for_a_minute)
{
	struct directory *d = open_directory();

	clock_fake(1000000, 1700000000000000);
	ck_let_in(d);
	clock_advance(50 * 1000000);
	ck_let_in(d);
	clock_advance(50 * 1000000);
	ck_let_in(d);
	ck_assert_int_eq(atomic_load(&connections), 1);
	clock_advance(61 * 1000000);
	ck_let_in(d);
	ck_assert_int_eq(atomic_load(&connections), 2);
	directory_unref(d);
}
END_TEST

/* Nothing comes from it, and no end: a new one is tried while there is time. */
START_TEST(kept_and_silent)
{
	struct directory *d = open_directory();
	time_t before = time(NULL);

	ck_let_in(d);
	atomic_store(&mute, 1);
	ck_let_in(d);
	ck_assert_int_eq(atomic_load(&connections), 2);
	ck_assert_int_lt(time(NULL) - before, TIMEOUT_MS / 1000);
	directory_unref(d);
}
END_TEST

Suite *directory_suite(void)
{
	Suite *s = suite_create("directory");
	TCase *tc = tcase_create("directory");

	tcase_set_timeout(tc, 2 * TIMEOUT_MS / 1000);
	tcase_add_test(tc, kept_for_a_minute);
	tcase_add_test(tc, kept_and_silent);
	suite_add_tcase(s, tc);
	return s;
}
