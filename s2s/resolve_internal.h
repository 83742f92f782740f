/* SPDX-License-Identifier: MIT */
/* What the resolver and the parser of its answers share. */
#ifndef S2S_RESOLVE_INTERNAL_H
#define S2S_RESOLVE_INTERNAL_H

#include "s2s/resolve.h"

struct dns_records {
	size_t n;
	union {
		struct in_addr a[DNS_RECORDS];
		struct in6_addr aaaa[DNS_RECORDS];
		struct dns_srv srv[DNS_RECORDS];
		struct dns_tlsa tlsa[DNS_RECORDS]; /* data lies in what was parsed */
	};
};

/* The good ones of a NULL-terminated list of records in wire form, DNS_RECORDS at most. */
void dns_records_parse(struct dns_records *v, enum dns_type type, char *const *data, const int *len);
void dns_records_clear(struct dns_records *v, enum dns_type type);

#endif
