/* SPDX-License-Identifier: MIT */
/* SCRAM messages: the RFCs' examples, and what must not be taken. */
#include <check.h>
#include <errno.h>
#include "auth/scram.h"
#include "base/random.h"

static const struct example {
	enum scram_hash hash;
	const char *client_nonce, *server_nonce, *salt;
	const char *client_first, *server_first, *client_final, *server_final;
} examples[] = {
	/* RFC 5802 section 5 */
	{SCRAM_SHA1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
	 "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	 "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	 "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	 "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
	/* RFC 7677 section 3 */
	{SCRAM_SHA256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	 "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	 "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	 "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	 "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static void assert_str(struct str have, const char *want)
{
	ck_assert_msg(str_eqz(have, want), "'%.*s' is not '%s'", STR_ARG(have), want);
}

START_TEST(rfc_examples)
{
	const struct example *e = &examples[_i];
	struct scram_keys keys = {.hash = e->hash, .iterations = 4096};
	struct buf salt = BUF_INIT, out = BUF_INIT, message = BUF_INIT;
	struct scram_first first = {0};
	struct scram_final final = {0};

	ck_assert_int_eq(base64_decode(&salt, str_z(e->salt)), 0);
	memcpy(keys.salt, buf_ptr(&salt), salt.len);
	keys.salt_len = salt.len;
	scram_derive(STR("pencil"), &keys);

	ck_assert_int_eq(scram_first_parse(str_z(e->client_first), &first), 0);
	ck_assert_int_eq(first.flag, 'n');
	assert_str(buf_str(&first.username), "user");
	assert_str(first.nonce, e->client_nonce);
	assert_str(first.gs2, "n,,");
	scram_server_first(first.nonce, str_z(e->server_nonce), &keys, STR_NONE, &out);
	assert_str(buf_str(&out), e->server_first);

	buf_printf(&message, "%.*s,%s,", STR_ARG(first.bare), e->server_first);
	ck_assert_int_eq(scram_final_parse(str_z(e->client_final), &final), 0);
	assert_str(buf_str(&final.binding), "n,,");
	buf_str_append(&message, final.unproven);
	buf_clear(&out);
	ck_assert(scram_verify(&keys, buf_str(&message), &final, &out));
	assert_str(buf_str(&out), e->server_final);
	final.proof[0] ^= 1;
	ck_assert(!scram_verify(&keys, buf_str(&message), &final, &out));
	final.proof[0] ^= 1;
	final.proof_len--;
	ck_assert(!scram_verify(&keys, buf_str(&message), &final, &out));
	assert_str(buf_str(&out), e->server_final);

	scram_first_free(&first);
	scram_final_free(&final);
	buf_free(&salt);
	buf_free(&out);
	buf_free(&message);
}
END_TEST

static const struct {
	const char *message;
	char flag;
	const char *binding, *authzid, *username, *nonce, *gs2;
} firsts[] = {
	{"y,,n=u,r=x", 'y', "", "", "u", "x", "y,,"},
	{"p=tls-exporter,,n=u,r=x", 'p', "tls-exporter", "", "u", "x", "p=tls-exporter,,"},
	{"n,a=a=2Cb=3D@c,n=d=3De=2C,r=!~", 'n', "", "a,b=@c", "d=e,", "!~", "n,a=a=2Cb=3D@c,"},
	{"n,,n=u,r=x,t=1,z==,q=y=z", 'n', "", "", "u", "x", "n,,"},
	{"n,,n=\xf0\x9f\x98\x80,r=x", 'n', "", "", "\xf0\x9f\x98\x80", "x", "n,,"},
};

START_TEST(good_first)
{
	struct scram_first f = {0};

	ck_assert_int_eq(scram_first_parse(str_z(firsts[_i].message), &f), 0);
	ck_assert_int_eq(f.flag, firsts[_i].flag);
	assert_str(f.binding, firsts[_i].binding);
	assert_str(buf_str(&f.authzid), firsts[_i].authzid);
	assert_str(buf_str(&f.username), firsts[_i].username);
	assert_str(f.nonce, firsts[_i].nonce);
	assert_str(f.gs2, firsts[_i].gs2);
	scram_first_free(&f);
}
END_TEST

static const struct {
	struct str message;
	int error;
} bad_firsts[] = {
	{STR(""), -EINVAL},
	{STR(","), -EINVAL},
	{STR(",,"), -EINVAL},
	{STR("n"), -EINVAL},
	{STR("n,"), -EINVAL},
	{STR("n,,"), -EINVAL},
	{STR("x,,n=u,r=x"), -EINVAL},
	{STR("N,,n=u,r=x"), -EINVAL},
	{STR("nn,,n=u,r=x"), -EINVAL},
	{STR("n=,,n=u,r=x"), -EINVAL},
	{STR("p,,n=u,r=x"), -EINVAL},
	{STR("p=,,n=u,r=x"), -EINVAL},
	{STR("p=a b,,n=u,r=x"), -EINVAL},
	{STR("n,a,n=u,r=x"), -EINVAL},
	{STR("n,a=,n=u,r=x"), -EINVAL},
	{STR("n,b=x,n=u,r=x"), -EINVAL},
	{STR("n,a==2c,n=u,r=x"), -EINVAL},
	{STR("n,n=u,r=x"), -EINVAL},
	{STR("n,,n=,r=x"), -EINVAL},
	{STR("n,,n=u"), -EINVAL},
	{STR("n,,n=u,r="), -EINVAL},
	{STR("n,,r=x,n=u"), -EINVAL},
	{STR("n,,n=u=,r=x"), -EINVAL},
	{STR("n,,n==2,r=x"), -EINVAL},
	{STR("n,,n==41,r=x"), -EINVAL},
	{STR("n,,n==3d,r=x"), -EINVAL},
	{STR("n,,n=u,r=a b"), -EINVAL},
	{STR("n,,n=u,r=\xc3\xa4"), -EINVAL},
	{STR("n,,n=u,r=x,"), -EINVAL},
	{STR("n,,n=u,r=x,y"), -EINVAL},
	{STR("n,,n=u,r=x,1=y"), -EINVAL},
	{STR("n,,n=u,r=x,t="), -EINVAL},
	{STR("n,,n=u,r=x,m=y"), -EINVAL},
	{STR("n,,n=u\0v,r=x"), -EINVAL},
	{STR("n,,n=\xff,r=x"), -EINVAL},
	{STR(" n,,n=u,r=x"), -EINVAL},
	{STR("n,, n=u,r=x"), -EINVAL},
	{STR("n,,m=must,n=u,r=x"), -EOPNOTSUPP},
};

START_TEST(bad_first)
{
	struct scram_first f = {0};

	ck_assert_int_eq(scram_first_parse(bad_firsts[_i].message, &f), bad_firsts[_i].error);
	ck_assert_ptr_null(f.bare.ptr);
}
END_TEST

static const struct str bad_finals[] = {
	STR(""),
	STR(","),
	STR("p=AAAA"),
	STR("c=biws,r=x"),
	STR("c=biws,p=AAAA"),
	STR("r=x,c=biws,p=AAAA"),
	STR("c=biws,r=x,p="),
	STR("c=,r=x,p=AAAA"),
	STR("c=biws,r=x,p=AAA"),
	STR("c=biw,r=x,p=AAAA"),
	STR("c=bi!s,r=x,p=AAAA"),
	STR("c=biws,r=x,p=AAAA,"),
	STR("c=biws,r=x,p=AAAA,t=1"),
	STR("c=biws,r=x,m=1,p=AAAA"),
	STR("c=biws,r=x y,p=AAAA"),
	STR("c=biws,r=x,t,p=AAAA"),
	STR("c=biws,r=x,p=AA=A"),
	STR("c=biws\n,r=x,p=AAAA"),
	STR("c=biws,r=x,p=AAAA\0"),
	STR("c=biws,r=x,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
};

START_TEST(bad_final)
{
	struct scram_final f = {0};

	ck_assert_int_eq(scram_final_parse(bad_finals[_i], &f), -EINVAL);
	ck_assert_ptr_null(f.nonce.ptr);
}
END_TEST

START_TEST(final_with_extensions)
{
	struct scram_final f = {0};

	ck_assert_int_eq(scram_final_parse(STR("c=biws,r=x,x=p=q,p=AAAA"), &f), 0);
	assert_str(f.unproven, "c=biws,r=x,x=p=q");
	ck_assert_uint_eq(f.proof_len, 3);
	scram_final_free(&f);
}
END_TEST

START_TEST(xep_0474_example)
{
	const struct str mechanisms[] = {STR("SCRAM-SHA-1-PLUS"), STR("SCRAM-SHA-1")};
	const struct str bindings[] = {STR("tls-server-end-point"), STR("tls-exporter")};
	struct buf b = BUF_INIT, want = BUF_INIT;
	uint8_t digest[SCRAM_MAX_HASH];

	scram_downgrade_hash(SCRAM_SHA1, mechanisms, 2, bindings, 2, &b);
	assert_str(buf_str(&b), "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
	buf_clear(&b);
	/* Without channel binding types there is no delimiter either. */
	scram_downgrade_hash(SCRAM_SHA256, mechanisms, 2, NULL, 0, &b);
	scram_hash(SCRAM_SHA256, STR("SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS"), digest);
	base64_encode(&want, digest, 32);
	ck_assert(str_eq(buf_str(&b), buf_str(&want)));
	buf_free(&b);
	buf_free(&want);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *scram_suite(void);
Suite *scram_suite(void)
{
	Suite *s = suite_create("scram");
	TCase *tc = tcase_create("scram");

	tcase_add_loop_test(tc, rfc_examples, 0, COUNT(examples));
	tcase_add_loop_test(tc, good_first, 0, COUNT(firsts));
	tcase_add_loop_test(tc, bad_first, 0, COUNT(bad_firsts));
	tcase_add_loop_test(tc, bad_final, 0, COUNT(bad_finals));
	tcase_add_test(tc, final_with_extensions);
	tcase_add_test(tc, xep_0474_example);
	suite_add_tcase(s, tc);
	return s;
}
