/* SPDX-License-Identifier: MIT */
/* Accounts added, changed, removed and listed. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include "tests/unit/auth/doubles.h"

enum { CREATE, CHANGE, EITHER };

static struct auth_config config;
static struct common_config common;
static struct auth *auth;

static void setup(void)
{
	double_reset();
	auth = double_auth(&config, &common);
	config.scram_iterations = 16; /* the tests' time */
}

static void teardown(void)
{
	auth = auth_free(auth);
	double_run();
	double_reset();
}

static const struct msg_account_result *add_all(const struct msg_new_account *list, size_t n,
						uint8_t mode, const char *address)
{
	struct frame f = double_frame(MSG_ACCOUNT_ADD);
	struct msg_account_add m = {.accounts = (struct msg_new_account *)list,
				    .naccounts = n,
				    .mode = mode,
				    .address = str_z(address)};
	size_t before = double_replies();
	const struct msg_account_result *r;

	accounts_handle_add(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_replies(), before + 1);
	ck_assert_uint_eq(double_reply(before)->kind, MSG_ACCOUNT_RESULT);
	r = double_reply(before)->m;
	ck_assert_uint_eq(r->ncodes, n);
	return r;
}

static int add(const char *account, const char *password, uint8_t mode, const char *address)
{
	struct msg_new_account one = {str_z(account), str_z(password)};

	return add_all(&one, 1, mode, address)->codes[0];
}

static bool keys_match(const char *account, const char *password)
{
	bool match = true;

	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		const struct msg_row *row = double_row(TABLE_CREDENTIAL, account, i);
		struct scram_keys stored, keys;

		ck_assert_ptr_nonnull(row);
		ck_assert(credential_read(row, &stored));
		keys = stored;
		scram_derive(str_z(password), &keys);
		match &= memcmp(&keys, &stored, sizeof(keys)) == 0;
	}
	return match;
}

START_TEST(create)
{
	ck_assert_int_eq(add("user@example.org", "pencil", CREATE, NULL), 0);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 1);
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 2);
	ck_assert(keys_match("user@example.org", "pencil"));
	ck_assert_int_eq(double_row(TABLE_ACCOUNT, "user@example.org", 0)->values[1].i,
			 1700000000000000);
	ck_assert_int_eq(add("user@example.org", "other", CREATE, NULL), EEXIST);
	ck_assert(keys_match("user@example.org", "pencil"));
	ck_assert_uint_eq(double_store.works, 1); /* nothing derived in vain */
}
END_TEST

START_TEST(change)
{
	struct msg_value stale[COLS_CREDENTIAL] = {value_text(STR("user@example.org")),
						   value_text(STR("SCRAM-SHA-512"))};

	ck_assert_int_eq(add("user@example.org", "pencil", CHANGE, NULL), ENOENT);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
	add("user@example.org", "pencil", EITHER, NULL);
	double_put(TABLE_CREDENTIAL, stale, COLS_CREDENTIAL);
	ck_assert_int_eq(add("user@example.org", "other", CHANGE, NULL), 0);
	ck_assert(keys_match("user@example.org", "other"));
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 2);
	ck_assert_int_eq(add("user@example.org", "third", EITHER, NULL), 0);
	ck_assert(keys_match("user@example.org", "third"));
}
END_TEST

static const struct {
	const char *account, *password;
	int code;
} checks[] = {
	{"user@example.net", "x", 0},
	{"USER@Example.ORG", "x", 0}, /* prepared again, whatever came */
	{"user@example.com", "x", EINVAL},
	{"user@example.org/res", "x", EINVAL},
	{"example.org", "x", EINVAL},
	{"@example.org", "x", EINVAL},
	{"", "x", EINVAL},
	{"a b@example.org", "x", EINVAL},
	{"user@example.org", "", EINVAL},
	{"user@example.org", "\xff", EINVAL},
	{"user@example.org", "\xf0\x9f\x98\x80", 0},
	{"admin@example.org", "x", 0},
};

START_TEST(checked)
{
	ck_assert_int_eq(add(checks[_i].account, checks[_i].password, CREATE, NULL),
			 checks[_i].code);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), checks[_i].code == 0);
}
END_TEST

START_TEST(in_band)
{
	ck_assert_int_eq(add("Admin@example.org", "x", CREATE, "192.0.2.1"), EPERM);
	ck_assert_int_eq(add("a@example.org", "x", CREATE, "192.0.2.1"), 0);
	ck_assert_int_eq(add("b@example.org", "x", CREATE, "192.0.2.1"), 0);
	ck_assert_int_eq(add("c@example.org", "x", CREATE, "192.0.2.1"), EAGAIN);
	ck_assert_int_eq(add("c@example.org", "x", CREATE, "192.0.2.2"), 0);
	ck_assert_int_eq(add("a@example.org", "y", CHANGE, "192.0.2.1"), 0);
	double_advance(60000);
	ck_assert_int_eq(add("d@example.org", "x", CREATE, "192.0.2.1"), 0);
	common.unlimited = true;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(add("d@example.org", "x", CREATE, "192.0.2.1"), EEXIST);
	common.admins = (char *[]){(char *)"boss@example.org", NULL};
	ck_assert_int_eq(add("Boss@example.org", "x", CREATE, "192.0.2.1"), EPERM);
	ck_assert_int_eq(add("Boss@example.org", "x", CREATE, NULL), 0); /* by an operator */
	common.admins = NULL;
}
END_TEST

enum { MANY = 300 };
static struct msg_new_account many[MANY];
static char many_names[MANY][32];

static void make_many(void)
{
	for (int i = 0; i < MANY; i++) {
		snprintf(many_names[i], sizeof(many_names[i]), "u%03d@example.org", i);
		many[i] = (struct msg_new_account){str_z(many_names[i]), STR("x")};
	}
}

START_TEST(import)
{
	const struct msg_account_result *r;

	make_many();
	config.import_iterations = 4;
	add("u007@example.org", "x", CREATE, NULL);
	many[9].account = STR("nonsense");
	many[8].account = many[6].account; /* twice in one chunk: the group's condition fails */
	double_store.writes = 0;
	r = add_all(many, MANY, CREATE, NULL);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(r->codes[i], i == 7 || i == 8 ? EEXIST : i == 9 ? EINVAL : 0);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), MANY - 2);
	/* 5 chunks, of which the first was written one by one */
	ck_assert_uint_eq(double_store.writes, 5 + 62);
	ck_assert(keys_match("u299@example.org", "x"));
	ck_assert_int_eq(double_row(TABLE_CREDENTIAL, "u299@example.org", 0)->values[2].i, 4);
	ck_assert_uint_eq(auth->adding, 0);
	ck_assert_ptr_null(auth->tasks);
}
END_TEST

START_TEST(import_either)
{
	const struct msg_account_result *r;

	make_many();
	many[5].account = many[4].account;
	many[5].password = STR("second");
	r = add_all(many, 70, EITHER, NULL);
	for (int i = 0; i < 70; i++)
		ck_assert_int_eq(r->codes[i], 0);
	ck_assert(keys_match("u004@example.org", "second"));
	r = add_all(many, 70, EITHER, NULL);
	for (int i = 0; i < 70; i++)
		ck_assert_int_eq(r->codes[i], 0);
}
END_TEST

START_TEST(import_bounded)
{
	struct frame f = double_frame(MSG_ACCOUNT_ADD);
	struct msg_account_add m = {.accounts = many, .naccounts = MANY};

	make_many();
	config.import_queue = MANY + 10;
	accounts_handle_add(auth, &f, &m);
	accounts_handle_add(auth, &f, &m);
	ck_assert_uint_eq(double_replies(), 1);
	ck_assert_uint_eq(double_reply(0)->kind, MSG_FAILED);
	ck_assert_uint_eq(((const struct msg_failed *)double_reply(0)->m)->code, EAGAIN);
	/* Freed in the middle, nothing is answered and nothing leaks. */
	auth = auth_free(auth);
	double_run();
	ck_assert_uint_eq(double_replies(), 1);
}
END_TEST

START_TEST(storage_fails)
{
	double_store.refuses = true;
	ck_assert_int_eq(add("a@example.org", "x", CREATE, NULL), EIO);
	double_store.refuses = false;
	ck_assert_int_eq(add("a@example.org", "x", CREATE, NULL), 0);
}
END_TEST

START_TEST(storage_silent)
{
	struct frame f = double_frame(MSG_ACCOUNT_ADD);
	struct msg_new_account one = {STR("a@example.org"), STR("x")};
	struct msg_account_add m = {.accounts = &one, .naccounts = 1};

	double_store.silent = true;
	accounts_handle_add(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_replies(), 0);
	double_advance(5000);
	ck_assert_uint_eq(((const struct msg_account_result *)double_reply(0)->m)->codes[0],
			  ETIMEDOUT);
}
END_TEST

START_TEST(removal)
{
	struct frame f = double_frame(MSG_ACCOUNT_DEL);
	struct msg_account_del m = {STR("a@example.org")};

	add("a@example.org", "x", CREATE, NULL);
	add("b@example.org", "x", CREATE, NULL);
	accounts_handle_del(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_reply(2)->kind, MSG_OK);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 1);
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 2);
	accounts_handle_del(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_reply(3)->kind, MSG_FAILED);
	ck_assert_uint_eq(((const struct msg_failed *)double_reply(3)->m)->code, ENOENT);
}
END_TEST

static uint16_t set_disabled(const char *account, bool disabled)
{
	struct frame f = double_frame(MSG_ACCOUNT_DISABLE);
	struct msg_account_disable m = {str_z(account), disabled};
	const struct double_reply *r;

	accounts_handle_disable(auth, &f, &m);
	double_run();
	r = double_reply(double_replies() - 1);
	return r->kind == MSG_FAILED ? ((const struct msg_failed *)r->m)->code : 0;
}

START_TEST(disabling)
{
	struct frame f = double_frame(MSG_ACCOUNT_DEL);
	struct msg_account_del m = {STR("a@example.org")};

	add("a@example.org", "x", CREATE, NULL);
	ck_assert_uint_eq(set_disabled("nobody@example.org", true), ENOENT);
	ck_assert_uint_eq(set_disabled("a@example.org", true), 0);
	ck_assert_uint_eq(set_disabled("a@example.org", true), 0);
	ck_assert_uint_eq(double_rows(TABLE_DISABLED), 1);
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 2); /* nothing is lost */
	ck_assert_uint_eq(set_disabled("a@example.org", false), 0);
	ck_assert_uint_eq(double_rows(TABLE_DISABLED), 0);
	ck_assert_uint_eq(set_disabled("a@example.org", true), 0);
	accounts_handle_del(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_rows(TABLE_DISABLED), 0); /* whoever gets the name next may log in */
	add("a@example.org", "x", CREATE, NULL);
	double_store.refuses = true;
	ck_assert_uint_eq(set_disabled("a@example.org", true), EIO);
}
END_TEST

static const struct msg_account_names *list(const char *domain, struct str after)
{
	struct frame f = double_frame(MSG_ACCOUNT_LIST);
	struct msg_account_list m = {str_z(domain), after};

	accounts_handle_list(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_reply(double_replies() - 1)->kind, MSG_ACCOUNT_NAMES);
	return double_reply(double_replies() - 1)->m;
}

START_TEST(lists)
{
	const struct msg_account_names *names;
	char account[40];

	ck_assert_uint_eq(list("example.org", STR_NONE)->naccounts, 0);
	for (int i = 0; i < 1300; i++) { /* two of three are of the other domain */
		snprintf(account, sizeof(account), "u%04d@example.%s", i, i % 3 ? "net" : "org");
		double_put(TABLE_ACCOUNT,
			   (struct msg_value[]){value_text(str_z(account)), value_int(1)}, 2);
	}
	names = list("example.org", STR_NONE);
	ck_assert_uint_eq(names->naccounts, 434);
	ck_assert(!names->more);
	names = list("example.net", STR_NONE);
	ck_assert_uint_eq(names->naccounts, 500);
	ck_assert(names->more);
	ck_assert(str_eqz(names->accounts[0], "u0001@example.net"));
	names = list("example.net", names->accounts[499]);
	ck_assert_uint_eq(names->naccounts, 366);
	ck_assert(!names->more);
	ck_assert(str_eqz(names->accounts[365], "u1298@example.net"));
}
END_TEST

Suite *accounts_suite(void);
Suite *accounts_suite(void)
{
	const TTest *const tests[] = {create,	     change,	     in_band,	    import,
				      import_either, import_bounded, storage_fails, storage_silent,
				      removal,	     disabling,	     lists};
	Suite *s = suite_create("accounts");
	TCase *tc = tcase_create("accounts");

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, checked, 0, (int)(sizeof(checks) / sizeof(checks[0])));
	suite_add_tcase(s, tc);
	return s;
}
