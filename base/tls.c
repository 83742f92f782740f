/* SPDX-License-Identifier: MIT */
/* The store of certificates: loading, checking, swapping, choosing. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/alloc.h"
#include "base/tls.h"
#include "base/tls_internal.h"

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct entry {
	struct entry *next;
	char *domain; /* lower case */
	char *cert_file, *key_file;
	struct stamp cert, key;
	SSL_CTX *ctx;
	SSL_CTX *peer; /* for connections that we begin as this domain; made when needed */
};

struct tls_store {
	struct tls_setup setup;
	struct entry *entries; /* in the order they were added */
	SSL_CTX *client;
};

char *tls_error(const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);
	char *text;

	if (!code)
		text = xstrdup(what);
	else if (reason)
		text = xasprintf("%s: %s", what, reason);
	else if (ERR_SYSTEM_ERROR(code))
		text = xasprintf("%s: %s", what, strerror(ERR_GET_REASON(code)));
	else
		text = xasprintf("%s: error %08lx", what, code);
	ERR_clear_error();
	return text;
}

static struct entry *find(const struct tls_store *s, struct str domain)
{
	for (struct entry *e = s->entries; e; e = e->next) {
		if (str_caseeq(str_z(e->domain), domain))
			return e;
	}
	return NULL;
}

/* RFC 6066 section 3: the client says which domain it wants. An unknown name gets what the
 * connection's domain gives; the client then decides. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct entry *e = name ? find(arg, str_z(name)) : NULL;

	if (!e)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, e->ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* What the client offers and we speak, in our order (RFC 7301 section 3.2). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned in_len, void *arg)
{
	struct tls_store *s = arg;
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_len, (unsigned char *)buf_ptr(&s->setup.alpn),
				  (unsigned)s->setup.alpn.len, in,
				  in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

struct tls_store *tls_store_new(const struct tls_options *o, char **ret_error)
{
	struct tls_store *s = xcalloc(1, sizeof(*s));

	if (tls_setup_init(&s->setup, o, ret_error) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

static void entry_free(struct entry *e)
{
	SSL_CTX_free(e->ctx);
	SSL_CTX_free(e->peer);
	free(e->domain);
	free(e->cert_file);
	free(e->key_file);
	free(e);
}

struct tls_store *tls_store_free(struct tls_store *s)
{
	if (!s)
		return NULL;
	while (s->entries) {
		struct entry *e = s->entries;

		s->entries = e->next;
		entry_free(e);
	}
	SSL_CTX_free(s->client);
	tls_setup_clear(&s->setup);
	free(s);
	return NULL;
}

static int take_stamp(const char *file, struct stamp *ret, char **ret_error)
{
	struct stat st;

	if (stat(file, &st) < 0) {
		int err = errno;

		*ret_error = xasprintf("%s: %s", file, strerror(err));
		return -err;
	}
	memset(ret, 0, sizeof(*ret));
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->size = st.st_size;
	ret->mtime = st.st_mtim;
	return 0;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* Fills e's context and stamps from its files; on failure it stays as it was. */
static int load(struct tls_store *s, struct entry *e, char **ret_error)
{
	/* Before reading: a file that changes meanwhile is read again next time. */
	struct stamp cert = {0}, key = {0};
	SSL_CTX *ctx = NULL;
	int r;

	r = take_stamp(e->cert_file, &cert, ret_error);
	if (r == 0)
		r = take_stamp(e->key_file, &key, ret_error);
	if (r == 0)
		r = tls_setup_server(&s->setup, e->cert_file, e->key_file, &ctx, ret_error);
	if (r < 0)
		return r;
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, s);
	if (s->setup.alpn.len)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, s);
	SSL_CTX_free(e->ctx); /* live connections hold references of their own */
	e->ctx = ctx;
	SSL_CTX_free(e->peer);
	e->peer = NULL;
	e->cert = cert;
	e->key = key;
	if (e == s->entries) {
		/* Made anew with the new certificate when it is next needed. */
		SSL_CTX_free(s->client);
		s->client = NULL;
	}
	return 0;
}

int tls_store_add(struct tls_store *s, const char *domain, const char *cert_file,
		  const char *key_file, char **ret_error)
{
	struct entry *e = xcalloc(1, sizeof(*e)), **at, *next;
	int r;

	e->domain = xstrdup(domain);
	for (char *c = e->domain; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	e->cert_file = xstrdup(cert_file);
	e->key_file = xstrdup(key_file);
	r = load(s, e, ret_error);
	if (r < 0) {
		entry_free(e);
		return r;
	}
	for (at = &s->entries; *at && strcmp((*at)->domain, e->domain) != 0;)
		at = &(*at)->next;
	if (*at) {
		next = (*at)->next;
		entry_free(*at);
		e->next = next;
	}
	*at = e;
	if (e == s->entries) {
		SSL_CTX_free(s->client);
		s->client = NULL;
	}
	return 0;
}

int tls_store_reload(struct tls_store *s, void (*failed)(void *arg, const char *error), void *arg)
{
	int swapped = 0;

	for (struct entry *e = s->entries; e; e = e->next) {
		struct stamp cert = {0}, key = {0};
		char *error = NULL;
		int r;

		r = take_stamp(e->cert_file, &cert, &error);
		if (r == 0)
			r = take_stamp(e->key_file, &key, &error);
		if (r == 0 && same_stamp(&cert, &e->cert) && same_stamp(&key, &e->key))
			continue;
		if (r == 0)
			r = load(s, e, &error);
		if (r == 0)
			swapped++;
		else if (failed)
			failed(arg, error);
		free(error);
	}
	return swapped;
}

bool tls_store_has(const struct tls_store *s, struct str domain)
{
	return find(s, domain) != NULL;
}

SSL *tls_server_new(struct tls_store *s, struct str domain)
{
	struct entry *e = domain.len ? find(s, domain) : NULL;
	SSL *ssl;

	if (!e)
		e = s->entries;
	if (!e)
		return NULL;
	ssl = SSL_new(e->ctx);
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

static int set_peer_name(SSL *ssl, const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	/* RFC 6066 section 3: literal addresses are no server names. */
	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

SSL *tls_client_new(struct tls_store *s, struct str server_name)
{
	char *name;
	SSL *ssl;

	if (!s->client)
		s->client = tls_setup_client(&s->setup, s->entries ? s->entries->ctx : NULL);
	ssl = s->client ? SSL_new(s->client) : NULL;
	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	name = str_dup(server_name);
	if (*name && set_peer_name(ssl, name) != 1) {
		SSL_free(ssl);
		ssl = NULL;
	}
	free(name);
	return ssl;
}

static bool set_alpn(SSL *ssl, const char *name)
{
	unsigned char wire[256];
	size_t n = name ? strlen(name) : 0;

	if (n > 255)
		return false;
	wire[0] = (unsigned char)n;
	memcpy(wire + 1, name ? name : "", n);
	return SSL_set_alpn_protos(ssl, wire, n ? (unsigned)n + 1 : 0) == 0;
}

SSL *tls_peer_new(struct tls_store *s, struct str domain, const char *server_name, const char *alpn)
{
	struct entry *e = find(s, domain);
	unsigned char address[sizeof(struct in6_addr)];
	bool named = *server_name && *server_name != '[' &&
		     inet_pton(AF_INET, server_name, address) != 1;
	SSL *ssl;

	if (!e)
		e = s->entries;
	if (!e)
		return NULL;
	if (!e->peer)
		e->peer = tls_setup_client(&s->setup, e->ctx);
	ssl = e->peer ? SSL_new(e->peer) : NULL;
	if (!ssl)
		return NULL;
	SSL_set_connect_state(ssl);
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	if (!set_alpn(ssl, alpn) || (named && SSL_set_tlsext_host_name(ssl, server_name) != 1)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

uint32_t tls_chain_valid_s(SSL *ssl)
{
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	uint32_t best = 1u << 30;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const ASN1_TIME *end = X509_get0_notAfter(sk_X509_value(chain, i));
		int days, seconds;
		int64_t left;

		if (ASN1_TIME_diff(&days, &seconds, NULL, end) != 1)
			continue;
		left = (int64_t)days * 86400 + seconds;
		if (left < (int64_t)best)
			best = left > 0 ? (uint32_t)left : 0;
	}
	return best;
}
