/* SPDX-License-Identifier: MIT */
/* Keys that processes share, from a table of names and values: read, or made by whoever comes first. */
#ifndef LINK_SECRETS_H
#define LINK_SECRETS_H

#include "link/store_client.h"
#include "link/ticket.h"

/* Gets the named key, creating it with "only if absent" and reading again; retries until
 * storage answers. fn is called once. */
typedef void secret_fn(void *arg, const uint8_t key[SEAL_KEY]);
struct secret_get;
struct secret_get *secret_get(struct link *k, struct channels *c, const char *name, secret_fn *fn,
			      void *arg);
/* The same from another table than `secret`, with its columns: which processes may read it is a matter
 * of the table. */
struct secret_get *secret_get_from(struct link *k, struct channels *c, enum table table,
				   const char *name, secret_fn *fn, void *arg);
void secret_get_cancel(struct secret_get *g);

#endif
