/* SPDX-License-Identifier: MIT */
/* Which mechanisms a stream is offered, and whether one that a client chose may be used. */
#include "auth/auth_internal.h"

static const struct {
	const char *name;
} bindings[] = {{"tls-exporter"}, {"tls-server-end-point"}};
#define NBINDINGS (sizeof(bindings) / sizeof(bindings[0]))

/* What the configuration and the stream allow; SASL_E_COUNT: everything. */
static enum sasl_error refuses(const struct auth *a, const struct mech_type *t, bool secure,
			       bool can_bind)
{
	if (!secure && (mech_type_clear(t) || !a->config->allow_unencrypted))
		return SASL_E_ENCRYPTION_REQUIRED;
	if (mech_type_binds(t) && !(secure && can_bind))
		return SASL_E_INVALID_MECHANISM;
	if (!mech_type_clear(t) && !a->backend->keys)
		return SASL_E_INVALID_MECHANISM;
	return SASL_E_COUNT;
}

static bool is_configured(const struct auth *a, struct str name)
{
	for (char **z = a->config->mechanisms; *z; z++) {
		if (str_eqz(name, *z))
			return true;
	}
	return false;
}

static bool is_listed(const struct str *list, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(list[i], name))
			return true;
	}
	return false;
}

const struct mech_type *offer_choose(const struct auth *a, const struct msg_auth_start *m,
				     enum sasl_error *ret_error)
{
	const struct mech_type *t = mech_type(m->mechanism);
	enum sasl_error e;

	if (!t || !is_configured(a, m->mechanism)) {
		*ret_error = SASL_E_INVALID_MECHANISM;
		return NULL;
	}
	e = refuses(a, t, m->secure, m->exporter.len || m->end_point.len);
	if (e == SASL_E_COUNT && m->nmechanisms &&
	    !is_listed(m->mechanisms, m->nmechanisms, m->mechanism))
		e = SASL_E_INVALID_MECHANISM; /* not what this stream was offered */
	if (e == SASL_E_COUNT)
		return t;
	*ret_error = e;
	return NULL;
}

void offer_handle(void *arg, const struct frame *f, const void *msg)
{
	const struct auth *a = arg;
	const struct msg_auth_mechanisms *m = msg;
	struct str names[AUTH_MAX_MECHANISMS], types[NBINDINGS];
	struct msg_auth_offer offer = {.mechanisms = names, .bindings = types};
	bool binds = false;

	for (size_t i = 0; i < NBINDINGS; i++) {
		if (is_listed(m->bindings, m->nbindings, str_z(bindings[i].name)))
			types[offer.nbindings++] = str_z(bindings[i].name);
	}
	for (char **z = a->config->mechanisms; *z && auth_serves(a, m->domain); z++) {
		const struct mech_type *t = mech_type(str_z(*z));

		if (!t || offer.nmechanisms == AUTH_MAX_MECHANISMS ||
		    refuses(a, t, m->secure, offer.nbindings) != SASL_E_COUNT)
			continue;
		names[offer.nmechanisms++] = str_z(*z);
		binds |= mech_type_binds(t);
	}
	if (!binds)
		offer.nbindings = 0;
	link_reply(a->link, f, MSG_AUTH_OFFER, &offer);
}
