/* SPDX-License-Identifier: MIT */
/* XEP-0198 on streams between servers: acknowledgements in both directions. */
#include "s2s/resume.h"
#include "s2s/steps.h"

static void send_ack(struct stream *s)
{
	buf_printf(conn_out(s->conn), "<a xmlns='" NS_SM "' h='%u'/>", s->sm_in);
	stream_flush(s);
}

/* --- what they acknowledge ----------------------------------------------------------------- */

static void enable(struct stream *s)
{
	struct buf *b = conn_out(s->conn);
	uint64_t ms = (uint64_t)s->s2s->config->resume_time;

	buf_lit(b, "<enable xmlns='" NS_SM "'");
	if (ms)
		buf_printf(b, " resume='true' max='%llu'", (unsigned long long)(ms / 1000));
	buf_lit(b, "/>");
	stream_flush(s);
	s->sm_asked = true;
	s->sm_out_base = s->sm_out; /* section 4: from here on */
}

void ack_begin(struct stream *s)
{
	if (!resume_begin(s) && s->features & FEATURE_SM && !s->sm && !s->sm_asked)
		enable(s);
}

void ack_enabled(struct stream *s, const struct xml_element *e)
{
	if (!s->sm_asked || s->sm) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	s->sm = true;
	resume_allowed(s, e);
	attempt_step(s->record, "stanzas are acknowledged (XEP-0198)");
}

void ack_failed(struct stream *s, const struct xml_element *e)
{
	/* First, so that what is written again is counted. */
	if (s->resume_sent)
		enable(s);
	if (!resume_failed(s, e)) {
		s->sm_asked = false;
		s->asked_ms = 0;
	}
	carried_look(s);
}

void ack_ask(struct stream *s, bool now)
{
	const struct s2s_config *o = s->s2s->config;

	if (!(s->sm || s->sm_asked) || !s->carried)
		return;
	if (!now && s->asked_ms && s->sm_out - s->sm_asked_at < (uint32_t)o->ack_every)
		return;
	buf_lit(conn_out(s->conn), "<r xmlns='" NS_SM "'/>");
	stream_flush(s);
	s->sm_asked_at = s->sm_out;
	if (!s->asked_ms)
		s->asked_ms = loop_now(s->s2s->loop);
}

void ack_answer(struct stream *s, const struct xml_element *e)
{
	uint32_t h, n;

	if (!s->sm || !sm_number(element_attr(e, "h"), &h)) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	/* Section 4: h wraps at 2^32, as our numbers do. */
	n = s->sm_out_base + h;
	if ((int32_t)(s->sm_out - n) < 0) {
		ack_too_high(s, h, s->sm_out - s->sm_out_base);
		return;
	}
	while (s->carried && (int32_t)(n - s->carried->number) >= 0)
		item_done(s->carried, NO_ERROR, NULL);
	s->asked_ms = 0;
	carried_look(s);
	if (stream_end_look(s))
		return;
	/* What was asked about and is not done yet comes by itself, or stream_tick asks again: asking at
	 * once would go round as fast as the network is. */
	if (s->sm_out != s->sm_asked_at)
		ack_ask(s, false);
	if (s->s2s->draining)
		drain_look(s->s2s);
}

void ack_too_high(struct stream *s, uint32_t h, uint32_t sent)
{
	struct buf app = BUF_INIT;

	sm_too_high_write(&app, h, &sent);
	buf_putc(&app, '\0');
	stream_error_app(s, STREAM_E_UNDEFINED_CONDITION, "more is acknowledged than was sent",
			 buf_ptr(&app));
	buf_free(&app);
}

/* --- what we acknowledge ------------------------------------------------------------------- */

void ack_fail(struct stream *s, const char *condition)
{
	buf_printf(conn_out(s->conn),
		   "<failed xmlns='" NS_SM "'><%s xmlns='" NS_STANZAS "'/></failed>", condition);
	stream_flush(s);
}

static bool proven(const struct stream *s)
{
	const struct proof *p;

	DL_FOREACH (s->proofs, p)
		if (p->proven)
			return true;
	return false;
}

/* Section 3: not before the other side is authenticated, and once. */
bool ack_possible(const struct stream *s)
{
	return proven(s) && !s->sm && !s->resuming;
}

void ack_enable(struct stream *s, const struct xml_element *e)
{
	if (!ack_possible(s)) {
		ack_fail(s, "unexpected-request");
		return;
	}
	resumables_replace(s);
	buf_lit(conn_out(s->conn), "<enabled xmlns='" NS_SM "'");
	resume_allow(s, e);
	buf_lit(conn_out(s->conn), "/>");
	stream_flush(s);
	s->sm = true;
	s->sm_out_base = s->sm_out;
	attempt_step(s->record, "stanzas are acknowledged (XEP-0198)");
}

void ack_request(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (!s->sm) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	send_ack(s);
	/* The rest is told when it is done. */
	s->sm_owed = s->works ? s->taken : 0;
}

void ack_last(struct stream *s)
{
	if (s->sm)
		send_ack(s);
}

void ack_done(struct stream *s)
{
	if (!s->sm || !s->sm_owed || s->phase == PHASE_CLOSED)
		return;
	if (s->works && s->works->n <= s->sm_owed)
		return;
	send_ack(s);
	s->sm_owed = 0;
}
