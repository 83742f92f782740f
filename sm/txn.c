/* SPDX-License-Identifier: MIT */
/* Transactions: what a stanza started is counted; at zero it is done, and its source is told. */
#include <utlist.h>
#include "sm/sm_internal.h"

struct txn *txn_new(struct sm *sm, enum txn_kind kind, const struct msg_stanza_key *key)
{
	struct txn *t = xcalloc(1, sizeof *t);

	t->sm = sm;
	t->kind = kind;
	t->holds = 1;
	t->parts = 1; /* part 0 is the stanza itself */
	if (key)
		t->key = *key;
	return t;
}

static void txn_free(struct txn *t)
{
	buf_free(&t->reply);
	free(t);
}

struct txn *txn_call(struct sm *sm, struct txn *parent, txn_call_fn *fn, void *arg)
{
	struct txn *t = txn_new(sm, TXN_CALL, NULL);

	txn_hold(parent);
	t->parent = parent;
	t->call = fn;
	t->call_arg = arg;
	return t;
}

void txn_call_detach(struct txn *t)
{
	struct txn *parent = t->parent;

	t->parent = NULL;
	txn_release(parent);
}

bool txn_lost(struct txn *t)
{
	if (!t || (t->kind != TXN_TELL && t->kind != TXN_CALL))
		return false;
	t->mute = true;
	return true;
}

/* What a TELL causes must not meet what its sender gives out, nor what the other TELLs of the same
 * stanza cause: the answers of all whom one presence asks come to one session. It has an origin of
 * its own, always the same. */
static struct msg_stanza_key tell_key(struct txn *t)
{
	return (struct msg_stanza_key){
		hash64_pair(t->key.origin, t->key.number << 16 | t->key.part), t->key.number,
		(uint16_t)(0x8000 | (t->parts++ & 0x7fff))};
}

struct msg_stanza_key txn_key(struct sm *sm, struct txn *t)
{
	if (t && t->kind == TXN_TELL)
		return tell_key(t);
	if (t && t->kind != TXN_PLAIN && t->kind != TXN_CALL)
		return (struct msg_stanza_key){t->key.origin, t->key.number,
					       (uint16_t)(t->parts++ & 0x7fff)};
	return (struct msg_stanza_key){sm->origin, ++sm->numbers, 0};
}

void txn_hold(struct txn *t)
{
	if (t)
		t->holds++;
}

/* DELIVERY rule 6: while the lowest stanza has no part left, it is done. */
static void txn_session_done(struct txn *t)
{
	struct session *s = session_find(t->sm, t->sid);
	struct txn *first;
	bool moved = false;

	t->finished = true;
	if (!s || s->serial != t->serial) { /* the session went, and its work list with it */
		txn_free(t);
		return;
	}
	while ((first = s->work) && first->finished) {
		s->done = first->n;
		DL_DELETE(s->work, first);
		txn_free(first);
		moved = true;
	}
	if (moved && !s->resuming)
		notice_done(s);
	if (moved && s->ngiven && s->given[0].since)
		session_settle(s);
	session_resume_ready(s);
	if (!s->c2s)
		detached_look(s);
	if (s->leaving && !s->work && !s->closing)
		session_end_soon(s); /* whoever released the last hold may be at work with it */
}

void txn_release(struct txn *t)
{
	if (!t || --t->holds)
		return;
	switch (t->kind) {
	case TXN_STANZA:
		txn_session_done(t);
		return;
	case TXN_TELL: {
		struct msg_told told = {.error = buf_str(&t->reply)};

		if (!t->mute)
			link_reply(t->sm->link, &t->origin, MSG_TOLD, &told);
		break;
	}
	case TXN_CALL:
		t->call(t->call_arg, !t->mute);
		txn_release(t->parent);
		break;
	case TXN_PLAIN:
		break;
	}
	txn_free(t);
}

void txn_answer(struct txn *t, const struct stanza *st)
{
	struct session *s;

	switch (t->kind) {
	case TXN_STANZA:
		s = session_find(t->sm, t->sid);
		if (s && s->serial == t->serial)
			session_answer(s, t, st);
		return;
	case TXN_TELL:
		buf_clear(&t->reply);
		stanza_encode(st, &t->reply);
		return;
	case TXN_CALL:
		if (t->parent)
			txn_answer(t->parent, st);
		else
			sm_route(t->sm, NULL, st);
		return;
	case TXN_PLAIN:
		return;
	}
}
