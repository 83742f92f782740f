/* SPDX-License-Identifier: MIT */
/* Stanza ids (XEP-0359): a message that its account's log keeps carries its number there. The core
 * adds it (give.c); nobody else may. */
#include "sm/module.h"

static bool claims(struct pool *pool, const struct stanza *st, const struct xml_child *c,
		   struct str account)
{
	struct node *n;
	struct jid by;

	if (!str_eq(c->name, STR("stanza-id")) || !str_eq(c->ns, STR(NS_SID)))
		return false;
	if (node_parse(pool, stanza_child_bytes(st, c), NS_CLIENT, &n) < 0)
		return true;
	/* Section 3, rule 7: "XMPP addresses are normalized"; clients may do that before they compare. */
	return jid_parse(pool, node_attr(n, "by"), &by) == 0 && str_eq(by.full, account);
}

/* Section 3, rule 2: what came with an id in the name of the account loses it. */
static enum verdict in_message(struct packet *p)
{
	for (size_t i = p->st.nchildren; i-- > 0;)
		if (claims(p->pool, &p->st, &p->st.children[i], user_jid(p->user)))
			stanza_cut(p->pool, &p->st, &p->st.children[i]);
	return PASS;
}

static const char *const xeps[] = {"0359 0.7.0", NULL};
static const char *const features[] = {NS_SID, NULL};

const struct module mod_stanza_id = {
	.name = "stanza_id",
	.summary = "unique and stable ids of messages",
	.xeps = xeps,
	.account_features = features,
	.hooks = {.priority = 100, .in_message = in_message},
};
