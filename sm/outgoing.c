/* SPDX-License-Identifier: MIT */
/* Stanzas to other servers and components: their limits, how they are sent, when they hold up
 * nothing. */
#include "sm/outgoing.h"
#include "sm/components.h"
#include "sm/subscription.h"

#include <utlist.h>

/* --- where to --------------------------------------------------------------------------------- */

/* Components bind their domains as routes; everything else is s2s's. When the last s2s, or the
 * component, has just gone it comes again: what is for it waits. */
char *outgoing_route(struct sm *sm, struct str domain)
{
	char *route = str_dup(domain);

	if (link_place(sm->link, route, 0) || components_await(sm->components, route))
		return route;
	free(route);
	if (link_place(sm->link, "s2s", 0) ||
	    (sm->s2s_lost && loop_now(sm->loop) - sm->s2s_lost < (uint64_t)sm->config->deadline))
		return xstrdup("s2s");
	return NULL;
}

/* --- what bounds them ------------------------------------------------------------------------- */

static struct outgoing_sender *sender_need(struct sm *sm, struct str jid)
{
	struct outgoing_sender *s;

	HASH_FIND (hh, sm->outgoing->senders, jid.ptr, jid.len, s)
		;
	if (s)
		return s;
	s = xcalloc(1, sizeof *s + jid.len + 1);
	memcpy(s->jid, jid.ptr, jid.len);
	HASH_ADD_KEYPTR(hh, sm->outgoing->senders, s->jid, jid.len, s);
	return s;
}

static struct outgoing_pair *pair_need(struct sm *sm, struct str own, struct str remote)
{
	struct outgoing_pair *p;
	struct buf b = BUF_INIT;

	buf_str_append(&b, own);
	buf_append(&b, "", 1);
	buf_str_append(&b, remote);
	HASH_FIND (hh, sm->outgoing->pairs, buf_ptr(&b), b.len, p)
		;
	if (!p) {
		p = xcalloc(1, sizeof *p + b.len);
		memcpy(p->name, buf_ptr(&b), b.len);
		p->len = b.len;
		p->lane = channel_lane(own, remote);
		HASH_ADD_KEYPTR(hh, sm->outgoing->pairs, p->name, p->len, p);
	}
	buf_free(&b);
	return p;
}

static void sender_left(struct sm *sm, struct outgoing_sender *s)
{
	if (s->n)
		return;
	HASH_DEL(sm->outgoing->senders, s);
	free(s);
}

static void pair_left(struct sm *sm, struct outgoing_pair *p)
{
	if (p->n)
		return;
	HASH_DEL(sm->outgoing->pairs, p);
	free(p);
}

static bool too_much(struct sm *sm, const struct outgoing *o)
{
	const struct sm_config *c = sm->config;

	if (!o->kept)
		return sm->outgoing->loose > (size_t)c->outgoing_total;
	/* To one that answers, whatever waits for others. */
	if (!o->pair->rows)
		return false;
	return o->sender->kept > (size_t)c->outgoing_max ||
	       o->sender->bytes > (size_t)c->outgoing_size ||
	       sm->outgoing->bytes > (size_t)c->outgoing_total;
}

/* --- one of them ------------------------------------------------------------------------------ */

struct outgoing *outgoing_find(struct sm *sm, const struct msg_stanza_key *key)
{
	struct msg_stanza_key k;
	struct outgoing *o;

	memset(&k, 0, sizeof k);
	k.origin = key->origin;
	k.number = key->number;
	k.part = key->part;
	HASH_FIND (hh, sm->outgoing->by_key, &k, sizeof k, o)
		;
	return o;
}

/* Message or request: its sender counts on an answer or on its being delivered. */
static bool worth_a_row(const struct stanza *st)
{
	return st->kind == STANZA_MESSAGE || (st->kind == STANZA_IQ && !stanza_no_reply(st));
}

struct outgoing *outgoing_new(struct sm *sm, const struct msg_stanza_key *key,
			      const struct stanza *st, uint16_t shard)
{
	struct outgoing *o = xcalloc(1, sizeof *o);
	struct jid from = {0}, to = {0};

	(void)jid_split(st->from, &from);
	(void)jid_split(st->to, &to);
	o->sm = sm;
	o->key.origin = key->origin;
	o->key.number = key->number;
	o->key.part = key->part;
	o->shard = shard;
	o->kept = shard != SHARDS && worth_a_row(st);
	stanza_encode(st, &o->envelope);
	o->size = sizeof *o + o->envelope.len;
	o->sender = sender_need(sm, from.bare);
	o->pair = pair_need(sm, from.domain, to.domain);
	sm->outgoing->n++;
	o->sender->n++;
	o->pair->n++;
	if (o->kept) {
		o->sender->kept++;
		o->sender->bytes += o->size;
		sm->outgoing->bytes += o->size;
	} else {
		sm->outgoing->loose += o->size;
	}
	DL_APPEND(sm->outgoing->shards[shard], o);
	HASH_ADD(hh, sm->outgoing->by_key, key, sizeof o->key, o);
	return o;
}

void outgoing_waiters_done(struct outgoing *o)
{
	size_t n = o->nwaiters, left = 0;
	struct txn **w = o->waiters, **calls = xcalloc(n + 1, sizeof *calls);

	/* Those who want the answer itself go on waiting for it. */
	for (size_t i = 0; i < n; i++)
		if (w[i]->kind == TXN_CALL)
			calls[left++] = w[i];
	o->waiters = calls;
	o->nwaiters = left;
	for (size_t i = 0; i < n; i++) {
		if (w[i]->kind == TXN_CALL)
			txn_call_detach(w[i]);
		else
			txn_release(w[i]);
	}
	free(w);
}

void outgoing_free(struct outgoing *o)
{
	struct outgoings *all = o->sm->outgoing;
	struct txn **w = o->waiters;
	size_t n = o->nwaiters;

	loop_timeout_stop(o->sm->loop, &o->patience);
	if (o->write)
		channel_forget(o->write);
	if (o->queued)
		DL_DELETE2(all->queue, o, queue_prev, queue_next);
	if (o->state == OUT_COMMITTING || o->state == OUT_COMMITTED)
		o->pair->rows--;
	if (o->kept) {
		o->sender->kept--;
		o->sender->bytes -= o->size;
		all->bytes -= o->size;
	} else {
		all->loose -= o->size;
	}
	all->n--;
	o->sender->n--;
	o->pair->n--;
	sender_left(o->sm, o->sender);
	pair_left(o->sm, o->pair);
	HASH_DEL(all->by_key, o);
	DL_DELETE(all->shards[o->shard], o);
	buf_free(&o->envelope);
	free(o->route);
	free(o);
	for (size_t i = 0; i < n; i++)
		txn_release(w[i]);
	free(w);
}

/* --- asking ----------------------------------------------------------------------------------- */

void outgoing_ask(struct outgoing *o)
{
	struct sm *sm = o->sm;
	struct pool *pool = sm_pool(sm);
	int64_t left = (o->deadline - clock_wall_us()) / 1000;
	struct msg_tell m = {.key = o->key, .envelope = buf_str(&o->envelope)};
	struct channel_send c = {.route = o->route,
				 .to_shard = SHARD_NONE,
				 .by_lane = true,
				 .lane = o->pair->lane,
				 .from_shard = o->shard == SHARDS ? SHARD_NONE : o->shard,
				 .kind = MSG_TELL,
				 .m = &m,
				 .deadline_ms = left > 1 ? (uint32_t)left : 1,
				 .fn = outgoing_answered,
				 .arg = o};
	struct stanza st;
	struct jid to;

	if (stanza_decode(pool, buf_str(&o->envelope), &st) < 0 || jid_split(st.to, &to) < 0)
		bug("a stanza that we encoded cannot be decoded");
	m.target = to.bare;
	if (o->shard != SHARDS)
		c.from_epoch = shards_epoch(sm->shards, o->shard);
	sm->stat_tells++;
	o->item = channel_send(sm->channels, &c);
	sm_pool_back(sm, pool);
}

static void patience_start(struct outgoing *o, int64_t ms)
{
	loop_timeout_start(o->sm->loop, &o->patience, (unsigned)((ms + 999) / 1000));
}

static void patience_over(void *arg)
{
	struct outgoing *o = arg;
	const struct sm_config *c = o->sm->config;

	if (o->patient) {
		if (o->state != OUT_COMMITTED)
			outgoing_give_up(o);
		return;
	}
	o->patient = true;
	if (!o->kept) {
		o->state = OUT_LOOSE;
		outgoing_waiters_done(o);
		return;
	}
	patience_start(o, c->deadline > c->outgoing_after ? c->deadline - c->outgoing_after : 1);
	if (o->sender->kept <= (size_t)c->outgoing_max &&
	    o->sender->bytes <= (size_t)c->outgoing_size &&
	    o->sm->outgoing->bytes <= (size_t)c->outgoing_total)
		outgoing_commit(o);
}

/* Its sender's stanzas are taken in order and so many at a time: those to destinations that take
 * nothing must not fill that window while each waits for its turn to be stored. */
void outgoing_hurry(struct outgoing *o)
{
	enum { CROWD = 32, CROWD_BYTES = 65536 };

	if (o->patient || o->state != OUT_WAITING ||
	    (o->sender->n <= CROWD && o->sender->bytes <= CROWD_BYTES))
		return;
	loop_timeout_stop(o->sm->loop, &o->patience);
	patience_over(o);
}

/* A presence that we send for somebody to many is nobody's business when it does not arrive. */
static bool is_quiet(const struct packet *p)
{
	return p->st.kind == STANZA_PRESENCE && !p->session &&
	       (p->st.type == PRESENCE_AVAILABLE || p->st.type == PRESENCE_UNAVAILABLE);
}

static int64_t patience_for(const struct sm_config *c, const struct stanza *st)
{
	bool long_one = st->kind == STANZA_MESSAGE || sub_is_type(st->type);

	return 1000 * (long_one ? c->outgoing_deadline : c->deadline);
}

static void wait_for(struct outgoing *o, struct txn *t)
{
	if (!t)
		return;
	txn_hold(t);
	o->waiters = xrealloc(o->waiters, (o->nwaiters + 1) * sizeof(struct txn *));
	o->waiters[o->nwaiters++] = t;
}

static void refuse(struct packet *p, struct outgoing *o, enum stanza_error e)
{
	if (!o->quiet)
		packet_error(p, e);
	outgoing_free(o);
}

void outgoing_send(struct packet *p)
{
	struct sm *sm = p->sm;
	struct outgoing *o = outgoing_find(sm, &p->key);
	uint16_t shard = tell_speaks_for(sm, p->st.from);

	if (o) { /* a repetition: done when the first is */
		if (o->state == OUT_WAITING || o->state == OUT_COMMITTING)
			wait_for(o, p->txn);
		return;
	}
	o = outgoing_new(sm, &p->key, &p->st, shard == SHARD_NONE ? SHARDS : shard);
	o->quiet = is_quiet(p);
	o->route = outgoing_route(sm, p->to.domain);
	if (!o->route) {
		refuse(p, o, STANZA_E_REMOTE_SERVER_NOT_FOUND);
		return;
	}
	if (too_much(sm, o)) {
		refuse(p, o, STANZA_E_RESOURCE_CONSTRAINT);
		return;
	}
	wait_for(o, p->txn);
	o->deadline = clock_wall_us() + patience_for(sm->config, &p->st);
	o->patience.fn = patience_over;
	o->patience.arg = o;
	patience_start(o, sm->config->outgoing_after);
	if (o->shard == SHARDS || !scan_pending(sm->outgoing->scan, o->shard)) {
		outgoing_ask(o);
		return;
	}
	o->queued = true; /* behind what an earlier owner has left */
	DL_APPEND2(sm->outgoing->queue, o, queue_prev, queue_next);
}

/* --- the shard goes --------------------------------------------------------------------------- */

void outgoing_drop(struct sm *sm, uint16_t shard)
{
	struct outgoing *o;

	if (shard < SHARDS) {
		scan_forget(sm->outgoing->scan, shard);
		sm->outgoing->deletes[shard].n = 0; /* they are dropped with the channel */
	}
	while ((o = sm->outgoing->shards[shard])) {
		if (o->item)
			channel_abandon(o->item);
		o->item = NULL;
		for (size_t i = 0; i < o->nwaiters; i++)
			o->waiters[i]->mute = true; /* nothing is known of it */
		outgoing_free(o);
	}
}

bool outgoing_clear(const struct sm *sm, uint16_t shard)
{
	const struct outgoing *o;

	if (sm->outgoing->deletes[shard].n)
		return false;
	DL_FOREACH (sm->outgoing->shards[shard], o) {
		if (o->write || o->state == OUT_WAITING || o->state == OUT_COMMITTING)
			return false;
	}
	return true;
}

void outgoing_stats(const struct sm *sm, json_t *ret)
{
	const struct outgoings *all = sm->outgoing;

	json_object_set_new(ret, "outgoing", json_integer((json_int_t)all->n));
	json_object_set_new(ret, "outgoing_stored", json_integer((json_int_t)all->stat_committed));
	json_object_set_new(ret, "outgoing_returned", json_integer((json_int_t)all->stat_bounced));
	/* Tables that are read for shards that were opened. */
	json_object_set_new(ret, "scanning",
			    json_integer(scan_busy(all->scan) + scan_busy(sm->detached)));
}
