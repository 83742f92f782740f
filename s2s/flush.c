/* SPDX-License-Identifier: MIT */
/* Writing what waits: what was held is announced first, and nothing of it is written before the
 * announcement has left us. */
#include "s2s/steps.h"

enum {
	LOOK_AGAIN = 1,
	KEYS = 256,
	CARRIED_MAX = 1000 /* not acknowledged: what a lost stream may cost */
};

/* --- what was held ----------------------------------------------------------------------- */

struct announcing {
	struct s2s *x;
	uint64_t to;
	struct msg_stanza_key keys[KEYS];
	size_t n;
};

static void announce(struct announcing *a)
{
	struct msg_writing m = {.keys = a->keys, .nkeys = a->n};
	struct frame head = {
		.kind = MSG_WRITING, .to = a->to, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};

	if (a->n)
		(void)link_send(a->x->link, &head, &m);
	a->n = 0;
}

static void announce_item(struct announcing *a, struct item *i)
{
	for (size_t k = 0; k < i->nwaiters; k++) {
		if (a->to != i->waiters[k].from || a->n == KEYS)
			announce(a);
		a->to = i->waiters[k].from;
		a->keys[a->n++] = i->key;
	}
	i->held = false;
}

static bool announce_held(struct pair *p)
{
	struct announcing *a = NULL;
	struct item *i;

	if (!p->holds)
		return false;
	p->holds = false;
	DL_FOREACH (p->queue, i) {
		if (!i->held)
			continue;
		if (!a) {
			a = xcalloc(1, sizeof *a);
			a->x = p->s2s;
		}
		announce_item(a, i);
	}
	if (!a)
		return false;
	announce(a);
	free(a);
	return true;
}

/* --- writing ----------------------------------------------------------------------------- */

static void too_big(struct item *i, size_t size, uint64_t limit)
{
	char text[128];

	snprintf(text, sizeof text,
		 "the stanza has %zu bytes, the remote server takes no more than %llu", size,
		 (unsigned long long)limit);
	item_done(i, STANZA_E_POLICY_VIOLATION, text);
}

static bool render(const struct item *i, struct buf *b)
{
	struct pool *p = pool_new();
	struct stanza st;
	bool good = stanza_decode(p, i->envelope, &st) == 0;

	if (good)
		stanza_write(&st, b);
	pool_free(p);
	return good;
}

static void write_item(struct stream *s, struct item *i)
{
	struct buf b = BUF_INIT;

	if (!render(i, &b)) {
		log_error("malformed envelope of a stanza for another server");
		item_done(i, NO_ERROR, NULL);
	} else if (s->max_bytes && b.len > s->max_bytes) {
		/* XEP-0478 section 5. */
		too_big(i, b.len, s->max_bytes);
	} else {
		buf_str_append(conn_out(s->conn), buf_str(&b));
		item_unqueue(i);
		i->stream = s;
		i->number = ++s->sm_out;
		i->position = conn_written(s->conn);
		DL_APPEND(s->carried, i);
		s->ncarried++;
		i->pair->written++;
		s->s2s->stats.stanzas_out++;
		s->last_out = loop_now(s->s2s->loop);
	}
	buf_free(&b);
}

static void write_queue(struct pair *p)
{
	struct stream *s = p->via;
	bool wrote = false;

	while (p->queue && conn_unsent(s->conn) < (size_t)s->s2s->config->out_max &&
	       s->ncarried < CARRIED_MAX) {
		write_item(s, p->queue);
		wrote = true;
	}
	if (!wrote)
		return;
	ack_ask(s, false);
	stream_flush(s);
	/* Stands behind the connection's own write of this turn. */
	loop_defer_last(s->s2s->loop, &s->flushed);
}

/* What was written over a lost stream comes first, if it has to be written again. */
static bool may_write(const struct pair *p)
{
	return p->via && p->via->phase != PHASE_CLOSED && !p->suspended && !p->via->resuming &&
	       !p->via->ending;
}

void pair_flush(struct pair *p)
{
	struct s2s *x = p->s2s;

	if (!p->queue || p->flushing || !may_write(p))
		return;
	if (!announce_held(p)) {
		write_queue(p);
		return;
	}
	p->flushing = true;
	DL_APPEND2(x->ready, p, rprev, rnext);
	loop_timer_start(x->flushing, LOOK_AGAIN, LOOK_AGAIN);
}

void pairs_flush_ready(void *arg)
{
	struct s2s *x = arg;
	struct pair *p, *next;

	if (!link_flushed(x->link))
		return;
	loop_timer_stop(x->flushing);
	DL_FOREACH_SAFE2(x->ready, p, next, rnext)
	{
		p->flushing = false;
		DL_DELETE2(x->ready, p, rprev, rnext);
		/* It may have lost its stream meanwhile: then they are held again. */
		if (may_write(p))
			write_queue(p);
		else
			pair_need(p);
	}
}

/* --- what was written -------------------------------------------------------------------- */

/* With XEP-0198 the peer's word counts, for what was written behind <enable/>. */
static bool counted(const struct stream *s, const struct item *i)
{
	return (s->sm || s->sm_asked) && (int32_t)(i->number - s->sm_out_base) > 0;
}

void carried_look(struct stream *s)
{
	struct pair *p, *next;
	uint64_t sent;

	if (!s->conn)
		return;
	sent = conn_sent(s->conn);
	while (s->carried && !counted(s, s->carried) && s->carried->position <= sent)
		item_done(s->carried, NO_ERROR, NULL);
	DL_FOREACH_SAFE2(s->pairs, p, next, snext)
	pair_flush(p);
}

/* What the kernel has not taken whole did not arrive; of the rest nobody knows, so it is not sent
 * again but returned. */
void carried_unsent(struct stream *s)
{
	uint64_t sent = s->conn ? conn_sent(s->conn) : 0;

	/* From the last one on, since they go back to the head. */
	while (s->carried && s->conn && s->carried->prev->position > sent)
		item_again(s->carried->prev);
}

void carried_end(struct stream *s)
{
	carried_unsent(s);
	while (s->carried)
		item_done(s->carried, STANZA_E_REMOTE_SERVER_TIMEOUT,
			  "the connection to the remote server was lost");
}
