/* SPDX-License-Identifier: MIT */
/* What a certificate proves: the names in it (RFC 9525, RFC 6120 section 13.7), and the verdict. */
#ifndef S2S_CERT_H
#define S2S_CERT_H

#include <openssl/ssl.h>
#include "base/buf.h"

enum cert_state {
	CERT_NONE, /* the peer showed none */
	CERT_GOOD, /* issued by an authority that we trust, for this name, now */
	CERT_DANE, /* vouched for by TLSA records (RFC 7673) */
	CERT_SELF_SIGNED,
	CERT_UNTRUSTED, /* by an authority that we do not know, or the chain is broken */
	CERT_EXPIRED,
	CERT_EARLY, /* not valid yet */
	CERT_OTHER_NAME,
	CERT_OTHER_USE, /* its extended key usage is for something else */
	CERT_TLSA	/* published TLSA records are of another one */
};

struct cert_verdict {
	enum cert_state state;
	const char *detail; /* of OpenSSL, a literal; "" */
};

struct cert_wanted {
	const char *domain; /* prepared */
	const char *target; /* a further name where DNSSEC vouches for it (RFC 7673), or NULL */
	bool common_name;   /* the subject's common name counts where there is no other name */
};

/* The peer's certificate after the handshake; wanted NULL: names are not looked at. */
struct cert_verdict cert_check(SSL *ssl, const struct cert_wanted *wanted);
static inline bool cert_proves(struct cert_verdict v)
{
	return v.state == CERT_GOOD || v.state == CERT_DANE;
}
/* "certificate expired"…: for people. */
const char *cert_state_text(enum cert_state s);

/* Whether the certificate is for the wanted domain: dNSName (with a wildcard for one whole first
 * label), id-on-dnsSRV with _xmpp-server, id-on-xmppAddr, iPAddress for a literal. */
bool cert_is_for(const X509 *cert, const struct cert_wanted *wanted);
/* A name as in a certificate (A-labels, "*." in front allowed) against a domain's A-labels. */
bool cert_dns_matches(struct str pattern, struct str domain);
/* Names in it, separated by ", ", at most max bytes; "CN=…" where there is no other. */
void cert_names(const X509 *cert, size_t max, struct buf *b);
/* "2026-11-21T…Z" of its end. */
void cert_expiry(const X509 *cert, char ret[32]);

#endif
