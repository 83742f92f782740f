/* SPDX-License-Identifier: MIT */
/*
 * Where accounts come from. A back end looks up asynchronously: each call returns a handle that
 * cancels it and calls back exactly once, never from inside the call. A new one is a file with a
 * const struct backend and a line in backend.c.
 */
#ifndef AUTH_BACKEND_H
#define AUTH_BACKEND_H

#include "auth/scram.h"

struct auth;
struct backend_call; /* each back end's own */

enum backend_status {
	BACKEND_KNOWN,
	BACKEND_UNKNOWN,    /* no such account, or no password that fits */
	BACKEND_DISABLED,   /* known, but may not log in; told after the right password only */
	BACKEND_UNAVAILABLE /* no answer in time: the client is to try later */
};

typedef void backend_keys_fn(void *arg, enum backend_status status, const struct scram_keys *keys);
typedef void backend_check_fn(void *arg, enum backend_status status, bool good);

struct backend {
	const char *name;
	/* SCRAM keys of an account (bare JID), live for the callback; NULL: it has none, and
	 * SCRAM is not offered. */
	struct backend_call *(*keys)(struct auth *a, struct str account, enum scram_hash hash,
				     backend_keys_fn *fn, void *arg);
	/* Whether the password (prepared by mech_prepare_password) is the account's. Takes the same
	 * time for unknown accounts. */
	struct backend_call *(*check)(struct auth *a, struct str account, struct str password,
				      backend_check_fn *fn, void *arg);
	void (*cancel)(struct backend_call *c); /* accepts NULL */
};

extern const struct backend backend_internal;
extern const char *const backend_names[];
const struct backend *backend_at(int index); /* in backend_names */

#endif
