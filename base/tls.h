/* SPDX-License-Identifier: MIT */
/* Certificates by domain for servers, and contexts for our own links. */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include <openssl/ssl.h>
#include "base/buf.h"

struct tls_store;

struct tls_options {
	const char *min_version;  /* "1.2" (default when NULL) or "1.3" */
	const char *ciphers;      /* TLS 1.2 list, NULL: OpenSSL's default at RFC 9325 strength */
	const char *const *alpn;  /* names we speak, NULL-terminated, or NULL: none looked at.
	                           * A client that offers only others is refused
	                           * (no_application_protocol, RFC 7301 section 3.2). */
	bool verify_peer;         /* ask for and require a peer certificate */
	bool ask_peer;            /* ask for one and take what comes, good or not: see
	                           * SSL_get_verify_result */
	const char *ca_file;      /* for verify_peer, ask_peer and clients */
};

struct tls_store *tls_store_new(const struct tls_options *o, char **ret_error);
struct tls_store *tls_store_free(struct tls_store *s);
/* PEM files; the chain follows the certificate, as certbot's fullchain.pem. Validated: the key
 * belongs to the certificate, both parse. On failure a negative errno and *ret_error (malloc'ed,
 * one line naming the file); the store keeps what it had for that domain. */
int tls_store_add(struct tls_store *s, const char *domain, const char *cert_file,
		  const char *key_file, char **ret_error);
/* Reads again every file that changed (time, size, inode) and swaps those that validate; live
 * connections keep theirs. Returns how many were swapped; calls failed for each that could not be. */
int tls_store_reload(struct tls_store *s, void (*failed)(void *arg, const char *error), void *arg);
bool tls_store_has(const struct tls_store *s, struct str domain);
/* A new server-side SSL for a connection: SNI picks the certificate, else domain (may be empty:
 * the first added). No tickets kept, no renegotiation, compression or early data, buffers
 * released when idle. NULL when the store is empty. */
SSL *tls_server_new(struct tls_store *s, struct str domain);
/* A client-side SSL (links between hosts) verifying against ca_file, with the store's first
 * certificate as its own when there is one. */
SSL *tls_client_new(struct tls_store *s, struct str server_name);

/* A client-side SSL towards another server. It shows domain's certificate when it is asked for one,
 * and takes whatever certificate comes: SSL_get_verify_result tells what ca_file (else the system's
 * authorities) says of it; names are the caller's to check. server_name is sent (RFC 6066), literal
 * addresses and "" are not. alpn: one name, or NULL. NULL: OpenSSL says why (tls_error). */
SSL *tls_peer_new(struct tls_store *s, struct str domain, const char *server_name,
		  const char *alpn);

/* Seconds for which the chain that proved the peer is valid, every certificate of it; at most a few
 * years, also where nothing proved it. */
uint32_t tls_chain_valid_s(SSL *ssl);

/* Channel bindings (RFC 9266 tls-exporter: 32 bytes; RFC 5929 tls-server-end-point: the hash of
 * our certificate). Append to b; -ENOTSUP when this connection has none. */
int tls_exporter(SSL *ssl, struct buf *b);
int tls_server_end_point(SSL *ssl, struct buf *b);
/* Whether it has them, which costs much less than having them made. */
bool tls_has_exporter(SSL *ssl);
bool tls_has_server_end_point(SSL *ssl);
/* Text of the oldest OpenSSL error of this thread, and clears the queue; malloc'ed. */
char *tls_error(const char *what);

#endif
