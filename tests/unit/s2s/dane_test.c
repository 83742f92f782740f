/* SPDX-License-Identifier: MIT */
/* Tests of certificates that TLSA records vouch for: handshakes in memory. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "s2s/dane.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/s2s/s2s_tests.h"

static char *dir;
static SSL_CTX *server_ctx, *client_ctx;
static X509 *cert;
static unsigned char spki_hash[32], cert_hash[32];

static int any(int ok, X509_STORE_CTX *x)
{
	return 1; /* looked at after the handshake */
}

static X509 *load(const char *file)
{
	FILE *f = fopen(file, "r");
	X509 *x;

	ck_assert_ptr_nonnull(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	ck_assert_ptr_nonnull(x);
	return x;
}

static void setup(void)
{
	unsigned char *der = NULL;
	char *crt, *key;
	unsigned n;
	int len;

	dir = temp_dir();
	cert_make(dir, "xmpp.example.org", CERT_EC);
	crt = path_in(dir, "xmpp.example.org.crt");
	key = path_in(dir, "xmpp.example.org.key");
	server_ctx = SSL_CTX_new(TLS_server_method());
	ck_assert_int_eq(SSL_CTX_use_certificate_file(server_ctx, crt, SSL_FILETYPE_PEM), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(server_ctx, key, SSL_FILETYPE_PEM), 1);
	client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, any);
	ck_assert_int_eq(dane_enable(client_ctx), 0);
	cert = load(crt);
	X509_digest(cert, EVP_sha256(), cert_hash, &n);
	/* The digest of the whole SubjectPublicKeyInfo, as RFC 6698 wants it. */
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	EVP_Digest(der, (size_t)len, spki_hash, &n, EVP_sha256(), NULL);
	OPENSSL_free(der);
	free(crt);
	free(key);
}

static void teardown(void)
{
	X509_free(cert);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	temp_dir_remove(dir);
}

static void connect_both(SSL *s, SSL *c)
{
	BIO *one, *two;

	BIO_new_bio_pair(&one, 0, &two, 0);
	SSL_set_bio(s, one, one);
	SSL_set_bio(c, two, two);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	for (int i = 0; i < 10; i++) {
		SSL_do_handshake(c);
		SSL_do_handshake(s);
	}
	ck_assert(SSL_is_init_finished(c));
}

static enum dane_verdict verdict(const struct dns_tlsa *t, size_t n, size_t want_usable)
{
	SSL *s = SSL_new(server_ctx), *c = SSL_new(client_ctx);
	enum dane_verdict v;
	size_t usable = dane_prepare(c, "xmpp.example.org", "example.org", t, n);

	ck_assert_uint_eq(usable, want_usable);
	connect_both(s, c);
	v = dane_check(c, usable);
	SSL_free(s);
	SSL_free(c);
	return v;
}

static struct dns_tlsa record(int usage, int selector, int matching, const void *p, size_t n)
{
	return (struct dns_tlsa){(uint8_t)usage, (uint8_t)selector, (uint8_t)matching, {p, n}};
}

START_TEST(end_entity)
{
	struct dns_tlsa key = record(3, 1, 1, spki_hash, 32),
			  whole = record(3, 0, 1, cert_hash, 32);

	ck_assert_int_eq(verdict(&key, 1, 1), DANE_MATCH);
	ck_assert_int_eq(verdict(&whole, 1, 1), DANE_MATCH);
}
END_TEST

START_TEST(one_of_several)
{
	unsigned char wrong[32] = {1};
	struct dns_tlsa list[] = {record(3, 1, 1, wrong, 32), record(3, 1, 1, spki_hash, 32)};

	ck_assert_int_eq(verdict(list, 2, 2), DANE_MATCH);
}
END_TEST

START_TEST(wrong_key)
{
	unsigned char wrong[32] = {1};
	struct dns_tlsa t = record(3, 1, 1, wrong, 32);

	ck_assert_int_eq(verdict(&t, 1, 1), DANE_MISMATCH);
}
END_TEST

START_TEST(unusable)
{
	struct dns_tlsa list[] = {record(9, 1, 1, spki_hash, 32), record(3, 1, 1, spki_hash, 5)};

	ck_assert_int_eq(verdict(list, 2, 0), DANE_NONE);
	ck_assert_int_eq(verdict(NULL, 0, 0), DANE_NONE);
}
END_TEST

/* Afterwards, for one that connected to us. */
START_TEST(shown)
{
	SSL *s = SSL_new(server_ctx), *c = SSL_new(client_ctx);
	unsigned char wrong[32] = {1};
	const struct {
		struct dns_tlsa t;
		bool good;
	} cases[] = {
		{record(3, 1, 1, spki_hash, 32), true},	 {record(3, 0, 1, cert_hash, 32), true},
		{record(3, 1, 1, wrong, 32), false},	 {record(9, 1, 1, spki_hash, 32), false},
		{record(1, 1, 1, spki_hash, 32), false}, /* and no authority for it */
	};
	struct dns_tlsa both[] = {cases[2].t, cases[0].t};

	connect_both(s, c);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_int_eq(
			dane_leads_to(c, "xmpp.example.org", "example.org", &cases[i].t, 1),
			cases[i].good);
	ck_assert(dane_leads_to(c, "xmpp.example.org", "example.org", both, 2));
	/* With usage 3 names do not matter; a side that has shown nothing is led to by nothing. */
	ck_assert(dane_leads_to(c, "elsewhere.example", "other.example", both, 2));
	ck_assert(!dane_leads_to(s, "xmpp.example.org", "example.org", both, 2));
	ck_assert(!dane_leads_to(c, "xmpp.example.org", "example.org", NULL, 0));
	SSL_free(s);
	SSL_free(c);
}
END_TEST

Suite *dane_suite(void)
{
	Suite *s = suite_create("dane");
	TCase *tc = tcase_create("dane");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, end_entity);
	tcase_add_test(tc, one_of_several);
	tcase_add_test(tc, wrong_key);
	tcase_add_test(tc, unusable);
	tcase_add_test(tc, shown);
	suite_add_tcase(s, tc);
	return s;
}
