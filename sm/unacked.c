/* SPDX-License-Identifier: MIT */
/*
 * What a session that ends has not acknowledged is treated as if its resource had gone before it
 * came (XEP-0198 section 4; RFC 6121 section 8.5.3.2). Messages that are logged are
 * inbox_released()'s matter.
 */
#include "sm/outgoing.h"

static bool others_take(const struct session *s)
{
	for (const struct session *o = s->user->sessions; o; o = o->next)
		if (o != s && !o->closing && o->presence && o->priority >= 0)
			return true;
	return false;
}

/* XEP-0203: it comes now, and was sent then. */
static void stamp(struct session *s, const struct given *g, struct pool *pool, struct stanza *st)
{
	int64_t ms = g->since ? (int64_t)(loop_now(s->user->sm->loop) - g->since) : 0;
	struct buf xml = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &xml);
	delay_write(&w, session_jid(s).domain, clock_wall_us() - ms * 1000, "Not acknowledged");
	stanza_append(pool, st, "delay", NS_DELAY, buf_str(&xml));
	buf_free(&xml);
}

/* 8.5.3.2.1. What was for the account's other resources as well they have. True: its sender is due
 * an error. */
static bool message_again(struct session *s, const struct given *g, struct pool *pool,
			  struct stanza *st)
{
	const struct msg_stanza_key key = g->key;

	if (!str_eqz(st->to, s->full))
		return false;
	switch (st->type) {
	case MESSAGE_CHAT:
		if (!others_take(s)) /* XEP-0160 section 3 */
			return !stanza_child(st, NULL, NS_CHATSTATES);
		stamp(s, g, pool, st);
		outgoing_deliver(s->user->sm, &key, st);
		return false;
	case MESSAGE_NORMAL:
	case MESSAGE_GROUPCHAT:
		return true;
	default: /* headline, error: ignored */
		return false;
	}
}

static void answer(struct session *s, const struct given *g, struct pool *pool)
{
	const struct msg_stanza_key key = g->key;
	struct stanza st, r;

	if (stanza_parse(pool, str_n(g->text->bytes, g->text->len), &st) < 0 || !st.from.ptr)
		return;
	if (st.kind == STANZA_PRESENCE ||
	    (st.kind == STANZA_MESSAGE && !message_again(s, g, pool, &st)))
		return;
	if (stanza_no_reply(&st))
		return;
	/* 8.5.3.2.3 for requests */
	r = stanza_error_reply(pool, &st, STANZA_E_SERVICE_UNAVAILABLE, NULL, NULL, STR_NONE);
	outgoing_deliver(s->user->sm, &key, &r);
}

/* Nobody has it but this client, if it came there, and we. */
static bool is_open(const struct given *g)
{
	return !g->acked && !g->log && g->text;
}

void session_unacked(struct session *s)
{
	struct sm *sm = s->user->sm;

	for (uint32_t i = 0; i < s->ngiven; i++) {
		const struct given *g = &s->given[i];
		struct msg_stanza_key key = g->key;
		bool owed = g->owed;
		struct pool *pool;

		if (!is_open(g))
			continue;
		pool = sm_pool(sm);
		answer(s, g, pool);
		if (owed)
			owed_delete(s->user, &key);
		sm_pool_back(sm, pool);
	}
}

static void nothing(void *arg, bool ok)
{
	(void)arg;
	(void)ok;
}

static void ask_again(struct session *s, const struct given *g)
{
	struct sm *sm = s->user->sm;
	struct pool *pool = sm_pool(sm);
	struct stanza st;

	if (stanza_parse(pool, str_n(g->text->bytes, g->text->len), &st) == 0 &&
	    st.kind == STANZA_IQ && !stanza_no_reply(&st)) {
		struct txn *t = txn_call(sm, NULL, nothing, NULL);

		tell_again(sm, t, &g->key, s->user, g->text);
		txn_release(t);
	}
	sm_pool_back(sm, pool);
}

void unacked_ask_again(struct user *u)
{
	for (struct session *s = u->sessions; s; s = s->next) {
		for (uint32_t i = 0; i < s->ngiven; i++) {
			const struct given *g = &s->given[i];

			if (is_open(g))
				ask_again(s, g);
		}
	}
}
