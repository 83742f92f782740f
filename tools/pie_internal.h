/* SPDX-License-Identifier: MIT */
/* The reader of files of accounts from the inside: its levels, and elements in canonical form. */
#ifndef TOOLS_PIE_INTERNAL_H
#define TOOLS_PIE_INTERNAL_H

#include <expat.h>
#include <stdio.h>
#include "tools/pie_read.h"

enum { PIE_SEPARATOR = 0x1f, PIE_DEPTH = 128 };

struct pie_name {
	struct str ns, local, prefix;
};
struct pie_name pie_name(const char *triplet);

/* --- pie_canon.c: no prefix but on attributes, a default namespace where it changes ------------
 */

struct pie_canon {
	char *ns[PIE_DEPTH]; /* of the elements that are open */
	unsigned depth;
	bool open; /* a start tag lacks its '>' */
};
void pie_canon_start(struct pie_canon *c, struct buf *b, const struct pie_name *n,
		     const char **atts);
void pie_canon_text(struct pie_canon *c, struct buf *b, struct str text);
void pie_canon_end(struct pie_canon *c, struct buf *b, const struct pie_name *n);
void pie_canon_leave(struct pie_canon *c); /* an end tag that is written elsewhere */
void pie_canon_free(struct pie_canon *c);

/* --- pie_read.c ------------------------------------------------------------------------------ */

enum pie_level {
	LEVEL_NONE,
	LEVEL_SERVER,
	LEVEL_HOST,
	LEVEL_USER,
	LEVEL_CHILD,	 /* a child of <user/> that is handed out whole */
	LEVEL_CONTAINER, /* or in pieces */
	LEVEL_ITEM,	 /* what such holds */
	LEVEL_INSIDE
};

struct pie_source { /* a file that is being read */
	const char *name;
	XML_Parser parser;
	struct pie_source *outer; /* that includes it */
};

struct pie {
	const struct pie_limits *limits;
	const struct pie_ops *ops;
	void *arg;
	struct pie_source *source;
	enum pie_level level[PIE_DEPTH];
	unsigned depth, skipped; /* skipped: depth in what is passed over */
	struct pie_canon canon;
	struct buf host, xml;	       /* xml: the child or item that is being read */
	struct buf piece, open, close; /* of a container: what has gathered, its tags */
	size_t items;		       /* in piece */
	char *error;
};

void pie_begin_host(struct pie *p, const char **atts);
void pie_file(struct pie *p, const char *path);
void pie_include(struct pie *p, struct str href, bool unusual);

#endif
