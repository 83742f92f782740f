/* SPDX-License-Identifier: MIT */
/* The table of mechanisms, their registration in libgsasl, and what they have in common. */
#include <errno.h>
#include <stdlib.h>
#include "auth/mech_internal.h"
#include "base/alloc.h"
#include "xmpp/jid.h"
#include "xmpp/prep.h"

static const struct mech_type types[] = {
	{"SCRAM-SHA-256-PLUS", "M-SCRAM-SHA-256-PLUS", SCRAM_SHA256, .binds = true,
	 .step = mech_scram_step},
	{"SCRAM-SHA-1-PLUS", "M-SCRAM-SHA-1-PLUS", SCRAM_SHA1, .binds = true,
	 .step = mech_scram_step},
	{"SCRAM-SHA-256", "M-SCRAM-SHA-256", SCRAM_SHA256, .step = mech_scram_step},
	{"SCRAM-SHA-1", "M-SCRAM-SHA-1", SCRAM_SHA1, .step = mech_scram_step},
	{"EXTERNAL", "M-EXTERNAL", SCRAM_SHA256, .certificate = true, .step = mech_external_step},
	{"PLAIN", "M-PLAIN", SCRAM_SHA256, .clear = true, .step = mech_plain_step},
	{"ANONYMOUS", "M-ANONYMOUS", SCRAM_SHA256, .anonymous = true, .step = mech_anonymous_step},
};
#define NTYPES (sizeof(types) / sizeof(types[0]))

struct mechs {
	Gsasl *gsasl;
};

/* libgsasl hands the return value of a step through; ours lie outside its own codes. */
enum { STATUS_BASE = 0x4000 };

static int gsasl_start(Gsasl_session *session, void **mech_data)
{
	(void)session;
	*mech_data = NULL;
	return GSASL_OK;
}

static int gsasl_step_ours(Gsasl_session *session, void *mech_data, const char *input,
			   size_t input_len, char **output, size_t *output_len)
{
	struct mech *m = gsasl_session_hook_get(session);
	struct buf out = BUF_INIT;
	enum mech_status status;

	(void)mech_data;
	status = m->type->step(m, str_n(input, input_len), &out);
	*output_len = out.len;
	*output = buf_take(&out);
	if (status == MECH_SUCCESS)
		return GSASL_OK;
	return status == MECH_CHALLENGE ? GSASL_NEEDS_MORE : STATUS_BASE + (int)status;
}

static void gsasl_finish_ours(Gsasl_session *session, void *mech_data)
{
	(void)session;
	(void)mech_data;
}

struct mechs *mechs_new(void)
{
	struct mechs *ms = xcalloc(1, sizeof(*ms));

	if (gsasl_init(&ms->gsasl) != GSASL_OK) {
		free(ms);
		return NULL;
	}
	for (size_t i = 0; i < NTYPES; i++) {
		Gsasl_mechanism ours = {.name = types[i].internal,
					.server = {.start = gsasl_start,
						   .step = gsasl_step_ours,
						   .finish = gsasl_finish_ours}};

		if (gsasl_register(ms->gsasl, &ours) != GSASL_OK)
			return mechs_free(ms);
	}
	return ms;
}

struct mechs *mechs_free(struct mechs *ms)
{
	if (ms) {
		gsasl_done(ms->gsasl);
		free(ms);
	}
	return NULL;
}

const struct mech_type *mech_type(struct str name)
{
	for (size_t i = 0; i < NTYPES; i++) {
		if (str_eqz(name, types[i].name))
			return &types[i];
	}
	return NULL;
}

size_t mech_type_index(const struct mech_type *t)
{
	return (size_t)(t - types);
}

bool mech_type_binds(const struct mech_type *t)
{
	return t->binds;
}

bool mech_type_clear(const struct mech_type *t)
{
	return t->clear;
}

bool mech_type_certificate(const struct mech_type *t)
{
	return t->certificate;
}

bool mech_type_anonymous(const struct mech_type *t)
{
	return t->anonymous;
}

enum scram_hash mech_type_hash(const struct mech_type *t)
{
	return t->hash;
}

size_t mech_types(void)
{
	return NTYPES;
}

const char *mech_type_name(size_t i)
{
	return types[i].name;
}

struct mech *mech_new(struct mechs *ms, const struct mech_type *t, const struct mech_params *p)
{
	struct mech *m = xcalloc(1, sizeof(*m));

	m->type = t;
	if (gsasl_server_start(ms->gsasl, t->internal, &m->session) != GSASL_OK) {
		free(m);
		return NULL;
	}
	gsasl_session_hook_set(m->session, m);
	buf_str_append(&m->domain, p->domain);
	buf_str_append(&m->exporter, p->exporter);
	buf_str_append(&m->end_point, p->end_point);
	buf_str_append(&m->unique, p->unique);
	for (size_t i = 0; i < p->ncertificate_jids; i++) {
		buf_str_append(&m->certificate, p->certificate_jids[i]);
		if (i + 1 < p->ncertificate_jids)
			buf_putc(&m->certificate, '\0');
	}
	for (size_t i = 0; i < p->nmechanisms; i++) {
		const struct mech_type *other = mech_type(p->mechanisms[i]);

		m->plus_advertised |= other && other->binds;
	}
	if (p->downgrade_hash && p->nmechanisms) {
		buf_lit(&m->extension, "h=");
		scram_downgrade_hash(t->hash, p->mechanisms, p->nmechanisms, p->bindings,
				     p->nbindings, &m->extension);
	}
	return m;
}

static void wipe_all(struct mech *m)
{
	struct buf *bufs[] = {&m->domain,     &m->account, &m->password,  &m->exporter,
			      &m->end_point,  &m->unique,  &m->extension, &m->gs2,
			      &m->binding,    &m->bare,	   &m->nonce,	  &m->server_first,
			      &m->certificate};

	for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
		buf_wipe(bufs[i]);
	wipe(m, sizeof(*m));
}

struct mech *mech_free(struct mech *m)
{
	if (m) {
		gsasl_finish(m->session);
		wipe_all(m);
		free(m);
	}
	return NULL;
}

enum mech_status mech_step(struct mech *m, struct str in, struct buf *out)
{
	enum mech_status status;
	char *output = NULL;
	size_t n = 0;
	int r;

	if (m->finished)
		return MECH_FAILURE;
	r = gsasl_step(m->session, in.len ? in.ptr : "", in.len, &output, &n);
	if (r == GSASL_OK)
		status = MECH_SUCCESS;
	else if (r == GSASL_NEEDS_MORE)
		status = MECH_CHALLENGE;
	else if (r >= STATUS_BASE)
		status = (enum mech_status)(r - STATUS_BASE);
	else
		status = mech_fail(m, SASL_E_TEMPORARY_AUTH_FAILURE, gsasl_strerror(r));
	if (status == MECH_SUCCESS || status == MECH_CHALLENGE)
		buf_append(out, output, n);
	m->finished = status == MECH_SUCCESS || status == MECH_FAILURE;
	gsasl_free(output);
	return status;
}

void mech_give_keys(struct mech *m, const struct scram_keys *keys)
{
	m->keys = *keys;
	m->have_keys = true;
}

void mech_give_check(struct mech *m, bool good)
{
	m->checked = true;
	m->check_good = good;
}

enum mech_status mech_resume(struct mech *m, struct buf *out)
{
	return mech_step(m, STR_NONE, out);
}

enum mech_status mech_fail(struct mech *m, enum sasl_error error, const char *reason)
{
	m->error = error;
	m->reason = reason;
	return MECH_FAILURE;
}

/* RFC 6120 section 6.3.8: the authorization identity is a bare JID; ours can only be one's own. */
static bool same_authzid(const struct mech *m, struct str authzid)
{
	struct pool *p;
	struct jid jid;
	bool same;

	if (!authzid.len)
		return true;
	p = pool_new();
	same = m->account_valid && jid_parse(p, authzid, &jid) == 0 && jid_is_bare(&jid) &&
	       str_eq(jid.bare, buf_str(&m->account));
	pool_free(p);
	return same;
}

bool mech_identify(struct mech *m, struct str name, struct str authzid)
{
	buf_clear(&m->account);
	m->account_valid = jid_prep_local(&m->account, name) == 0;
	if (!m->account_valid)
		buf_str_append(&m->account, name);
	buf_putc(&m->account, '@');
	buf_str_append(&m->account, buf_str(&m->domain));
	if (same_authzid(m, authzid))
		return true;
	mech_fail(m, SASL_E_INVALID_AUTHZID, "not the account's own authorization identity");
	return false;
}

struct str mech_account(const struct mech *m)
{
	return buf_str(&m->account);
}

bool mech_account_valid(const struct mech *m)
{
	return m->account_valid;
}

enum scram_hash mech_hash(const struct mech *m)
{
	return m->type->hash;
}

struct str mech_password(const struct mech *m)
{
	return buf_str(&m->password);
}

enum sasl_error mech_error(const struct mech *m)
{
	return m->error;
}

const char *mech_reason(const struct mech *m)
{
	return m->reason ? m->reason : "";
}

bool mech_guessed(const struct mech *m)
{
	return m->guessed;
}

const struct mech_type *mech_type_of(const struct mech *m)
{
	return m->type;
}

int mech_prepare_password(struct str password, struct buf *b)
{
	if (!password.len || password.len > MECH_MAX_PASSWORD ||
	    memchr(password.ptr, '\0', password.len) || !str_utf8_valid(password))
		return -EINVAL;
	if (prep_saslprep(password, b) < 0)
		buf_str_append(b, password);
	return 0;
}
