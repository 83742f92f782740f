/* SPDX-License-Identifier: MIT */
/*
 * Reads a file of accounts (XEP-0227) as a stream: memory does not grow with the file, nor with an
 * account. Children of <user/> are handed out in canonical form, those that hold many things
 * (rosters, private data, messages) in pieces, each wrapped like the whole. <include/> (XInclude)
 * of relative names is followed where section 4 wants it.
 */
#ifndef TOOLS_PIE_READ_H
#define TOOLS_PIE_READ_H

#include "base/buf.h"

struct pie_ops {
	/* An account begins; password empty: none was given. */
	void (*user)(void *arg, struct str host, struct str name, struct str password);
	/* A child of <user/>, or a piece of one; xml: well-formed alone. */
	void (*child)(void *arg, struct str xml);
	void (*user_end)(void *arg);
	/* Something was passed over. where: file and line. */
	void (*note)(void *arg, const char *where, const char *text);
};

struct pie_limits {
	size_t piece; /* bytes at which a piece ends */
	size_t most;  /* of a child that cannot be cut; larger ones are passed over, with a note */
};

/* path "-": standard input, from which nothing is included. False: *ret_error (malloc'ed) says what
 * was wrong; all before it has been handed out. */
bool pie_read(const char *path, const struct pie_limits *limits, const struct pie_ops *ops,
	      void *arg, char **ret_error);

#endif
