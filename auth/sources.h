/* SPDX-License-Identifier: MIT */
/* The places where accounts come from, which domain uses which, and how each of them is. */
#ifndef AUTH_SOURCES_H
#define AUTH_SOURCES_H

#include <jansson.h>
#include "auth/backend.h"
#include "auth/source_config.h"
#include "link/process.h"

struct auth_config;

struct source {
	struct auth *auth;
	char *name; /* of its section, or "internal" */
	const struct backend *backend;
	void *state;
	struct source_config config; /* zeroed for internal */
	bool down;		     /* it did not answer when it was asked last */
	char *reason;		     /* what it said then */
	int64_t down_since_us;
	uint64_t right, wrong, unavailable, unavailable_now, cached, created;
	struct source *next;
};

struct sources;

/* Appends what is wrong, a line each beginning with FILE. */
void sources_check(const char *file, const struct conf *conf, const struct common_config *common,
		   const struct auth_config *config, struct buf *errors);
/* conf NULL: internal for all domains. NULL: errors says why. */
struct sources *sources_new(struct auth *a, const struct conf *conf, struct buf *errors);
struct sources *sources_free(struct sources *ss);
/* A newer configuration says something else, which takes a restart. */
bool sources_differ(const struct auth *a, const struct conf *conf);
/* Never NULL: that of a domain of ours, internal for any other. */
struct source *source_of(const struct auth *a, struct str domain);
/* Accounts of the domain are kept elsewhere: they are not made, changed or removed here. */
bool source_is_foreign(const struct auth *a, struct str domain);
bool account_is_foreign(const struct auth *a, struct str account); /* the same, of a bare JID */
/* SCRAM can be offered: the source delivers keys of that hash. */
bool source_has_keys(const struct auth *a, struct str domain, enum scram_hash hash);
/* Counts an answer; says in the log, once, that a source does not answer, and that it does again.
 */
void source_answered(struct source *s, const struct backend_answer *r);
json_t *sources_stats(const struct sources *ss);
/* A text for each source that does not answer. */
json_t *sources_problems(const struct sources *ss);

/* The content of a file without white space around it: a password, a token. -errno; the caller
 * wipes it. */
int source_read_secret(const char *file, struct buf *b);

#endif
