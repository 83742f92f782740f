/* SPDX-License-Identifier: MIT */
/*
 * Stream management (XEP-0198, version 1.6.3). `h` towards the client counts what is done. The id
 * names the session (64 random bits) and where the client's counters begin in the session's, so that
 * any c2s can resume it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "c2s/session.h"

static void failed(struct client *c, enum stanza_error e, const uint32_t *h)
{
	struct xml_writer w;

	xw_init(&w, conn_out(c->conn));
	xw_start(&w, "failed", NS_SM);
	if (h)
		xw_attr_int(&w, "h", *h);
	xw_leaf(&w, stanza_error_name(e), NS_STANZAS, STR_NONE);
	xw_end(&w);
	client_flush(c);
}

static bool is_true(struct str s)
{
	return str_eq(s, STR("true")) || str_eq(s, STR("1"));
}

static bool number(struct str s, uint32_t *ret)
{
	unsigned long long v;

	if (!str_u64(s, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* --- acknowledging the client's stanzas -------------------------------------------------------------------- */

static void write_a(struct session *s)
{
	struct acks *a = s->acks;
	uint32_t h = s->done - a->in_base;

	/* What was sent before <enable/> is not counted, and may not be done yet. */
	a->behind = a->behind && (int32_t)h < 0;
	if (a->behind)
		h = 0;
	buf_printf(conn_out(s->client->conn), "<a xmlns='" NS_SM "' h='%" PRIu32 "'/>", h);
	a->told = s->done;
	client_flush(s->client);
}

void ack_request(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;

	if (c->phase != PHASE_BOUND || !s->acks) {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE, "stream management is not enabled");
		return;
	}
	s->acks->wanted = s->in;
	s->acks->owed = !s->acks->on;
	if (s->acks->on)
		write_a(s);
}

void ack_done(struct session *s)
{
	struct acks *a = s->acks;

	if (a->on && (int32_t)(a->wanted - a->told) > 0 && (int32_t)(s->done - a->told) > 0)
		write_a(s);
}

/* --- asking for the client's acknowledgement ----------------------------------------------------------------- */

void ack_ask(struct session *s)
{
	struct acks *a = s->acks;

	conn_write(s->client->conn, "<r xmlns='" NS_SM "'/>", sizeof "<r xmlns='" NS_SM "'/>" - 1);
	a->asked = s->out;
	if (!a->asked_at) {
		a->asked_at = now_s(s->c2s);
		client_arm(s->client);
	}
}

void ack_gave(struct session *s)
{
	if (s->out - s->acks->asked >= (uint32_t)s->c2s->config->ack_every)
		ack_ask(s);
	else if (!s->acks->asked_at)
		acks_queue(s);
}

void ack_gather(struct session *s)
{
	if (s->acks->on && !s->acks->asked_at && s->acked != s->out &&
	    s->client->phase == PHASE_BOUND)
		ack_ask(s);
}

static void too_high(struct client *c, uint32_t h, const uint32_t *sent)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "<handled-count-too-high xmlns='" NS_SM "' h='%" PRIu32 "'", h);
	if (sent)
		buf_printf(&b, " send-count='%" PRIu32 "'", *sent);
	buf_lit(&b, "/>");
	stream_error_app(c, STREAM_E_UNDEFINED_CONDITION,
			 "more stanzas acknowledged than were sent", buf_str(&b));
	buf_free(&b);
}

void ack_answer(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	uint32_t h, m, sent;

	if (c->phase != PHASE_BOUND || !s->acks || !s->acks->on) {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE, "stream management is not enabled");
		return;
	}
	if (!number(element_attr(e, "h"), &h)) {
		stream_error(c, STREAM_E_INVALID_XML, "h is missing or no number");
		return;
	}
	m = s->acks->out_base + h;
	sent = s->out - s->acks->out_base;
	if ((int32_t)(m - s->out) > 0) {
		too_high(c, h, &sent);
		return;
	}
	s->acks->asked_at = 0;
	given_acked(s, m);
	if (s->acked != s->out)
		acks_queue(s); /* the rest is asked for again */
}

/* --- enabling -------------------------------------------------------------------------------------------------- */

static void enable_send(struct pending *p)
{
	struct msg_session_sm m = {.sid = p->session->sid,
				   .attachment = p->session->attachment,
				   .max = p->number,
				   .resume = p->resume};

	pending_request(p, &m);
}

static void write_enabled(struct session *s, uint32_t max)
{
	const struct acks *a = s->acks;
	struct buf *b = conn_out(s->client->conn);

	buf_lit(b, "<enabled xmlns='" NS_SM "'");
	if (a->resumable)
		buf_printf(b, " id='%016" PRIx64 ".%" PRIx32 ".%" PRIx32 "' resume='true' max='%" PRIu32
			   "'", s->sid, a->in_base, a->out_base, max);
	buf_lit(b, "/>");
	client_flush(s->client);
}

static void enable_done(struct pending *p, int err, const void *reply)
{
	const struct msg_session_resumed *r = reply;
	struct session *s = p->session;
	struct acks *a = s->acks;

	if (err < 0 || r->error) {
		free(a);
		s->acks = NULL;
		pending_free(p);
		failed(s->client, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	acks_now(s); /* what the kernel has taken so far counts as received */
	a->on = true;
	a->out_base = a->asked = s->out;
	a->resumable = p->resume && r->max;
	session_record(s, r->record);
	write_enabled(s, r->max);
	pending_free(p);
	if (a->owed)
		write_a(s);
}

static const struct pending_ops enable_ops = {MSG_SESSION_SM, enable_send, enable_done};

void ack_enable(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	int64_t most = c->c2s->config->resume_max / 1000;
	struct pending *p;
	uint32_t max;

	if (c->phase != PHASE_BOUND) {
		failed(c, STANZA_E_UNEXPECTED_REQUEST, NULL);
		return;
	}
	if (s->acks) {
		/* "the server ... SHOULD respond with a stream error" */
		stream_error(c, STREAM_E_POLICY_VIOLATION, "stream management is enabled already");
		return;
	}
	s->acks = xcalloc(1, sizeof *s->acks);
	s->acks->in_base = s->acks->told = s->acks->wanted = s->in;
	s->acks->behind = s->done != s->in;
	p = pending_new(s, &enable_ops);
	p->resume = is_true(element_attr(e, "resume")) && most;
	p->number = number(element_attr(e, "max"), &max) && max && max < most ? max : (uint32_t)most;
	pending_start(p);
}

/* --- resuming --------------------------------------------------------------------------------------------------- */

static bool hex_part(struct str s, size_t most, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.len || s.len > most)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char *digits = "0123456789abcdef", *d = memchr(digits, s.ptr[i], 16);

		if (!d)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*ret = v;
	return true;
}

static bool id_read(struct str id, uint64_t *ret_sid, uint32_t *ret_in, uint32_t *ret_out)
{
	struct str sid, in;
	uint64_t s, i, o;

	if (!str_split(&id, '.', &sid) || !str_split(&id, '.', &in) || sid.len != 16 ||
	    !hex_part(sid, 16, &s) || !hex_part(in, 8, &i) || !hex_part(id, 8, &o))
		return false;
	*ret_sid = s;
	*ret_in = (uint32_t)i;
	*ret_out = (uint32_t)o;
	return true;
}

static void resume_send(struct pending *p)
{
	struct msg_session_resume m = {.ticket = buf_str(&p->ticket),
				       .account = str_z(p->account),
				       .sid = p->sid,
				       .h = p->number,
				       .address = str_z(p->address)};

	pending_request(p, &m);
}

static void resume_failed(struct pending *p, int err, const struct msg_session_resumed *r)
{
	struct session *s = p->session;
	struct client *c = s->client;
	uint32_t h = p->number - s->acks->out_base, in = r ? r->h - s->acks->in_base : 0;
	bool known = r && r->known;
	bool high = known && r->error == 1 + STANZA_E_BAD_REQUEST;

	session_free(s);
	if (!c)
		return;
	c->session = NULL;
	if (high)
		too_high(c, h, NULL);
	else if (err < 0 || r->error > STANZA_E_COUNT)
		failed(c, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
	else /* the client may bind now */
		failed(c, (enum stanza_error)(r->error - 1), known ? &in : NULL);
}

/* The same session on another connection of ours: that one is over. */
static void replace(struct c2s *x, uint64_t sid)
{
	struct session *old = session_find(x, sid);
	struct client *c = old ? old->client : NULL;

	if (!old)
		return;
	session_free(old);
	if (!c)
		return;
	c->session = NULL;
	stream_error(c, STREAM_E_CONFLICT, "resumed elsewhere");
}

/* Counters go on from where the client and sm agree. */
static void take_counters(struct session *s, const struct msg_session_resumed *r, uint32_t acked)
{
	s->in = s->done = r->h;
	s->out = s->acked = s->acked_told = acked;
	s->settled = r->settled;
	s->acks->told = s->acks->wanted = r->h;
	s->acks->asked = acked;
	s->acks->on = s->acks->resumable = true;
	for (size_t i = 0; i < r->ngiven; i++) {
		const struct msg_given *g = &r->given[i];

		given_push(s, &(struct given){.origin = g->key.origin,
					      .number = g->key.number,
					      .part = g->key.part,
					      .m = g->m,
					      .log = g->log});
	}
}

static void write_resumed(struct session *s, const char *id)
{
	struct xml_writer w;

	xw_init(&w, conn_out(s->client->conn));
	xw_start(&w, "resumed", NS_SM);
	xw_attrz(&w, "previd", id);
	xw_attr_int(&w, "h", (uint32_t)(s->in - s->acks->in_base));
	xw_end(&w);
	client_flush(s->client);
}

static void resume_done(struct pending *p, int err, const void *reply)
{
	const struct msg_session_resumed *r = reply;
	struct session *s = p->session;
	struct c2s *x = s->c2s;
	struct client *c = s->client;
	const struct shard *sh = &x->shards[s->shard];
	bool moved = sh->owner && (sh->owner != p->owner || sh->epoch != p->epoch);

	if (err < 0 || r->error) {
		resume_failed(p, err, r);
		return;
	}
	replace(x, p->sid);
	session_list(s, p->sid, r->attachment, r->jid, r->record);
	take_counters(s, r, p->number);
	if (c) {
		write_resumed(s, p->id);
		log_info("client resumed", LF_STR("jid", r->jid), LF_S("address", conn_peer(c->conn)));
		client_bound(c);
		x->stats.resumed++;
	} else { /* the client did not wait: broken again */
		s->closing = true;
		s->unsent_from = 0;
		loop_timeout_start(x->loop, &s->timeout, (unsigned)(x->config->keep_closed / 1000));
	}
	pending_free(p);
	if (moved)
		session_announce(s);
	else if (!c)
		session_send_close(s);
}

static const struct pending_ops resume_ops = {MSG_SESSION_RESUME, resume_send, resume_done};

void ack_resume(struct client *c, const struct xml_element *e)
{
	struct str previd = element_attr(e, "previd");
	uint32_t h, in_base, out_base;
	struct session *s;
	struct pending *p;
	uint64_t sid;

	if (c->phase != PHASE_AUTHENTICATED || c->session) {
		failed(c, STANZA_E_UNEXPECTED_REQUEST, NULL);
		return;
	}
	if (!number(element_attr(e, "h"), &h)) {
		failed(c, STANZA_E_BAD_REQUEST, NULL);
		return;
	}
	if (!id_read(previd, &sid, &in_base, &out_base)) {
		failed(c, STANZA_E_ITEM_NOT_FOUND, NULL);
		return;
	}
	s = session_new(c->c2s, c);
	s->acks = xcalloc(1, sizeof *s->acks);
	s->acks->in_base = in_base;
	s->acks->out_base = out_base;
	p = pending_new(s, &resume_ops);
	p->sid = sid;
	p->number = out_base + h;
	p->id = str_dup(previd);
	p->account = xstrdup(c->login->account);
	p->address = xstrdup(conn_peer(c->conn));
	buf_str_append(&p->ticket, buf_str(&c->login->ticket));
	pending_start(p);
}
