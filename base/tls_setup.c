/* SPDX-License-Identifier: MIT */
/* SSL contexts: protocol versions, ciphers, certificates, whom to trust. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/tls_internal.h"

/* RFC 9325 section 4.2: forward secrecy and AEAD only. */
#define STRONG_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static int alpn_wire(const char *const *names, struct buf *b)
{
	for (; names && *names; names++) {
		size_t n = strlen(*names);

		if (n < 1 || n > 255)
			return -EINVAL;
		buf_putc(b, (char)n);
		buf_append(b, *names, n);
	}
	return 0;
}

static int check_ciphers(const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	int ok = ctx && SSL_CTX_set_cipher_list(ctx, ciphers) == 1;

	SSL_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : -EINVAL;
}

static int check_ca(const char *file, char **ret_error)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	int fd = open(file, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0) {
		r = -errno;
		*ret_error = xasprintf("%s: %s", file, strerror(-r));
	} else if (!ctx || SSL_CTX_load_verify_file(ctx, file) != 1) {
		r = -EINVAL;
		*ret_error = tls_error(file);
	}
	if (fd >= 0)
		close(fd);
	SSL_CTX_free(ctx);
	return r;
}

int tls_setup_init(struct tls_setup *t, const struct tls_options *o, char **ret_error)
{
	const char *min = o->min_version ? o->min_version : "1.2";

	memset(t, 0, sizeof(*t));
	if (strcmp(min, "1.2") == 0) {
		t->min_version = TLS1_2_VERSION;
	} else if (strcmp(min, "1.3") == 0) {
		t->min_version = TLS1_3_VERSION;
	} else {
		*ret_error = xasprintf("TLS version \"%s\" is neither 1.2 nor 1.3", min);
		return -EINVAL;
	}
	if (o->ciphers && *o->ciphers && check_ciphers(o->ciphers) < 0) {
		*ret_error = xasprintf("no cipher matches \"%s\"", o->ciphers);
		return -EINVAL;
	}
	if (o->ca_file && *o->ca_file) {
		int r = check_ca(o->ca_file, ret_error);

		if (r < 0)
			return r;
	}
	if (alpn_wire(o->alpn, &t->alpn) < 0) {
		*ret_error = xstrdup("an ALPN name is empty or longer than 255 bytes");
		buf_free(&t->alpn);
		return -EINVAL;
	}
	t->verify_peer = o->verify_peer;
	t->ask_peer = o->ask_peer;
	t->ciphers = o->ciphers && *o->ciphers ? xstrdup(o->ciphers) : NULL;
	t->ca_file = o->ca_file && *o->ca_file ? xstrdup(o->ca_file) : NULL;
	return 0;
}

void tls_setup_clear(struct tls_setup *t)
{
	free(t->ciphers);
	free(t->ca_file);
	buf_free(&t->alpn);
}

static SSL_CTX *new_context(const struct tls_setup *t, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, t->min_version);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* 14 KB instead of 48 per idle connection. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (SSL_CTX_set_cipher_list(ctx, t->ciphers ? t->ciphers : STRONG_CIPHERS) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* Also says for a key with a pass phrase that it has none, or OpenSSL asks on the terminal. */
static int no_passphrase(char *ret, int size, int writing, void *arg)
{
	return -1;
}

static int fail(const char *file, char **ret_error)
{
	*ret_error = tls_error(file);
	return -EINVAL;
}

static int check_readable(const char *file, char **ret_error)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		int err = errno;

		*ret_error = xasprintf("%s: %s", file, strerror(err));
		return -err;
	}
	close(fd);
	return 0;
}

static int use_files(SSL_CTX *ctx, const char *cert_file, const char *key_file, char **ret_error)
{
	int r;

	r = check_readable(cert_file, ret_error);
	if (r == 0)
		r = check_readable(key_file, ret_error);
	if (r < 0)
		return r;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
		return fail(cert_file, ret_error);
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH &&
		    ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_TYPE_MISMATCH)
			return fail(key_file, ret_error);
	} else if (SSL_CTX_check_private_key(ctx) == 1) {
		return 0;
	}
	ERR_clear_error();
	*ret_error = xasprintf("%s: the key does not belong to the certificate in %s", key_file,
			       cert_file);
	return -EINVAL;
}

/* A certificate that proves nothing is as none: the handshake goes on. */
static int go_on(int good, X509_STORE_CTX *store)
{
	return 1;
}

static int trust(const struct tls_setup *t, SSL_CTX *ctx, int mode, SSL_verify_cb check)
{
	if (t->ca_file ? SSL_CTX_load_verify_file(ctx, t->ca_file) != 1
		       : SSL_CTX_set_default_verify_paths(ctx) != 1)
		return -EINVAL;
	SSL_CTX_set_verify(ctx, mode, check);
	return 0;
}

int tls_setup_server(const struct tls_setup *t, const char *cert_file, const char *key_file,
		     SSL_CTX **ret, char **ret_error)
{
	SSL_CTX *ctx = new_context(t, TLS_server_method());
	int r = ctx ? 0 : fail("TLS context", ret_error);

	if (r == 0)
		r = use_files(ctx, cert_file, key_file, ret_error);
	if (r == 0 && (t->verify_peer || t->ask_peer)) {
		if (t->verify_peer ? trust(t, ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
					   NULL) < 0
				   : trust(t, ctx, SSL_VERIFY_PEER, go_on) < 0)
			r = fail(t->ca_file ? t->ca_file : "trusted certificates", ret_error);
		else if (t->ca_file)
			SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(t->ca_file));
	}
	if (r < 0) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

SSL_CTX *tls_setup_client(const struct tls_setup *t, SSL_CTX *own)
{
	SSL_CTX *ctx = new_context(t, TLS_client_method());
	STACK_OF(X509) *chain = NULL;
	bool ok = ctx && trust(t, ctx, SSL_VERIFY_PEER, NULL) == 0;

	if (ok && own) {
		SSL_CTX_get0_chain_certs(own, &chain);
		ok = SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(own)) == 1 &&
		     SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(own)) == 1 &&
		     (!chain || SSL_CTX_set1_chain(ctx, chain) == 1);
	}
	if (ok && t->alpn.len)
		ok = SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)buf_ptr(&t->alpn),
					     (unsigned)t->alpn.len) == 0;
	if (ok)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}
