/* SPDX-License-Identifier: MIT */
/*
 * What the files of the XML reader share; for xmpp/xml_*.c only.
 *
 * libexpat runs without its namespace mode (a quarter faster); prefixes are resolved here. The
 * parser knows nothing of a stream but the name of its root, so one parser serves all streams.
 */
#ifndef XMPP_XML_INTERNAL_H
#define XMPP_XML_INTERNAL_H

#include <expat.h>
#include "base/buf.h"
#include "xmpp/xml_read.h"

struct ns_bind {
	struct str prefix, uri; /* prefix empty: the default namespace */
	unsigned depth;		/* of the element that declares it: 1 is the stream's header */
	uint64_t head;		/* in a stack: the first bytes of the prefix */
};

/* The declarations in scope, innermost last. */
struct ns_stack {
	const struct ns_bind *outer; /* of the stream's header */
	unsigned nouter;
	struct ns_bind *v; /* of elements, their strings in the parser's pool */
	unsigned n, cap;
};

/* What the header of a stream leaves behind. */
struct xml_scope {
	struct str root; /* its name as written */
	unsigned n;
	struct ns_bind bind[];
};

/* A start tag, looked at. */
struct xml_tag {
	struct str name, ns;
	unsigned natts; /* declarations included */
	unsigned ndecls;
	unsigned nprefixed;	/* attributes with a prefix */
	bool prefixed;		/* the element's name has one */
	bool declares;		/* has xmlns= */
	unsigned default_depth; /* where the default namespace outside of it was declared; 0:
				   nowhere */
	struct str default_ns;	/* that namespace */
};

struct xml_fault {
	bool set;
	enum stream_error condition;
	char text[88];
};

struct xml_parser {
	XML_Parser xp;
	struct xml_parser *next; /* in the pool */
	struct xml_pool *pool;
	struct xml_reader *reader; /* whose bytes are in it */
	size_t bytes;		   /* that libexpat holds */
	unsigned served;	   /* first-level elements */

	const char *data;     /* the piece being parsed */
	uint64_t before, fed; /* bytes of the stream of this parser before and with it */
	unsigned depth;	      /* open elements; 1: the stream's */
	bool in_cdata, halt;  /* halt: what follows in the piece is not for this reader */
	uint64_t consumed;    /* with halt: up to here */
	struct xml_fault fault;

	struct pool *strings; /* of the first-level element */
	struct ns_stack ns;
	struct xml_element el;
	struct xml_attr *attrs; /* of el, behind them those of an element in it */
	struct xml_child *children;
	unsigned attrs_cap, children_cap;
	unsigned nelements, ndecls;
	bool canonical;	   /* the inner bytes, so far */
	bool same_default; /* what the content inherits is the element's own namespace */
	uint64_t el_start, inner_start;
	uint64_t gap_start; /* at depth 1: bytes that must be white space or begin a token */
	struct buf gather;  /* bytes of earlier pieces, from index gather_start */
	uint64_t gather_start;
	struct buf canon;
	struct buf held; /* bytes of an incomplete token that libexpat has not been given yet */
	size_t hold;	 /* so many of them lead to another scan; 0: there is nothing to hold */
	char token_end, quote;
};

enum reader_state { READER_HEADER, READER_BODY, READER_OVER };

struct xml_reader {
	struct xml_pool *pool;
	const struct xml_reader_ops *ops;
	void *arg;
	struct xml_limits limits;
	const struct xml_scope *scope; /* NULL before the header; static or own */
	struct xml_parser *w;	       /* held while something is incomplete */
	size_t header_seen;	       /* bytes of an incomplete header */
	uint8_t state;		       /* enum reader_state */
	bool partial, feeding;
	bool stopped, restarted, freed; /* by a callback, acted upon after it */
};

/* xml_ns.c */
void xml_fault(struct xml_fault *f, enum stream_error condition, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Enters an element: counts its attributes, stacks its declarations (strings in p), resolves its
 * name. False: *f says why. */
bool ns_enter(struct ns_stack *st, struct pool *p, unsigned depth, const char *name,
	      const char **atts, struct xml_tag *ret, struct xml_fault *f);
/* Its attributes without declarations into v, which has room for all; slices of atts. All are
 * resolved and different. *ret_outermost: the smallest depth at which a prefix of theirs is declared
 * (xml: is nowhere). */
bool ns_attrs(const struct ns_stack *st, const char **atts, struct xml_attr *v, size_t *ret_n,
	      unsigned *ret_outermost, struct xml_fault *f);
void ns_leave(struct ns_stack *st, unsigned depth);
/* The strings must outlive the entry. */
void ns_push(struct ns_stack *st, struct str prefix, struct str uri, unsigned depth);
void ns_free(struct ns_stack *st);
const struct ns_bind *ns_find(const struct ns_stack *st, struct str prefix);
/* Whether a name may begin with the character at s. */
bool xml_name_start(const char *s);

static inline bool ns_is_decl(const char *name)
{
	return strncmp(name, "xmlns", 5) == 0 && (name[5] == '\0' || name[5] == ':');
}

/* xml_pool.c */
struct xml_parser *xml_parser_new(struct xml_pool *pool);
struct xml_parser *xml_parser_free(struct xml_parser *w);
/* A parser at depth 1 of a stream whose root is written so. */
struct xml_parser *xml_parser_take(struct xml_pool *pool, struct str root);
/* Only under the detach rule (xml_read.c). */
void xml_parser_give(struct xml_parser *w, struct str root);
enum XML_Status xml_parser_run(struct xml_parser *w, const char *data, size_t len);
void xml_scope_free(const struct xml_scope *s);
/* Copies; the usual ones are shared. */
const struct xml_scope *xml_scope_make(const char *root, const struct ns_bind *bind, unsigned n);

/* xml_element.c: the handlers at depth 1 and below */
void xml_element_handlers(struct xml_parser *w);
/* After a fault or a callback that ended the feed. */
void xml_halt(struct xml_parser *w, uint64_t consumed);

/* xml_hold.c: looks at what is incomplete after a run, which is in w->gather. */
void xml_hold_from(struct xml_parser *w);
/* True: the bytes do not complete the token and are kept in w->held. */
bool xml_hold(struct xml_parser *w, const char *data, size_t n);

/* xml_canon.c: rewrites the inner bytes of w->el into w->canon and corrects the child index.
 * -EMSGSIZE: they would exceed the reader's limit of a stanza; -EINVAL: for a reason that the first
 * reading should have found. */
int xml_canon(struct xml_parser *w, struct str inner);

#endif
