/* SPDX-License-Identifier: MIT */
/* TLS 1.3 for links between hosts. Certificates are read anew for each connection, so a renewed
 * one is used without a restart. */
#ifndef LINK_LINK_TLS_H
#define LINK_LINK_TLS_H

#include <openssl/ssl.h>

struct link_tls_files {
	const char *cert, *key; /* PEM, the chain behind the certificate; NULL: none of our own */
	const char *ca;         /* whose certificates prove a peer; NULL: no certificate does */
};

/* NULL: *ret_error (malloc'ed, one line) says why. A server needs a certificate. With a ca a server's
 * certificate must be of it, and one that a client shows too. */
SSL *link_tls_new(const struct link_tls_files *f, bool server, char **ret_error);
/* The peer has shown a certificate that a ca of ours has signed. */
bool link_tls_proved(SSL *ssl);

#endif
