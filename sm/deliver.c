/* SPDX-License-Identifier: MIT */
/* The server rules for stanzas to a local account (RFC 6121 section 8.5). */
#include "sm/inbox.h"

/* The text of a stanza for a client, once for all its sessions. */
static struct text *render(const struct stanza *st)
{
	struct buf b = BUF_INIT;
	struct text *t;

	stanza_write(st, &b);
	t = text_new(buf_str(&b));
	buf_free(&b);
	return t;
}

/* False: it is too long. */
static bool give_rendered(struct packet *p, struct session *s, struct text *t)
{
	bool presence = p->st.kind == STANZA_PRESENCE;

	if (session_give(s, &p->key, &p->st, !presence, t))
		return true;
	if (!presence)
		packet_error_ext(p, STANZA_E_POLICY_VIOLATION, NULL, "the stanza is too long", STR_NONE);
	return false;
}

/* Done when given to c2s. A repetition (same key) is not given again while the session holds it. */
static void give_one(struct packet *p, struct session *s)
{
	struct text *t;

	if (session_given(s, &p->key))
		return;
	t = render(&p->st);
	(void)give_rendered(p, s, t);
	text_unref(t);
}

/* Not logged, to every session that takes messages. False: there is none. */
static bool give_all(struct packet *p, bool any_priority)
{
	struct text *t = NULL;

	for (struct session *s = p->user->sessions, *next; s; s = next) {
		next = s->next;
		if (s->closing || !s->presence || (!any_priority && s->priority < 0))
			continue;
		if (!t)
			t = render(&p->st);
		if (!session_given(s, &p->key) && !give_rendered(p, s, t))
			break;
	}
	text_unref(t);
	return t != NULL;
}

/* XEP-0160 section 3: notifications of typing are neither kept nor worth an error. */
static bool chat_state(const struct packet *p)
{
	return stanza_child(&p->st, NULL, NS_CHATSTATES) != NULL;
}

static void message_to_account(struct packet *p)
{
	switch (p->st.type) {
	case MESSAGE_GROUPCHAT: /* 8.5.2.1.1, 8.5.2.2.1 */
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	case MESSAGE_ERROR:
		return;
	case MESSAGE_HEADLINE:
		(void)give_all(p, false);
		return;
	default:
		if (message_stored(p))
			inbox_append(p);
		else if (!give_all(p, false) && !chat_state(p)) /* 8.5.2.2.1: or an error */
			packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
	}
}

static void deliver_message(struct packet *p)
{
	struct session *s;

	if (!p->to.resource.len) {
		message_to_account(p);
		return;
	}
	s = user_session(p->user, p->to.resource);
	if (s) { /* 8.5.3.1 */
		if (message_stored(p))
			inbox_append(p);
		else
			give_one(p, s);
		return;
	}
	switch (p->st.type) { /* 8.5.3.2.1 */
	case MESSAGE_CHAT:
		message_to_account(p); /* "as if the stanza were addressed to the bare JID" */
		return;
	case MESSAGE_NORMAL:
	case MESSAGE_GROUPCHAT:
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	default: /* headline, error: ignored */
		return;
	}
}

/* 8.5.3.1: by a subscription or by directed presence. */
static bool knows_presence(struct packet *p, struct session *s)
{
	if (p->own || run_presence_allowed(p->user, &p->from) == HANDLED)
		return true;
	/* This server and its services know who is online. */
	if (!p->from.local.len && sm_serves_domain(p->sm, p->from.domain))
		return true;
	return session_directed_to(s, p->from.bare);
}

static void deliver_iq(struct packet *p)
{
	bool request = p->st.type == IQ_GET || p->st.type == IQ_SET;
	struct session *s;

	if (p->to.resource.len) {
		if (request && owed_answered(p))
			return;
		s = user_session(p->user, p->to.resource);
		if (s && (!request || p->sm->config->iq_strangers || knows_presence(p, s)))
			give_one(p, s);
		else
			packet_error(p, STANZA_E_SERVICE_UNAVAILABLE); /* 8.5.3.1, 8.5.3.2.3 */
		if (!s && request)
			owed_refused(p);
		if (s && request && (!s->c2s || hold_holds(s)))
			owed_write(p, s);
		return;
	}
	if (!request) /* a result or error that nobody here awaits */
		return;
	if (!iq_dispatch(p, IQ_TO_ACCOUNT))
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE); /* 8.5.2.1.3 */
}

static void deliver_presence(struct packet *p)
{
	struct session *s;

	if (p->st.type != PRESENCE_AVAILABLE && p->st.type != PRESENCE_UNAVAILABLE &&
	    p->st.type != PRESENCE_ERROR)
		return; /* subscriptions and probes are mod_presence's */
	if (!p->to.resource.len) {
		(void)give_all(p, true); /* 8.5.2.1.2 */
		return;
	}
	s = user_session(p->user, p->to.resource);
	if (s) /* 8.5.3.1; without one it is ignored, 8.5.3.2.2 */
		give_one(p, s);
}

/* 8.5.1: the account does not exist. */
static void deliver_nobody(struct packet *p)
{
	if (p->st.kind == STANZA_PRESENCE)
		return;
	if (p->st.kind == STANZA_MESSAGE && p->st.type == MESSAGE_HEADLINE)
		return;
	packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
}

void deliver(struct packet *p)
{
	static void (*const by_kind[])(struct packet *) = {
		[STANZA_MESSAGE] = deliver_message,
		[STANZA_PRESENCE] = deliver_presence,
		[STANZA_IQ] = deliver_iq,
	};

	if (user_exists(p->user))
		by_kind[p->st.kind](p);
	else
		deliver_nobody(p);
}

void packet_arrive(struct packet *p)
{
	static enum verdict (*const hooks[])(struct packet *) = {
		[STANZA_MESSAGE] = run_in_message,
		[STANZA_PRESENCE] = run_in_presence,
		[STANZA_IQ] = run_in_iq,
	};

	p->own = p->from.bare.len && str_eq(p->from.bare, user_jid(p->user));
	if (hooks[p->st.kind](p) == PASS)
		deliver(p);
}

void packet_in(struct packet *p)
{
	if (!follow(p))
		packet_arrive(p);
}

/* For a domain of ours itself (RFC 6121 section 8.4 leaves it to services). */
void packet_domain(struct packet *p)
{
	bool request = p->st.type == IQ_GET || p->st.type == IQ_SET;

	if (run_in_domain(p) == HANDLED)
		return;
	switch (p->st.kind) {
	case STANZA_IQ:
		if (request && (p->to.resource.len || !iq_dispatch(p, IQ_TO_DOMAIN)))
			packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	case STANZA_MESSAGE:
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	case STANZA_PRESENCE: /* nobody is here whose presence it could be */
		return;
	}
}
