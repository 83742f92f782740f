/* SPDX-License-Identifier: MIT */
/* PLAIN (RFC 4616). libgsasl's own refuses characters newer than Unicode 3.2. */
#include "auth/mech_internal.h"

enum { MAX_NAME = 1023, MAX_AUTHZID = 3071 };

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd */
static bool parse(struct str in, struct str *authzid, struct str *authcid, struct str *password)
{
	struct str rest = in;

	if (!in.len || !str_utf8_valid(in) || !str_split(&rest, '\0', authzid) || !rest.ptr ||
	    !str_split(&rest, '\0', authcid) || !rest.ptr)
		return false;
	*password = rest;
	return authcid->len && authcid->len <= MAX_NAME && authzid->len <= MAX_AUTHZID;
}

enum mech_status mech_plain_step(struct mech *m, struct str in, struct buf *out)
{
	struct str authzid, authcid, password;

	(void)out;
	if (m->at++ == 0) {
		if (!parse(in, &authzid, &authcid, &password) ||
		    mech_prepare_password(password, &m->password) < 0)
			return mech_fail(m, SASL_E_MALFORMED_REQUEST, "malformed message");
		return mech_identify(m, authcid, authzid) ? MECH_WANT_CHECK : MECH_FAILURE;
	}
	if (m->checked && m->check_good)
		return MECH_SUCCESS;
	m->guessed = m->checked;
	return mech_fail(m, SASL_E_NOT_AUTHORIZED, "wrong password");
}
