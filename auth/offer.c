/* SPDX-License-Identifier: MIT */
/* Which mechanisms a stream is offered, and whether one that a client chose may be used. */
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "xmpp/jid.h"

static const struct {
	const char *name;
} bindings[] = {{"tls-exporter"}, {"tls-server-end-point"}};
#define NBINDINGS (sizeof(bindings) / sizeof(bindings[0]))

/* What the configuration and the stream allow; SASL_E_COUNT: everything. */
static enum sasl_error refuses(const struct auth *a, const struct mech_type *t, struct str domain,
			       bool secure, bool can_bind, bool certificate)
{
	if (!secure && (mech_type_clear(t) || !a->config->allow_unencrypted))
		return SASL_E_ENCRYPTION_REQUIRED;
	if (mech_type_certificate(t) && !(secure && certificate))
		return SASL_E_INVALID_MECHANISM;
	if (mech_type_binds(t) && !(secure && can_bind))
		return SASL_E_INVALID_MECHANISM;
	if (!mech_type_clear(t) && !mech_type_anonymous(t) &&
	    !source_has_keys(a, domain, mech_type_hash(t)))
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

/* XEP-0175 section 2: an operator must have asked for ANONYMOUS, here for each domain. */
static bool takes_anonymous(const struct auth *a, struct str domain)
{
	for (char **z = a->config->anonymous_domains; *z; z++) {
		if (str_caseeq(domain, str_z(*z)))
			return auth_serves(a, domain);
	}
	return false;
}

static bool is_allowed(const struct auth *a, const struct mech_type *t, struct str domain)
{
	if (mech_type_anonymous(t))
		return takes_anonymous(a, domain);
	return is_configured(a, str_z(mech_type_name(mech_type_index(t))));
}

const struct mech_type *offer_choose(const struct auth *a, const struct msg_auth_start *m,
				     enum sasl_error *ret_error)
{
	const struct mech_type *t = mech_type(m->mechanism);
	enum sasl_error e;

	if (!t || !is_allowed(a, t, m->domain)) {
		*ret_error = SASL_E_INVALID_MECHANISM;
		return NULL;
	}
	e = refuses(a, t, m->domain, m->secure, m->exporter.len || m->end_point.len,
		    m->ncertificate_jids);
	if (e == SASL_E_COUNT && m->nmechanisms &&
	    !is_listed(m->mechanisms, m->nmechanisms, m->mechanism))
		e = SASL_E_INVALID_MECHANISM; /* not what this stream was offered */
	if (e == SASL_E_COUNT)
		return t;
	*ret_error = e;
	return NULL;
}

/* --- telling --------------------------------------------------------------------------------- */

enum { MAX_LOOK_UPS = 4 };

/* What c2s asks, kept while accounts are looked up. */
struct offering {
	struct task task;
	char *domain;
	bool secure, certificate;
	bool binds[NBINDINGS];
	char *accounts[MAX_LOOK_UPS]; /* of the certificate */
	size_t naccounts, at;
	struct backend_call *call;
};

/* Behind all others, whatever the order of the options: a client that takes the first one that it
 * knows shall not lose its account by it. */
static void add_anonymous(const struct auth *a, const struct offering *o,
			  struct msg_auth_offer *offer, struct str *names)
{
	const struct mech_type *t = mech_type(STR("ANONYMOUS"));

	if (offer->nmechanisms < AUTH_MAX_MECHANISMS && takes_anonymous(a, str_z(o->domain)) &&
	    refuses(a, t, str_z(o->domain), o->secure, false, false) == SASL_E_COUNT)
		names[offer->nmechanisms++] = STR("ANONYMOUS");
}

static void reply(const struct auth *a, const struct frame *f, const struct offering *o)
{
	struct str names[AUTH_MAX_MECHANISMS], types[NBINDINGS];
	struct msg_auth_offer offer = {.mechanisms = names,
				       .bindings = types,
				       .elsewhere = source_is_foreign(a, str_z(o->domain))};
	bool binds = false;

	for (size_t i = 0; i < NBINDINGS; i++) {
		if (o->binds[i])
			types[offer.nbindings++] = str_z(bindings[i].name);
	}
	for (char **z = a->config->mechanisms; *z && auth_serves(a, str_z(o->domain)); z++) {
		const struct mech_type *t = mech_type(str_z(*z));

		if (!t || mech_type_anonymous(t) || offer.nmechanisms == AUTH_MAX_MECHANISMS ||
		    refuses(a, t, str_z(o->domain), o->secure, offer.nbindings, o->certificate) !=
			    SASL_E_COUNT)
			continue;
		names[offer.nmechanisms++] = str_z(*z);
		binds |= mech_type_binds(t);
	}
	if (!binds)
		offer.nbindings = 0;
	add_anonymous(a, o, &offer, names);
	link_reply(a->link, f, MSG_AUTH_OFFER, &offer);
}

static void offering_end(struct offering *o)
{
	backend_cancel(o->call);
	task_end(&o->task);
	for (size_t i = 0; i < o->naccounts; i++)
		free(o->accounts[i]);
	free(o->domain);
	free(o);
}

static void offering_cancel(struct task *t)
{
	offering_end((struct offering *)t);
}

static void look_up(struct offering *o);

static void found(void *arg, enum backend_status status, const struct scram_keys *keys)
{
	struct offering *o = arg;

	o->call = NULL;
	o->certificate = status == BACKEND_KNOWN || status == BACKEND_DISABLED;
	o->at++;
	look_up(o);
}

/* XEP-0178 section 3: EXTERNAL is offered where the certificate maps to an account. */
static void look_up(struct offering *o)
{
	struct auth *a = o->task.auth;

	if (o->certificate || o->at == o->naccounts) {
		reply(a, &o->task.request, o);
		offering_end(o);
		return;
	}
	o->call = backend_known(a, str_z(o->accounts[o->at]), found, o);
}

static void keep_accounts(struct offering *o, const struct str *jids, size_t n)
{
	for (size_t i = 0; i < n && o->naccounts < MAX_LOOK_UPS; i++) {
		struct jid jid;

		if (jid_split(jids[i], &jid) == 0 && jid.local.len && jid_is_bare(&jid) &&
		    str_eqz(jid.domain, o->domain))
			o->accounts[o->naccounts++] = str_dup(jids[i]);
	}
}

void offer_handle(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_auth_mechanisms *m = msg;
	struct offering *o = xcalloc(1, sizeof(*o));

	task_begin(&o->task, a, f, offering_cancel);
	o->domain = str_dup(m->domain);
	o->secure = m->secure;
	for (size_t i = 0; i < NBINDINGS; i++)
		o->binds[i] = is_listed(m->bindings, m->nbindings, str_z(bindings[i].name));
	if (source_has_keys(a, m->domain, SCRAM_SHA256) && is_configured(a, STR("EXTERNAL")))
		keep_accounts(o, m->certificate_jids, m->ncertificate_jids);
	look_up(o);
}

static void tell_change(void *arg, const struct member *m)
{
	struct auth *a = arg;
	struct frame head = {.kind = MSG_OFFERS_CHANGED,
			     .to = m->id,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	if (link_send(a->link, &head, NULL) < 0)
		log_warn("not told of what is offered now", LF_S("instance", m->name));
}

void offers_announce(struct auth *a)
{
	link_serving(a->link, "c2s", tell_change, a);
}
