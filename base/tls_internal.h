/* SPDX-License-Identifier: MIT */
/* How contexts are set up, from the options and files. */
#ifndef BASE_TLS_INTERNAL_H
#define BASE_TLS_INTERNAL_H

#include "base/tls.h"

struct tls_setup {
	int min_version;
	char *ciphers;   /* NULL: ours */
	char *ca_file;   /* NULL: the system's */
	struct buf alpn; /* as on the wire; empty: none */
	bool verify_peer, ask_peer;
};

int tls_setup_init(struct tls_setup *t, const struct tls_options *o, char **ret_error);
void tls_setup_clear(struct tls_setup *t);
/* A server's context with this certificate, checked. */
int tls_setup_server(const struct tls_setup *t, const char *cert_file, const char *key_file,
		     SSL_CTX **ret, char **ret_error);
/* A client's context; own (may be NULL) lends its certificate. NULL: OpenSSL says why. */
SSL_CTX *tls_setup_client(const struct tls_setup *t, SSL_CTX *own);

#endif
