/* SPDX-License-Identifier: MIT */
/*
 * SASL exchanges as machines of steps: bytes in, bytes out, no I/O and no waiting. What a step
 * needs from outside (an account's keys, a password checked) it asks for by MECH_WANT_…; the
 * caller finds it, gives it and resumes.
 *
 * The mechanisms are our own and run under libgsasl's API (gsasl_register), by internal names,
 * since the library looks for its own ones first.
 */
#ifndef AUTH_MECH_H
#define AUTH_MECH_H

#include "auth/scram.h"
#include "xmpp/error.h"

enum mech_status {
	MECH_CHALLENGE, /* send out; the next step has the client's answer */
	MECH_SUCCESS,	/* send out with success, when there is any; mech_account is who */
	MECH_FAILURE,	/* mech_error says which */
	MECH_WANT_KEYS, /* mech_give_keys, then mech_resume */
	MECH_WANT_CHECK /* is mech_password that of mech_account? mech_give_check, then mech_resume
			 */
};

struct mech_type;
struct mechs;		       /* the registered mechanisms; one for the process */
struct mechs *mechs_new(void); /* NULL: libgsasl does not start */
struct mechs *mechs_free(struct mechs *ms);
const struct mech_type *mech_type(struct str name); /* NULL: unknown */
size_t mech_type_index(const struct mech_type *t);  /* below mech_types() */
bool mech_type_binds(const struct mech_type *t);    /* a -PLUS */
bool mech_type_clear(const struct mech_type *t);    /* shows the password: inside TLS only */
bool mech_type_certificate(const struct mech_type *t); /* needs the client's */
bool mech_type_anonymous(const struct mech_type *t);   /* makes a temporary account */
enum scram_hash mech_type_hash(const struct mech_type *t); /* of the keys that it needs */
size_t mech_types(void);
const char *mech_type_name(size_t i); /* in no particular order, i < mech_types() */

/* All borrowed for mech_new alone. */
struct mech_params {
	struct str domain;			 /* prepared */
	struct str exporter, end_point, unique;	 /* channel binding data; empty: none */
	const struct str *mechanisms, *bindings; /* advertised on this stream */
	size_t nmechanisms, nbindings;
	bool downgrade_hash; /* XEP-0474 */
	const struct str *certificate_jids;
	size_t ncertificate_jids;
};

struct mech;
/* NULL when libgsasl refuses. */
struct mech *mech_new(struct mechs *ms, const struct mech_type *t, const struct mech_params *p);
struct mech *mech_free(struct mech *m);

/* A message of the client. out is appended to for MECH_CHALLENGE and MECH_SUCCESS only. A failed or
 * finished one takes no further step (MECH_FAILURE). */
enum mech_status mech_step(struct mech *m, struct str in, struct buf *out);
void mech_give_keys(struct mech *m, const struct scram_keys *keys); /* of mech_hash; copied */
void mech_give_check(struct mech *m, bool good);
enum mech_status mech_resume(struct mech *m, struct buf *out);

/* Valid from the first MECH_WANT_… on. The account is a bare JID; when the name given cannot be
 * one, mech_account_valid is false and it must be treated as any unknown account. */
struct str mech_account(const struct mech *m);
bool mech_account_valid(const struct mech *m);
enum scram_hash mech_hash(const struct mech *m);
struct str mech_password(const struct mech *m); /* prepared for derivation */
enum sasl_error mech_error(const struct mech *m);
const char *mech_reason(const struct mech *m); /* for the log, of a failure */
bool mech_guessed(const struct mech *m);       /* the failure was a wrong password: count it */
const struct mech_type *mech_type_of(const struct mech *m);

/* The form of a password from which keys are derived: SASLprep, or, where that forbids it (a
 * character newer than its tables), the bytes as they are, as clients do. -EINVAL: empty, too
 * long, not UTF-8 or with NUL. */
enum { MECH_MAX_PASSWORD = 1023 };
int mech_prepare_password(struct str password, struct buf *b);

#endif
