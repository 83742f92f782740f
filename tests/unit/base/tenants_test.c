/* SPDX-License-Identifier: MIT */
/* Connections by address: what counts as one, and that an end makes room. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/tenants.h"
#include "tests/unit/base/base_tests.h"

/* In place of libc's: a peer at this address, while there is one. */
static const char *address;
int getpeername(int fd, struct sockaddr *restrict sa, socklen_t *restrict len);

int getpeername(int fd, struct sockaddr *restrict sa, socklen_t *restrict len)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (!address)
		return (int)syscall(SYS_getpeername, fd, sa, len);
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		memcpy(sa, &in, sizeof in);
		*len = sizeof in;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
		memcpy(sa, &in6, sizeof in6);
		*len = sizeof in6;
	}
	return 0;
}

static struct tenant *enter(struct tenant **all, const char *from, bool want_full)
{
	struct tenant *t;
	bool full = !want_full;

	address = from;
	t = tenants_enter(all, -1, 2, &full);
	address = NULL;
	ck_assert_int_eq(full, want_full);
	ck_assert_int_eq(t == NULL, want_full);
	return t;
}

static const struct {
	const char *one, *other;
	bool same;
} pairs[] = {
	{"192.0.2.1", "192.0.2.1", true},
	{"192.0.2.1", "192.0.2.2", false},
	{"192.0.2.1", "::ffff:192.0.2.1", true},
	{"192.0.2.1", "::ffff:192.0.2.2", false},
	{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
	{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
	{"2001:db8:1:2::1", "2001:db9:1:2::1", false},
};

START_TEST(what_is_one_address)
{
	const char *one = pairs[_i].one, *other = pairs[_i].other;
	struct tenant *all = NULL, *a = enter(&all, one, false), *b = enter(&all, other, false), *c;

	ck_assert_int_eq(a == b, pairs[_i].same);
	c = enter(&all, one, pairs[_i].same); /* the third, or the second */
	tenants_leave(&all, b);
	tenants_leave(&all, c);
	c = enter(&all, one, false);
	tenants_leave(&all, c);
	tenants_leave(&all, a);
	ck_assert_ptr_null(all);
}
END_TEST

START_TEST(without_a_limit)
{
	struct tenant *all = NULL, *t = NULL;
	bool full = false;

	address = "192.0.2.1";
	for (int i = 0; i < 1000; i++)
		t = tenants_enter(&all, -1, 0, &full);
	address = NULL;
	ck_assert(!full);
	for (int i = 0; i < 1000; i++)
		tenants_leave(&all, t);
	ck_assert_ptr_null(all);
}
END_TEST

START_TEST(those_without_an_address)
{
	struct tenant *all = NULL;
	bool full = true;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_ptr_null(tenants_enter(&all, fd[0], 1, &full));
	ck_assert(!full);
	tenants_leave(&all, NULL);
	close(fd[0]);
	ck_assert_ptr_null(tenants_enter(&all, fd[0], 1, &full)); /* gone before it was looked at */
	ck_assert(!full);
	close(fd[1]);
}
END_TEST

Suite *tenants_suite(void)
{
	Suite *s = suite_create("tenants");
	TCase *t = tcase_create("tenants");

	tcase_add_loop_test(t, what_is_one_address, 0, sizeof pairs / sizeof *pairs);
	tcase_add_test(t, without_a_limit);
	tcase_add_test(t, those_without_an_address);
	suite_add_tcase(s, t);
	return s;
}
