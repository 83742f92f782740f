/* SPDX-License-Identifier: MIT */
/* Names of certificates: RFC 9525 section 6, RFC 6120 section 13.7. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "s2s/cert.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/s2s/s2s_tests.h"

/* A certificate with that subjectAltName (NULL: none) and common name. */
static X509 *make(const char *alt, const char *cn)
{
	X509 *x = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *e;

	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	if (cn)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
					   -1, 0);
	if (alt) {
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
		ck_assert_ptr_nonnull(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	EVP_PKEY_free(key);
	return x;
}

#define SRV  "otherName:1.3.6.1.5.5.7.8.7;IA5:"
#define ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

static const struct {
	const char *alt, *domain;
	bool good;
} names[] = {
	{"DNS:example.net", "example.net", true},
	{"DNS:EXAMPLE.net", "example.net", true},
	{"DNS:example.net", "www.example.net", false},
	{"DNS:example.net", "xexample.net", false},
	{"DNS:other.org,DNS:example.net", "example.net", true},
	{"DNS:*.example.net", "im.example.net", true},
	{"DNS:*.example.net", "example.net", false},
	{"DNS:*.example.net", "a.b.example.net", false},
	{"DNS:i*.example.net", "im.example.net", false},
	{"DNS:im.*.net", "im.example.net", false},
	{"DNS:*.net", "example.net", false},
	{"DNS:*", "net", false},
	{"DNS:xn--bcher-kva.example",
	 "b\xc3\xbc"
	 "cher.example",
	 true},
	{"DNS:*.xn--bcher-kva.example",
	 "im.b\xc3\xbc"
	 "cher.example",
	 true},
	{SRV "_xmpp-server.example.net", "example.net", true},
	{SRV "_XMPP-Server.Example.NET", "example.net", true},
	{SRV "_xmpp-client.example.net", "example.net", false},
	{SRV "_xmpp-server.", "example.net", false},
	{SRV "_xmpp-server.*.example.net", "im.example.net", true},
	{ADDR "example.net", "example.net", true},
	{ADDR "juliet@example.net", "example.net", false},
	{ADDR "*.example.net", "im.example.net", false},
	{ADDR "Example.NET", "example.net", true},
	{"IP:192.0.2.1", "192.0.2.1", true},
	{"IP:192.0.2.1", "192.0.2.2", false},
	{"IP:2001:db8::1", "[2001:db8::1]", true},
	{"DNS:192.0.2.1", "192.0.2.1", false},
	{"email:example.net", "example.net", false},
	{"URI:xmpp:example.net", "example.net", false},
};

START_TEST(test_names)
{
	X509 *x = make(names[_i].alt, "example.net");
	const struct cert_wanted wanted = {.domain = names[_i].domain};

	ck_assert_msg(cert_is_for(x, &wanted) == names[_i].good, "%s for %s", names[_i].alt,
		      names[_i].domain);
	X509_free(x);
}
END_TEST

/* RFC 9525 section 2: no common names. By option those of RFC 6125 section 6.4.4: only where no
 * other name of a server is there. */
START_TEST(test_common_name)
{
	struct cert_wanted wanted = {.domain = "example.net"};
	X509 *bare = make(NULL, "example.net"), *named = make("DNS:other.org", "example.net");
	X509 *mail = make("email:a@example.net", "example.net");

	ck_assert(!cert_is_for(bare, &wanted));
	wanted.common_name = true;
	ck_assert(cert_is_for(bare, &wanted));
	ck_assert(cert_is_for(mail, &wanted));
	ck_assert(!cert_is_for(named, &wanted));
	X509_free(bare);
	X509_free(named);
	X509_free(mail);
}
END_TEST

START_TEST(test_target)
{
	struct cert_wanted wanted = {.domain = "example.net", .target = "host.example.org"};
	X509 *x = make("DNS:host.example.org", NULL);

	ck_assert(cert_is_for(x, &wanted));
	wanted.target = NULL;
	ck_assert(!cert_is_for(x, &wanted));
	X509_free(x);
}
END_TEST

/* A NUL inside a name ends nothing. */
START_TEST(test_nul)
{
	ck_assert(!cert_dns_matches(str_n("example.net\0.evil.org", 21), STR("example.net")));
	ck_assert(!cert_dns_matches(STR_NONE, STR("example.net")));
	ck_assert(!cert_dns_matches(STR("*."), STR("example.net")));
}
END_TEST

START_TEST(test_shown)
{
	X509 *x = make("DNS:a.example,DNS:*.b.example," SRV "_xmpp-server.c.example", "CN");
	X509 *bare = make(NULL, "old.example");
	struct buf b = BUF_INIT;
	char until[32];

	cert_names(x, 200, &b);
	assert_str(buf_str(&b), "a.example, *.b.example, SRV:_xmpp-server.c.example");
	buf_clear(&b);
	cert_names(x, 30, &b);
	assert_str(buf_str(&b), "a.example");
	buf_clear(&b);
	cert_names(bare, 200, &b);
	assert_str(buf_str(&b), "CN=old.example");
	cert_expiry(x, until);
	ck_assert_uint_eq(strlen(until), 20);
	buf_free(&b);
	X509_free(x);
	X509_free(bare);
}
END_TEST

Suite *cert_suite(void)
{
	Suite *s = suite_create("cert");
	TCase *t = tcase_create("names");

	tcase_add_loop_test(t, test_names, 0, sizeof names / sizeof *names);
	tcase_add_test(t, test_common_name);
	tcase_add_test(t, test_target);
	tcase_add_test(t, test_nul);
	tcase_add_test(t, test_shown);
	suite_add_tcase(s, t);
	return s;
}
