/* SPDX-License-Identifier: MIT */
/* Rosters and requests to subscribe in a file (XEP-0227 sections 3.3 and 3.8). */
#include <stdlib.h>
#include "sm/roster.h"

/* --- out ------------------------------------------------------------------------------------- */

static void give_item(struct user *u, const struct msg_row *row, size_t at, struct buf *b)
{
	const struct msg_value *v = row->values;
	struct contact c = {.state = (unsigned)v[COL_ROSTER_SUBSCRIPTION].i};
	struct xml_writer w;

	(void)u;
	(void)at;
	if (!contact_listed(&c))
		return;
	c.jid = str_dup(v[COL_ROSTER_JID].s);
	c.name = v[COL_ROSTER_NAME].type ? str_dup(v[COL_ROSTER_NAME].s) : NULL;
	c.groups = str_dup(v[COL_ROSTER_GROUPS].s);
	xw_init_in(&w, b, NS_ROSTER);
	contact_write(&w, &c);
	free(c.jid);
	free(c.name);
	free(c.groups);
}

static void give_request(struct user *u, const struct msg_row *row, size_t at, struct buf *b)
{
	const struct msg_value *v = row->values;
	struct pool *p = pool_new();
	struct stanza st;

	(void)u;
	(void)at;
	if ((v[COL_ROSTER_SUBSCRIPTION].i & SUB_PENDING_IN) && v[COL_ROSTER_PENDING].type &&
	    stanza_parse(p, v[COL_ROSTER_PENDING].s, &st) == 0)
		stanza_write_ns(&st, NS_CLIENT, b);
	pool_free(p);
}

/* --- in -------------------------------------------------------------------------------------- */

static void put(struct user *u, struct contact *c, struct taking *t)
{
	struct roster *r = roster_of(u);
	struct msg_value row[COLS_ROSTER], version[COLS_ROSTER_VERSION];

	if (!r->told)
		r->told = r->version + 1;
	c->version = ++r->version;
	roster_row(u, c, row);
	roster_version_row(u, version);
	taking_put(t, TABLE_ROSTER, row, COLS_ROSTER);
	taking_put(t, TABLE_ROSTER_VERSION, version, COLS_ROSTER_VERSION);
}

static unsigned state_of(const struct node *item)
{
	static const struct {
		const char *attr, *value;
		unsigned bits;
	} all[] = {
		{"subscription", "to", SUB_TO},
		{"subscription", "from", SUB_FROM},
		{"subscription", "both", SUB_TO | SUB_FROM},
		{"ask", "subscribe", SUB_ASK},
		{"approved", "true", SUB_APPROVED},
		{"approved", "1", SUB_APPROVED},
	};
	unsigned state = CONTACT_LISTED;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (str_eqz(node_attr(item, all[i].attr), all[i].value))
			state |= all[i].bits;
	return state;
}

/* Appendix A knows no other combination, also of what was there before with what the file has. */
static unsigned state_valid(unsigned state)
{
	if (state & SUB_TO)
		state &= ~(unsigned)SUB_ASK;
	if (state & SUB_FROM)
		state &= ~(unsigned)(SUB_APPROVED | SUB_PENDING_IN);
	return state;
}

static void take_item(struct user *u, const struct node *item, struct taking *t)
{
	struct str text = node_attr(item, "jid"), name = node_attr(item, "name");
	enum stanza_error error;
	struct contact *c;
	struct jid jid;
	char *groups;

	if (!text.len || jid_parse(taking_pool(t), text, &jid) < 0) {
		taking_note(t, "roster: \"%.*s\" is no address", STR_ARG(text));
		return;
	}
	c = roster_need(u, jid.full, false);
	if (!c) {
		taking_note(t, "roster: %.*s: the roster is full, or the address too long", STR_ARG(jid.full));
		return;
	}
	groups = roster_groups(user_sm(u), item, &error);
	if (!groups) { /* the contact, who may see us, is worth more */
		taking_note(t, "roster: %.*s: its groups are not acceptable", STR_ARG(jid.full));
		groups = xstrdup(c->groups);
	}
	contact_describe(roster_of(u), c, name.ptr ? str_dup(name) : NULL, groups);
	c->state = state_valid(c->state | state_of(item));
	if (!(c->state & SUB_PENDING_IN))
		contact_request(roster_of(u), c, NULL);
	put(u, c, t);
}

static void take_roster(struct user *u, const struct node *query, struct taking *t)
{
	for (const struct node *i = node_child(query, "item", NS_ROSTER); i;
	     i = node_next(i, "item", NS_ROSTER))
		take_item(u, i, t);
}

static void take_request(struct user *u, const struct node *presence, struct taking *t)
{
	struct contact *c;
	struct buf b = BUF_INIT;
	struct stanza st;
	struct jid from;

	if (stanza_parse(taking_pool(t), presence->outer, &st) < 0 ||
	    st.type != PRESENCE_SUBSCRIBE || !st.from.len || jid_split(st.from, &from) < 0) {
		taking_note(t, "ignored: <presence/> that asks for no subscription");
		return;
	}
	if (presence->outer.len > roster_request_max(user_sm(u)) ||
	    roster_of(u)->pending + presence->outer.len > roster_pending_size(user_sm(u)) ||
	    !(c = roster_need(u, from.bare, true))) {
		taking_note(t, "request of %.*s: too large, or one too many", STR_ARG(from.bare));
		return;
	}
	if (c->state & SUB_FROM)
		return;
	st.from = from.bare;
	st.to = user_jid(u);
	stanza_write(&st, &b);
	contact_request(roster_of(u), c, buf_take(&b));
	c->state |= SUB_PENDING_IN;
	put(u, c, t);
}

static void taken(struct user *u)
{
	struct roster *r = roster_of(u);

	if (r->told)
		roster_push_since(u, r->told - 1);
	r->told = 0;
}

const struct portable roster_portables[] = {
	{"query", NS_ROSTER, TABLE_ROSTER, "<query xmlns='" NS_ROSTER "'>", "</query>", give_item,
	 take_roster, taken},
	{"presence", NS_CLIENT, TABLE_ROSTER, NULL, NULL, give_request, take_request, NULL},
	{NULL},
};
