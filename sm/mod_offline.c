/* SPDX-License-Identifier: MIT */
/* What the log does as offline messages (XEP-0160), declared: the work is the core's (inbox.c). And that
 * nobody else says when they came (XEP-0203). */
#include "sm/module.h"

static bool claims(struct packet *p, const struct xml_child *c)
{
	struct node *n;
	struct jid from;

	if (!str_eq(c->name, STR("delay")) || !str_eq(c->ns, STR(NS_DELAY)) || packet_is_late(p))
		return false;
	if (node_parse(p->pool, stanza_child_bytes(&p->st, c), NS_CLIENT, &n) < 0)
		return true;
	return jid_parse(p->pool, node_attr(n, "from"), &from) == 0 && !from.local.len &&
	       !from.resource.len && sm_local_domain(p->sm, from.domain);
}

/* XEP-0203 section 5: "the recipient's server SHOULD discard a delayed delivery notation whose 'from'
 * attribute matches the server's JabberID". What we send late ourselves has ours. */
static enum verdict in_stanza(struct packet *p)
{
	for (size_t i = p->st.nchildren; i-- > 0;)
		if (claims(p, &p->st.children[i]))
			stanza_cut(p->pool, &p->st, &p->st.children[i]);
	return PASS;
}

static const char *const xeps[] = {"0160 1.0.1", "0203 2.0", NULL};
static const char *const features[] = {NS_OFFLINE_FEATURE, NULL};

const struct module mod_offline = {
	.name = "offline",
	.summary = "offline messages",
	.xeps = xeps,
	.features = features,
	.hooks = {.priority = 100, .in_message = in_stanza, .in_presence = in_stanza},
};
