/* SPDX-License-Identifier: MIT */
/* Domains whose accounts are elsewhere, with PAM of a directory of our own as the example. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "tests/unit/auth/doubles.h"

static const struct option_section sections[] = {
	{"", false, common_options},
	{"host", true, host_options},
	{"auth", false, auth_options},
	{CREDENTIALS_SECTION, true, source_options},
	{NULL},
};

static struct auth_config config;
static struct common_config common;
static struct auth *auth;
static char folder[] = "/tmp/auth-sources-XXXXXX";

static struct conf *parse(const char *text)
{
	struct buf errors = BUF_INIT;
	struct conf *conf = conf_parse("test", text, sections, NULL, &errors);

	ck_assert_msg(conf != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	return conf;
}

/* --- what is wrong with a configuration ------------------------------------------------------ */

static const struct {
	const char *text, *said; /* said NULL: good */
} files[] = {
	{"", NULL},
	{"host 'example.org' { credentials = internal }", NULL},
	{"host 'example.org' { credentials = x }", "there is no section credentials \"x\""},
	{"auth { credentials = x }", "credentials of example.net"},
	{"credentials internal { type = ldap }", "the name is taken"},
#ifdef HAVE_LDAP
	{"credentials x { ldap_servers = 'ldap://h' ldap_dn = 'uid=%u' }", NULL},
	{"credentials x { ldap_servers = 'ldap://h' ldap_dn = 'uid=joe' }",
	 "ldap_dn has to have %u"},
	{"credentials x { ldap_servers = 'ldap://h' ldap_dn = 'uid=%s%u' }", "ldap_dn has a %"},
	{"credentials x { ldap_dn = 'uid=%u' }", "ldap_servers is not set"},
	{"credentials x { ldap_servers = 'h' ldap_dn = 'uid=%u' }", "h is no URI"},
	{"credentials x { ldap_servers = 'ldap://h' }", "one of ldap_dn and ldap_base"},
	{"credentials x { ldap_servers = 'ldap://h' ldap_base = 'dc=x' ldap_bind_dn = 'cn=x' }",
	 "ldap_bind_dn needs ldap_password_file"},
#else
	{"credentials x { type = ldap }",
	 "type ldap is not built in: configure did not find libldap"},
#endif
#ifdef HAVE_CURL
	{"credentials x { type = http http_url = 'https://h/' http_scram = 'SCRAM-SHA-1' }", NULL},
	{"credentials x { type = http }", "http_url is not set"},
	{"credentials x { type = http http_url = 'file:///x' }", "http_url is not set"},
	{"credentials x { type = http http_url = 'https://h/' http_scram = PLAIN }",
	 "there is no PLAIN"},
#endif
#ifdef HAVE_PAM
	{"credentials x { type = pam }", NULL},
	{"credentials x { type = pam pam_user = '%d' }", "pam_user has to have %u"},
	{"credentials x { type = pam pam_service = '../x' }", "pam_service is the name of a file"},
#endif
};

START_TEST(checked)
{
	struct conf *conf = parse(files[_i].text);
	struct auth_config c = {0};
	struct buf errors = BUF_INIT;

	conf_fill(conf, "auth", "auth-1", auth_options, &c);
	sources_check("test", conf, &common, &c, &errors);
	buf_putc(&errors, '\0');
	if (files[_i].said)
		ck_assert_msg(strstr(buf_ptr(&errors), files[_i].said) != NULL, "%s",
			      buf_ptr(&errors));
	else
		ck_assert_str_eq(buf_ptr(&errors), "");
	buf_free(&errors);
	options_free(auth_options, &c);
	conf_free(conf);
}
END_TEST

/* --- PAM ------------------------------------------------------------------------------------- */

#ifdef HAVE_PAM

static struct {
	size_t n;
	enum backend_status status;
	bool good;
} got;

static void on_check(void *arg, enum backend_status status, bool good)
{
	(void)arg;
	got.n++;
	got.status = status;
	got.good = good;
}

/* What the service says from now on: pam_permit.so, pam_deny.so. */
static void say(const char *auth_module, const char *account_module)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/test", folder);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "auth required %s\naccount required %s\n", auth_module, account_module);
	fclose(f);
}

static void use(const char *options)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct conf *conf;

	buf_printf(&text,
		   "host 'example.org' { credentials = here }\n"
		   "credentials here { type = pam pam_service = test pam_directory = '%s' %s }\n",
		   folder, options);
	buf_putc(&text, '\0');
	conf = parse(buf_ptr(&text));
	auth->sources = sources_free(auth->sources);
	auth->sources = sources_new(auth, conf, &errors);
	ck_assert_ptr_nonnull(auth->sources);
	conf_free(conf);
	buf_free(&text);
	buf_free(&errors);
}

static void login(const char *password)
{
	size_t before = got.n;

	ck_assert_ptr_nonnull(
		backend_check(auth, STR("joe@example.org"), str_z(password), on_check, NULL));
	ck_assert_uint_eq(got.n, before);
	double_run();
	while (got.n == before)
		ck_assert(double_wait());
	ck_assert_uint_eq(got.n, before + 1);
}

START_TEST(first_login_makes_the_account)
{
	say("pam_permit.so", "pam_permit.so");
	use("");
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_KNOWN);
	ck_assert(got.good);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 1);
	ck_assert_ptr_nonnull(double_row(TABLE_ACCOUNT, "joe@example.org", 0));
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 0);
	login("secret");
	ck_assert_uint_eq(double_store.writes, 1);
}
END_TEST

START_TEST(not_made_unless_wanted)
{
	say("pam_permit.so", "pam_permit.so");
	use("create = no");
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_UNKNOWN);
	ck_assert(!got.good);
	double_account("joe@example.org", "other", 4096);
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_KNOWN);
	ck_assert(got.good);
}
END_TEST

START_TEST(wrong_password)
{
	say("pam_deny.so", "pam_permit.so");
	use("");
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_KNOWN);
	ck_assert(!got.good);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
	say("pam_permit.so", "pam_permit.so"); /* a wrong one is not remembered */
	login("secret");
	ck_assert(got.good);
}
END_TEST

START_TEST(right_but_not_allowed)
{
	say("pam_permit.so", "pam_deny.so");
	use("");
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_DISABLED);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
}
END_TEST

START_TEST(remembered_for_a_time)
{
	say("pam_permit.so", "pam_permit.so");
	use("cache = 10s");
	login("secret");
	say("pam_deny.so", "pam_permit.so");
	login("secret");
	ck_assert(got.good);
	login("Secret"); /* another password is asked for */
	ck_assert(!got.good);
	double_advance(10000);
	login("secret");
	ck_assert(!got.good);
}
END_TEST

START_TEST(never_remembered)
{
	say("pam_permit.so", "pam_permit.so");
	use("cache = 0");
	login("secret");
	ck_assert(got.good);
	say("pam_deny.so", "pam_permit.so");
	login("secret");
	ck_assert(!got.good);
}
END_TEST

static const char *problem(void)
{
	json_t *all = sources_problems(auth->sources);
	static char text[256];

	snprintf(text, sizeof(text), "%s",
		 json_array_size(all) ? json_string_value(json_array_get(all, 0)) : "");
	json_decref(all);
	return text;
}

START_TEST(away_and_back)
{
	say("no_such_module.so", "pam_permit.so");
	use("");
	ck_assert_str_eq(problem(), "");
	login("secret");
	ck_assert_int_eq(got.status, BACKEND_UNAVAILABLE);
	ck_assert(!got.good);
	ck_assert_ptr_nonnull(strstr(problem(), "\"here\" (pam) do not answer"));
	say("pam_permit.so", "pam_permit.so");
	login("secret");
	ck_assert(got.good);
	ck_assert_str_eq(problem(), "");
}
END_TEST

START_TEST(takes_too_long)
{
	say("pam_permit.so", "pam_permit.so");
	use("timeout = 2s");
	backend_check(auth, STR("joe@example.org"), STR("secret"), on_check, NULL);
	double_advance(2000); /* nobody has looked at the thread's answer */
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.status, BACKEND_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(problem(), "no answer within 2000 ms"));
	login("secret"); /* the late answer comes to nobody */
	ck_assert_uint_eq(got.n, 2);
	ck_assert(got.good);
}
END_TEST

START_TEST(storage_is_away)
{
	say("pam_permit.so", "pam_permit.so");
	use("timeout = 20s");
	double_store.silent = true;
	backend_check(auth, STR("joe@example.org"), STR("secret"), on_check, NULL);
	ck_assert(double_wait());
	double_advance(5000);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.status, BACKEND_UNAVAILABLE);
	ck_assert_str_eq(problem(), ""); /* it is not PAM's fault */
}
END_TEST

START_TEST(cancelled)
{
	struct backend_call *c;

	say("pam_permit.so", "pam_permit.so");
	use("");
	c = backend_check(auth, STR("joe@example.org"), STR("secret"), on_check, NULL);
	backend_cancel(c);
	say("pam_deny.so", "pam_permit.so");
	login("other");
	ck_assert_uint_eq(got.n, 1);
	ck_assert(!got.good);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
}
END_TEST

/* What the client called itself cannot be an address: the other system is not asked. */
START_TEST(impossible_name)
{
	static const char *const names[] = {"a b@example.org", "a@b@example.org", "@example.org"};

	say("pam_permit.so", "pam_permit.so");
	use("");
	backend_check(auth, str_z(names[_i]), STR("secret"), on_check, NULL);
	double_run();
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.status, BACKEND_UNKNOWN);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
}
END_TEST

START_TEST(other_domain_is_ours)
{
	say("pam_deny.so", "pam_deny.so");
	use("");
	double_account("ann@example.net", "pencil", 4096);
	backend_check(auth, STR("ann@example.net"), STR("pencil"), on_check, NULL);
	double_run();
	ck_assert_uint_eq(got.n, 1);
	ck_assert(got.good);
	ck_assert(!source_is_foreign(auth, STR("example.net")));
	ck_assert(source_has_keys(auth, STR("example.net"), SCRAM_SHA1));
	ck_assert(source_is_foreign(auth, STR("example.org")));
	ck_assert(!source_has_keys(auth, STR("example.org"), SCRAM_SHA1));
}
END_TEST

START_TEST(newer_configuration)
{
	static const struct {
		const char *text;
		bool differs;
	} newer[] = {
		{"credentials here { type = pam pam_service = test pam_directory = '%s' }", false},
		{"credentials here { type = pam pam_service = other pam_directory = '%s' }", true},
		{"credentials here { type = pam } # %s", true},
	};
	struct buf text = BUF_INIT;
	struct conf *conf;

	use("");
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		buf_clear(&text);
		buf_printf(&text, "host 'example.org' { credentials = here }\n");
		buf_printf(&text, newer[i].text, folder);
		buf_putc(&text, '\0');
		conf = parse(buf_ptr(&text));
		ck_assert_int_eq(sources_differ(auth, conf), newer[i].differs);
		conf_free(conf);
	}
	conf = parse("");
	ck_assert(sources_differ(auth, conf));
	conf_free(conf);
	buf_free(&text);
}
END_TEST

START_TEST(only_plain_is_offered)
{
	struct frame f = double_frame(MSG_AUTH_MECHANISMS);
	struct str types[] = {STR("tls-exporter")};
	struct msg_auth_mechanisms m = {
		.domain = STR("example.org"), .secure = true, .bindings = types, .nbindings = 1};
	const struct msg_auth_offer *offer;

	use("");
	offer_handle(auth, &f, &m);
	double_run();
	offer = double_reply(0)->m;
	ck_assert_uint_eq(offer->nmechanisms, 1);
	ck_assert(str_eqz(offer->mechanisms[0], "PLAIN"));
	ck_assert_uint_eq(offer->nbindings, 0);
	ck_assert(offer->elsewhere);
}
END_TEST

START_TEST(accounts_are_not_ours)
{
	struct frame f = double_frame(MSG_ACCOUNT_ADD);
	struct msg_new_account one = {.account = STR("joe@example.org"), .password = STR("secret")};
	const struct msg_failed *failed;

	use("");
	accounts_handle_add(
		auth, &f,
		&(struct msg_account_add){.accounts = &one, .naccounts = 1, .mode = (uint8_t)_i});
	double_run();
	ck_assert_uint_eq(double_reply(0)->kind, MSG_ACCOUNT_RESULT);
	ck_assert_uint_eq(((const struct msg_account_result *)double_reply(0)->m)->codes[0],
			  EOPNOTSUPP);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
	/* A user cannot end one, an operator can. */
	f = double_frame(MSG_ACCOUNT_DEL);
	f.from = DOUBLE_SM;
	accounts_handle_del(auth, &f, &(struct msg_account_del){.account = STR("joe@example.org")});
	failed = double_reply(1)->m;
	ck_assert_uint_eq(double_reply(1)->kind, MSG_FAILED);
	ck_assert_uint_eq(failed->code, EOPNOTSUPP);
	double_account("joe@example.org", "x", 4096);
	f = double_frame(MSG_ACCOUNT_DEL);
	accounts_handle_del(auth, &f, &(struct msg_account_del){.account = STR("joe@example.org")});
	double_run();
	ck_assert_uint_eq(double_reply(2)->kind, MSG_OK);
	ck_assert_uint_eq(double_rows(TABLE_ACCOUNT), 0);
}
END_TEST

#endif

/* --- stored accounts -------------------------------------------------------------------------- */

static size_t checks;
static bool last_good;

static void on_stored(void *arg, enum backend_status status, bool good)
{
	(void)arg;
	(void)status;
	checks++;
	last_good = good;
}

static bool stored(const char *password)
{
	backend_check(auth, STR("joe@example.org"), str_z(password), on_stored, NULL);
	double_run();
	return last_good;
}

START_TEST(stored_password_is_derived_once)
{
	double_account("joe@example.org", "pencil", 4096);
	ck_assert(stored("pencil"));
	ck_assert_uint_eq(double_store.works, 1);
	ck_assert(stored("pencil"));
	ck_assert_uint_eq(double_store.works, 1);
	ck_assert(!stored("Pencil"));
	ck_assert_uint_eq(double_store.works, 2);
	double_advance((uint64_t)config.password_cache);
	ck_assert(stored("pencil"));
	ck_assert_uint_eq(double_store.works, 3);
}
END_TEST

/* Whoever has changed it, here or through another instance. */
START_TEST(changed_password_ends_it)
{
	double_account("joe@example.org", "pencil", 4096);
	ck_assert(stored("pencil"));
	double_account("joe@example.org", "other", 4096);
	ck_assert(!stored("pencil"));
	ck_assert(stored("other"));
	double_remove("joe@example.org");
	ck_assert(!stored("other"));
}
END_TEST

static void setup(void)
{
	double_reset();
	auth = double_auth(&config, &common);
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	char path[64];

	auth = auth_free(auth);
	double_run();
	double_reset();
	snprintf(path, sizeof(path), "%s/test", folder);
	unlink(path);
	rmdir(folder);
}

Suite *sources_suite(void);
Suite *sources_suite(void)
{
	Suite *s = suite_create("sources");
	TCase *tc = tcase_create("sources");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, checked, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(tc, stored_password_is_derived_once);
	tcase_add_test(tc, changed_password_ends_it);
#ifdef HAVE_PAM
	tcase_add_test(tc, first_login_makes_the_account);
	tcase_add_test(tc, not_made_unless_wanted);
	tcase_add_test(tc, wrong_password);
	tcase_add_test(tc, right_but_not_allowed);
	tcase_add_test(tc, remembered_for_a_time);
	tcase_add_test(tc, never_remembered);
	tcase_add_test(tc, away_and_back);
	tcase_add_test(tc, takes_too_long);
	tcase_add_test(tc, storage_is_away);
	tcase_add_test(tc, cancelled);
	tcase_add_loop_test(tc, impossible_name, 0, 3);
	tcase_add_test(tc, other_domain_is_ours);
	tcase_add_test(tc, newer_configuration);
	tcase_add_test(tc, only_plain_is_offered);
	tcase_add_loop_test(tc, accounts_are_not_ours, 0, 3);
#endif
	suite_add_tcase(s, tc);
	return s;
}
