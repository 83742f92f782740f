/* SPDX-License-Identifier: MIT */
/* What streams with clients, servers and components write and read alike: the start tag, errors,
 * counters of XEP-0198. */
#ifndef XMPP_STREAM_H
#define XMPP_STREAM_H

#include "base/buf.h"
#include "xmpp/xml_read.h"

/* Of an attribute without a namespace; STR_NONE: there is none (an empty one has a pointer). */
struct str element_attr(const struct xml_element *e, const char *name);
struct str header_attr(const struct xml_header *h, const char *ns, const char *name);

/* A boolean of XML Schema: "true" or "1"; whatever else is none counts as false. */
bool attr_true(struct str value);

/* A start tag as we write it; what is empty is left out. */
struct stream_head {
	const char *content_ns;
	bool dialback; /* declares db (XEP-0220 section 2.4.1) */
	struct str id, from, to, version;
};
void stream_head_write(struct buf *b, const struct stream_head *h);

/* "1.0"; false: it is none. */
bool stream_version(struct str text, unsigned long long *ret_major, unsigned long long *ret_minor);
/* From 1.0 on; before that there are no features (RFC 6120 section 4.7.5). */
bool stream_version_good(struct str text);

/* The error and the stream's end. content: of the condition's own element (see-other-host); app: an
 * application-specific condition as XML; they and text may be empty. */
void stream_error_write(struct buf *b, enum stream_error e, struct str content, const char *text,
			struct str app);

/* XEP-0198: h, max. */
bool sm_number(struct str text, uint32_t *ret);
/* <handled-count-too-high/>, for the stream error; sent NULL: not told. */
void sm_too_high_write(struct buf *b, uint32_t h, const uint32_t *sent);

#endif
