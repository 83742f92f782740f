/* SPDX-License-Identifier: MIT */
/* Gathers the rows of one read, within the bounds on their number and on the answer's size. */
#ifndef STORAGE_RESULT_H
#define STORAGE_RESULT_H

#include "storage/engine.h"

struct result {
	struct engine_read *read;
	size_t max_rows;       /* of one op, the server's */
	size_t left;	       /* bytes */
	struct msg_rows *rows; /* of the op in work */
	size_t limit, cap;
	bool used; /* some row was taken */
};

/* Makes r->results in r->pool. */
void result_begin(struct result *res, struct engine_read *r, const struct engine_config *c);
void result_op(struct result *res, size_t op);
/* Whether the op in work wants another row; else more is set. */
bool result_wants(struct result *res);
/* Copies a row. 0: taken; 1: full, more is set; -EMSGSIZE: larger than any answer may be. */
int result_row(struct result *res, const struct msg_value *values, size_t n);

#endif
