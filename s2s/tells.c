/* SPDX-License-Identifier: MIT */
/* TELL and TOLD: stanzas for other servers come in, and are answered once each. */
#include <errno.h>
#include "s2s/resume.h"
#include "s2s/steps.h"

enum { ANSWERED_MAX = 65536, TOLD_DEADLINE = 60000 };

/* What a stanza came to, for those who ask again. */
struct answered {
	UT_hash_handle hh;
	struct answered *prev, *next;
	struct msg_stanza_key key;
	uint64_t until;
	struct str error;
};

/* Without the padding that a struct may have inside. */
static struct msg_stanza_key clean(const struct msg_stanza_key *k)
{
	struct msg_stanza_key c;

	memset(&c, 0, sizeof c);
	c.origin = k->origin;
	c.number = k->number;
	c.part = k->part;
	return c;
}

/* --- answers ----------------------------------------------------------------------------- */

static void answered_drop(struct s2s *x, struct answered *a)
{
	HASH_DEL(x->answered, a);
	DL_DELETE(x->answered_list, a);
	x->nanswered--;
	free((char *)a->error.ptr);
	free(a);
}

static void answered_add(struct s2s *x, const struct msg_stanza_key *key, struct str error)
{
	struct answered *a = xcalloc(1, sizeof *a);

	a->key = *key;
	a->until = loop_now(x->loop) + (uint64_t)x->config->remember;
	if (error.len)
		a->error = str_n(xmemdup(error.ptr, error.len), error.len);
	pairs_wake(x, a->until);
	HASH_ADD(hh, x->answered, key, sizeof a->key, a);
	DL_APPEND(x->answered_list, a);
	if (++x->nanswered > ANSWERED_MAX)
		answered_drop(x, x->answered_list);
}

uint64_t answered_tick(struct s2s *x)
{
	while (x->answered_list && x->answered_list->until <= loop_now(x->loop))
		answered_drop(x, x->answered_list);
	return x->answered_list ? x->answered_list->until : 0;
}

void answered_free(struct s2s *x)
{
	while (x->answered_list)
		answered_drop(x, x->answered_list);
}

static void told(struct s2s *x, const struct frame *f, struct str error)
{
	struct msg_told m = {.error = error};

	link_reply(x->link, f, MSG_TOLD, &m);
}

/* That somebody is gone needs no answer. */
static bool returns(const struct stanza *st)
{
	return !stanza_no_reply(st) && st->from.ptr && st->to.ptr &&
	       (st->kind != STANZA_PRESENCE || st->type != PRESENCE_UNAVAILABLE);
}

static void make_error(struct str envelope, enum stanza_error e, const char *text, struct buf *b)
{
	struct pool *p = pool_new();
	struct stanza st, r;

	if (stanza_decode(p, envelope, &st) == 0 && returns(&st)) {
		r = stanza_error_reply(p, &st, e, NULL, text, STR_NONE);
		stanza_encode(&r, b);
	}
	pool_free(p);
}

/* --- items ------------------------------------------------------------------------------- */

void item_unqueue(struct item *i)
{
	struct pair *p = i->pair;

	DL_DELETE(p->queue, i);
	p->nqueued--;
	p->bytes -= i->envelope.len;
}

static void enqueue(struct item *i, bool first)
{
	struct pair *p = i->pair;

	if (first)
		DL_PREPEND(p->queue, i);
	else
		DL_APPEND(p->queue, i);
	p->nqueued++;
	p->bytes += i->envelope.len;
}

/* It was written: out of what waits for an answer to that. */
static void uncarry(struct item *i)
{
	i->pair->written--;
	if (i->stream) {
		DL_DELETE(i->stream->carried, i);
		i->stream->ncarried--;
	} else {
		DL_DELETE(i->kept->carried, i);
		i->pair->suspended--;
	}
	i->stream = NULL;
	i->kept = NULL;
}

void item_drop(struct item *i)
{
	struct s2s *x = i->pair->s2s;

	if (i->stream || i->kept)
		uncarry(i);
	else
		item_unqueue(i);
	x->queued_bytes -= i->envelope.len;
	HASH_DEL(x->items, i);
	free((char *)i->envelope.ptr);
	free(i->waiters);
	free(i);
}

void item_done(struct item *i, int error, const char *text)
{
	struct s2s *x = i->pair->s2s;
	struct buf b = BUF_INIT;

	if (error != NO_ERROR) {
		make_error(i->envelope, (enum stanza_error)error, text, &b);
		x->stats.returned++;
	}
	for (size_t k = 0; k < i->nwaiters; k++)
		told(x, &i->waiters[k], buf_str(&b));
	answered_add(x, &i->key, buf_str(&b));
	buf_free(&b);
	item_drop(i);
}

void item_again(struct item *i)
{
	uncarry(i);
	enqueue(i, true);
	item_hold(i);
}

static void hold_for(struct s2s *x, struct item *i, uint64_t to)
{
	struct msg_held m = {.keys = &i->key, .nkeys = 1};
	struct frame head = {
		.kind = MSG_HELD, .to = to, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};

	(void)link_send(x->link, &head, &m);
}

void item_hold(struct item *i)
{
	i->held = i->nwaiters > 0;
	i->pair->holds |= i->held;
	for (size_t k = 0; k < i->nwaiters; k++)
		hold_for(i->pair->s2s, i, i->waiters[k].from);
}

/* The same frame of the same sender in a later run replaces the one before. */
static void add_waiter(struct item *i, const struct frame *f)
{
	for (size_t k = 0; k < i->nwaiters; k++) {
		if (i->waiters[k].from == f->from && i->waiters[k].tag == f->tag) {
			i->waiters[k] = frame_keep(f);
			return;
		}
	}
	i->waiters = xrealloc(i->waiters, (i->nwaiters + 1) * sizeof *i->waiters);
	i->waiters[i->nwaiters++] = frame_keep(f);
}

/* Who asks wants to hear soon; the rest is worth some time. */
static bool is_patient(const struct stanza *st)
{
	return st->kind != STANZA_IQ || stanza_no_reply(st);
}

static struct item *item_new(struct pair *p, const struct msg_stanza_key *key,
			     const struct stanza *st, struct str envelope, uint64_t limit_ms)
{
	struct s2s *x = p->s2s;
	struct item *i = xcalloc(1, sizeof *i);
	uint64_t ms = (uint64_t)x->config->queue_time, now = loop_now(x->loop);

	i->pair = p;
	i->key = *key;
	i->envelope = str_n(xmemdup(envelope.ptr, envelope.len), envelope.len);
	i->due = now + (limit_ms && limit_ms < ms ? limit_ms : ms);
	i->patience = is_patient(st) ? now + (uint64_t)x->config->retry_time : 0;
	HASH_ADD(hh, x->items, key, sizeof i->key, i);
	x->queued_bytes += i->envelope.len;
	enqueue(i, false);
	return i;
}

/* Why it is not taken; NULL: it is. */
static const char *refusal(struct s2s *x, struct str own, struct str remote, size_t size,
			   enum stanza_error *ret_error)
{
	struct pair *p = pair_find(x, own, remote);
	const struct s2s_config *o = x->config;

	*ret_error = STANZA_E_RESOURCE_CONSTRAINT;
	if (s2s_policy(x, remote).denied) {
		*ret_error = STANZA_E_NOT_ALLOWED;
		return "this server does not speak with that domain";
	}
	if (x->queued_bytes + size > (size_t)o->queue_total)
		return "too much waits for other servers";
	if (!p && !pair_room(x))
		return "too many other servers are spoken with";
	if (p && (p->nqueued >= (size_t)o->queue ||
		  (p->queue && p->bytes + size > (size_t)o->queue_bytes)))
		return "too much waits for the remote server";
	return NULL;
}

/* Where it is to go by its addresses. */
static bool addresses(const struct s2s *x, const struct stanza *st, struct jid *from,
		      struct jid *to)
{
	return st->from.ptr && st->to.ptr && jid_split(st->from, from) == 0 &&
	       jid_split(st->to, to) == 0 && s2s_own(x, from->domain) && !s2s_own(x, to->domain);
}

/* --- being told -------------------------------------------------------------------------- */

static bool known(struct s2s *x, const struct frame *f, const struct msg_stanza_key *key)
{
	struct answered *a;
	struct item *i;

	HASH_FIND (hh, x->items, key, sizeof *key, i)
		;
	if (i) {
		add_waiter(i, f);
		if (i->held)
			hold_for(x, i, f->from);
	} else {
		HASH_FIND (hh, x->answered, key, sizeof *key, a)
			;
		if (!a)
			return false;
		told(x, f, a->error);
	}
	x->stats.repeated++;
	return true;
}

static void refuse(struct s2s *x, const struct frame *f, const struct msg_tell *m,
		   enum stanza_error e, const char *text)
{
	struct msg_stanza_key key = clean(&m->key);
	struct buf b = BUF_INIT;

	make_error(m->envelope, e, text, &b);
	x->stats.returned++;
	told(x, f, buf_str(&b));
	answered_add(x, &key, buf_str(&b));
	buf_free(&b);
}

static void take(struct s2s *x, const struct frame *f, const struct msg_tell *m,
		 const struct stanza *st, const struct jid *from, const struct jid *to)
{
	struct msg_stanza_key key = clean(&m->key);
	enum stanza_error e;
	const char *why = refusal(x, from->domain, to->domain, m->envelope.len, &e);
	struct pair *p;
	struct item *i;

	if (why) {
		refuse(x, f, m, e, why);
		return;
	}
	p = pair_get(x, from->domain, to->domain);
	i = item_new(p, &key, st, m->envelope, f->remaining_ms);
	add_waiter(i, f);
	/* Without a stream it stays here for a while, and could be another's. */
	if (!p->via)
		item_hold(i);
	pair_need(p);
}

void on_tell(void *arg, const struct frame *f, const void *msg)
{
	struct s2s *x = arg;
	const struct msg_tell *m = msg;
	struct msg_stanza_key key = clean(&m->key);
	struct pool *p;
	struct jid from, to;
	struct stanza st;

	x->last_tell = loop_now(x->loop);
	if (!channels_take(x->channels, f) || known(x, f, &key))
		return;
	p = pool_new();
	if (stanza_decode(p, m->envelope, &st) < 0 || !addresses(x, &st, &from, &to)) {
		log_error("a stanza for another server has no such addresses",
			  LF_U("sender", f->from));
		told(x, f, STR_NONE);
	} else {
		take(x, f, m, &st, &from, &to);
	}
	pool_free(p);
}

/* --- telling ----------------------------------------------------------------------------- */

static void on_told(void *arg, int err, uint16_t kind, const void *msg)
{
	/* An answer has no answer: what it came to, its sender's s2s has logged. */
	(void)arg;
	(void)err;
	(void)kind;
	(void)msg;
}

static void tell_other(struct s2s *x, uint16_t lane, const struct msg_tell *m)
{
	struct channel_send c = {.route = "s2s",
				 .to_shard = SHARD_NONE,
				 .from_shard = SHARD_NONE,
				 .by_lane = true,
				 .lane = lane,
				 .kind = MSG_TELL,
				 .m = m,
				 .deadline_ms = TOLD_DEADLINE,
				 .fn = on_told,
				 .arg = x};

	channel_send(x->channels, &c);
}

void tell_out(struct s2s *x, const struct stanza *st, const struct msg_stanza_key *k)
{
	struct msg_stanza_key key = clean(k);
	struct buf b = BUF_INIT;
	struct jid from, to;
	enum stanza_error e;
	uint64_t place;

	if (!addresses(x, st, &from, &to)) {
		log_error("an answer for another server has no such addresses");
		return;
	}
	stanza_encode(st, &b);
	place = pair_place(x, from.domain, to.domain);
	if (place && place != link_id(x->link)) {
		struct msg_tell m = {.key = key, .target = to.bare, .envelope = buf_str(&b)};

		tell_other(x, channel_lane(from.domain, to.domain), &m);
	} else if (!refusal(x, from.domain, to.domain, b.len, &e)) {
		struct pair *p = pair_get(x, from.domain, to.domain);

		item_new(p, &key, st, buf_str(&b), 0);
		pair_need(p);
	} else {
		x->stats.returned++;
	}
	buf_free(&b);
}
