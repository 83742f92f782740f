/* SPDX-License-Identifier: MIT */
/* Addresses by RFC 7622: parsed and prepared once at the edge, slices of one string afterwards. */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include <stdint.h>
#include "base/buf.h"
#include "base/pool.h"

/* All slices lie in one string, full; bare is its beginning. Absent parts are empty. */
struct jid {
	struct str local, domain, resource;
	struct str bare, full;
};

/* Prepares text (localpart UsernameCaseMapped, domainpart IDNA2008 U-labels or an IP literal,
 * resourcepart OpaqueString; each part 1 to 1,023 bytes) into p. -EINVAL: not a JID; *ret is
 * then untouched. ASCII that needs no change costs one pass and one copy. */
int jid_parse(struct pool *p, struct str text, struct jid *ret);
/* Text that jid_parse has made before (from the link, from storage): split only, no copy; the
 * text must outlive *ret. -EINVAL when a part is missing or too long. */
int jid_split(struct str prepared, struct jid *ret);
/* A JID out of prepared parts; local and resource may be empty. */
struct jid jid_make(struct pool *p, struct str local, struct str domain, struct str resource);

/* Single parts, for localparts and resources that arrive alone and for domains of the
 * configuration. Append the prepared form to b; -EINVAL leaves b as it was. */
int jid_prep_local(struct buf *b, struct str text);
int jid_prep_domain(struct buf *b, struct str text);
int jid_prep_resource(struct buf *b, struct str text);
/* Appends the A-label form of a prepared domain (RFC 5890 section 2.3.2.1): what the DNS, SNI and
 * certificates know it by. -EINVAL: an address literal, or not a host name. */
int jid_domain_ascii(struct buf *b, struct str prepared);

static inline bool jid_is_bare(const struct jid *j)
{
	return j->resource.len == 0;
}

static inline bool jid_same_bare(const struct jid *a, const struct jid *b)
{
	return str_eq(a->bare, b->bare);
}

/* The key of placement: hash64 of the bare JID. The shard is its low 10 bits. */
uint64_t jid_key(struct str bare);

#endif
