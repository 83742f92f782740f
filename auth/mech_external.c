/* SPDX-License-Identifier: MIT */
/* EXTERNAL (RFC 4422 appendix A, XEP-0178): who the client's certificate says it is. */
#include "auth/mech_internal.h"
#include "xmpp/jid.h"

/* Appends the bare JID when it can be an account of our domain. */
static bool account_of(struct mech *m, struct str text, struct buf *b)
{
	struct pool *p = pool_new();
	struct jid jid;
	bool good = jid_parse(p, text, &jid) == 0 && jid_is_bare(&jid) && jid.local.len &&
		    str_eq(jid.domain, buf_str(&m->domain));

	if (good)
		buf_str_append(b, jid.bare);
	pool_free(p);
	return good;
}

/* How many of the certificate's are it; any where it is empty. The last one is left in b. */
static size_t matching(struct mech *m, struct str wanted, struct buf *b)
{
	struct str rest = buf_str(&m->certificate), one;
	struct buf jid = BUF_INIT;
	size_t n = 0;

	while (str_split(&rest, '\0', &one)) {
		buf_clear(&jid);
		if (!account_of(m, one, &jid) || (wanted.len && !str_eq(buf_str(&jid), wanted)) ||
		    str_eq(buf_str(&jid), buf_str(b)))
			continue;
		buf_clear(b);
		buf_str_append(b, buf_str(&jid));
		n++;
	}
	buf_free(&jid);
	return n;
}

static enum mech_status identify(struct mech *m, struct str authzid)
{
	struct buf wanted = BUF_INIT;
	size_t n = 0;

	if (!authzid.len || account_of(m, authzid, &wanted))
		n = matching(m, buf_str(&wanted), &m->account);
	buf_free(&wanted);
	if (n == 1) {
		m->account_valid = true;
		return MECH_WANT_KEYS; /* is there such an account? */
	}
	if (authzid.len)
		return mech_fail(m, SASL_E_INVALID_AUTHZID, "not in the certificate");
	return mech_fail(m, SASL_E_NOT_AUTHORIZED,
			 n ? "several accounts in the certificate and none named"
			   : "no account in the certificate");
}

enum mech_status mech_external_step(struct mech *m, struct str in, struct buf *out)
{
	return m->at++ == 0 ? identify(m, in) : MECH_SUCCESS;
}
