/* SPDX-License-Identifier: MIT */
/* What temporary accounts (SASL ANONYMOUS, XEP-0175) may not do: leave anything behind, and speak
 * to other servers. */
#include "sm/module.h"
#include "sm/subscription.h"

struct config {
	bool remote;
};

const struct option mod_anonymous_options[] = {
	{"anonymous_remote", OPT_BOOL, offsetof(struct config, remote), "false", 0, 0, NULL,
	 OPT_RELOAD, "Temporary accounts (SASL ANONYMOUS) may send to other servers."},
	{NULL},
};
extern const struct module mod_anonymous;

/* Section 2: "The server SHOULD NOT allow the client to initiate communication with entities hosted
 * at remote servers." */
static bool leaves(const struct packet *p)
{
	const struct config *cf = module_config(p->sm, &mod_anonymous);

	return p->to.domain.len && !cf->remote && !sm_serves_domain(p->sm, p->to.domain);
}

static enum verdict refuse(struct packet *p)
{
	packet_error(p, STANZA_E_FORBIDDEN);
	return HANDLED;
}

static enum verdict out_message(struct packet *p)
{
	return user_temporary(p->user) && leaves(p) ? refuse(p) : PASS;
}

/* Relationships must end with the session, also when we do not live to see that: there are none. */
static enum verdict out_presence(struct packet *p)
{
	if (!user_temporary(p->user))
		return PASS;
	return sub_is_type(p->st.type) || leaves(p) ? refuse(p) : PASS;
}

/* Requests about the session alone, which store nothing. */
static bool is_of_session(const struct node *payload)
{
	return payload && (str_eqz(payload->ns, NS_SESSION) || str_eqz(payload->ns, NS_CARBONS));
}

/* A set to one's own account stores something; in-band registration is for those who have one. */
static bool stores(struct packet *p)
{
	const struct node *payload = stanza_payload(p->pool, &p->st);
	bool to_self = !p->to.full.len || str_eq(p->to.full, user_jid(p->user));

	if (payload && str_eqz(payload->ns, NS_REGISTER))
		return to_self || !p->to.local.len;
	return to_self && p->st.type == IQ_SET && !is_of_session(payload);
}

static enum verdict out_iq(struct packet *p)
{
	if (!user_temporary(p->user))
		return PASS;
	return leaves(p) || stores(p) ? refuse(p) : PASS;
}

static enum verdict in_presence(struct packet *p)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNSUBSCRIBED,
			    .from = user_jid(p->user),
			    .to = p->from.bare};

	if (!user_temporary(p->user) || !sub_is_type(p->st.type))
		return PASS;
	if (p->st.type == PRESENCE_SUBSCRIBE)
		sm_route(p->sm, p->txn, &st);
	return HANDLED;
}

static const char *const xeps[] = {"0175 1.2", NULL};

const struct module mod_anonymous = {
	.name = "anonymous",
	.summary = "temporary accounts (SASL ANONYMOUS)",
	.xeps = xeps,
	.options = mod_anonymous_options,
	.config_size = sizeof(struct config),
	.hooks = {.priority = 90,
		  .out_message = out_message,
		  .out_presence = out_presence,
		  .out_iq = out_iq,
		  .in_presence = in_presence},
};
