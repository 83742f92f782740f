/* SPDX-License-Identifier: MIT */
/* Stanzas from other servers: only of proven domains, to ours; each is given to sm, and done when
 * sm says so. */
#include "s2s/resume.h"
#include "s2s/steps.h"

/* --- done -------------------------------------------------------------------------------- */

static bool window_full(const struct stream *s)
{
	const struct s2s_config *o = s->s2s->config;

	return s->nworks >= (size_t)o->window || s->work_bytes >= (size_t)o->window_bytes;
}

static void work_free(struct work *w)
{
	if (w->stream)
		DL_DELETE(w->stream->works, w);
	else if (w->kept)
		DL_DELETE(w->kept->works, w);
	else
		DL_DELETE(w->s2s->orphans, w);
	buf_free(&w->envelope);
	free(w);
}

/* XEP-0198: h counts in order, and what is done. */
static void settle(struct stream *s)
{
	bool moved = false;

	while (s->works && s->works->done) {
		struct work *w = s->works;

		s->sm_in += w->counted;
		s->nworks--;
		s->work_bytes -= w->size;
		work_free(w);
		moved = true;
	}
	if (!moved)
		return;
	ack_done(s);
	if (stream_end_look(s))
		return;
	if (!window_full(s))
		stream_resume(s, PAUSE_WINDOW);
}

static void settle_kept(struct resumable *r)
{
	while (r->works && r->works->done) {
		r->h += r->works->counted;
		work_free(r->works);
	}
	resumable_work_done(r);
}

static void work_done(struct work *w)
{
	struct stream *s = w->stream;
	struct s2s *x = w->s2s;

	w->asking = NULL;
	w->done = true;
	buf_free(&w->envelope);
	if (s)
		settle(s);
	else if (w->kept)
		settle_kept(w->kept);
	else
		work_free(w);
	if (x->draining)
		drain_look(x);
}

static void orphan(struct work *w)
{
	w->stream = NULL;
	w->kept = NULL;
	DL_APPEND(w->s2s->orphans, w);
	if (w->done)
		work_free(w);
}

void works_leave(struct stream *s)
{
	struct work *w;

	while ((w = s->works)) {
		DL_DELETE(s->works, w);
		orphan(w);
	}
	s->nworks = s->work_bytes = 0;
}

void works_keep(struct stream *s, struct resumable *r)
{
	struct work *w;

	DL_FOREACH (s->works, w) {
		w->stream = NULL;
		w->kept = r;
	}
	r->works = s->works;
	s->works = NULL;
	s->nworks = s->work_bytes = 0;
}

void works_keep_no_more(struct resumable *r)
{
	struct work *w;

	while ((w = r->works)) {
		DL_DELETE(r->works, w);
		orphan(w);
	}
}

void works_free(struct s2s *x)
{
	while (x->orphans) {
		if (x->orphans->asking)
			channel_forget(x->orphans->asking);
		work_free(x->orphans);
	}
}

/* --- answers ----------------------------------------------------------------------------- */

static void answer(struct s2s *x, uint64_t origin, uint64_t n, struct str envelope)
{
	const struct msg_stanza_key key = {.origin = origin, .number = n, .part = 1};
	struct pool *p = pool_new();
	struct stanza st;

	if (stanza_decode(p, envelope, &st) == 0)
		tell_out(x, &st, &key);
	else
		log_error("malformed answer to a stanza of another server");
	pool_free(p);
}

/* It must fit into a frame as XML, too. */
static bool too_long(const struct s2s *x, const struct stanza *st)
{
	return stanza_write_most(st) > link_max_stanza(x->link);
}

static void answer_error(struct s2s *x, uint64_t origin, uint64_t n, const struct stanza *st,
			 enum stanza_error e, const char *text)
{
	const struct msg_stanza_key key = {.origin = origin, .number = n, .part = 1};
	struct pool *p = pool_new();
	struct stanza r;

	if (!stanza_no_reply(st)) {
		r = stanza_error_reply(p, st, e, NULL, text, STR_NONE);
		if (too_long(x, &r))
			r.id = STR_NONE;
		/* RFC 6120 section 8.1.3. */
		if ((r.id.ptr || r.kind != STANZA_IQ) && !too_long(x, &r))
			tell_out(x, &r, &key);
	}
	pool_free(p);
}

static void on_told(void *arg, int err, uint16_t kind, const void *msg)
{
	struct work *w = arg;
	const struct msg_told *m = msg;

	if (err == 0 && kind == MSG_TOLD) {
		if (m->error.len)
			answer(w->s2s, w->origin, w->n, m->error);
	} else {
		struct pool *p = pool_new();
		struct stanza st;

		if (stanza_decode(p, buf_str(&w->envelope), &st) == 0)
			answer_error(w->s2s, w->origin, w->n, &st, STANZA_E_RESOURCE_CONSTRAINT,
				     "nobody took the stanza in time");
		pool_free(p);
	}
	work_done(w);
}

/* --- taking ------------------------------------------------------------------------------ */

/* Accounts have an owner; the domain itself is served by any: by the sender's, for the order. */
static void tell_sm(struct work *w, const struct jid *from, const struct jid *to)
{
	struct s2s *x = w->s2s;
	struct msg_tell m = {.key = {.origin = w->origin, .number = w->n},
			     .target = to->bare,
			     .envelope = buf_str(&w->envelope)};
	struct channel_send c = {
		.route = "sm",
		.to_shard = link_shard(to->local.len ? to->bare : from->bare),
		.from_shard = SHARD_NONE,
		.kind = MSG_TELL,
		.m = &m,
		.deadline_ms = (uint32_t)x->config->deadline,
		.fn = on_told,
		.arg = w};

	w->asking = channel_send(x->channels, &c);
}

static void take(struct stream *s, const struct stanza *st, const struct jid *from,
		 const struct jid *to)
{
	struct work *w = xcalloc(1, sizeof *w);

	w->s2s = s->s2s;
	w->stream = s;
	w->origin = s->origin;
	w->n = ++s->taken;
	w->counted = s->sm;
	stanza_encode(st, &w->envelope);
	w->size = w->envelope.len;
	DL_APPEND(s->works, w);
	s->nworks++;
	s->work_bytes += w->size;
	s->s2s->stats.stanzas_in++;
	if (window_full(s))
		stream_pause(s, PAUSE_WINDOW);
	if (too_long(s->s2s, st)) {
		answer_error(s->s2s, s->origin, w->n, st, STANZA_E_POLICY_VIOLATION,
			     "the stanza is too long");
	} else if (st->fault == STANZA_FINE) {
		tell_sm(w, from, to);
		return;
	} else {
		answer_error(s->s2s, s->origin, w->n, st,
			     st->fault == STANZA_TO_MALFORMED ? STANZA_E_JID_MALFORMED
							      : STANZA_E_BAD_REQUEST,
			     NULL);
	}
	work_done(w);
}

static void check_rate(struct stream *s, struct proof *p)
{
	if (!bucket_take(s->s2s, p->bucket, 0, 1))
		limits_throttle(s);
}

/* A localpart or resource that is none is the sender's mistake (RFC 6120 section 8.3.3.8), not that
 * of its server: the address is kept as it was written, for the answer. The sender's own may be good by
 * rules that are older or newer than ours, and all others of its server would lose the stream with it. */
static bool addressed(const struct xml_element *e, struct stanza *st, struct jid *from,
		      struct jid *to)
{
	if (!st->from.ptr && st->fault != STANZA_FINE)
		st->from = element_attr(e, "from");
	if (!st->from.ptr || jid_split(st->from, from) < 0)
		return false;
	if (!st->to.ptr && st->fault == STANZA_TO_MALFORMED)
		st->to = element_attr(e, "to");
	return st->to.ptr && jid_split(st->to, to) == 0;
}

/* RFC 6120 sections 8.1.1.2, 8.1.2.2 and 4.9.3. */
void stanza_in(struct stream *s, const struct xml_element *e)
{
	struct jid from, to;
	struct stanza st;
	struct proof *p;

	if (!stream_hears(s)) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, "this stream goes one way");
		return;
	}
	if (!s->proofs) {
		stream_error(s, STREAM_E_NOT_AUTHORIZED, NULL);
		return;
	}
	if (stanza_from_element(s->s2s->scratch, e, &st) < 0 || !addressed(e, &st, &from, &to)) {
		stream_error(s, STREAM_E_IMPROPER_ADDRESSING, NULL);
		return;
	}
	if (!s2s_own(s->s2s, to.domain)) {
		stream_error(s, STREAM_E_HOST_UNKNOWN, NULL);
		return;
	}
	p = proof_find(s, to.domain, from.domain);
	if (!p || !p->proven) {
		stream_error(s, STREAM_E_INVALID_FROM, NULL);
		return;
	}
	if (s2s_policy(s->s2s, from.domain).denied) {
		stream_error(s, STREAM_E_POLICY_VIOLATION,
			     "this server does not speak with that domain");
		return;
	}
	check_rate(s, p);
	take(s, &st, &from, &to);
}
