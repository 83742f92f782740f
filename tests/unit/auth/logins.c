/* SPDX-License-Identifier: MIT */
/* Logins over the doubles. */
#include "tests/unit/auth/logins.h"
#include <check.h>
#include <stdlib.h>
#include "base/clock.h"
#include "tests/unit/auth/doubles.h"

struct auth_config config;
struct common_config common;
struct auth *auth;

void logins_setup(void)
{
	double_reset();
	auth = double_auth(&config, &common);
	double_account("user@example.org", "pencil", 4096);
}

void logins_teardown(void)
{
	auth = auth_free(auth);
	double_run();
	double_reset();
}

static struct str listed[] = {{"SCRAM-SHA-256", 13}, {"SCRAM-SHA-1", 11}, {"PLAIN", 5}};

struct msg_auth_start start_of(const char *mechanism, struct str initial)
{
	return (struct msg_auth_start){.domain = STR("example.org"),
				       .mechanism = str_z(mechanism),
				       .has_initial = true,
				       .initial = initial,
				       .secure = true,
				       .mechanisms = listed,
				       .nmechanisms = 3,
				       .address = STR("192.0.2.1")};
}

void send_start(const struct msg_auth_start *m)
{
	struct frame f = double_frame(MSG_AUTH_START);

	exchange_handle_start(auth, &f, m);
}

void send_next(uint64_t exchange, struct str data)
{
	struct frame f = double_frame(MSG_AUTH_NEXT);

	exchange_handle_next(auth, &f, &(struct msg_auth_next){exchange, data});
}

const struct msg_auth_result *result(size_t n)
{
	ck_assert_uint_eq(double_replies(), n);
	ck_assert_uint_eq(double_reply(n - 1)->kind, MSG_AUTH_RESULT);
	return double_reply(n - 1)->m;
}

void assert_failure(const struct msg_auth_result *r, enum sasl_error error)
{
	ck_assert_uint_eq(r->state, FAILURE);
	ck_assert_msg(r->error == error, "%s", sasl_error_name(r->error));
	ck_assert_uint_eq(r->ticket.len, 0);
	ck_assert_uint_eq(r->account.len, 0);
	ck_assert(!r->has_data);
}

struct str plain_of(const char *name, const char *password)
{
	static char text[256];
	int n = snprintf(text, sizeof(text), "%c%s%c%s", 0, name, 0, password);

	return str_n(text, (size_t)n);
}

const struct msg_auth_result *login(const char *name, const char *password, const char *address,
				    uint64_t *ret_ms)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of(name, password));
	size_t n = double_replies();
	uint64_t began = clock_mono_ms();

	m.address = str_z(address);
	send_start(&m);
	double_run();
	for (int i = 0; i < 100 && double_replies() == n; i++)
		double_advance(100);
	if (ret_ms)
		*ret_ms = clock_mono_ms() - began;
	return result(n + 1);
}

struct buf scram_challenge(const char *name)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "n,,n=%s,r=abc", name);
	struct msg_auth_start m = start_of("SCRAM-SHA-256", str_n(text, (size_t)n));
	const struct msg_auth_result *r;
	struct buf b = BUF_INIT;

	send_start(&m);
	double_run();
	r = result(double_replies());
	ck_assert_uint_eq(r->state, CHALLENGE);
	ck_assert(r->has_data);
	buf_str_append(&b, r->data);
	send_next(r->exchange, STR_NONE); /* malformed: ends it */
	return b;
}
