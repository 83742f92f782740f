/* SPDX-License-Identifier: MIT */
/*
 * Stream management (XEP-0198, version 1.6.3). `h` towards the client counts what is done. The id
 * names the session (64 random bits) and where the client's counters begin in the session's, so
 * that any c2s can resume it.
 */
#include <errno.h>
#include <inttypes.h>
#include <utlist.h>
#include "base/mutation.h"
#include "c2s/session.h"

enum { ASK_MS = 100 };

void ack_failed(struct client *c, enum stanza_error e, const uint32_t *h)
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

/* --- acknowledging the client's stanzas -------------------------------------------------- */

static void write_a(struct session *s)
{
	struct acks *a = s->acks;
	struct buf *b = conn_out(s->client->conn);
	uint32_t h = (MUTATION("ack") ? s->in : s->done) - a->in_base;

	/* What was sent before <enable/> is not counted, and may not be done yet. */
	a->behind = a->behind && (int32_t)h < 0;
	if (a->behind)
		h = 0;
	buf_lit(b, "<a xmlns='" NS_SM "' h='");
	buf_u64(b, h);
	buf_lit(b, "'/>");
	a->told = s->done;
	client_flush(s->client);
}

void ack_request(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;

	if (c->phase != PHASE_BOUND || !s->acks) {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE,
			     "stream management is not enabled");
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

	if (a->on && s->client->phase == PHASE_BOUND && (int32_t)(a->wanted - a->told) > 0 &&
	    (int32_t)(s->done - a->told) > 0)
		write_a(s);
}

/* --- asking for the client's acknowledgement --------------------------------------------- */

void ack_ask(struct session *s)
{
	struct acks *a = s->acks;

	conn_write(s->client->conn, "<r xmlns='" NS_SM "'/>", sizeof "<r xmlns='" NS_SM "'/>" - 1);
	a->asked = s->out;
	a->asked_position = (uint32_t)conn_written(s->client->conn);
	if (!a->asked_at) {
		a->asked_at = now_s(s->c2s);
		client_arm(s->client);
	}
}

static void ask_later(struct session *s)
{
	struct c2s *x = s->c2s;

	if (s->acks->queued)
		return;
	s->acks->queued = true;
	if (!x->asks)
		loop_timer_start(x->ask_timer, ASK_MS, 0);
	DL_APPEND(x->asks, s->acks);
}

static void ask_forget(struct acks *a)
{
	if (a->queued)
		DL_DELETE(a->session->c2s->asks, a);
	a->queued = false;
}

void ack_gather(void *arg)
{
	struct c2s *x = arg;
	struct acks *a, *tmp;

	DL_FOREACH_SAFE (x->asks, a, tmp) {
		struct session *s = a->session;

		ask_forget(a);
		if (a->on && !a->asked_at && s->acked != s->out && s->client &&
		    s->client->phase == PHASE_BOUND)
			ack_ask(s);
	}
}

void ack_gave(struct session *s)
{
	const struct acks *a = s->acks;

	if (s->out - a->asked >= (uint32_t)s->c2s->config->ack_every ||
	    (uint32_t)conn_written(s->client->conn) - a->asked_position >= TELL_BYTES)
		ack_ask(s);
	else if (!a->asked_at)
		ask_later(s);
}

struct acks *ack_new(struct session *s)
{
	s->acks = xcalloc(1, sizeof *s->acks);
	s->acks->session = s;
	return s->acks;
}

void ack_free(struct session *s)
{
	if (!s->acks)
		return;
	ask_forget(s->acks);
	free(s->acks);
	s->acks = NULL;
}

void ack_too_high(struct client *c, uint32_t h, const uint32_t *sent)
{
	struct buf b = BUF_INIT;

	sm_too_high_write(&b, h, sent);
	stream_error_app(c, STREAM_E_UNDEFINED_CONDITION,
			 "more stanzas acknowledged than were sent", buf_str(&b));
	buf_free(&b);
}

void ack_answer(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	uint32_t h, m, sent;

	if (c->phase != PHASE_BOUND || !s->acks || !s->acks->on) {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE,
			     "stream management is not enabled");
		return;
	}
	if (!sm_number(element_attr(e, "h"), &h)) {
		stream_error(c, STREAM_E_INVALID_XML, "h is missing or no number");
		return;
	}
	m = s->acks->out_base + h;
	sent = s->out - s->acks->out_base;
	if ((int32_t)(m - s->out) > 0) {
		ack_too_high(c, h, &sent);
		return;
	}
	s->acks->asked_at = 0;
	given_acked(s, m);
	if (s->acked != s->out)
		ask_later(s); /* for the rest */
}

/* --- enabling ---------------------------------------------------------------------------- */

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
	const char *location = s->c2s->config->resume_location;
	struct buf *b = conn_out(s->client->conn);

	buf_lit(b, "<enabled xmlns='" NS_SM "'");
	if (a->resumable)
		buf_printf(b,
			   " id='%016" PRIx64 ".%" PRIx32 ".%" PRIx32
			   "' resume='true' max='%" PRIu32 "'",
			   s->sid, a->in_base, a->out_base, max);
	if (a->resumable && location && *location) {
		buf_lit(b, " location='");
		xml_escape(b, str_z(location));
		buf_putc(b, '\'');
	}
	buf_lit(b, "/>");
	client_flush(s->client);
}

static void enable_done(struct pending *p, int err, const void *reply)
{
	const struct msg_session_resumed *r = reply;
	struct session *s = p->session;
	struct acks *a = s->acks;

	/* The present owner was announced the record of before, which grants no resumption. */
	if (!err && pending_moved(p)) {
		pending_start(p);
		return;
	}
	if (err < 0 || r->error) {
		ack_free(s);
		pending_free(p);
		s->enable_lost = err < 0;
		ack_failed(s->client, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
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

static const struct pending_ops enable_ops = {MSG_SESSION_SM, enable_send, enable_done, NULL};

void ack_enable(struct client *c, const struct xml_element *e)
{
	struct session *s = c->session;
	int64_t most = c->c2s->config->resume_max / 1000;
	struct acks *a;
	struct pending *p;
	uint32_t max;

	if (c->phase != PHASE_BOUND) {
		ack_failed(c, STANZA_E_UNEXPECTED_REQUEST, NULL);
		return;
	}
	if (s->acks) {
		/* "the server ... SHOULD respond with a stream error" */
		stream_error(c, STREAM_E_POLICY_VIOLATION, "stream management is enabled already");
		return;
	}
	a = ack_new(s);
	a->in_base = a->told = a->wanted = s->in;
	a->behind = s->done != s->in;
	p = pending_new(s, &enable_ops);
	p->resume = attr_true(element_attr(e, "resume")) && most;
	p->number = sm_number(element_attr(e, "max"), &max) && max && max < most ? max
										 : (uint32_t)most;
	pending_start(p);
}
