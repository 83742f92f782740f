/* SPDX-License-Identifier: MIT */
/* XEP-0198 on streams between servers: acknowledgements in both directions, no resumption. */
#include "s2s/steps.h"

static void send_ack(struct stream *s)
{
	buf_printf(conn_out(s->conn), "<a xmlns='" NS_SM "' h='%u'/>", s->sm_in);
	stream_flush(s);
}

/* --- what they acknowledge ----------------------------------------------------------------- */

void ack_begin(struct stream *s)
{
	if (!(s->features & FEATURE_SM) || s->sm || s->sm_asked)
		return;
	buf_lit(conn_out(s->conn), "<enable xmlns='" NS_SM "'/>");
	stream_flush(s);
	s->sm_asked = true;
	s->sm_out_base = s->sm_out; /* section 4: from here on */
}

void ack_enabled(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (!s->sm_asked || s->sm) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	s->sm = true;
	s->sm_in_base = s->taken;
	attempt_step(s->record, "stanzas are acknowledged (XEP-0198)");
}

void ack_failed(struct stream *s, const struct xml_element *e)
{
	(void)e;
	s->sm_asked = false;
	s->asked_ms = 0;
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

static void too_high(struct stream *s)
{
	stream_error(s, STREAM_E_UNDEFINED_CONDITION, "more is acknowledged than was sent");
}

void ack_answer(struct stream *s, const struct xml_element *e)
{
	unsigned long long h;
	uint32_t n;

	if (!s->sm || !str_u64(element_attr(e, "h"), &h) || h > UINT32_MAX) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	/* Section 4: h wraps at 2^32, as our numbers do. */
	n = s->sm_out_base + (uint32_t)h;
	if ((int32_t)(s->sm_out - n) < 0) {
		too_high(s);
		return;
	}
	while (s->carried && (int32_t)(n - s->carried->number) >= 0)
		item_done(s->carried, NO_ERROR, NULL);
	s->asked_ms = 0;
	carried_look(s);
	if (s->carried)
		ack_ask(s, false);
	if (s->s2s->draining)
		drain_look(s->s2s);
}

/* --- what we acknowledge ------------------------------------------------------------------- */

static void fail(struct stream *s, const char *condition)
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

void ack_enable(struct stream *s, const struct xml_element *e)
{
	(void)e;
	/* Section 3: not before the other side is authenticated, and once. */
	if (!proven(s) || s->sm) {
		fail(s, "unexpected-request");
		return;
	}
	buf_lit(conn_out(s->conn), "<enabled xmlns='" NS_SM "'/>");
	stream_flush(s);
	s->sm = true;
	s->sm_in_base = s->taken;
	s->sm_out_base = s->sm_out;
	attempt_step(s->record, "stanzas are acknowledged (XEP-0198)");
}

void ack_resume(struct stream *s, const struct xml_element *e)
{
	(void)e;
	/* Nothing can be resumed between servers here: <enabled/> never says so. */
	fail(s, "item-not-found");
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

void ack_done(struct stream *s)
{
	if (!s->sm || !s->sm_owed || s->phase == PHASE_CLOSED)
		return;
	if (s->works && s->works->n <= s->sm_owed)
		return;
	send_ack(s);
	s->sm_owed = 0;
}
