/* SPDX-License-Identifier: MIT */
/* What is said to a web service that knows accounts, and what it may answer: docs/credentials.md.
 */
#ifndef AUTH_HTTP_ANSWER_H
#define AUTH_HTTP_ANSWER_H

#include "auth/backend.h"

/* Appends the JSON of a question; it may hold a password. */
void http_question(const struct backend_query *q, struct buf *b);
/* Reads the answer to it. keys is where those of q->hash go. When it is no answer: UNAVAILABLE, and
 * why in reason. */
struct backend_answer http_answer(const struct backend_query *q, struct str body,
				  struct scram_keys *keys, struct buf *reason);

#endif
