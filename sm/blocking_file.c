/* SPDX-License-Identifier: MIT */
/*
 * Blocked addresses in a file: XEP-0227 knows privacy lists alone (section 3.7), so they are a
 * default list that denies everything of each (XEP-0016). Read is also <blocklist/> of XEP-0191
 * itself.
 */
#include "sm/blocking.h"

static void give(struct user *u, const struct msg_row *row, size_t at, struct buf *b)
{
	struct xml_writer w;

	(void)u;
	xw_init_in(&w, b, NS_PRIVACY);
	xw_start(&w, "item", NS_PRIVACY);
	xw_attrz(&w, "type", "jid");
	xw_attr(&w, "value", row->values[COL_BLOCKING_JID].s);
	xw_attrz(&w, "action", "deny");
	xw_attr_int(&w, "order", (long long)at + 1);
	xw_end(&w);
}

static void block(struct user *u, struct str text, struct taking *t)
{
	struct blocklist *l = blocklist_need(u);
	struct msg_value v[COLS_BLOCKING];
	struct jid jid;

	if (!text.len || jid_parse(taking_pool(t), text, &jid) < 0) {
		taking_note(t, "blocking: \"%.*s\" is no address", STR_ARG(text));
		return;
	}
	if (!blocklist_has(l, jid.full) && l->n >= blocklist_max(user_sm(u))) {
		taking_note(t, "blocking: %.*s: there are more than blocking_max",
			    STR_ARG(jid.full));
		return;
	}
	if (!user_key_fits(u, jid.full)) {
		taking_note(t, "blocking: %.*s is too long", STR_ARG(jid.full));
		return;
	}
	blocklist_add(l, jid.full);
	v[COL_BLOCKING_ACCOUNT] = value_text(user_jid(u));
	v[COL_BLOCKING_JID] = value_text(jid.full);
	taking_put(t, TABLE_BLOCKING, v, COLS_BLOCKING);
}

/* XEP-0016 section 2.2: no child means all kinds of stanza, and so do all children. */
static bool denies_all(const struct node *item)
{
	static const char *const kinds[] = {"message", "iq", "presence-in", "presence-out"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		n += node_child(item, kinds[i], NS_PRIVACY) != NULL;
	return str_eqz(node_attr(item, "action"), "deny") &&
	       (n == 0 || n == sizeof kinds / sizeof *kinds);
}

static void take_list(struct user *u, const struct node *list, struct taking *t)
{
	for (const struct node *i = node_child(list, "item", NS_PRIVACY); i;
	     i = node_next(i, "item", NS_PRIVACY)) {
		bool last_allow =
			!node_attr(i, "type").len && str_eqz(node_attr(i, "action"), "allow");

		if (str_eqz(node_attr(i, "type"), "jid") && denies_all(i))
			block(u, node_attr(i, "value"), t);
		else if (!last_allow)
			taking_note(t, "privacy list \"%.*s\": an item that is no blocked address",
				    STR_ARG(node_attr(list, "name")));
	}
}

static void take_privacy(struct user *u, const struct node *query, struct taking *t)
{
	struct str name = node_attr(node_child(query, "default", NS_PRIVACY), "name");

	for (const struct node *l = node_child(query, "list", NS_PRIVACY); l;
	     l = node_next(l, "list", NS_PRIVACY)) {
		if (name.ptr && str_eq(node_attr(l, "name"), name))
			take_list(u, l, t);
		else
			taking_note(t, "privacy list \"%.*s\" is not the default one",
				    STR_ARG(node_attr(l, "name")));
	}
}

static void take_blocklist(struct user *u, const struct node *list, struct taking *t)
{
	for (const struct node *i = node_child(list, "item", NS_BLOCKING); i;
	     i = node_next(i, "item", NS_BLOCKING))
		block(u, node_attr(i, "jid"), t);
}

const struct portable blocking_portables[] = {
	{"query", NS_PRIVACY, TABLE_BLOCKING,
	 "<query xmlns='" NS_PRIVACY "'><default name='blocked'/><list name='blocked'>",
	 "</list></query>", give, take_privacy, NULL},
	{"blocklist", NS_BLOCKING, TABLE_BLOCKING, NULL, NULL, NULL, take_blocklist, NULL},
	{NULL},
};
