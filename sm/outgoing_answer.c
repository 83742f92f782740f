/* SPDX-License-Identifier: MIT */
/* What becomes of stanzas to other servers and components (DELIVERY rules 6 and 12). */
#include "sm/outgoing.h"

#include <errno.h>

/* An answer that comes after its stanza was done has the stanza's key with this bit: whoever takes
 * over makes it again, and it is given once. Nothing has so many parts. */
enum { LATE_ANSWER = 0x4000 };

bool packet_is_late(const struct packet *p)
{
	return p->key.part & LATE_ANSWER;
}

/* What comes when its cause is done already goes its own way to whoever sent that. */
void outgoing_deliver(struct sm *sm, const struct msg_stanza_key *key, const struct stanza *st)
{
	struct pool *pool = sm_pool(sm);
	struct txn *t = txn_new(sm, TXN_PLAIN, NULL);
	struct packet p;

	packet_init(&p, sm, pool, t);
	p.key = *key;
	p.key.part |= LATE_ANSWER;
	p.st = *st;
	packet_addresses(&p);
	if (p.to.full.len)
		packet_route(&p);
	sm_pool_back(sm, pool);
	txn_release(t);
}

static void deliver_answer(struct outgoing *o, const struct stanza *st)
{
	bool given = false;

	o->sm->outgoing->stat_bounced++;
	for (size_t i = 0; i < o->nwaiters; i++) {
		struct txn *t = o->waiters[i];

		/* Of what an inbound stanza only caused, its sender hears nothing. */
		if (t->kind == TXN_TELL && t->key.part != o->key.part)
			continue;
		txn_answer(t, st);
		given = true;
	}
	if (!given && (o->state == OUT_COMMITTED || o->state == OUT_LOOSE))
		outgoing_deliver(o->sm, &o->key, st);
}

static void answer_error(struct outgoing *o, enum stanza_error e)
{
	struct pool *pool = sm_pool(o->sm);
	struct stanza st, r;

	if (!o->quiet && stanza_decode(pool, buf_str(&o->envelope), &st) == 0 &&
	    !stanza_no_reply(&st)) {
		r = stanza_error_reply(pool, &st, e, NULL, NULL, STR_NONE);
		deliver_answer(o, &r);
	}
	sm_pool_back(o->sm, pool);
}

/* From where it was sent to, and to who sent it: whoever answers is one component or server of many. */
static bool is_answer(struct pool *pool, const struct outgoing *o, const struct stanza *st)
{
	struct stanza said;

	return stanza_no_reply(st) && st->type != IQ_RESULT &&
	       stanza_decode(pool, buf_str(&o->envelope), &said) == 0 && st->kind == said.kind &&
	       str_eq(st->from, said.to) && str_eq(st->to, said.from);
}

static void answer_envelope(struct outgoing *o, struct str envelope)
{
	struct pool *pool = sm_pool(o->sm);
	struct stanza st;

	if (stanza_decode(pool, envelope, &st) == 0 && stanza_reread(pool, &st) == 0 &&
	    is_answer(pool, o, &st)) {
		deliver_answer(o, &st);
	} else {
		log_error("malformed answer to a stanza");
		answer_error(o, STANZA_E_INTERNAL_SERVER_ERROR);
	}
	sm_pool_back(o->sm, pool);
}

/* The answer was given before its row is deleted, with a key that is always the same. */
static void finish(struct outgoing *o)
{
	if (o->state == OUT_COMMITTING || o->state == OUT_COMMITTED)
		outgoing_delete(o);
	outgoing_free(o);
}

void outgoing_expired(struct outgoing *o)
{
	answer_error(o, STANZA_E_REMOTE_SERVER_TIMEOUT);
	finish(o);
}

/* Who had it has died and may have passed it on. Who asks for itself asks again: it has said that a
 * repetition does no harm. */
static bool ask_again(struct outgoing *o)
{
	for (size_t i = 0; i < o->nwaiters; i++) {
		if (o->waiters[i]->kind == TXN_CALL) {
			o->waiters[i]->mute = true;
			return true;
		}
	}
	return false;
}

void outgoing_answered(void *arg, int err, uint16_t kind, const void *m)
{
	struct outgoing *o = arg;
	const struct msg_told *t = m;

	o->item = NULL;
	if (err == 0 && kind == MSG_TOLD) {
		if (t->error.len && !o->quiet)
			answer_envelope(o, t->error);
	} else if (err != -ECONNRESET || !ask_again(o)) {
		answer_error(o, STANZA_E_REMOTE_SERVER_TIMEOUT);
	}
	finish(o);
}

/* It could not be committed either: as for any other stanza that waits too long. */
void outgoing_give_up(struct outgoing *o)
{
	if (o->item)
		channel_abandon(o->item);
	o->item = NULL;
	answer_error(o, STANZA_E_REMOTE_SERVER_TIMEOUT);
	finish(o);
}

/* --- what the receivers say of them ----------------------------------------------------------- */

static void mark(struct sm *sm, uint64_t from, const struct msg_stanza_key *keys, size_t n,
		 bool held)
{
	for (size_t i = 0; i < n; i++) {
		struct outgoing *o = outgoing_find(sm, &keys[i]);

		if (!o || !o->item)
			continue;
		channel_held(o->item, from, held);
		if (held)
			outgoing_hurry(o);
	}
}

void on_held(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_held *m = msg;

	mark(arg, f->from, m->keys, m->nkeys, true);
}

void on_writing(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_writing *m = msg;

	mark(arg, f->from, m->keys, m->nkeys, false);
}
