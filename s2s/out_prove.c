/* SPDX-License-Identifier: MIT */
/* Proving our domain on a stream that we opened: by certificate, else by dialback; then it is
 * ready. */
#include "s2s/steps.h"

enum { EXTERNAL_AGAIN = 3600000 }; /* ms for which a refused certificate is not shown again */

static void ask_bidi(struct stream *s)
{
	struct buf *b = conn_out(s->conn);

	if (s->bidi || !(s->features & FEATURE_BIDI) || !s->s2s->config->bidi || s->pair->test)
		return;
	buf_lit(b, "<bidi xmlns='" NS_BIDI "'>");
	limits_feature(b, s->s2s);
	buf_lit(b, "</bidi>");
	s->bidi = true;
}

/* RFC 6120 section 6.3.8 and XEP-0178 section 3: we say who we are. */
static void ask_external(struct stream *s)
{
	struct buf *b = conn_out(s->conn);

	ask_bidi(s);
	buf_lit(b, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>");
	base64_encode(b, s->own, strlen(s->own));
	buf_lit(b, "</auth>");
	stream_flush(s);
	s->phase = PHASE_SASL;
	attempt_step(s->record, "SASL EXTERNAL asked for");
}

static void prove(struct stream *s)
{
	struct policy policy = s2s_policy(s->s2s, str_z(s->remote));

	if (s->features & FEATURE_EXTERNAL && s->secure && !s->refused &&
	    policy.certificate != NEED_FORBIDDEN && policy.dialback != NEED_REQUIRED &&
	    (!s->pair->external_failed || policy.dialback == NEED_FORBIDDEN)) {
		ask_external(s);
	} else if (policy.dialback != NEED_FORBIDDEN) {
		ask_bidi(s);
		dialback_ask(s);
	} else {
		attempt_advise(
			s->record,
			"The remote server does not take our certificate (it offers no EXTERNAL), "
			"and dialback is forbidden here: use a certificate that it trusts.");
		out_failed(s, STANZA_E_NOT_AUTHORIZED,
			   "the remote server does not offer to take our certificate");
	}
}

void out_go_on(struct stream *s)
{
	struct pair *p = s->pair;

	if (!p || (s->phase != PHASE_OPEN && s->phase != PHASE_DIALBACK && s->phase != PHASE_READY))
		return;
	verifies_send(s);
	if (s->phase == PHASE_OPEN &&
	    ((p->queue && !p->via) || p->test || p->reconnect || p->resumable))
		prove(s);
}

void out_success(struct stream *s, const struct xml_element *e)
{
	(void)e;
	if (s->phase != PHASE_SASL) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	attempt_step(s->record, "EXTERNAL succeeded");
	s->proven = true;
	s->phase = PHASE_SECURE;
	xml_reader_stop(s->reader);
	stream_restart(s);
	stream_header(s);
}

void out_failure(struct stream *s, const struct xml_element *e)
{
	struct str name = e->nchildren ? e->children[0].name : STR("no reason");

	if (s->phase != PHASE_SASL) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	attempt_step(s->record, "EXTERNAL refused: %.*s", STR_ARG(name));
	attempt_advise(s->record,
		       "The remote server did not take our certificate: see that it is for this "
		       "domain, not expired, and by an authority that it trusts.");
	s->refused = true;
	s->pair->external_failed = loop_now(s->s2s->loop) + EXTERNAL_AGAIN;
	s->phase = PHASE_OPEN;
	prove(s);
}

void out_ready(struct stream *s)
{
	struct pair *p = s->pair;

	s->phase = PHASE_READY;
	s->ready = true;
	s->last_out = loop_now(s->s2s->loop);
	s->reach = reach_free(s->reach);
	attempt_result(s->record, true, "ready%s", s->bidi ? ", in both directions" : "");
	log_info("stream to another server", LF_S("remote", s->remote), LF_S("own", s->own),
		 LF_S("by", s->proven ? "certificate" : "dialback"));
	if (p->test) {
		p->test = false;
		s->orderly = true;
		stream_close(s, "it was a test");
		return;
	}
	site_enter(s);
	/* Nothing is old if what was lost goes on: else it is told then (resume.c). */
	if (p->resumable && s->features & FEATURE_SM)
		p->lost = false;
	pair_reached(p);
	/* A stream of theirs that goes both ways may have been faster: changing over would cost the
	 * order. This one takes its place when it ends. */
	if (!p->via)
		pair_attach(p, s);
	if (s->bidi) {
		struct proof *proof = proof_add(s, str_z(s->own), str_z(s->remote), true);

		proof_good(s, proof);
	}
	ack_begin(s);
	pair_need(p);
}
