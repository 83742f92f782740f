/* SPDX-License-Identifier: MIT */
/* Whole exchanges against libgsasl's own client and a client of ours; what is refused and how. */
#include <check.h>
#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "auth/mech.h"
#include "base/random.h"

static const char exporter[] = "0123456789abcdef0123456789abcdef";
static const char end_point[] = "a digest of the certificate";
static const struct str advertised[] = {STR("SCRAM-SHA-256-PLUS"), STR("SCRAM-SHA-1-PLUS"),
					STR("SCRAM-SHA-256"), STR("SCRAM-SHA-1"), STR("PLAIN")};
static const struct str bindings[] = {STR("tls-exporter"), STR("tls-server-end-point")};

static const struct mech_params with_plus = {.domain = STR("example.org"),
					     .exporter = STR("0123456789abcdef0123456789abcdef"),
					     .end_point = STR("a digest of the certificate"),
					     .unique = STR("the client's Finished"),
					     .mechanisms = advertised,
					     .nmechanisms = 5,
					     .bindings = bindings,
					     .nbindings = 2,
					     .downgrade_hash = true};
static const struct mech_params without_plus = {.domain = STR("example.org"),
						.mechanisms = advertised + 2,
						.nmechanisms = 3,
						.downgrade_hash = true};

static struct mechs *mechs;
static struct mech *mech;
static struct buf out;

static void setup(void)
{
	mechs = mechs_new();
	ck_assert_ptr_nonnull(mechs);
	mech = NULL;
}

static void teardown(void)
{
	mech = mech_free(mech);
	mechs = mechs_free(mechs);
	buf_free(&out);
}

static void begin(const char *name, const struct mech_params *p)
{
	mech_free(mech);
	mech = mech_new(mechs, mech_type(str_z(name)), p);
	ck_assert_ptr_nonnull(mech);
}

static enum mech_status step(struct str in)
{
	buf_clear(&out);
	return mech_step(mech, in, &out);
}

static enum mech_status give_keys(const char *password)
{
	struct scram_keys keys = {
		.hash = mech_hash(mech), .iterations = 4096, .salt_len = 3, .salt = "abc"};

	scram_derive(str_z(password), &keys);
	mech_give_keys(mech, &keys);
	buf_clear(&out);
	return mech_resume(mech, &out);
}

static void assert_fails(enum mech_status status, enum sasl_error error)
{
	ck_assert_int_eq(status, MECH_FAILURE);
	ck_assert_msg(mech_error(mech) == error, "%s", sasl_error_name(mech_error(mech)));
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(step(STR("n,,n=u,r=x")), MECH_FAILURE); /* it has ended */
}

/* --- libgsasl's client ----------------------------------------------------------------------- */

static struct str client_step(Gsasl_session *c, struct str in, int want)
{
	static char text[4096];
	char *output = NULL;
	size_t n = 0;
	int r = gsasl_step(c, in.len ? in.ptr : "", in.len, &output, &n);

	ck_assert_msg(r == want, "%s", gsasl_strerror(r));
	ck_assert_uint_lt(n, sizeof(text));
	if (n)
		memcpy(text, output, n);
	gsasl_free(output);
	return str_n(text, n);
}

static const char *const scrams[] = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
				     "SCRAM-SHA-1"};

static void against_gsasl(const char *name, const char *password, enum mech_status want)
{
	const struct mech_type *type = mech_type(str_z(name));
	struct buf cb = BUF_INIT;
	Gsasl *gsasl;
	Gsasl_session *c;

	ck_assert_int_eq(gsasl_init(&gsasl), GSASL_OK);
	ck_assert_int_eq(gsasl_client_start(gsasl, name, &c), GSASL_OK);
	gsasl_property_set(c, GSASL_AUTHID, "User");
	gsasl_property_set(c, GSASL_PASSWORD, password);
	base64_encode(&cb, exporter, sizeof(exporter) - 1);
	if (mech_type_binds(type))
		gsasl_property_set_raw(c, GSASL_CB_TLS_EXPORTER, buf_ptr(&cb), cb.len);
	begin(name, mech_type_binds(type) ? &with_plus : &without_plus);
	ck_assert_int_eq(step(client_step(c, STR_NONE, GSASL_NEEDS_MORE)), MECH_WANT_KEYS);
	ck_assert(str_eqz(mech_account(mech), "user@example.org"));
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
	ck_assert_int_eq(step(client_step(c, buf_str(&out), GSASL_NEEDS_MORE)), want);
	if (want == MECH_SUCCESS)
		client_step(c, buf_str(&out), GSASL_OK);
	buf_free(&cb);
	gsasl_finish(c);
	gsasl_done(gsasl);
}

START_TEST(gsasl_client)
{
	against_gsasl(scrams[_i], "pencil", MECH_SUCCESS);
	against_gsasl(scrams[_i], "pencils", MECH_FAILURE);
	ck_assert_int_eq(mech_error(mech), SASL_E_NOT_AUTHORIZED);
	ck_assert(mech_guessed(mech));
}
END_TEST

/* --- our own client -------------------------------------------------------------------------- */

static void hmac(enum scram_hash h, const uint8_t *key, struct str m, uint8_t *ret)
{
	unsigned n;

	HMAC(h == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256(), key, (int)scram_hash_size(h),
	     (const uint8_t *)m.ptr, m.len, ret, &n);
}

/* ClientKey XOR ClientSignature: RFC 5802 section 3. */
static void client_proof(enum scram_hash h, const char *password, struct str message,
			 uint8_t proof[32])
{
	uint8_t salted[32], key[32], stored[32], signature[32];
	size_t size = scram_hash_size(h);

	PKCS5_PBKDF2_HMAC(password, -1, (const uint8_t *)"abc", 3, 4096,
			  h == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256(), (int)size, salted);
	hmac(h, salted, STR("Client Key"), key);
	scram_hash(h, str_n((char *)key, size), stored);
	hmac(h, stored, message, signature);
	for (size_t i = 0; i < size; i++)
		proof[i] = key[i] ^ signature[i];
}

/* The client-final-message to the server-first-message in out. */
static void client_final(const char *bare, struct str gs2_and_data, struct buf *final)
{
	struct buf message = BUF_INIT;
	struct str first = buf_str(&out), nonce;
	uint8_t proof[32];

	str_split(&first, ',', &nonce);
	buf_lit(final, "c=");
	base64_encode(final, gs2_and_data.ptr, gs2_and_data.len);
	buf_printf(final, ",%.*s", STR_ARG(nonce));
	buf_printf(&message, "%s,%.*s,%.*s", bare, STR_ARG(buf_str(&out)), STR_ARG(buf_str(final)));
	client_proof(mech_hash(mech), "pencil", buf_str(&message), proof);
	buf_lit(final, ",p=");
	base64_encode(final, proof, scram_hash_size(mech_hash(mech)));
	buf_free(&message);
}

static void bound(const char *type, const char *data, bool good)
{
	struct buf first = BUF_INIT, cb = BUF_INIT, final = BUF_INIT;

	begin(scrams[0], &with_plus);
	buf_printf(&cb, "p=%s,,", type);
	buf_printf(&first, "%.*sn=user,r=x", STR_ARG(buf_str(&cb)));
	buf_append(&cb, data, strlen(data));
	ck_assert_int_eq(step(buf_str(&first)), MECH_WANT_KEYS);
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
	client_final("n=user,r=x", buf_str(&cb), &final);
	if (good) {
		ck_assert_int_eq(step(buf_str(&final)), MECH_SUCCESS);
	} else {
		assert_fails(step(buf_str(&final)), SASL_E_NOT_AUTHORIZED);
		ck_assert(!mech_guessed(mech));
	}
	buf_free(&first);
	buf_free(&cb);
	buf_free(&final);
}

START_TEST(channel_binding)
{
	bound("tls-exporter", exporter, true);
	bound("tls-server-end-point", end_point, true);
	bound("tls-exporter", end_point, false);
	bound("tls-server-end-point", exporter, false);
	bound("tls-exporter", "", false);
	bound("tls-unique", "the client's Finished", true);
	bound("tls-unique", exporter, false);
}
END_TEST

START_TEST(binding_refused)
{
	struct mech_params p = with_plus;

	p.unique = STR_NONE;
	begin("SCRAM-SHA-256-PLUS", &p);
	assert_fails(step(STR("p=tls-unique,,n=user,r=x")), SASL_E_NOT_AUTHORIZED);
	p.end_point = STR_NONE;
	begin("SCRAM-SHA-256-PLUS", &p);
	assert_fails(step(STR("p=tls-server-end-point,,n=user,r=x")), SASL_E_NOT_AUTHORIZED);
	/* RFC 5802 section 6: the name of the mechanism and the flag must agree. */
	begin("SCRAM-SHA-256-PLUS", &with_plus);
	assert_fails(step(STR("n,,n=user,r=x")), SASL_E_MALFORMED_REQUEST);
	begin("SCRAM-SHA-256", &with_plus);
	assert_fails(step(STR("p=tls-exporter,,n=user,r=x")), SASL_E_MALFORMED_REQUEST);
}
END_TEST

START_TEST(downgrade)
{
	begin("SCRAM-SHA-256", &with_plus);
	assert_fails(step(STR("y,,n=user,r=x")), SASL_E_NOT_AUTHORIZED);
	ck_assert(!mech_guessed(mech));
	begin("SCRAM-SHA-256", &without_plus);
	ck_assert_int_eq(step(STR("y,,n=user,r=x")), MECH_WANT_KEYS);
	begin("SCRAM-SHA-256", &with_plus);
	ck_assert_int_eq(step(STR("n,,n=user,r=x")), MECH_WANT_KEYS);
}
END_TEST

static bool ends_with(struct str s, struct str end)
{
	return s.len >= end.len && str_eq(str_n(s.ptr + s.len - end.len, end.len), end);
}

START_TEST(downgrade_hash)
{
	struct mech_params p = with_plus;
	struct buf want = BUF_INIT;

	buf_lit(&want, ",i=4096,h=");
	scram_downgrade_hash(SCRAM_SHA256, advertised, 5, bindings, 2, &want);
	begin("SCRAM-SHA-256", &p);
	step(STR("n,,n=user,r=x"));
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
	ck_assert(ends_with(buf_str(&out), buf_str(&want)));
	p.downgrade_hash = false;
	begin("SCRAM-SHA-256", &p);
	step(STR("n,,n=user,r=x"));
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
	ck_assert(ends_with(buf_str(&out), STR(",i=4096")));
	buf_free(&want);
}
END_TEST

static const struct {
	const char *first;
	bool good;
} authzids[] = {
	{"n,a=user@example.org,n=user,r=x", true},
	{"n,a=User@EXAMPLE.org,n=uSER,r=x", true},
	{"n,a=other@example.org,n=user,r=x", false},
	{"n,a=user@example.net,n=user,r=x", false},
	{"n,a=user@example.org/res,n=user,r=x", false},
	{"n,a=user,n=user,r=x", false},
	{"n,a=@,n=user,r=x", false},
	{"n,a=a@b@example.org,n=a@b,r=x", false},
};

START_TEST(scram_authzid)
{
	begin("SCRAM-SHA-1", &without_plus);
	if (authzids[_i].good)
		ck_assert_int_eq(step(str_z(authzids[_i].first)), MECH_WANT_KEYS);
	else
		assert_fails(step(str_z(authzids[_i].first)), SASL_E_INVALID_AUTHZID);
}
END_TEST

START_TEST(impossible_names)
{
	begin("SCRAM-SHA-1", &without_plus);
	ck_assert_int_eq(step(STR("n,,n=a@b,r=x")), MECH_WANT_KEYS);
	ck_assert(!mech_account_valid(mech));
	ck_assert(str_eqz(mech_account(mech), "a@b@example.org"));
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
}
END_TEST

START_TEST(scram_final_refused)
{
	static const struct {
		struct str final;
		enum sasl_error error;
	} table[] = {
		{STR(""), SASL_E_MALFORMED_REQUEST},
		{STR("c=biws,r=x,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA="), SASL_E_NOT_AUTHORIZED},
		{STR("c=biws,p=AAAA"), SASL_E_MALFORMED_REQUEST},
	};

	begin("SCRAM-SHA-1", &without_plus);
	step(STR("n,,n=user,r=x"));
	ck_assert_int_eq(give_keys("pencil"), MECH_CHALLENGE);
	assert_fails(step(table[_i].final), table[_i].error);
	ck_assert(!mech_guessed(mech));
}
END_TEST

START_TEST(long_messages)
{
	struct buf b = BUF_INIT;

	buf_lit(&b, "n,,n=user,r=");
	for (int i = 0; i < 513; i++)
		buf_putc(&b, 'x');
	begin("SCRAM-SHA-1", &without_plus);
	assert_fails(step(buf_str(&b)), SASL_E_MALFORMED_REQUEST);
	while (b.len <= SCRAM_MAX_MESSAGE)
		buf_putc(&b, 'x');
	begin("SCRAM-SHA-1", &without_plus);
	assert_fails(step(buf_str(&b)), SASL_E_MALFORMED_REQUEST);
	buf_free(&b);
}
END_TEST

/* --- PLAIN ----------------------------------------------------------------------------------- */

static const struct {
	struct str message;
	const char *account; /* NULL: fails */
	const char *password;
	enum sasl_error error;
} plains[] = {
	{STR("\0user\0pencil"), "user@example.org", "pencil", 0},
	{STR("User@example.org\0User\0p\xf0\x9f\x98\x80"), "user@example.org", "p\xf0\x9f\x98\x80",
	 0},
	/* SASLprep: a soft hyphen goes, a no-break space becomes one, ª becomes a. */
	{STR("\0user\0I\xc2\xadX\xc2\xa0\xc2\xaa"), "user@example.org", "IX a", 0},
	{STR(""), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0\0"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0\0\0"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("user\0pencil"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0user\0"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0\0pencil"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0user\0pen\0cil"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0user\0pencil\0"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0user\0\xff"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("\0\xc0\x80\0pencil"), NULL, NULL, SASL_E_MALFORMED_REQUEST},
	{STR("other@example.org\0user\0pencil"), NULL, NULL, SASL_E_INVALID_AUTHZID},
	{STR("user\0user\0pencil"), NULL, NULL, SASL_E_INVALID_AUTHZID},
};

START_TEST(plain)
{
	begin("PLAIN", &with_plus);
	if (!plains[_i].account) {
		assert_fails(step(plains[_i].message), plains[_i].error);
		return;
	}
	ck_assert_int_eq(step(plains[_i].message), MECH_WANT_CHECK);
	ck_assert(str_eqz(mech_account(mech), plains[_i].account));
	ck_assert(str_eqz(mech_password(mech), plains[_i].password));
	mech_give_check(mech, true);
	ck_assert_int_eq(mech_resume(mech, &out), MECH_SUCCESS);
	begin("PLAIN", &with_plus);
	step(plains[_i].message);
	mech_give_check(mech, false);
	assert_fails(mech_resume(mech, &out), SASL_E_NOT_AUTHORIZED);
	ck_assert(mech_guessed(mech));
}
END_TEST

START_TEST(plain_too_long)
{
	struct buf b = BUF_INIT;

	buf_append(&b, "\0user\0", 6);
	for (int i = 0; i < MECH_MAX_PASSWORD; i++)
		buf_putc(&b, 'x');
	begin("PLAIN", &with_plus);
	ck_assert_int_eq(step(buf_str(&b)), MECH_WANT_CHECK);
	buf_putc(&b, 'x');
	begin("PLAIN", &with_plus);
	assert_fails(step(buf_str(&b)), SASL_E_MALFORMED_REQUEST);
	buf_clear(&b);
	buf_putc(&b, '\0');
	for (int i = 0; i < 1024; i++)
		buf_putc(&b, 'x');
	buf_append(&b, "\0pencil", 7);
	begin("PLAIN", &with_plus);
	assert_fails(step(buf_str(&b)), SASL_E_MALFORMED_REQUEST);
	buf_free(&b);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *mech_suite(void);
Suite *mech_suite(void)
{
	Suite *s = suite_create("mech");
	TCase *tc = tcase_create("mech");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, gsasl_client, 0, COUNT(scrams));
	tcase_add_test(tc, channel_binding);
	tcase_add_test(tc, binding_refused);
	tcase_add_test(tc, downgrade);
	tcase_add_test(tc, downgrade_hash);
	tcase_add_loop_test(tc, scram_authzid, 0, COUNT(authzids));
	tcase_add_test(tc, impossible_names);
	tcase_add_loop_test(tc, scram_final_refused, 0, 3);
	tcase_add_test(tc, long_messages);
	tcase_add_loop_test(tc, plain, 0, COUNT(plains));
	tcase_add_test(tc, plain_too_long);
	suite_add_tcase(s, tc);
	return s;
}
