/* SPDX-License-Identifier: MIT */
/*
 * The envelope: what routing and rules need of a stanza, beside its children's bytes.
 *
 * It is made once, at the edge, from what the reader hands out, and crosses processes encoded;
 * nobody inside parses the bytes but a handler that needs the content.
 */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include "base/buf.h"
#include "base/pool.h"
#include "xmpp/error.h"
#include "xmpp/xml_read.h"

enum stanza_kind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ };

enum stanza_type {
	/* message; absent or unknown type is normal (RFC 6121 section 5.2.2) */
	MESSAGE_NORMAL, MESSAGE_CHAT, MESSAGE_GROUPCHAT, MESSAGE_HEADLINE, MESSAGE_ERROR,
	/* presence; absent type is available */
	PRESENCE_AVAILABLE, PRESENCE_UNAVAILABLE, PRESENCE_SUBSCRIBE, PRESENCE_SUBSCRIBED,
	PRESENCE_UNSUBSCRIBE, PRESENCE_UNSUBSCRIBED, PRESENCE_PROBE, PRESENCE_ERROR,
	/* iq */
	IQ_GET, IQ_SET, IQ_RESULT, IQ_ERROR,
	STANZA_TYPE_UNKNOWN /* presence or iq of a type that the RFC does not know */
};

/* What the edge found wrong; the owner answers it in order (and then it is done). */
enum stanza_fault { STANZA_FINE, STANZA_TO_MALFORMED, STANZA_BAD_REQUEST };

struct stanza {
	enum stanza_kind kind;
	enum stanza_type type;
	enum stanza_fault fault;
	struct str id, lang;  /* ptr NULL: absent */
	struct str to, from;  /* prepared JIDs, jid_split understands them; ptr NULL: absent */
	struct str attrs;     /* other attributes, escaped, as " name='value'…", prefixes declared */
	const struct xml_child *children; /* offsets into bytes */
	size_t nchildren;
	struct str bytes;     /* canonical inner bytes */
};

/* From a first-level element in the content namespace. `to` and `from` are prepared; slices
 * point into p or into e. -ENOENT: not a stanza (its name is none of the three). */
int stanza_from_element(struct pool *p, const struct xml_element *e, struct stanza *ret);
/* The envelope on the wire between processes. Decoding borrows everything from data but the
 * child index (from p). -EPROTO: malformed. */
void stanza_encode(const struct stanza *s, struct buf *b);
int stanza_decode(struct pool *p, struct str data, struct stanza *ret);

/* The stanza as XML for a stream whose content namespace is the default one. */
void stanza_write(const struct stanza *s, struct buf *b);
/* What that writes is no longer than this: an attribute may be six times as long as it is inside. */
size_t stanza_write_most(const struct stanza *s);
/* The same with xmlns='…' in the start tag: inside <forwarded/>, in the log. */
void stanza_write_ns(const struct stanza *s, const char *content_ns, struct buf *b);
/* Back from stanza_write or stanza_write_ns (the log). Everything in p; xml must outlive it. */
int stanza_parse(struct pool *p, struct str xml, struct stanza *ret);
/* Written and parsed again, in p: for an envelope whose parts may not be what it says of them. */
int stanza_reread(struct pool *p, struct stanza *s);
/* The start tag up to (not with) " to=…" and what follows it: lets one rendering serve many
 * recipients: head + " to='" + escaped JID + "'" + tail. */
void stanza_write_split(const struct stanza *s, struct buf *head, struct buf *tail);

/* The first child of that name and namespace (NULL: any), or NULL. */
const struct xml_child *stanza_child(const struct stanza *s, const char *name, const char *ns);
struct str stanza_child_bytes(const struct stanza *s, const struct xml_child *c);
/* The only child of an iq get or set (RFC 6120 section 8.2.3), as a tree; NULL when malformed. */
const struct node *stanza_payload(struct pool *p, const struct stanza *s);
/* A stanza with one child cut out, or with XML (canonical, with its name and namespace) appended. */
void stanza_cut(struct pool *p, struct stanza *s, const struct xml_child *c);
void stanza_append(struct pool *p, struct stanza *s, const char *name, const char *ns,
		   struct str xml);

/* Answers; addresses swapped, id and kind kept, slices borrowed from s or in p.
 * error type: NULL takes the condition's own. text may be NULL. app is an application-specific
 * element in XML or empty. Never call for a stanza that is itself an error (bug). */
struct stanza stanza_result(const struct stanza *s, struct str bytes);
struct stanza stanza_error_reply(struct pool *p, const struct stanza *s, enum stanza_error e,
				 const char *type, const char *text, struct str app);
/* True for errors, iq results and (RFC 6120 section 8.3.1) whatever must not be answered. */
bool stanza_no_reply(const struct stanza *s);
const char *stanza_kind_name(enum stanza_kind k);
/* "" for available and normal without type. */
const char *stanza_type_name(enum stanza_type t);

#endif
