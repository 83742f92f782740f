/* SPDX-License-Identifier: MIT */
/* Certificates of servers that connect to us, for which TLSA records may vouch: when they are
 * looked for, and what is offered then. */
#include "s2s/dane.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/s2s/names.h"
#include "tests/unit/s2s/s2s_tests.h"
#include "tests/unit/s2s/wire.h"

#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED	 "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SRV_OF	 "_xmpp-server._tcp." REMOTE
#define SRVS_OF	 "_xmpps-server._tcp." REMOTE
#define TLSA_OF	 "_5269._tcp.x." REMOTE

/* Another server behind TLS, with a certificate that nobody has issued. */
struct caller {
	struct wire *w;
	char *dir;
	struct end *e;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf got;
	unsigned char *der;
	size_t len;
};

static void certify(struct caller *c)
{
	char *cert, *key, *error = NULL;

	c->dir = temp_dir();
	cert_make(c->dir, OWN, CERT_EC);
	cert_make(c->dir, REMOTE, CERT_EC);
	c->w->x.tls = tls_store_new(&(struct tls_options){.ask_peer = true}, &error);
	ck_assert_msg(c->w->x.tls != NULL, "%s", error);
	cert = path_in(c->dir, OWN ".crt");
	key = path_in(c->dir, OWN ".key");
	ck_assert_int_eq(tls_store_add(c->w->x.tls, OWN, cert, key, &error), 0);
	free(cert);
	free(key);
	cert = path_in(c->dir, REMOTE ".crt");
	key = path_in(c->dir, REMOTE ".key");
	c->ctx = SSL_CTX_new(TLS_client_method());
	ck_assert_int_eq(SSL_CTX_use_certificate_file(c->ctx, cert, SSL_FILETYPE_PEM), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(c->ctx, key, SSL_FILETYPE_PEM), 1);
	free(cert);
	free(key);
	c->len = (size_t)i2d_X509(SSL_CTX_get0_certificate(c->ctx), &c->der);
}

static struct caller *caller_new(const char *config)
{
	struct caller *c = xcalloc(1, sizeof *c);

	c->w = wire_new(config);
	c->w->x.dnssec = true;
	names_begin(c->w->x.loop);
	certify(c);
	return c;
}

/* Up to our features, or the questions that they wait for. */
static void calls(struct caller *c)
{
	c->e = end_in(c->w);
	end_say(c->e, GOOD_HEAD);
	end_hears(c->e, "</stream:features>");
	end_say(c->e, STARTTLS);
	end_hears(c->e, PROCEED);
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->e->fd);
	wire_await(c->w, SSL_connect(c->ssl) == 1);
	ck_assert_int_gt(SSL_write(c->ssl, GOOD_HEAD, sizeof GOOD_HEAD - 1), 0);
}

static bool hears(struct caller *c, const char *text)
{
	char data[4096];
	int n = SSL_read(c->ssl, data, sizeof data);

	if (n > 0)
		buf_append(&c->got, data, (size_t)n);
	return c->got.len && memmem(buf_ptr(&c->got), c->got.len, text, strlen(text));
}

static void caller_free(struct caller *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	end_free(c->e);
	wire_await(c->w, !c->w->x.nstreams);
	ck_assert_uint_eq(names_waiting(), 0);
	tls_store_free(c->w->x.tls);
	temp_dir_remove(c->dir);
	OPENSSL_free(c->der);
	buf_free(&c->got);
	wire_free(c->w);
	free(c);
}

/* --- what the records say --------------------------------------------------------------------- */

enum {
	SRV_SECURE = 1,
	SRV_NONE = 2,
	SRV_DIRECT = 4,
	TLSA_SECURE = 8,
	WRONG = 16,
	SECOND = 32,
	ODD = 64
};

static const struct row {
	int records;
	bool external;
} rows[] = {
	{SRV_SECURE | TLSA_SECURE, true},
	{SRV_SECURE | TLSA_SECURE | SECOND, true}, /* of two targets, one */
	{SRV_SECURE | SRV_DIRECT | TLSA_SECURE, true},
	{SRV_NONE | SRV_SECURE | TLSA_SECURE, true}, /* the domain itself */
	{SRV_NONE | TLSA_SECURE, false},
	{TLSA_SECURE, false},
	{SRV_SECURE, false},
	{SRV_SECURE | TLSA_SECURE | WRONG, false},
	{SRV_SECURE | TLSA_SECURE | ODD, false}, /* records of no use */
	{0, false},
};

static void publish(const struct caller *c, int r)
{
	static char name[] = "x." REMOTE, other[] = "y." REMOTE;
	static const struct dns_srv srv[] = {{0, 0, 5269, other}, {0, 0, 5269, name}};
	static struct dns_tlsa tlsa;
	bool secure = r & SRV_SECURE;

	if (r & SRV_NONE)
		names_add(SRV_OF, DNS_SRV,
			  (struct dns_answer){.status = DNS_NONE, .secure = secure});
	else
		names_add(r & SRV_DIRECT ? SRVS_OF : SRV_OF, DNS_SRV,
			  (struct dns_answer){.status = DNS_FOUND,
					      .secure = secure,
					      .n = r & SECOND ? 2 : 1,
					      .srv = r & SECOND ? srv : srv + 1});
	tlsa = (struct dns_tlsa){
		r & ODD ? 9 : 3, 0, 0, {(char *)c->der, c->len - (r & WRONG ? 1 : 0)}};
	names_add(r & SRV_NONE ? "_5269._tcp." REMOTE : TLSA_OF, DNS_TLSA,
		  (struct dns_answer){
			  .status = DNS_FOUND, .secure = r & TLSA_SECURE, .n = 1, .tlsa = &tlsa});
}

START_TEST(test_records)
{
	const struct row *r = &rows[_i];
	struct caller *c = caller_new(CLEAR);
	struct stream *s;

	publish(c, r->records);
	calls(c);
	wire_await(c->w, hears(c, "</stream:features>"));
	s = wire_stream(c->w);
	ck_assert(hears(c, "<mechanism>EXTERNAL</mechanism>") == r->external);
	ck_assert(s->vouched == r->external);
	ck_assert_int_eq(s->verdict.state, r->external ? CERT_DANE : CERT_SELF_SIGNED);
	ck_assert_ptr_null(s->dane);
	caller_free(c);
}
END_TEST

/* --- whether they are looked for -------------------------------------------------------------- */

static const struct unasked {
	const char *config;
	bool dnssec;
} unasked[] = {
	{CLEAR, false},
	{CLEAR " remote \"" REMOTE "\" { peer_certificate = forbidden }", true},
	{CLEAR " remote \"" REMOTE "\" { dialback = required }", true},
};

START_TEST(test_unasked)
{
	struct caller *c = caller_new(unasked[_i].config);

	c->w->x.dnssec = unasked[_i].dnssec;
	publish(c, SRV_SECURE | TLSA_SECURE);
	calls(c);
	wire_await(c->w, hears(c, "</stream:features>"));
	ck_assert_uint_eq(names_asked(), 0);
	ck_assert(!hears(c, "EXTERNAL"));
	caller_free(c);
}
END_TEST

/* Name servers that say nothing: what is offered does not wait for them for ever. */
START_TEST(test_silence)
{
	struct caller *c = caller_new(CLEAR);

	names_hold();
	calls(c);
	wire_await(c->w, names_waiting() == 2);
	ck_assert(!hears(c, "<stream:features>"));
	wire_await(c->w, hears(c, "</stream:features>"));
	ck_assert(!hears(c, "EXTERNAL"));
	ck_assert_uint_eq(names_waiting(), 0);
	caller_free(c);
}
END_TEST

/* They are gone before the answer is there. */
START_TEST(test_gone)
{
	struct caller *c = caller_new(CLEAR);

	names_hold();
	calls(c);
	wire_await(c->w, names_waiting() == 2);
	caller_free(c);
}
END_TEST

Suite *in_dane_suite(void)
{
	Suite *s = suite_create("in_dane");
	TCase *t = tcase_create("in_dane");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_records, 0, ROWS(rows));
	tcase_add_loop_test(t, test_unasked, 0, ROWS(unasked));
	tcase_add_test(t, test_silence);
	tcase_add_test(t, test_gone);
	suite_add_tcase(s, t);
	return s;
}
