/* SPDX-License-Identifier: MIT */
/*
 * An LDAP directory as threads ask it: connections to the first of its servers that answers, kept
 * for the next question. Blocking; a directory is shared by threads and lives until the last of
 * them lets go of it.
 */
#ifndef AUTH_DIRECTORY_H
#define AUTH_DIRECTORY_H

#include "auth/backend.h"

struct directory;

/* Copies what it needs; the secret of its bind DN is read now. NULL: errors says why. */
struct directory *directory_new(const struct source_config *c, struct buf *errors);
struct directory *directory_ref(struct directory *d);
struct directory *directory_unref(struct directory *d); /* NULL */

/* Whether the password is that of the user, by a bind with the DN made or searched for. *ret has no
 * reason unless UNAVAILABLE or doubtful; it is appended to the buffer. Never with an empty
 * password. */
struct backend_answer directory_check(struct directory *d, struct str user, struct str domain,
				      struct str password, struct buf *reason);

#endif
