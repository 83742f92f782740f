/* SPDX-License-Identifier: MIT */
/* Stanzas to clients: taken in order from the owner alone, written, and accounted for until they
 * are settled (DELIVERY rule 7). */
#include <utlist.h>
#include "base/mutation.h"
#include "c2s/session.h"

enum { GATHER_MS = 50, SOON_MS = 1, GATHER_SESSIONS = 64 };

/* --- what was given ---------------------------------------------------------------------- */

struct given *given_at(const struct session *s, uint32_t i)
{
	return &s->given[(s->given_first + i) % s->given_cap];
}

static void given_grow(struct session *s)
{
	uint32_t cap = s->given_cap ? s->given_cap * 2 : 4;
	struct given *g = xmalloc(cap * sizeof *g);

	for (uint32_t i = 0; i < s->ngiven; i++)
		g[i] = *given_at(s, i);
	free(s->given);
	s->given = g;
	s->given_cap = cap;
	s->given_first = 0;
}

void given_push(struct session *s, const struct given *g)
{
	if (s->ngiven == s->given_cap)
		given_grow(s);
	s->ngiven++;
	*given_at(s, s->ngiven - 1) = *g;
}

/* Drops the prefix that is settled: told so by sm (up to *told), or acknowledged and committed from
 * the start. */
static void given_settle(struct session *s, const uint32_t *told)
{
	while (s->ngiven) {
		const struct given *g = given_at(s, 0);
		bool acked = (int32_t)(g->m - s->acked) <= 0;

		if (!((told && (int32_t)(g->m - *told) <= 0) || (acked && (g->committed || MUTATION("settle")))))
			break;
		if (g->log > s->settled)
			s->settled = g->log;
		s->given_first = (s->given_first + 1) % s->given_cap;
		s->ngiven--;
	}
	if (!s->ngiven) {
		free(s->given);
		s->given = NULL;
		s->given_cap = s->given_first = 0;
	}
}

void given_acked(struct session *s, uint32_t m)
{
	uint32_t i;

	if ((int32_t)(m - s->acked) <= 0 || (int32_t)(m - s->out) > 0)
		return;
	i = s->ngiven ? m - given_at(s, 0)->m : 0;
	if (i < s->ngiven && given_at(s, i)->m == m)
		s->acked_at = (uint32_t)given_at(s, i)->position;
	s->acked = m;
	given_settle(s, NULL);
	acks_queue(s, s->acked_at);
}

uint32_t given_unsent(const struct session *s)
{
	uint64_t sent = s->client ? conn_sent(s->client->conn) : 0;

	for (uint32_t i = 0; i < s->ngiven; i++)
		if ((int32_t)(given_at(s, i)->m - s->acked) > 0 && given_at(s, i)->position > sent)
			return given_at(s, i)->m;
	return 0;
}

/* --- acknowledgements to sm -------------------------------------------------------------- */

static void acks_soon(struct c2s *x)
{
	if (!x->acks_soon)
		loop_timer_start(x->ack_timer, SOON_MS, 0);
	x->acks_soon = true;
}

void acks_queue(struct session *s, uint64_t position)
{
	struct c2s *x = s->c2s;

	if (!s->ack_queued) {
		s->ack_queued = true;
		if (!x->acks) {
			loop_timer_start(x->ack_timer, GATHER_MS, 0);
			x->acks_soon = false;
		}
		DL_APPEND2(x->acks, s, ack_prev, ack_next);
		x->nacks++;
	}
	if (x->nacks >= GATHER_SESSIONS || (uint32_t)position - s->told_at >= TELL_BYTES)
		acks_soon(x);
}

void acks_forget(struct session *s)
{
	if (!s->ack_queued)
		return;
	s->ack_queued = false;
	DL_DELETE2(s->c2s->acks, s, ack_prev, ack_next);
	s->c2s->nacks--;
}

/* XEP-0198: what the client says counts, not what the kernel has taken. */
static bool client_acknowledges(const struct session *s)
{
	return s->acks && s->acks->on;
}

/* Without that a stanza is acknowledged when the kernel has taken its last byte. */
static void look_at_kernel(struct session *s)
{
	uint64_t sent;
	uint32_t m = s->acked;

	if (!s->client || client_acknowledges(s))
		return;
	sent = conn_sent(s->client->conn);
	for (uint32_t i = 0; i < s->ngiven && given_at(s, i)->position <= sent; i++)
		if ((int32_t)(given_at(s, i)->m - m) > 0)
			m = given_at(s, i)->m;
	given_acked(s, m);
}

struct acked_list {
	struct c2s *c2s;
	uint64_t owner;
	size_t n;
	struct msg_sid_number sessions[GATHER_SESSIONS];
};

static void acked_send(struct acked_list *l)
{
	struct frame head = {.kind = MSG_ACKED,
			     .to = l->owner,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};
	struct msg_acked m = {.sessions = l->sessions, .nsessions = l->n};

	/* Lost ones come again with the announcement, which tells what is acknowledged. */
	if (l->n)
		(void)link_send(l->c2s->link, &head, &m);
	l->n = 0;
}

static void acked_add(struct acked_list *l, struct session *s)
{
	uint64_t owner = s->c2s->shards[s->shard].owner;

	if (s->acked == s->acked_told || !owner)
		return;
	if (l->n == GATHER_SESSIONS || owner != l->owner)
		acked_send(l);
	l->owner = owner;
	l->sessions[l->n++] = (struct msg_sid_number){.sid = s->sid, .n = s->acked};
	s->acked_told = s->acked;
	s->told_at = s->acked_at;
}

void acks_now(struct session *s)
{
	struct acked_list l = {.c2s = s->c2s};

	look_at_kernel(s);
	acks_forget(s);
	acked_add(&l, s);
	acked_send(&l);
}

void acks_flush(void *arg)
{
	struct c2s *x = arg;
	struct acked_list l = {.c2s = x};
	struct session *s, *tmp;

	DL_FOREACH_SAFE2(x->acks, s, tmp, ack_next)
	{
		look_at_kernel(s);
		acks_forget(s);
		acked_add(&l, s);
	}
	acked_send(&l);
	loop_timer_stop(x->ack_timer);
	x->acks_soon = false;
}

/* --- giving ------------------------------------------------------------------------------ */

/* The next stanza of the present attachment, from the owner to which it was announced. */
static bool takes(struct session *s, const struct frame *f, uint32_t attachment, uint32_t m)
{
	if (!s || s->attachment != attachment || !owner_speaks(s, f) || s->closing || !s->client)
		return false;
	if (m != s->out + 1) {
		/* A gap: what lies between was lost on the way (rule 10). A repetition is nothing.
		 */
		if ((int32_t)(m - s->out) > 1 && !s->reannounce)
			session_announce_later(s);
		return false;
	}
	return s->client->phase == PHASE_BOUND;
}

static void set_full(struct session *s, bool full)
{
	struct msg_session_full m = {.sid = s->sid, .full = full};

	s->full = full;
	s->client->full_since = full ? now_s(s->c2s) : 0;
	(void)owner_send(s, MSG_SESSION_FULL, 0, &m);
	if (full)
		client_arm(s->client);
}

void deliver_look(struct client *c)
{
	const struct c2s_config *o = c->c2s->config;
	size_t unsent = conn_unsent(c->conn);

	if (unsent > (size_t)o->out_limit)
		client_break(c, "it does not read");
	else if (unsent > (size_t)o->out_max && c->session && c->session->listed &&
		 !c->session->full)
		set_full(c->session, true);
}

void deliver_drained(struct client *c)
{
	struct session *s = c->session;

	if (!s->listed)
		return;
	if (s->full)
		set_full(s, false);
	if (s->acked != s->out && !client_acknowledges(s))
		acks_queue(s, conn_sent(c->conn));
}

static void wrote(struct session *s, struct given *g)
{
	struct client *c = s->client;

	s->out = g->m;
	g->position = conn_written(c->conn);
	given_push(s, g);
	s->c2s->stats.stanzas_out++;
	client_flush(c);
	if (client_acknowledges(s))
		ack_gave(s);
	else
		acks_queue(s, g->position);
}

void on_give(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_give *m = msg;
	struct session *s = session_find(arg, m->sid);
	struct given g = {.origin = m->key.origin,
			  .number = m->key.number,
			  .part = m->key.part,
			  .log = m->log,
			  .m = m->m,
			  .committed = m->committed};

	if (!takes(s, f, m->attachment, m->m))
		return;
	buf_str_append(conn_out(s->client->conn), m->xml);
	wrote(s, &g);
}

void on_give_many(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_give_many *m = msg;

	for (size_t i = 0; i < m->nto; i++) {
		struct session *s = session_find(arg, m->to[i].sid);
		struct given g = {.origin = m->key.origin,
				  .number = m->key.number,
				  .part = m->key.part,
				  .m = m->to[i].m,
				  .committed = true};
		struct buf *b;

		if (!takes(s, f, m->to[i].attachment, m->to[i].m))
			continue;
		b = conn_out(s->client->conn);
		buf_str_append(b, m->head);
		if (m->to_kind) {
			buf_lit(b, " to='");
			xml_escape(b, m->to_kind == 1 ? session_bare(s) : str_n(s->jid, s->njid));
			buf_putc(b, '\'');
		}
		buf_str_append(b, m->tail);
		wrote(s, &g);
	}
}

/* --- what sm says ------------------------------------------------------------------------ */

void on_done(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_done *m = msg;

	for (size_t i = 0; i < m->nsessions; i++) {
		struct session *s = session_find(arg, m->sessions[i].sid);

		if (s && owner_speaks(s, f))
			session_done(s, m->sessions[i].n);
	}
}

void on_done_record(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_done_record *m = msg;
	struct session *s = session_find(arg, m->sid);

	if (!s || !owner_speaks(s, f))
		return;
	session_record(s, m->record);
	session_done(s, m->n);
}

void on_settled(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_settled *m = msg;

	for (size_t i = 0; i < m->nsessions; i++) {
		struct session *s = session_find(arg, m->sessions[i].sid);

		if (s && owner_speaks(s, f) && (int32_t)(m->sessions[i].n - s->out) <= 0)
			given_settle(s, &m->sessions[i].n);
	}
}

/* What its client sent is finished, and then the owner hears that the connection is gone. */
void on_session_break(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_session_break *m = msg;
	struct session *s = session_find(arg, m->sid);

	if (s && s->client && s->attachment == m->attachment && owner_speaks(s, f))
		client_break(s->client, "it takes too little");
}

void on_session_end(void *arg, const struct frame *f, const void *msg)
{
	const struct msg_session_end *m = msg;
	struct session *s = session_find(arg, m->sid);
	struct client *c;

	if (!s || s->attachment != m->attachment || !owner_speaks(s, f))
		return;
	c = s->client;
	if (c) {
		c->session = NULL;
		log_info("client disconnected", LF_STR("jid", str_n(s->jid, s->njid)),
			 LF_S("address", conn_peer(c->conn)),
			 LF_S("reason",
			      m->error && m->error <= STREAM_E_COUNT
				      ? stream_error_name((enum stream_error)(m->error - 1))
				      : "ended by its session manager"));
	}
	session_free(s);
	if (!c)
		return;
	if (m->error && m->error <= STREAM_E_COUNT) {
		char *text = str_dup(m->text);

		stream_error(c, (enum stream_error)(m->error - 1), text);
		free(text);
	} else {
		stream_close(c);
	}
}
