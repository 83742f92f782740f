/* SPDX-License-Identifier: MIT */
/* Roster management (RFC 6121 section 2): get, set, remove, versioning. */
#include "sm/roster.h"

struct config {
	int64_t items, groups, name, size, pending, request, pending_size;
};

const struct option mod_roster_options[] = {
	{"roster_items_max", OPT_INT, offsetof(struct config, items), "2000", 1, 100000, NULL,
	 OPT_RELOAD, "Most contacts in one roster."},
	{"roster_groups_max", OPT_INT, offsetof(struct config, groups), "50", 0, 1000, NULL,
	 OPT_RELOAD, "Most groups of one contact."},
	{"roster_name_max", OPT_INT, offsetof(struct config, name), "1023", 1, 65536, NULL,
	 OPT_RELOAD, "Longest name of a contact or group, in bytes."},
	{"roster_size_max", OPT_SIZE, offsetof(struct config, size), "1M", 4096, 1 << 28, NULL, OPT_RELOAD,
	 "Most bytes of addresses, names and groups in one roster."},
	{"roster_pending_max", OPT_INT, offsetof(struct config, pending), "200", 1, 100000, NULL,
	 OPT_RELOAD, "Most unanswered subscription requests of strangers kept for one account."},
	{"roster_request_max", OPT_SIZE, offsetof(struct config, request), "8k", 256, 1 << 20, NULL,
	 OPT_RELOAD, "Largest subscription request; they are kept whole until they are answered."},
	{"roster_pending_size_max", OPT_SIZE, offsetof(struct config, pending_size), "256k", 256, 1 << 28,
	 NULL, OPT_RELOAD, "Most bytes of all unanswered subscription requests kept for one account."},
	{NULL},
};

static const struct config *config_of(struct sm *sm)
{
	return module_config(sm, &mod_roster);
}

size_t roster_items_max(struct sm *sm)
{
	return (size_t)config_of(sm)->items;
}

size_t roster_pending_max(struct sm *sm)
{
	return (size_t)config_of(sm)->pending;
}

size_t roster_request_max(struct sm *sm)
{
	return (size_t)config_of(sm)->request;
}

size_t roster_pending_size(struct sm *sm)
{
	return (size_t)config_of(sm)->pending_size;
}

/* --- get ------------------------------------------------------------------------------------------------ */

static void answer_roster(struct packet *p, bool with_items)
{
	struct roster *r = roster_of(p->user);
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct contact *c, *tmp;

	if (with_items) {
		xw_init(&w, &b);
		xw_start(&w, "query", NS_ROSTER);
		xw_attr_int(&w, "ver", r->version);
		HASH_ITER(hh, r->contacts, c, tmp)
		{
			if (contact_listed(c))
				contact_write(&w, c);
		}
		xw_end(&w);
	}
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

/* 2.6.2: what changed since, as pushes to this session alone, in the order of the changes. */
static void push_changes(struct packet *p, int64_t since)
{
	size_t n;
	struct contact **changed = roster_changes(p->user, since, &n);
	struct stanza st = {.kind = STANZA_IQ, .type = IQ_SET};

	st.to = session_jid(p->session).full;
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		struct xml_writer w;
		char id[17];

		xw_init(&w, &b);
		xw_start(&w, "query", NS_ROSTER);
		xw_attr_int(&w, "ver", changed[i]->version);
		contact_write(&w, changed[i]);
		xw_end(&w);
		random_hex(id, 8);
		st.id = str_z(id);
		st.bytes = buf_str(&b);
		session_send(p->session, &st);
		buf_free(&b);
	}
	free(changed);
}

static void on_get(struct packet *p, const struct node *query)
{
	struct roster *r = roster_of(p->user);
	struct str ver = node_attr(query, "ver");
	long long since;

	if (query->first) { /* a get has no items (2.1.3) */
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	session_flag_set(p->session, SESSION_ROSTER, true);
	/* A version from before the last removal, or none of ours, gets it whole. */
	if (!ver.len || !str_i64(ver, &since) || since < r->removed || since > r->version) {
		answer_roster(p, true);
		return;
	}
	answer_roster(p, false);
	push_changes(p, since);
}

/* --- set ------------------------------------------------------------------------------------------------ */

char *roster_groups(struct sm *sm, const struct node *item, enum stanza_error *ret_error)
{
	const struct config *cf = config_of(sm);
	json_t *list = json_array();
	char *text = NULL;
	bool good = true;

	for (const struct node *g = node_child(item, "group", NS_ROSTER); g && good;
	     g = node_next(g, "group", NS_ROSTER)) {
		json_t *have;
		size_t i;

		/* 2.3.3: a zero-length or too long group is not acceptable, a duplicate one a bad
		 * request. */
		*ret_error = STANZA_E_NOT_ACCEPTABLE;
		good = g->text.len > 0 && g->text.len <= (size_t)cf->name &&
		       json_array_size(list) < (size_t)cf->groups;
		json_array_foreach(list, i, have)
		{
			if (str_eq(g->text,
				   str_n(json_string_value(have), json_string_length(have)))) {
				*ret_error = STANZA_E_BAD_REQUEST;
				good = false;
			}
		}
		if (good)
			json_array_append_new(list, json_stringn(g->text.ptr, g->text.len));
	}
	if (good)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

/* All of the roster but the one that is replaced. */
static bool fits(struct packet *p, const struct contact *old, size_t bytes)
{
	bytes += roster_of(p->user)->bytes;
	if (old)
		bytes -= contact_bytes(old);
	return bytes <= (size_t)config_of(p->sm)->size;
}

static void set_item(struct packet *p, const struct node *item, const struct jid *jid)
{
	struct str name = node_attr(item, "name");
	enum stanza_error error = STANZA_E_NOT_ACCEPTABLE;
	struct contact *c;
	char *groups;

	/* 2.3.3 knows no other condition for what is longer than the server takes. */
	if (name.len > (size_t)config_of(p->sm)->name || !user_key_fits(p->user, jid->full)) {
		packet_error(p, STANZA_E_NOT_ACCEPTABLE);
		return;
	}
	groups = roster_groups(p->sm, item, &error);
	if (!groups) {
		packet_error(p, error);
		return;
	}
	c = NULL;
	if (fits(p, roster_find(p->user, jid->full), jid->full.len + name.len + strlen(groups)))
		c = roster_need(p->user, jid->full, false);
	if (!c) {
		free(groups);
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
		return;
	}
	contact_describe(roster_of(p->user), c, name.ptr ? str_dup(name) : NULL, groups);
	c->state |= CONTACT_LISTED;
	roster_set_reply(p, c);
}

/* 2.5.2: what the other side must hear of a removal. */
static void cancel_subscriptions(struct packet *p, struct contact *c)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE, .from = p->from.bare, .to = str_z(c->jid)};

	if (c->state & (SUB_TO | SUB_ASK)) {
		st.type = PRESENCE_UNSUBSCRIBE;
		roster_tell_note(c, &st);
	}
	if (c->state & (SUB_FROM | SUB_PENDING_IN)) {
		st.type = PRESENCE_UNSUBSCRIBED;
		roster_tell_note(c, &st);
	}
}

static void remove_item(struct packet *p, const struct jid *jid)
{
	struct contact *c = roster_find(p->user, jid->full);

	if (!c || !contact_listed(c)) {
		packet_error(p, STANZA_E_ITEM_NOT_FOUND); /* 2.5.3 */
		return;
	}
	if (c->state & SUB_FROM)
		presence_withdraw(p->user, p->txn, str_z(c->jid));
	cancel_subscriptions(p, c);
	roster_remove_reply(p, c);
	c = roster_find(p->user, jid->full);
	if (c)
		roster_tell(p->user, c, p->txn);
}

static void on_set(struct packet *p, const struct node *query)
{
	const struct node *item = node_child(query, "item", NS_ROSTER);
	struct str text = node_attr(item, "jid");
	struct jid jid;

	/* 2.3.3: exactly one item, with a JID. */
	if (!item || node_next(item, NULL, NULL) || query->first != item || !text.len ||
	    jid_parse(p->pool, text, &jid) < 0) {
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	if (str_eqz(node_attr(item, "subscription"), "remove"))
		remove_item(p, &jid);
	else
		set_item(p, item, &jid);
}

static void on_query(struct packet *p, const struct node *query)
{
	if (!p->session) { /* a contact's client, or a server: the roster is its owner's */
		packet_error(p, STANZA_E_FORBIDDEN);
		return;
	}
	if (p->st.type == IQ_GET)
		on_get(p, query);
	else
		on_set(p, query);
}

static const struct iq_handler iqs[] = {
	{"query", NS_ROSTER, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET | IQ_IS_SET, on_query},
	{NULL},
};
static const uint16_t preload[] = {TABLE_ROSTER, TABLE_ROSTER_VERSION, TABLE_NONE};

/* The account goes: those who were subscribed hear of it. */
static void on_remove(struct user *u, struct txn *t)
{
	struct contact *c, *tmp;
	struct stanza st = {.kind = STANZA_PRESENCE, .from = user_jid(u)};

	HASH_ITER(hh, roster_of(u)->contacts, c, tmp)
	{
		st.to = str_z(c->jid);
		if (c->state & (SUB_TO | SUB_ASK)) {
			st.type = PRESENCE_UNSUBSCRIBE;
			sm_route(user_sm(u), t, &st);
		}
		if (c->state & (SUB_FROM | SUB_PENDING_IN)) {
			st.type = PRESENCE_UNSUBSCRIBED;
			sm_route(user_sm(u), t, &st);
		}
	}
}

static enum verdict on_allowed(struct user *u, const struct jid *who)
{
	return roster_sees_us(u, who) ? HANDLED : PASS;
}

const struct module mod_roster = {
	.name = "roster",
	.summary = "rosters (RFC 6121 section 2)",
	.options = mod_roster_options,
	.config_size = sizeof(struct config),
	.preload = preload,
	.iqs = iqs,
	.portables = roster_portables,
	.hooks = {.user_load = roster_load,
		  .user_free = roster_free,
		  .user_remove = on_remove,
		  .presence_allowed = on_allowed},
};
