/* SPDX-License-Identifier: MIT */
/* An exchange as the mechanisms see it; for mech*.c alone. */
#ifndef AUTH_MECH_INTERNAL_H
#define AUTH_MECH_INTERNAL_H

#include <gsasl.h>
#include "auth/mech.h"

struct mech;
typedef enum mech_status mech_step_fn(struct mech *m, struct str in, struct buf *out);

struct mech_type {
	const char *name;     /* as clients know it */
	const char *internal; /* in libgsasl, at most 20 characters */
	enum scram_hash hash;
	bool binds, clear, certificate, anonymous;
	mech_step_fn *step;
};

struct mech {
	const struct mech_type *type;
	Gsasl_session *session;
	struct buf domain, account, password;
	bool account_valid, finished;
	enum sasl_error error;
	const char *reason;
	bool guessed;

	struct buf certificate; /* EXTERNAL: its JIDs, NUL between them */

	/* SCRAM */
	struct buf exporter, end_point, unique, extension;
	bool plus_advertised;
	unsigned at; /* which message is awaited */
	bool have_keys, checked, check_good;
	struct scram_keys keys;
	char flag;
	struct buf gs2, binding, bare, nonce, server_first;
};

mech_step_fn mech_scram_step, mech_plain_step, mech_external_step, mech_anonymous_step;

enum mech_status mech_fail(struct mech *m, enum sasl_error error, const char *reason);
/* Sets the account from the name that the client gave, and compares the authorization identity
 * (may be empty) with it; false: failed with invalid-authzid. */
bool mech_identify(struct mech *m, struct str name, struct str authzid);

#endif
