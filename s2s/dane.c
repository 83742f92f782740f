/* SPDX-License-Identifier: MIT */
/* TLSA records given to OpenSSL, and its verdict. */
#include "s2s/dane.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

int dane_enable(SSL_CTX *ctx)
{
	return SSL_CTX_dane_enable(ctx) > 0 ? 0 : -EPROTO;
}

size_t dane_prepare(SSL *ssl, const char *target, const char *domain, const struct dns_tlsa *tlsa,
		    size_t n)
{
	size_t usable = 0;

	if (!n || SSL_dane_enable(ssl, target) <= 0) {
		ERR_clear_error();
		return 0;
	}
	SSL_add1_host(ssl, domain);
	/* RFC 7671 section 5.1: usage 3 binds the key to the name by itself. */
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < n; i++) {
		const struct dns_tlsa *t = &tlsa[i];

		usable += SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching,
					    (const unsigned char *)t->data.ptr, t->data.len) > 0;
	}
	ERR_clear_error();
	if (!usable) /* names are the other checks' matter again */
		SSL_set1_host(ssl, NULL);
	return usable;
}

enum dane_verdict dane_check(const SSL *ssl, size_t usable)
{
	/* The records that did not agree leave no authority (-1), or a result that says so. */
	if (!usable)
		return DANE_NONE;
	if (SSL_get_verify_result(ssl) != X509_V_OK)
		return DANE_MISMATCH;
	return SSL_get0_dane_authority((SSL *)ssl, NULL, NULL) >= 0 ? DANE_MATCH : DANE_MISMATCH;
}

/* OpenSSL has records for connections that we open alone: what was shown is verified once more,
 * with an SSL that is connected to nothing. */
static bool verify_again(SSL *bare, X509 *cert, STACK_OF(X509) * chain)
{
	X509_STORE *none = X509_STORE_new();
	X509_STORE_CTX *x = X509_STORE_CTX_new();
	bool good = false;

	if (none && x && X509_STORE_CTX_init(x, none, cert, chain) == 1) {
		X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(x), SSL_get0_param(bare));
		X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(x), X509_PURPOSE_ANY);
		X509_STORE_CTX_set0_dane(x, SSL_get0_dane(bare));
		good = X509_verify_cert(x) == 1;
	}
	X509_STORE_CTX_free(x);
	X509_STORE_free(none);
	return good;
}

bool dane_leads_to(const SSL *shown, const char *target, const char *domain,
		   const struct dns_tlsa *tlsa, size_t n)
{
	X509 *cert = SSL_get0_peer_certificate(shown);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *bare = ctx && dane_enable(ctx) == 0 ? SSL_new(ctx) : NULL;
	bool good = cert && bare && dane_prepare(bare, target, domain, tlsa, n) &&
		    verify_again(bare, cert, SSL_get_peer_cert_chain(shown));

	SSL_free(bare);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
