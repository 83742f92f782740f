/* SPDX-License-Identifier: MIT */
/* Presence (RFC 6121 section 4): broadcast, probes, directed presence, the end of a session. */
#include "sm/probe.h"
#include "sm/roster.h"

struct config {
	int64_t directed;
};

const struct option mod_presence_options[] = {
	{"directed_max", OPT_INT, offsetof(struct config, directed), "1000", 1, 100000, NULL, OPT_RELOAD,
	 "Most addresses that one session may send directed presence to."},
	{NULL},
};

extern const struct module mod_presence;

/* The contacts (of that domain; ptr NULL: any) whose subscription has one of the bits and to whom we
 * speak; also those whose last presence was an error (4.4.2, 4.5.2: "That rule has been removed").
 * *ret_list is the caller's to free. */
static size_t contacts_with(struct user *u, unsigned bits, struct str domain, struct str **ret_list)
{
	struct roster *r = roster_of(u);
	struct str *list = xmalloc((r->n + 1) * sizeof *list);
	struct contact *c, *tmp;
	size_t n = 0;

	HASH_ITER(hh, r->contacts, c, tmp)
	{
		struct jid who;

		if ((c->state & bits) && jid_split(str_z(c->jid), &who) == 0 &&
		    (!domain.ptr || str_eq(who.domain, domain)) &&
		    run_is_blocked(u, &who) != HANDLED)
			list[n++] = str_z(c->jid);
	}
	*ret_list = list;
	return n;
}

static void to_contacts_of(struct user *u, struct txn *t, const struct stanza *st, unsigned bits,
			   struct str domain)
{
	struct str *list;
	size_t n = contacts_with(u, bits, domain, &list);

	if (n)
		sm_route_many(user_sm(u), t, st, list, n);
	free(list);
}

static void to_contacts(struct user *u, struct txn *t, const struct stanza *st, unsigned bits)
{
	to_contacts_of(u, t, st, bits, STR_NONE);
}

/* 4.2.2, 4.4.2, 4.5.2: to the account's own available resources as well, the sender included. */
static void to_own(struct user *u, const struct stanza *st)
{
	struct session **list;
	size_t n = 0;

	for (struct session *s = user_sessions(u); s; s = session_next(s))
		n++;
	list = xmalloc((n + 1) * sizeof *list);
	n = 0;
	for (struct session *s = user_sessions(u); s; s = session_next(s))
		if (session_available(s))
			list[n++] = s;
	if (n)
		sessions_send(user_sm(u), list, n, st);
	free(list);
}

struct ending {
	struct session *s;
	const struct stanza *st;
	struct txn *t;
	bool broadcast; /* those who are subscribed have heard of it by the broadcast */
};

static void directed_unavailable(void *arg, struct str jid)
{
	struct ending *e = arg;
	struct stanza st = *e->st;
	struct jid j;

	if (jid_split(jid, &j) < 0 || run_is_blocked(session_user(e->s), &j) == HANDLED)
		return;
	if (e->broadcast && roster_sees_us(session_user(e->s), &j)) /* 4.6.3, case 1 */
		return;
	st.to = jid;
	sm_route(user_sm(session_user(e->s)), e->t, &st);
}

/* 4.5.2: to those who can see us, and (4.6.3) to all who were sent directed presence. st is the
 * client's, or made by the server. */
static void gone(struct session *s, const struct stanza *st, struct txn *t, bool broadcast)
{
	struct ending e = {s, st, t, broadcast};
	struct str first;

	if (broadcast)
		to_contacts(session_user(s), t, st, SUB_FROM);
	while (session_directed_first(s, &first)) { /* what goes to oneself changes the list, too */
		char *jid = str_dup(first);

		session_directed_remove(s, str_z(jid));
		directed_unavailable(&e, str_z(jid));
		free(jid);
	}
}

/* --- outbound ---------------------------------------------------------------------------------------------- */

/* 4.7.2.3: an integer from -128 to 127. False: it is none. */
static bool read_priority(struct packet *p, int *ret_priority)
{
	const struct xml_child *c = stanza_child(&p->st, "priority", NS_CLIENT);
	struct node *n;
	struct str text;
	long long v;

	*ret_priority = 0;
	if (!c)
		return true;
	if (node_parse(p->pool, stanza_child_bytes(&p->st, c), NS_CLIENT, &n) < 0 || !n)
		return false;
	text = str_trim(n->text);
	/* XML Schema's byte may have a plus sign. */
	if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
		text = str_n(text.ptr + 1, text.len - 1);
	if (!str_i64(text, &v) || v < -128 || v > 127)
		return false;
	*ret_priority = (int)v;
	return true;
}

/* 4.3: from the bare JID. Of contacts on this server, where "the server possesses the contact's
 * information", the other resources need not hear again. */
static void probe_contacts(struct packet *p)
{
	struct stanza probe = {
		.kind = STANZA_PRESENCE, .type = PRESENCE_PROBE, .from = p->from.full};
	struct str *list;
	size_t n = contacts_with(p->user, SUB_TO, STR_NONE, &list), here = 0;

	for (size_t i = 0; i < n; i++) {
		struct str jid = list[i];
		struct jid who;

		if (jid_split(jid, &who) < 0 || !sm_local_domain(p->sm, who.domain))
			continue;
		list[i] = list[here];
		list[here++] = jid;
	}
	sm_route_many(p->sm, p->txn, &probe, list, here);
	probe.from = p->from.bare;
	sm_route_many(p->sm, p->txn, &probe, list + here, n - here);
	free(list);
}

/* 4.2.2, 4.3.1: what a resource that just came needs to know. */
static void initial_presence(struct packet *p)
{
	struct user *u = p->user;

	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		struct stanza st;

		if (s == p->session || !session_available(s))
			continue;
		st = *session_presence(s);
		st.to = p->from.full;
		session_send(p->session, &st);
	}
	probe_contacts(p);
}

/* XEP-0115 section 8.4: a client that knows #optimize says what it can do once and when it changes; all
 * the same each subscriber's first presence must have it, so what it said last goes with every one. */
static void keep_caps(struct packet *p)
{
	const struct stanza *last = session_presence(p->session);
	const struct xml_child *c = last ? stanza_child(last, "c", NS_CAPS) : NULL;

	if (c && !stanza_child(&p->st, "c", NS_CAPS))
		stanza_append(p->pool, &p->st, "c", NS_CAPS, stanza_child_bytes(last, c));
}

static void out_available(struct packet *p)
{
	bool initial = !session_available(p->session);
	int priority;

	if (!read_priority(p, &priority)) {
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	keep_caps(p);
	if (!session_presence_fits(p->session, &p->st)) {
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
		return;
	}
	session_presence_set(p->session, &p->st, priority);
	to_own(p->user, &p->st);
	to_contacts(p->user, p->txn, &p->st, SUB_FROM);
	if (initial)
		initial_presence(p);
	run_presence_changed(p->session, initial, p);
}

static void out_unavailable(struct packet *p)
{
	if (!session_available(p->session)) {
		/* Nobody knows of it but those who were sent directed presence. */
		gone(p->session, &p->st, p->txn, false);
		return;
	}
	to_own(p->user, &p->st);
	gone(p->session, &p->st, p->txn, true);
	session_presence_set(p->session, NULL, 0);
	run_presence_changed(p->session, false, p);
}

struct counting {
	struct str jid;
	size_t n;
	bool known;
};

static void count(void *arg, struct str jid)
{
	struct counting *c = arg;

	c->n++;
	c->known |= str_eq(jid, c->jid);
}

static enum verdict out_directed(struct packet *p)
{
	const struct config *cf = module_config(p->sm, &mod_presence);
	struct counting c = {.jid = p->to.full};

	if (p->st.type == PRESENCE_UNAVAILABLE) {
		session_directed_remove(p->session, p->to.full);
		return PASS;
	}
	if (p->st.type != PRESENCE_AVAILABLE)
		return PASS;
	session_directed_each(p->session, count, &c);
	if (!c.known && (c.n >= (size_t)cf->directed ||
			 !session_directed_fits(p->session, p->to.full))) {
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
		return HANDLED;
	}
	session_directed_add(p->session, p->to.full);
	return PASS;
}

static enum verdict out_presence(struct packet *p)
{
	if (p->to.full.len)
		return out_directed(p);
	switch (p->st.type) {
	case PRESENCE_AVAILABLE:
		out_available(p);
		return HANDLED;
	case PRESENCE_UNAVAILABLE:
		out_unavailable(p);
		return HANDLED;
	default: /* a probe or an error to nobody */
		packet_error(p, STANZA_E_BAD_REQUEST);
		return HANDLED;
	}
}

/* --- inbound ------------------------------------------------------------------------------------------------ */

/* 4.6.1: "SHOULD remove any entity that sends unavailable presence to the user". */
static void directed_left(struct packet *p)
{
	for (struct session *s = user_sessions(p->user); s; s = session_next(s))
		if (!p->to.resource.len || str_eq(p->to.resource, session_jid(s).resource))
			session_directed_remove(s, p->from.full);
}

static enum verdict in_presence(struct packet *p)
{
	if (p->st.type == PRESENCE_UNAVAILABLE)
		directed_left(p);
	if (p->st.type == PRESENCE_PROBE) {
		probe_answer(p);
		return HANDLED;
	}
	return PASS;
}

/* The stream ended without a word (4.5.2: the server makes it). */
static void presence_changed(struct session *s, bool initial, struct packet *p)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNAVAILABLE,
			    .from = session_jid(s).full};

	(void)initial;
	if (p || session_available(s))
		return;
	to_own(session_user(s), &st);
	gone(s, &st, NULL, true);
}

/* A session that was never available may have sent directed presence. */
static void session_closing(struct session *s)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNAVAILABLE,
			    .from = session_jid(s).full};

	gone(s, &st, NULL, false);
}

/* 4.3.1: asked again, for all of the account's resources that are older than that (0: all); and what was said
 * meanwhile was lost. */
static void remote_back(struct user *u, struct str domain, int64_t before)
{
	struct stanza probe = {
		.kind = STANZA_PRESENCE, .type = PRESENCE_PROBE, .from = user_jid(u)};
	bool any = false;

	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		if (!session_available(s) || (before && session_since_us(s) >= before))
			continue;
		any = true;
		to_contacts_of(u, NULL, session_presence(s), SUB_FROM, domain);
	}
	if (any)
		to_contacts_of(u, NULL, &probe, SUB_TO, domain);
}

static const char *const features[] = {NS_CAPS_OPTIMIZE, NULL};

const struct module mod_presence = {
	.name = "presence",
	.summary = "presence (RFC 6121 section 4)",
	.domain_features = features,
	.options = mod_presence_options,
	.config_size = sizeof(struct config),
	/* Before subscriptions, which are presence too, and behind what is blocked. */
	.hooks = {.priority = 20,
		  .out_presence = out_presence,
		  .in_presence = in_presence,
		  .presence_changed = presence_changed,
		  .session_close = session_closing,
		  .remote_back = remote_back},
};
