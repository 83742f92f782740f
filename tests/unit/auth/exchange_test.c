/* SPDX-License-Identifier: MIT */
/* Logins as c2s sees them: answers, delays, lock-out, placement, storage that is away. */
#include <check.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/random.h"
#include "tests/unit/auth/doubles.h"
#include "tests/unit/auth/logins.h"

START_TEST(plain_success)
{
	uint64_t ms;
	const struct msg_auth_result *r = login("User", "pencil", "192.0.2.1", &ms);
	struct buf scratch = BUF_INIT;
	struct ticket ticket;

	ck_assert_uint_eq(r->state, SUCCESS);
	ck_assert(str_eqz(r->account, "user@example.org"));
	ck_assert(!r->has_data);
	ck_assert_uint_eq(ms, 0);
	ck_assert_int_eq(double_ticket(r->ticket, &scratch, &ticket), 0);
	ck_assert(str_eqz(ticket.account, "user@example.org"));
	ck_assert_uint_eq(ticket.c2s, DOUBLE_C2S);
	ck_assert_int_eq(ticket.expires_us, clock_wall_us() + 60000000);
	buf_free(&scratch);
	ck_assert_uint_eq(exchanges_open(auth), 0);
}
END_TEST

START_TEST(plain_failures_alike)
{
	uint64_t known, unknown, impossible;
	size_t works = double_store.works, reads = double_store.reads;

	/* One derivation for each, and one look into storage: for keys, and whether it is disabled. */
	assert_failure(login("user", "wrong", "192.0.2.1", &known), SASL_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(double_store.works, works + 1);
	ck_assert_uint_eq(double_store.reads, reads + 1);
	assert_failure(login("nobody", "wrong", "192.0.2.1", &unknown), SASL_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(double_store.works, works + 2);
	ck_assert_uint_eq(double_store.reads, reads + 2);
	assert_failure(login("a@b", "wrong", "192.0.2.1", &impossible), SASL_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(double_store.works, works + 3);
	ck_assert_uint_eq(double_store.reads, reads + 3);
	ck_assert_uint_eq(known, 1000);
	ck_assert_uint_eq(unknown, 1000);
	ck_assert_uint_eq(impossible, 1000);
}
END_TEST

/* XEP-0133 section 4.3, RFC 6120 section 6.5.2: told to nobody but who has the password. */
START_TEST(disabled_account)
{
	struct msg_value v[COLS_DISABLED] = {value_text(STR("user@example.org")), value_int(1)};

	double_put(TABLE_DISABLED, v, COLS_DISABLED);
	assert_failure(login("user", "wrong", "192.0.2.1", NULL), SASL_E_NOT_AUTHORIZED);
	assert_failure(login("user", "pencil", "192.0.2.1", NULL), SASL_E_ACCOUNT_DISABLED);
	ck_assert_uint_eq(exchanges_open(auth), 0);
}
END_TEST

/* What follows the nonce. */
static struct str shape(const struct buf *b)
{
	ptrdiff_t at = str_find(buf_str(b), ',', 0);

	return str_n(buf_ptr(b) + at, b->len - (size_t)at);
}

START_TEST(scram_challenges_alike)
{
	size_t reads = double_store.reads;
	struct buf known = scram_challenge("user"), unknown = scram_challenge("nobody"),
		   again = scram_challenge("nobody"), other = scram_challenge("nobody2");

	ck_assert_uint_eq(double_store.reads, reads + 4);
	ck_assert_uint_eq(known.len, unknown.len);
	ck_assert(str_eq(shape(&unknown), shape(&again))); /* the same salt each time */
	ck_assert(!str_eq(shape(&unknown), shape(&other)));
	ck_assert(!str_eq(buf_str(&unknown), buf_str(&again)));
	buf_free(&known);
	buf_free(&unknown);
	buf_free(&again);
	buf_free(&other);
}
END_TEST

START_TEST(without_initial_response)
{
	struct msg_auth_start m = start_of("PLAIN", STR_NONE);
	const struct msg_auth_result *r;
	uint64_t id;

	m.has_initial = false;
	double_store.placed = 99; /* cannot move any more */
	send_start(&m);
	r = result(1);
	ck_assert_uint_eq(r->state, CHALLENGE);
	ck_assert(r->has_data);
	ck_assert_uint_eq(r->data.len, 0);
	id = r->exchange;
	send_next(id, plain_of("user", "pencil"));
	send_next(id, STR("x")); /* it is not its turn */
	assert_failure(result(2), SASL_E_MALFORMED_REQUEST);
	double_run();
	ck_assert_uint_eq(result(3)->state, SUCCESS);
	send_next(id, STR("x"));
	assert_failure(result(4), SASL_E_NOT_AUTHORIZED);
}
END_TEST

START_TEST(initial_response_empty)
{
	struct msg_auth_start m = start_of("SCRAM-SHA-1", STR_NONE);

	send_start(&m);
	assert_failure(result(1), SASL_E_MALFORMED_REQUEST);
}
END_TEST

START_TEST(moved)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of("user", "pencil"));

	double_store.placed = 99;
	send_start(&m);
	ck_assert_uint_eq(result(1)->state, MOVED);
	ck_assert_uint_eq(result(1)->key, hash64("user@example.org", 16));
	ck_assert_uint_eq(exchanges_open(auth), 0);
	m.placed = true;
	send_start(&m);
	double_run();
	ck_assert_uint_eq(result(2)->state, SUCCESS);
}
END_TEST

START_TEST(refused_at_once)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of("user", "pencil"));

	m.secure = false;
	send_start(&m);
	assert_failure(result(1), SASL_E_ENCRYPTION_REQUIRED);
	m = start_of("SCRAM-SHA-256", STR("n,,n=user,r=x"));
	m.secure = false;
	send_start(&m);
	assert_failure(result(2), SASL_E_ENCRYPTION_REQUIRED);
	m = start_of("CRAM-MD5", STR_NONE);
	send_start(&m);
	assert_failure(result(3), SASL_E_INVALID_MECHANISM);
	m = start_of("SCRAM-SHA-256-PLUS", STR("p=tls-exporter,,n=user,r=x"));
	send_start(&m);
	assert_failure(result(4), SASL_E_INVALID_MECHANISM);
	m.exporter = STR("x"); /* there is data, but it was not advertised */
	send_start(&m);
	assert_failure(result(5), SASL_E_INVALID_MECHANISM);
	m = start_of("PLAIN", plain_of("user", "pencil"));
	m.domain = STR("example.com");
	send_start(&m);
	assert_failure(result(6), SASL_E_NOT_AUTHORIZED);
}
END_TEST

/* A client that tries one mechanism after the other is not held up: no password was tried. */
START_TEST(refused_without_delay)
{
	struct msg_auth_start m = start_of("SCRAM-SHA-256", STR("y,,n=user,r=x"));
	static struct str plus[] = {{"SCRAM-SHA-256-PLUS", 18}, {"SCRAM-SHA-256", 13}};

	m.mechanisms = plus;
	m.nmechanisms = 2;
	m.exporter = STR("x");
	send_start(&m);
	assert_failure(result(1), SASL_E_NOT_AUTHORIZED);
	m.mechanism = plus[0];
	m.initial = STR("p=tls-unique,,n=user,r=x");
	send_start(&m);
	assert_failure(result(2), SASL_E_NOT_AUTHORIZED);
	m.unique = STR("the client's Finished");
	send_start(&m);
	double_run();
	ck_assert_uint_eq(result(3)->state, CHALLENGE);
	config.tls_unique = false;
	send_start(&m);
	assert_failure(result(4), SASL_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(tally_size(auth->failed_addresses), 0);
}
END_TEST

START_TEST(storage_away)
{
	uint64_t ms;

	double_store.silent = true;
	assert_failure(login("user", "pencil", "192.0.2.1", &ms), SASL_E_TEMPORARY_AUTH_FAILURE);
	ck_assert_uint_eq(ms, 5000);
	ck_assert_uint_eq(exchanges_open(auth), 0);
}
END_TEST

START_TEST(secrets_late)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of("user", "pencil"));
	uint64_t ms;

	auth_free(auth);
	double_store.no_secrets = true;
	auth = double_auth(&config, &common);
	assert_failure(login("user", "pencil", "192.0.2.1", &ms), SASL_E_TEMPORARY_AUTH_FAILURE);
	ck_assert_uint_eq(ms, 3000);
	m.initial = plain_of("user", "pencil");
	send_start(&m);
	double_advance(1000);
	ck_assert_uint_eq(double_replies(), 1);
	double_secrets();
	double_run();
	ck_assert_uint_eq(result(2)->state, SUCCESS);
}
END_TEST

START_TEST(expiry_abort_and_loss)
{
	struct msg_auth_start m = start_of("SCRAM-SHA-1", STR("n,,n=user,r=x"));
	struct frame f = double_frame(MSG_AUTH_ABORT);

	send_start(&m);
	double_run();
	ck_assert_uint_eq(exchanges_open(auth), 1);
	double_advance(61000);
	ck_assert_uint_eq(exchanges_open(auth), 0);
	send_next(result(1)->exchange, STR("x"));
	assert_failure(result(2), SASL_E_NOT_AUTHORIZED);

	send_start(&m);
	double_run();
	f.from = 78; /* another c2s has no say in it */
	exchange_handle_abort(auth, &f, &(struct msg_auth_abort){result(3)->exchange});
	ck_assert_uint_eq(exchanges_open(auth), 1);
	f.from = DOUBLE_C2S;
	exchange_handle_abort(auth, &f, &(struct msg_auth_abort){result(3)->exchange});
	ck_assert_uint_eq(exchanges_open(auth), 0);

	send_start(&m); /* while storage is asked */
	exchanges_drop(auth, 78);
	ck_assert_uint_eq(exchanges_open(auth), 1);
	exchanges_drop(auth, DOUBLE_C2S);
	double_run();
	ck_assert_uint_eq(double_replies(), 3);
}
END_TEST

static const struct msg_auth_offer *offer(const char *domain, bool secure, size_t nbindings)
{
	static struct str types[] = {
		{"tls-unique", 10}, {"tls-exporter", 12}, {"tls-server-end-point", 20}};
	struct frame f = double_frame(MSG_AUTH_MECHANISMS);
	struct msg_auth_mechanisms m = {.domain = str_z(domain),
					.secure = secure,
					.bindings = types,
					.nbindings = nbindings};

	offer_handle(auth, &f, &m);
	return double_reply(double_replies() - 1)->m;
}

START_TEST(offers)
{
	const struct msg_auth_offer *o = offer("example.org", true, 3);

	ck_assert_uint_eq(o->nmechanisms, 5);
	ck_assert(str_eqz(o->mechanisms[0], "SCRAM-SHA-256-PLUS"));
	ck_assert(str_eqz(o->mechanisms[4], "PLAIN"));
	ck_assert_uint_eq(o->nbindings, 2);
	ck_assert(str_eqz(o->bindings[0], "tls-exporter"));
	o = offer("example.net", true, 1); /* tls-unique alone: nothing to bind to */
	ck_assert_uint_eq(o->nmechanisms, 4); /* ANONYMOUS, which is last in anonymous_test.c */
	ck_assert(str_eqz(o->mechanisms[0], "SCRAM-SHA-256"));
	ck_assert_uint_eq(o->nbindings, 0);
	ck_assert_uint_eq(offer("example.org", false, 0)->nmechanisms, 0);
	ck_assert_uint_eq(offer("example.com", true, 3)->nmechanisms, 0);
	config.allow_unencrypted = true;
	o = offer("example.org", false, 3);
	ck_assert_uint_eq(o->nmechanisms, 2);
	ck_assert_uint_eq(o->nbindings, 0);
}
END_TEST

static void note(void *arg)
{
	*(bool *)arg = true;
}

START_TEST(drained)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of("user", "pencil"));
	bool done = false;

	send_start(&m);
	auth_drain(auth, note, &done);
	ck_assert(!done);
	send_start(&m);
	assert_failure(result(1), SASL_E_TEMPORARY_AUTH_FAILURE);
	double_run();
	ck_assert_uint_eq(result(2)->state, SUCCESS);
	ck_assert(done);
}
END_TEST

START_TEST(statistics)
{
	json_t *o;

	login("user", "pencil", "192.0.2.1", NULL);
	o = auth_stats(auth);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "exchanges")), 1);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(o, "success"), "PLAIN")), 1);
	json_decref(o);
}
END_TEST

Suite *exchange_suite(void);
Suite *exchange_suite(void)
{
	const TTest *const tests[] = {plain_success,
				      plain_failures_alike,
				      disabled_account,
				      scram_challenges_alike,
				      without_initial_response,
				      initial_response_empty,
				      moved,
				      refused_at_once,
				      refused_without_delay,
				      storage_away,
				      secrets_late,
				      expiry_abort_and_loss,
				      offers,
				      drained,
				      statistics};
	Suite *s = suite_create("exchange");
	TCase *tc = tcase_create("exchange");

	tcase_add_checked_fixture(tc, logins_setup, logins_teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return s;
}
