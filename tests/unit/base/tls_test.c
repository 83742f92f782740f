/* SPDX-License-Identifier: MIT */
/* Tests of the certificate store: what is refused, chosen, swapped; channel bindings. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/random.h"
#include "base/tls.h"
#include "tests/unit/base/base_tests.h"

static char *dir, *ca;
static struct tls_store *server, *client;

static void add(struct tls_store *s, const char *domain, const char *cert)
{
	char *crt = xasprintf("%s/%s.crt", dir, cert), *key = xasprintf("%s/%s.key", dir, cert);
	char *error = NULL;

	ck_assert_msg(tls_store_add(s, domain, crt, key, &error) == 0, "%s", error);
	free(crt);
	free(key);
}

static struct tls_store *store(const struct tls_options *o)
{
	char *error = NULL;
	struct tls_store *s = tls_store_new(o, &error);

	ck_assert_msg(s != NULL, "%s", error);
	return s;
}

static void setup(void)
{
	static const char *const alpn[] = {"xmpp-client", NULL};

	dir = temp_dir();
	ca = path_in(dir, "a.example.crt");
	cert_make(dir, "a.example", CERT_EC);
	cert_make(dir, "b.example", CERT_RSA_SHA384);
	server = store(&(struct tls_options){.alpn = alpn});
	client = store(&(struct tls_options){.ca_file = ca, .alpn = alpn});
}

static void teardown(void)
{
	tls_store_free(server);
	tls_store_free(client);
	temp_dir_remove(dir);
	free(ca);
}

/* Runs a handshake in memory; the result of each side. */
static void shake(SSL *s, SSL *c, int *ret_s, int *ret_c)
{
	BIO *s_end, *c_end;

	ck_assert_int_eq(BIO_new_bio_pair(&s_end, 0, &c_end, 0), 1);
	SSL_set_bio(s, s_end, s_end);
	SSL_set_bio(c, c_end, c_end);
	for (int i = 0; i < 10; i++) {
		*ret_c = SSL_do_handshake(c);
		*ret_s = SSL_do_handshake(s);
		if ((*ret_c == 1 && *ret_s == 1) ||
		    SSL_get_error(c, *ret_c) == SSL_ERROR_SSL ||
		    SSL_get_error(s, *ret_s) == SSL_ERROR_SSL)
			break;
	}
}

static bool connects(SSL *s, SSL *c)
{
	int rs, rc;

	shake(s, c, &rs, &rc);
	return rs == 1 && rc == 1;
}

static void peer_name(SSL *c, char *ret, int size)
{
	X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(c)),
				  NID_commonName, ret, size);
}

START_TEST(test_sni)
{
	char name[64];
	SSL *s, *c;

	ck_assert_ptr_null(tls_server_new(server, STR("")));
	add(server, "A.example", "a.example");
	add(server, "b.example", "b.example");
	ck_assert(tls_store_has(server, STR("a.EXAMPLE")));
	ck_assert(!tls_store_has(server, STR("c.example")));
	/* SNI wins over the connection's domain; without it that domain holds, else the first. */
	for (int i = 0; i < 3; i++) {
		s = tls_server_new(server, i == 2 ? STR("") : STR("b.example"));
		c = tls_client_new(client, STR(""));
		SSL_set_verify(c, SSL_VERIFY_NONE, NULL);
		if (i == 0)
			SSL_set_tlsext_host_name(c, "a.example");
		ck_assert(connects(s, c));
		peer_name(c, name, sizeof(name));
		ck_assert_str_eq(name, i == 1 ? "b.example" : "a.example");
		SSL_free(s);
		SSL_free(c);
	}
}
END_TEST

START_TEST(test_verification)
{
	SSL *s, *c;

	add(server, "a.example", "a.example");
	s = tls_server_new(server, STR("a.example"));
	c = tls_client_new(client, STR("a.example"));
	ck_assert(connects(s, c));
	ck_assert_int_eq(SSL_version(c), TLS1_3_VERSION);
	SSL_free(s);
	SSL_free(c);
	/* Trusted, but not for this name. */
	s = tls_server_new(server, STR("a.example"));
	c = tls_client_new(client, STR("other.example"));
	ck_assert(!connects(s, c));
	ck_assert_int_eq(SSL_get_verify_result(c), X509_V_ERR_HOSTNAME_MISMATCH);
	SSL_free(s);
	SSL_free(c);
	/* Its name, but nobody vouches. */
	add(server, "a.example", "b.example");
	s = tls_server_new(server, STR("a.example"));
	c = tls_client_new(client, STR("b.example"));
	ck_assert(!connects(s, c));
	SSL_free(s);
	SSL_free(c);
}
END_TEST

START_TEST(test_client_certificate)
{
	struct tls_store *strict =
		store(&(struct tls_options){.ca_file = ca, .verify_peer = true, .min_version = "1.3"});
	SSL *s, *c;
	char one;

	add(strict, "a.example", "a.example");
	s = tls_server_new(strict, STR(""));
	c = tls_client_new(client, STR("a.example"));
	/* With TLS 1.3 the client learns of the refusal after its own handshake. */
	ck_assert(!connects(s, c) || SSL_read(s, &one, 1) < 0);
	ck_assert(!SSL_is_init_finished(s));
	SSL_free(s);
	SSL_free(c);
	s = tls_server_new(strict, STR(""));
	c = tls_client_new(strict, STR("a.example"));
	ck_assert(connects(s, c));
	ck_assert_ptr_nonnull(SSL_get0_peer_certificate(s));
	SSL_free(s);
	SSL_free(c);
	tls_store_free(strict);
}
END_TEST

START_TEST(test_alpn)
{
	const unsigned char *chosen;
	unsigned len;
	SSL *s, *c;

	add(server, "a.example", "a.example");
	s = tls_server_new(server, STR(""));
	c = tls_client_new(client, STR("a.example"));
	ck_assert(connects(s, c));
	SSL_get0_alpn_selected(c, &chosen, &len);
	assert_str(str_n((const char *)chosen, len), "xmpp-client");
	SSL_free(s);
	SSL_free(c);
	/* Other names only: refused. None at all: taken. */
	for (int i = 0; i < 2; i++) {
		s = tls_server_new(server, STR(""));
		c = tls_client_new(client, STR("a.example"));
		SSL_set_alpn_protos(c, (const unsigned char *)"\x02h2", i ? 0 : 3);
		ck_assert(connects(s, c) == (i == 1));
		SSL_free(s);
		SSL_free(c);
	}
}
END_TEST

START_TEST(test_old_versions_refused)
{
	struct tls_store *strict = store(&(struct tls_options){.min_version = "1.3"});
	SSL *s, *c;

	add(server, "a.example", "a.example");
	add(strict, "a.example", "a.example");
	s = tls_server_new(strict, STR(""));
	c = tls_client_new(client, STR("a.example"));
	SSL_set_max_proto_version(c, TLS1_2_VERSION);
	ck_assert(!connects(s, c));
	SSL_free(s);
	SSL_free(c);
	s = tls_server_new(server, STR(""));
	c = tls_client_new(client, STR("a.example"));
	SSL_set_max_proto_version(c, TLS1_2_VERSION);
	ck_assert(connects(s, c));
	ck_assert_int_eq(SSL_version(s), TLS1_2_VERSION);
	SSL_free(s);
	SSL_free(c);
	tls_store_free(strict);
}
END_TEST

START_TEST(test_no_tickets)
{
	SSL *s, *c;
	char one;

	add(server, "a.example", "a.example");
	s = tls_server_new(server, STR(""));
	c = tls_client_new(client, STR("a.example"));
	ck_assert(connects(s, c));
	ck_assert_int_eq(SSL_read(c, &one, 1), -1);
	ck_assert(!SSL_SESSION_has_ticket(SSL_get_session(c)));
	ck_assert(SSL_get_options(s) & SSL_OP_NO_RENEGOTIATION);
	ck_assert(SSL_get_options(s) & SSL_OP_NO_COMPRESSION);
	ck_assert_uint_eq(SSL_get_max_early_data(s), 0);
	ck_assert(SSL_get_mode(s) & SSL_MODE_RELEASE_BUFFERS);
	SSL_free(s);
	SSL_free(c);
}
END_TEST

static void refused(const char *crt, const char *key, int err, const char *want)
{
	char *c = path_in(dir, crt), *k = path_in(dir, key), *error = NULL;
	char *full = xasprintf("%s/%s", dir, want);

	ck_assert_int_eq(tls_store_add(server, "a.example", c, k, &error), err);
	ck_assert_msg(strncmp(error, full, strlen(full)) == 0, "%s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
	free(c);
	free(k);
	free(error);
	free(full);
}

START_TEST(test_bad_files)
{
	char *junk = path_in(dir, "junk");

	file_write(junk, "no certificate\n");
	refused("none.crt", "a.example.key", -ENOENT, "none.crt: No such file or directory");
	refused("a.example.crt", "none.key", -ENOENT, "none.key: No such file or directory");
	refused("junk", "a.example.key", -EINVAL, "junk: ");
	refused("a.example.crt", "junk", -EINVAL, "junk: ");
	refused("a.example.crt", "b.example.key", -EINVAL,
		"b.example.key: the key does not belong to the certificate in ");
	ck_assert(!tls_store_has(server, STR("a.example")));
	free(junk);
}
END_TEST

START_TEST(test_encrypted_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *path = path_in(dir, "locked.key");
	FILE *f = fopen(path, "w");

	PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	fclose(f);
	EVP_PKEY_free(key);
	/* Asks nobody on the terminal. */
	refused("a.example.crt", "locked.key", -EINVAL, "locked.key: ");
	free(path);
}
END_TEST

START_TEST(test_bad_options)
{
	static const char *const alpn[] = {"", NULL};
	char *error = NULL;

	ck_assert_ptr_null(tls_store_new(&(struct tls_options){.min_version = "1.1"}, &error));
	ck_assert_str_eq(error, "TLS version \"1.1\" is neither 1.2 nor 1.3");
	free(error);
	ck_assert_ptr_null(tls_store_new(&(struct tls_options){.ciphers = "FROB"}, &error));
	ck_assert_str_eq(error, "no cipher matches \"FROB\"");
	free(error);
	ck_assert_ptr_null(tls_store_new(&(struct tls_options){.ca_file = "/nonexistent"}, &error));
	ck_assert_str_eq(error, "/nonexistent: No such file or directory");
	free(error);
	ck_assert_ptr_null(tls_store_new(&(struct tls_options){.alpn = alpn}, &error));
	free(error);
}
END_TEST

static int failures;

static void on_failed(void *arg, const char *error)
{
	failures++;
}

static void rename_to(const char *from, const char *to)
{
	char *f = path_in(dir, from), *t = path_in(dir, to);

	ck_assert_int_eq(rename(f, t), 0);
	free(f);
	free(t);
}

START_TEST(test_reload)
{
	char name[64];
	SSL *live, *s, *c;

	add(server, "a.example", "a.example");
	live = tls_server_new(server, STR("a.example"));
	ck_assert_int_eq(tls_store_reload(server, on_failed, NULL), 0);
	/* The certificate came, its key not yet: what was there stays, and is told. */
	rename_to("b.example.crt", "a.example.crt");
	ck_assert_int_eq(tls_store_reload(server, on_failed, NULL), 0);
	ck_assert_int_eq(failures, 1);
	ck_assert(tls_store_has(server, STR("a.example")));
	rename_to("b.example.key", "a.example.key");
	ck_assert_int_eq(tls_store_reload(server, on_failed, NULL), 1);
	ck_assert_int_eq(failures, 1);
	ck_assert_int_eq(tls_store_reload(server, on_failed, NULL), 0);
	s = tls_server_new(server, STR("a.example"));
	c = tls_client_new(client, STR(""));
	SSL_set_verify(c, SSL_VERIFY_NONE, NULL);
	ck_assert(connects(s, c));
	peer_name(c, name, sizeof(name));
	ck_assert_str_eq(name, "b.example");
	SSL_free(s);
	SSL_free(c);
	/* The connection from before keeps its certificate. */
	c = tls_client_new(client, STR(""));
	SSL_set_verify(c, SSL_VERIFY_NONE, NULL);
	ck_assert(connects(live, c));
	peer_name(c, name, sizeof(name));
	ck_assert_str_eq(name, "a.example");
	SSL_free(live);
	SSL_free(c);
}
END_TEST

static const struct {
	enum cert_kind kind;
	size_t len; /* of the hash, 0: none is defined */
} end_points[] = {
	{CERT_EC, 32}, {CERT_RSA_SHA1, 32}, {CERT_RSA_SHA384, 48}, {CERT_ED25519, 0}};

START_TEST(test_end_point)
{
	struct buf ours = BUF_INIT, theirs = BUF_INIT;
	unsigned char want[EVP_MAX_MD_SIZE];
	SSL *s, *c;
	int r;

	cert_make(dir, "x.example", end_points[_i].kind);
	add(server, "x.example", "x.example");
	s = tls_server_new(server, STR(""));
	c = tls_client_new(client, STR(""));
	SSL_set_verify(c, SSL_VERIFY_NONE, NULL);
	/* OpenSSL's level 2 forbids SHA-1 in what it verifies, not in what it shows. */
	ck_assert(connects(s, c));
	r = tls_server_end_point(s, &ours);
	ck_assert_int_eq(r, end_points[_i].len ? 0 : -ENOTSUP);
	ck_assert_int_eq(tls_server_end_point(c, &theirs), r);
	ck_assert_uint_eq(ours.len, end_points[_i].len);
	ck_assert(str_eq(buf_str(&ours), buf_str(&theirs)));
	if (ours.len) {
		ck_assert_int_eq(X509_digest(SSL_get0_peer_certificate(c),
					     ours.len == 48 ? EVP_sha384() : EVP_sha256(), want,
					     NULL),
				 1);
		ck_assert_int_eq(memcmp(want, buf_ptr(&ours), ours.len), 0);
	}
	buf_free(&ours);
	buf_free(&theirs);
	SSL_free(s);
	SSL_free(c);
}
END_TEST

/* 0: TLS 1.3; 1: TLS 1.2; 2: TLS 1.2 without the extended master secret; 3: no handshake yet */
START_TEST(test_exporter)
{
	struct buf ours = BUF_INIT, theirs = BUF_INIT;
	SSL *s, *c;

	add(server, "a.example", "a.example");
	s = tls_server_new(server, STR(""));
	c = tls_client_new(client, STR("a.example"));
	if (_i == 1 || _i == 2)
		SSL_set_max_proto_version(c, TLS1_2_VERSION);
	if (_i == 2)
		SSL_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	if (_i == 3) {
		ck_assert_int_eq(tls_exporter(s, &ours), -ENOTSUP);
	} else {
		ck_assert(connects(s, c));
		ck_assert_int_eq(tls_exporter(s, &ours), _i == 2 ? -ENOTSUP : 0);
		ck_assert_int_eq(tls_exporter(c, &theirs), _i == 2 ? -ENOTSUP : 0);
	}
	ck_assert_uint_eq(ours.len, _i < 2 ? 32 : 0);
	ck_assert(str_eq(buf_str(&ours), buf_str(&theirs)));
	buf_free(&ours);
	buf_free(&theirs);
	SSL_free(s);
	SSL_free(c);
}
END_TEST

Suite *tls_suite(void)
{
	Suite *s = suite_create("tls");
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_sni);
	tcase_add_test(tc, test_verification);
	tcase_add_test(tc, test_client_certificate);
	tcase_add_test(tc, test_alpn);
	tcase_add_test(tc, test_old_versions_refused);
	tcase_add_test(tc, test_no_tickets);
	tcase_add_test(tc, test_bad_files);
	tcase_add_test(tc, test_encrypted_key);
	tcase_add_test(tc, test_bad_options);
	tcase_add_test(tc, test_reload);
	tcase_add_loop_test(tc, test_end_point, 0, 4);
	tcase_add_loop_test(tc, test_exporter, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
