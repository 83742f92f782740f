/* SPDX-License-Identifier: MIT */
/*
 * Where accounts come from: the question whether a password is right, or for an account's keys, put
 * to the source of its domain. Each call returns a handle that cancels it and calls back exactly
 * once, never from inside the call. A kind of source is a file with a const struct backend and a
 * line in sources.c.
 */
#ifndef AUTH_BACKEND_H
#define AUTH_BACKEND_H

#include "auth/scram.h"
#include "base/buf.h"

struct auth;
struct source_config;

enum backend_status {
	BACKEND_KNOWN,
	BACKEND_UNKNOWN,    /* no such account, or no password that fits */
	BACKEND_DISABLED,   /* known, but may not log in; told after the right password only */
	BACKEND_UNAVAILABLE /* no answer in time: the client is to try later */
};

/* --- what exchanges call --------------------------------------------------------------------- */

struct backend_call;
typedef void backend_keys_fn(void *arg, enum backend_status status, const struct scram_keys *keys);
typedef void backend_check_fn(void *arg, enum backend_status status, bool good);

/* SCRAM keys of an account (bare JID), live for the callback. Only where source_has_keys(). */
struct backend_call *backend_keys(struct auth *a, struct str account, enum scram_hash hash,
				  backend_keys_fn *fn, void *arg);
/* The same with keys of whatever hash, for those who only ask whether there is such an account. */
struct backend_call *backend_known(struct auth *a, struct str account, backend_keys_fn *fn,
				   void *arg);
/* Whether the password (prepared by mech_prepare_password) is the account's. An account that its
 * source knows and this server does not is made. */
struct backend_call *backend_check(struct auth *a, struct str account, struct str password,
				   backend_check_fn *fn, void *arg);
void backend_cancel(struct backend_call *c); /* accepts NULL */

/* --- what a kind of source is ---------------------------------------------------------------- */

struct backend_job; /* each back end's own */

/* Borrowed for the call. Without a password the keys are asked for. */
struct backend_query {
	struct str account, local, domain, password;
	enum scram_hash hash;
};

struct backend_answer {
	enum backend_status status;
	bool good;		       /* the password is right */
	const struct scram_keys *keys; /* NULL: there are none of that hash */
	const char *reason; /* why UNAVAILABLE, or what the operator should know; for the log */
};
typedef void backend_answer_fn(void *arg, const struct backend_answer *r);

struct backend {
	const char *name;
	bool foreign; /* accounts and passwords are not ours to make or change */
	/* Appends what is wrong with a section, one line each ("ldap_base is not set\n"). */
	void (*check)(const struct source_config *c, struct buf *errors);
	/* The config lives longer than the state. NULL: errors says why. */
	void *(*open)(struct auth *a, const struct source_config *c, struct buf *errors);
	void *(*close)(void *state); /* jobs under way are cancelled before; NULL */
	/* NULL: too many are under way. */
	struct backend_job *(*ask)(void *state, const struct backend_query *q,
				   backend_answer_fn *fn, void *arg);
	void (*cancel)(struct backend_job *j);
	size_t (*waiting)(const void *state); /* questions that wait for their turn; may be NULL */
};

extern const struct backend backend_internal, backend_ldap, backend_http, backend_pam;

#endif
