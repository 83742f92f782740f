/* SPDX-License-Identifier: MIT */
/* TLS contexts for links between hosts. */
#include <openssl/err.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/tls.h"
#include "link/link_tls.h"

static bool load(SSL_CTX *ctx, const struct link_tls_files *f, char **ret_what)
{
	if (f->cert && SSL_CTX_use_certificate_chain_file(ctx, f->cert) != 1) {
		*ret_what = xasprintf("certificate %s", f->cert);
		return false;
	}
	if (f->cert && SSL_CTX_use_PrivateKey_file(ctx, f->key ? f->key : f->cert,
						   SSL_FILETYPE_PEM) != 1) {
		*ret_what = xasprintf("key %s", f->key ? f->key : f->cert);
		return false;
	}
	if (f->ca && SSL_CTX_load_verify_locations(ctx, f->ca, NULL) != 1) {
		*ret_what = xasprintf("CA %s", f->ca);
		return false;
	}
	return true;
}

static SSL_CTX *make_context(const struct link_tls_files *f, bool server, char **ret_error)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	char *what = NULL;

	if (!ctx)
		abort();
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	/* A client without a certificate must prove itself by SCRAM, bound to this connection. */
	SSL_CTX_set_verify(ctx, f->ca ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	ERR_clear_error();
	if (load(ctx, f, &what))
		return ctx;
	*ret_error = tls_error(what);
	free(what);
	SSL_CTX_free(ctx);
	return NULL;
}

SSL *link_tls_new(const struct link_tls_files *f, bool server, char **ret_error)
{
	SSL_CTX *ctx;
	SSL *ssl;

	if (server && !f->cert) {
		*ret_error = xstrdup("a link over TCP needs link_certificate and link_key");
		return NULL;
	}
	ctx = make_context(f, server, ret_error);
	if (!ctx)
		return NULL;
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx); /* the SSL holds it */
	if (!ssl)
		abort();
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

bool link_tls_proved(SSL *ssl)
{
	return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) && SSL_get0_peer_certificate(ssl) &&
	       SSL_get_verify_result(ssl) == X509_V_OK;
}
