/* SPDX-License-Identifier: MIT */
/* Blocking Command (XEP-0191). */
#include "sm/blocking.h"
#include "sm/roster.h"

struct config {
	int64_t items;
};

const struct option mod_blocking_options[] = {
	{"blocking_max", OPT_INT, offsetof(struct config, items), "1000", 1, 100000, NULL, OPT_RELOAD,
	 "Most addresses that one account may block."},
	{NULL},
};

/* Most accounts have none. */
static const struct blocklist *list_of(const struct user *u)
{
	static const struct blocklist none;
	const struct blocklist *l = user_data(u, &mod_blocking);

	return l ? l : &none;
}

struct blocklist *blocklist_need(struct user *u)
{
	struct blocklist *l = user_data(u, &mod_blocking);

	if (!l) {
		l = blocklist_new();
		user_data_set(u, &mod_blocking, l);
	}
	return l;
}

size_t blocklist_max(struct sm *sm)
{
	const struct config *cf = module_config(sm, &mod_blocking);

	return (size_t)cf->items;
}

static void user_load(struct user *u, const struct msg_rows *rows)
{
	for (size_t i = 0; i < rows[0].nrows; i++)
		blocklist_add(blocklist_need(u), rows[0].rows[i].values[COL_BLOCKING_JID].s);
}

static void user_free(struct user *u)
{
	user_data_set(u, &mod_blocking, blocklist_free(user_data(u, &mod_blocking)));
}

static enum verdict is_blocked(struct user *u, const struct jid *who)
{
	/* One's own resources, and the server that one is a user of, are never blocked. */
	if (str_eq(who->bare, user_jid(u)) ||
	    (!who->local.len && sm_local_domain(user_sm(u), who->domain)))
		return PASS;
	return blocklist_matches(list_of(u), who) ? HANDLED : PASS;
}

/* --- stanzas -------------------------------------------------------------------------------------------------- */

static enum verdict in_stanza(struct packet *p)
{
	if (p->own || is_blocked(p->user, &p->from) == PASS)
		return PASS;
	/* 3.2: presence is not delivered, messages and IQs are answered as by nobody. */
	if (p->st.kind != STANZA_PRESENCE)
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
	return HANDLED;
}

static enum verdict out_stanza(struct packet *p)
{
	/* 3.3: what is sent to a blocked contact does not go out. */
	if (!p->to.full.len || is_blocked(p->user, &p->to) == PASS)
		return PASS;
	packet_error_ext(p, STANZA_E_NOT_ACCEPTABLE, "cancel", NULL,
			 STR("<blocked xmlns='" NS_BLOCKING_ERRORS "'/>"));
	return HANDLED;
}

/* --- commands -------------------------------------------------------------------------------------------------- */

static void on_list(struct packet *p, const struct node *query)
{
	struct blocked *e, *tmp;
	struct buf b = BUF_INIT;
	struct xml_writer w;

	(void)query;
	xw_init(&w, &b);
	xw_start(&w, "blocklist", NS_BLOCKING);
	HASH_ITER(hh, list_of(p->user)->all, e, tmp)
	{
		xw_start(&w, "item", NS_BLOCKING);
		xw_attrz(&w, "jid", e->jid);
		xw_end(&w);
	}
	xw_end(&w);
	if (p->session) /* 3.2: who asked for the list hears of changes */
		session_flag_set(p->session, SESSION_BLOCKLIST, true);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static void push(struct user *u, struct str payload)
{
	struct stanza st = {.kind = STANZA_IQ, .type = IQ_SET, .bytes = payload};
	char id[17];

	random_hex(id, 8);
	st.id = str_z(id);
	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		if (!session_flag(s, SESSION_BLOCKLIST))
			continue;
		st.to = session_jid(s).full;
		session_send(s, &st);
	}
}

struct change { /* under way to storage */
	struct packet *p;
	struct buf push; /* what the other resources are told, with prepared addresses */
};

static void change_free(void *arg)
{
	struct change *c = arg;

	packet_free(c->p);
	buf_free(&c->push);
	free(c);
}

static void committed(struct user *u, int err, void *arg)
{
	struct change *c = arg;

	if (err) {
		packet_error(c->p, STANZA_E_INTERNAL_SERVER_ERROR);
		return;
	}
	packet_result(c->p, STR_NONE);
	push(u, buf_str(&c->push));
}

/* To the blocked we go offline, to the unblocked we come back (3.3, 3.5). */
static void tell_presence(struct packet *p, struct str jid, bool blocked)
{
	for (struct session *s = user_sessions(p->user); s; s = session_next(s)) {
		const struct stanza *now = session_presence(s);
		struct stanza st;

		if (!now)
			continue;
		st = *now;
		st.to = jid;
		if (blocked)
			st = (struct stanza){.kind = STANZA_PRESENCE,
					     .type = PRESENCE_UNAVAILABLE,
					     .from = session_jid(s).full,
					     .to = jid};
		sm_route(p->sm, p->txn, &st);
	}
}

/* The contacts who may see us and who are blocked, or not; the caller's to free. */
static size_t subscribers(struct user *u, enum verdict blocked, struct jid **ret)
{
	struct roster *r = roster_of(u);
	struct jid *list = xmalloc((r->n + 1) * sizeof *list);
	struct contact *c, *tmp;
	size_t n = 0;

	HASH_ITER(hh, r->contacts, c, tmp)
	{
		if ((c->state & SUB_FROM) && jid_split(str_z(c->jid), &list[n]) == 0 &&
		    is_blocked(u, &list[n]) == blocked)
			n++;
	}
	*ret = list;
	return n;
}

/* An entry for one resource of a contact changes what that resource sees, unless the list without it covers
 * it, too. One's own are never blocked. */
static void tell_resource(struct packet *p, struct str entry, bool blocked)
{
	struct jid who;

	if (jid_split(entry, &who) == 0 && who.local.len && who.resource.len &&
	    !str_eq(who.bare, user_jid(p->user)) && is_blocked(p->user, &who) == PASS &&
	    run_presence_allowed(p->user, &who) == HANDLED)
		tell_presence(p, entry, blocked);
}

struct withdrawing {
	struct session *s;
	struct packet *p;
};

static void withdraw(void *arg, struct str jid)
{
	struct withdrawing *w = arg;
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNAVAILABLE,
			    .from = session_jid(w->s).full,
			    .to = jid};
	struct jid who;

	if (jid_split(jid, &who) == 0 && is_blocked(w->p->user, &who) == HANDLED &&
	    !roster_sees_us(w->p->user, &who))
		sm_route(w->p->sm, w->p->txn, &st);
}

/* Those who were sent directed presence do not hear of its end later: nothing goes to them. */
static void withdraw_directed(struct packet *p)
{
	for (struct session *s = user_sessions(p->user); s; s = session_next(s)) {
		struct withdrawing w = {s, p};

		session_directed_each(s, withdraw, &w);
	}
}

static bool read_jids(struct packet *p, const struct node *payload, struct str *ret, size_t *ret_n,
		      size_t max)
{
	size_t n = 0;

	for (const struct node *i = node_child(payload, "item", NS_BLOCKING); i;
	     i = node_next(i, "item", NS_BLOCKING)) {
		struct jid j;

		if (n == max) {
			packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
			return false;
		}
		if (!node_attr(i, "jid").len) {
			packet_error(p, STANZA_E_BAD_REQUEST);
			return false;
		}
		if (jid_parse(p->pool, node_attr(i, "jid"), &j) < 0) {
			packet_error(p, STANZA_E_JID_MALFORMED);
			return false;
		}
		ret[n++] = j.full;
	}
	*ret_n = n;
	return true;
}

/* all: the push says that all were unblocked (3.6). */
static void write_changes(struct packet *p, struct str *jids, size_t n, uint8_t op, bool all)
{
	struct change *c = xcalloc(1, sizeof *c);
	struct xml_writer w;
	struct msg_value *v = pool_calloc(p->pool, (2 * n + 1) * sizeof *v);
	struct msg_write_op *ops = pool_calloc(p->pool, (n + 1) * sizeof *ops);

	for (size_t i = 0; i < n; i++) {
		v[2 * i] = value_text(user_jid(p->user));
		v[2 * i + 1] = value_text(jids[i]);
		ops[i] = (struct msg_write_op){
			.op = op, .table = TABLE_BLOCKING, .values = v + 2 * i, .nvalues = 2};
	}
	c->p = packet_keep(p);
	xw_init(&w, &c->push);
	xw_start(&w, op == STORE_PUT ? "block" : "unblock", NS_BLOCKING);
	for (size_t i = 0; i < n && !all; i++) {
		xw_start(&w, "item", NS_BLOCKING);
		xw_attr(&w, "jid", jids[i]);
		xw_end(&w);
	}
	xw_end(&w);
	user_write(p->user, NULL, ops, n, committed, c, change_free);
}

static void on_block(struct packet *p, const struct node *payload)
{
	const struct config *cf = module_config(p->sm, &mod_blocking);
	struct blocklist *l = blocklist_need(p->user);
	size_t max = (size_t)cf->items > l->n ? (size_t)cf->items - l->n : 0, n = 0, nsee;
	struct jid *see;
	struct str *jids = pool_calloc(p->pool, (max + 1) * sizeof *jids);

	if (!read_jids(p, payload, jids, &n, max))
		return;
	if (!n) { /* 3.3: at least one item */
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!user_key_fits(p->user, jids[i])) {
			packet_error(p, STANZA_E_NOT_ACCEPTABLE);
			return;
		}
	}
	nsee = subscribers(p->user, PASS, &see);
	for (size_t i = 0; i < n; i++) {
		tell_resource(p, jids[i], true);
		blocklist_add(l, jids[i]);
	}
	for (size_t i = 0; i < nsee; i++)
		if (is_blocked(p->user, &see[i]) == HANDLED)
			tell_presence(p, see[i].full, true);
	free(see);
	withdraw_directed(p);
	write_changes(p, jids, n, STORE_PUT, false);
}

static void on_unblock(struct packet *p, const struct node *payload)
{
	struct blocklist *l = blocklist_need(p->user);
	struct str *jids = pool_calloc(p->pool, (l->n + 33) * sizeof *jids);
	struct blocked *b, *tmp;
	struct jid *see;
	size_t n = 0, nsee;

	if (!read_jids(p, payload, jids, &n, l->n + 32))
		return;
	if (!payload->first) { /* 3.6: no item means all */
		HASH_ITER(hh, l->all, b, tmp)
		{
			jids[n++] = pool_str(p->pool, str_z(b->jid));
		}
	}
	nsee = subscribers(p->user, HANDLED, &see);
	for (size_t i = 0; i < n; i++) {
		if (blocklist_remove(l, jids[i]))
			tell_resource(p, jids[i], false);
	}
	user_unhide(p->user);
	for (size_t i = 0; i < nsee; i++)
		if (is_blocked(p->user, &see[i]) == PASS)
			tell_presence(p, see[i].full, false);
	free(see);
	if (n)
		write_changes(p, jids, n, STORE_DELETE, !payload->first);
	else
		packet_result(p, STR_NONE);
}

static const struct iq_handler iqs[] = {
	{"blocklist", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET, on_list},
	{"block", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_block},
	{"unblock", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_unblock},
	{NULL},
};
static const uint16_t preload[] = {TABLE_BLOCKING, TABLE_NONE};
static const char *const xeps[] = {"0191 1.3", NULL};
static const char *const features[] = {NS_BLOCKING, NULL};

const struct module mod_blocking = {
	.name = "blocking",
	.summary = "blocking command",
	.xeps = xeps,
	.features = features,
	.options = mod_blocking_options,
	.config_size = sizeof(struct config),
	.preload = preload,
	.iqs = iqs,
	.portables = blocking_portables,
	.hooks = {.priority = 50,
		  .user_load = user_load,
		  .user_free = user_free,
		  .out_message = out_stanza,
		  .out_presence = out_stanza,
		  .out_iq = out_stanza,
		  .in_message = in_stanza,
		  .in_presence = in_stanza,
		  .in_iq = in_stanza,
		  .is_blocked = is_blocked},
};
