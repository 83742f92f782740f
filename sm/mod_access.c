/* SPDX-License-Identifier: MIT */
/* Those with whom a domain does not communicate: the lists of XEP-0133, enforced. */
#include "sm/module.h"
#include "sm/service.h"

/* RFC 6120 section 8.3.3.10 has not-allowed for "sending to entities at a blacklisted domain".
 * Presence that nobody's client has sent is dropped. */
static enum verdict refuse(struct packet *p)
{
	if (p->st.kind != STANZA_PRESENCE || p->session)
		packet_error(p, STANZA_E_NOT_ALLOWED);
	return HANDLED;
}

/* What a domain of ours or one of its accounts sends. */
static enum verdict route(struct packet *p)
{
	const struct service *s = sm_service(p->sm);

	if (!service_has_lists(s) || !p->from.full.len || str_eq(p->from.bare, p->to.bare) ||
	    !sm_local_domain(p->sm, p->from.domain) ||
	    !service_refuses(s, p->from.domain, &p->to, SERVICE_OUT))
		return PASS;
	return refuse(p);
}

/* What they get. */
static enum verdict inbound(struct packet *p, struct str domain)
{
	const struct service *s = sm_service(p->sm);

	if (!service_has_lists(s) || !p->from.full.len ||
	    !service_refuses(s, domain, &p->from, SERVICE_IN))
		return PASS;
	return refuse(p);
}

static enum verdict to_account(struct packet *p)
{
	struct jid j;

	if (p->own || !service_has_lists(sm_service(p->sm)) || jid_split(user_jid(p->user), &j) < 0)
		return PASS;
	return inbound(p, j.domain);
}

static enum verdict to_domain(struct packet *p)
{
	return inbound(p, p->to.domain);
}

const struct module mod_access = {
	.name = "access",
	.summary = "lists of entities that a domain does not communicate with",
	.hooks = {.priority = 200,
		  .route = route,
		  .in_message = to_account,
		  .in_presence = to_account,
		  .in_iq = to_account,
		  .in_domain = to_domain},
};
