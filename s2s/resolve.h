/* SPDX-License-Identifier: MIT */
/*
 * The DNS, asynchronously, with DNSSEC where a trust anchor is configured (libunbound).
 *
 * One resolver a process. Answers are cached inside for their time to live, failures too. Names are
 * A-labels (jid_domain_ascii).
 */
#ifndef S2S_RESOLVE_H
#define S2S_RESOLVE_H

#include <netinet/in.h>
#include "base/loop.h"
#include "base/str.h"

struct resolver_config {
	const char *server; /* "ADDRESS@PORT" that is asked for everything; NULL or "": those of
			     * resolv.conf */
	const char *resolv_conf, *hosts; /* files; NULL: the system's */
	const char *anchor;		 /* file of trust anchors; NULL or "": no DNSSEC */
	bool lenient;	    /* what fails validation is taken as unsigned, not as forged */
	int64_t timeout_ms;		 /* of one question */
	size_t questions; /* at the same time, without those of one name holding up another's */
};

struct resolver;
/* NULL and *ret_error (malloc'ed, one line) when a file cannot be used. */
struct resolver *resolver_new(struct loop *l, const struct resolver_config *c, char **ret_error);
struct resolver *resolver_free(struct resolver *r); /* lookups must be freed before; NULL */

enum dns_status {
	DNS_FOUND,
	DNS_NONE,   /* the name or such a record does not exist */
	DNS_BOGUS,  /* DNSSEC says that it was forged */
	DNS_FAILED, /* the servers do not answer, or with an error */
	DNS_TIMEOUT
};
const char *dns_status_name(enum dns_status s); /* a word for a person */

enum { DNS_RECORDS = 32 }; /* more of one answer are not looked at */

struct dns_srv {
	uint16_t priority, weight, port;
	char *target; /* "" is the target "." (RFC 2782: not available here) */
};
struct dns_tlsa { /* RFC 6698 section 2.1 */
	uint8_t usage, selector, matching;
	struct str data; /* binary */
};

/* Lives for the call of the callback. */
struct dns_answer {
	enum dns_status status;
	bool secure; /* validated (also that there is none) */
	const char *why; /* for records: of bogus and failed; may be "" */
	size_t n;
	union {
		const struct dns_srv *srv;
		const struct in_addr *a;
		const struct in6_addr *aaaa;
		const struct dns_tlsa *tlsa;
	};
};

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52 };

/* The callback comes exactly once, never from inside dns_lookup, unless the lookup is freed. The
 * lookup is over and freed when it returns. */
struct dns_lookup;
typedef void dns_fn(void *arg, const struct dns_answer *a);
struct dns_lookup *dns_lookup(struct resolver *r, const char *name, enum dns_type type, dns_fn *fn,
			      void *arg);
struct dns_lookup *dns_lookup_free(struct dns_lookup *q); /* accepts NULL */

#endif
