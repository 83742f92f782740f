/* SPDX-License-Identifier: MIT */
/* Certificates vouched for by the DNS: TLSA records with DNSSEC (RFC 7671, RFC 7673), by OpenSSL.
 */
#ifndef S2S_DANE_H
#define S2S_DANE_H

#include <openssl/ssl.h>
#include "s2s/reach.h"

/* Once for each context that client-side SSLs are made of. 0, or -EPROTO. */
int dane_enable(SSL_CTX *ctx);

/* Before the handshake, after SNI was set: what the peer's certificate has to agree with. target:
 * the host name connected to, domain: A-label form of the domain asked for; either may be named in
 * a certificate that usage 0, 1 or 2 leads to (RFC 7673 section 4.1). Returns how many records are
 * usable; 0: none, and the connection is checked as any other. The SSL must not end the handshake
 * by itself when verification fails. */
size_t dane_prepare(SSL *ssl, const char *target, const char *domain, const struct dns_tlsa *tlsa,
		    size_t n);

/* Whether one of these records leads to the certificate that the other side of this connection has
 * shown, whichever side that is; target and domain as above. */
bool dane_leads_to(const SSL *shown, const char *target, const char *domain,
		   const struct dns_tlsa *tlsa, size_t n);

/* After the handshake; usable: what dane_prepare returned. */
enum dane_verdict {
	DANE_NONE,    /* no usable records: other checks decide */
	DANE_MATCH,   /* the certificate is the domain's */
	DANE_MISMATCH /* it is not, whatever else vouches for it (RFC 7671 section 4.1) */
};
enum dane_verdict dane_check(const SSL *ssl, size_t usable);

#endif
