/* SPDX-License-Identifier: MIT */
/* Presence subscriptions (RFC 6121 section 3 and Appendix A). */
#include "sm/roster.h"

/* 3.1.2, 3.1.5, 3.4.2: what clients were told of stays in the roster, with subscription 'none' in the
 * end. */
static unsigned listed(unsigned state)
{
	return sub_visible(state) ? state | CONTACT_LISTED : state;
}

/* Each available resource's presence to one contact who may see it from now on. */
static void presence_grant(struct user *u, struct txn *t, struct str to)
{
	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		const struct stanza *now = session_presence(s);
		struct stanza st;

		if (!now)
			continue;
		st = *now;
		st.to = to;
		sm_route(user_sm(u), t, &st);
	}
}

void presence_withdraw(struct user *u, struct txn *t, struct str to)
{
	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		struct stanza st = {.kind = STANZA_PRESENCE,
				    .type = PRESENCE_UNAVAILABLE,
				    .from = session_jid(s).full,
				    .to = to};

		if (session_available(s))
			sm_route(user_sm(u), t, &st);
	}
}

/* --- outbound ---------------------------------------------------------------------------------------------- */

static void after_outbound(struct packet *p, enum stanza_type type, unsigned before)
{
	if (type == PRESENCE_SUBSCRIBED && (before & SUB_PENDING_IN))
		presence_grant(p->user, p->txn, p->st.to); /* 3.1.5 */
	if (type == PRESENCE_UNSUBSCRIBED && (before & SUB_FROM))
		presence_withdraw(p->user, p->txn, p->st.to); /* 3.2.2: before the change is told */
}

static enum verdict out_presence(struct packet *p)
{
	enum stanza_type type = p->st.type;
	struct sub_change ch;
	struct contact *c;
	unsigned before;

	if (!sub_is_type(type))
		return PASS;
	if (!p->to.bare.len) {
		packet_error(p, STANZA_E_BAD_REQUEST);
		return HANDLED;
	}
	/* 3.1.2 and the like: from and to are bare JIDs. */
	p->st.from = p->from.bare;
	p->st.to = p->to.bare;
	p->from = (struct jid){p->from.local, p->from.domain, STR_NONE, p->from.bare, p->from.bare};
	p->to = (struct jid){p->to.local, p->to.domain, STR_NONE, p->to.bare, p->to.bare};
	if (jid_same_bare(&p->from, &p->to)) /* to oneself: always there, nothing to ask */
		return HANDLED;
	c = roster_find(p->user, p->to.bare);
	before = c ? c->state : 0;
	ch = sub_outbound(before, type);
	if (ch.state != before) {
		if (!c)
			c = roster_need(p->user, p->to.bare, false);
		if (!c) {
			packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
			return HANDLED;
		}
		if (type == PRESENCE_UNSUBSCRIBED)
			after_outbound(p, type, before);
		c->state = listed(ch.state);
		if (!(ch.state & SUB_PENDING_IN))
			contact_request(roster_of(p->user), c, NULL);
		if (ch.pass)
			roster_tell_note(c, &p->st);
		roster_save(p->user, c, p->txn, ch.push);
		c = roster_find(p->user, p->to.bare);
		if (ch.pass)
			roster_tell(p->user, c, p->txn);
	} else if (ch.pass) {
		sm_route(p->sm, p->txn, &p->st);
	}
	if (type == PRESENCE_SUBSCRIBED)
		after_outbound(p, type, before);
	return HANDLED;
}

/* --- inbound ------------------------------------------------------------------------------------------------ */

static void reply(struct packet *p, enum stanza_type type)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = type,
			    .from = user_jid(p->user),
			    .to = p->from.bare};

	sm_route(p->sm, p->txn, &st);
}

/* Requests go to all available resources, what changes the roster to the interested ones. */
static void deliver_subscription(struct packet *p)
{
	bool request = p->st.type == PRESENCE_SUBSCRIBE;

	for (struct session *s = user_sessions(p->user); s; s = session_next(s))
		if (request ? session_available(s) : session_flag(s, SESSION_ROSTER))
			session_send(s, &p->st);
}

/* "The complete presence stanza", 3.1.3. It is kept in memory and storage until it is answered; NULL: too
 * large, by itself or together with those that wait. */
static char *request_text(const struct packet *p)
{
	struct buf b = BUF_INIT;

	if (p->st.bytes.len + p->st.attrs.len > roster_request_max(p->sm))
		return NULL;
	stanza_write(&p->st, &b);
	if (roster_of(p->user)->pending + b.len <= roster_pending_size(p->sm))
		return buf_take(&b);
	buf_free(&b);
	return NULL;
}

/* c NULL: none yet. False: there is no room. */
static bool change_inbound(struct packet *p, struct contact *c, const struct sub_change *ch)
{
	struct roster *r = roster_of(p->user);
	bool asks = p->st.type == PRESENCE_SUBSCRIBE && (ch->state & SUB_PENDING_IN);
	char *request = asks ? request_text(p) : NULL;

	if (asks && !request)
		return false;
	if (!c)
		c = roster_need(p->user, p->from.bare, true);
	if (!c) {
		free(request);
		return false;
	}
	/* Somebody who loses the right to see us sees us leave (3.3.3). */
	if ((c->state & SUB_FROM) && !(ch->state & SUB_FROM))
		presence_withdraw(p->user, p->txn, p->from.bare);
	c->state = listed(ch->state);
	if (asks || !(ch->state & SUB_PENDING_IN))
		contact_request(r, c, request);
	if (ch->pass)
		deliver_subscription(p);
	roster_save(p->user, c, p->txn, ch->push);
	return true;
}

static enum verdict in_presence(struct packet *p)
{
	struct sub_change ch;
	struct contact *c;
	unsigned before;

	if (!sub_is_type(p->st.type))
		return PASS;
	if (!user_exists(p->user) || p->own)
		return HANDLED; /* 8.5.1 */
	p->st.from = p->from.bare;
	p->st.to = user_jid(p->user);
	c = roster_find(p->user, p->from.bare);
	before = c ? c->state : 0;
	ch = sub_inbound(before, p->st.type);
	if (ch.state != before || (ch.pass && p->st.type == PRESENCE_SUBSCRIBE)) {
		if (!change_inbound(p, c, &ch)) {
			packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
			return HANDLED;
		}
	} else if (ch.pass) {
		deliver_subscription(p);
	}
	if (ch.reply_subscribed) {
		reply(p, PRESENCE_SUBSCRIBED);
		if (!(before & SUB_FROM))
			presence_grant(p->user, p->txn, p->from.bare);
	}
	if (ch.reply_unsubscribed)
		reply(p, PRESENCE_UNSUBSCRIBED);
	return HANDLED;
}

static bool others_available(const struct session *s)
{
	for (const struct session *o = user_sessions(session_user(s)); o; o = session_next(o))
		if (o != s && session_available(o))
			return true;
	return false;
}

/* 3.1.2: "the user's server SHOULD resend the subscription request ... (e.g., whenever a new resource becomes
 * available for the user ...); this helps to recover from transient, silent errors". One of our own who has
 * it is not told again; who had blocked us, or was no account yet, has it not. */
static void ask_again(struct user *u, const struct session *s)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE, .type = PRESENCE_SUBSCRIBE, .from = user_jid(u)};
	struct contact *c, *tmp;

	if (others_available(s))
		return;
	HASH_ITER(hh, roster_of(u)->contacts, c, tmp)
	{
		struct jid who;

		if (!(c->state & SUB_ASK) || c->tell || jid_split(str_z(c->jid), &who) < 0 ||
		    run_is_blocked(u, &who) == HANDLED)
			continue;
		st.to = who.bare;
		sm_route(user_sm(u), NULL, &st);
	}
}

/* 3.1.3: requests not answered are shown again at each login. */
static void presence_changed(struct session *s, bool initial, struct packet *p)
{
	struct user *u = session_user(s);
	struct contact *c, *tmp;

	if (!initial || !session_available(s))
		return;
	ask_again(u, s);
	HASH_ITER(hh, roster_of(u)->contacts, c, tmp)
	{
		struct stanza st;
		struct jid who;

		/* XEP-0191 section 3.2: nothing of those who were blocked since. */
		if (c->pending && (c->state & SUB_PENDING_IN) && jid_split(str_z(c->jid), &who) == 0 &&
		    run_is_blocked(u, &who) != HANDLED &&
		    stanza_parse(p->pool, str_z(c->pending), &st) == 0)
			session_send(s, &st);
	}
}

static const char *const features[] = {NULL};

const struct module mod_subscribe = {
	.name = "subscribe",
	.summary = "presence subscriptions (RFC 6121 section 3)",
	.features = features,
	.hooks = {.priority = 10,
		  .out_presence = out_presence,
		  .in_presence = in_presence,
		  .presence_changed = presence_changed},
};
