/* SPDX-License-Identifier: MIT */
/* What comes over a stream, and whose turn it is then. */
#include "s2s/steps.h"

static void on_header(void *arg, const struct xml_header *h)
{
	struct stream *s = arg;

	if (s->phase == PHASE_CLOSED)
		return;
	s->header_in = true;
	if (s->out)
		out_header(s, h);
	else
		in_header(s, h);
	pool_reset(s->s2s->scratch);
}

static bool is_answer(const struct xml_element *e)
{
	return element_attr(e, "type").ptr != NULL;
}

/* XEP-0220: requests and answers have the same names. */
static void on_result(struct stream *s, const struct xml_element *e)
{
	if (is_answer(e))
		dialback_answered(s, e);
	else
		dialback_asked(s, e);
}

static void on_verify(struct stream *s, const struct xml_element *e)
{
	if (is_answer(e))
		verify_answered(s, e);
	else
		verify_asked(s, e);
}

/* Conditions of RFC 6120 section 4.9.3 that are about the moment, not about us. */
static bool may_pass(struct str name)
{
	static const char *const names[] = {
		"connection-timeout",	  "conflict", "internal-server-error",
		"remote-connection-failed", "reset",	"resource-constraint",
		"system-shutdown",	  "undefined-condition"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eqz(name, names[i]))
			return true;
	return false;
}

/* It stood, and the peer ends it. RFC 6120 section 4.9.3.4: that nothing was said for long tells nothing of
 * its users; else their presence may be old when it is heard of again. */
static void ended(struct stream *s, bool idle)
{
	struct pair *p;

	if (idle && !s->carried)
		s->orderly = true;
	else if (!s->out)
		DL_FOREACH2(s->pairs, p, snext)
		pair_gone(p);
	stream_close(s, "the other server ended the stream with an error");
}

/* The peer's error: the name of its condition, for the records. */
static void on_stream_error(struct stream *s, const struct xml_element *e)
{
	struct pool *p = pool_new();
	struct str name = STR("undefined-condition"), text = STR_NONE;
	struct node *n;

	for (size_t i = 0; i < e->nchildren; i++)
		if (str_eqz(e->children[i].ns, NS_STREAMS) && !str_eqz(e->children[i].name, "text"))
			name = e->children[i].name;
	if (node_parse(p, pool_str(p, e->inner), NS_STREAM, &n) == 0)
		for (; n; n = n->next)
			if (str_eqz(n->name, "text"))
				text = n->text;
	attempt_step(s->record, "the other server ends the stream: %.*s%s%.*s", STR_ARG(name),
		     text.len ? ", " : "", STR_ARG(text));
	pool_free(p);
	s->lasting = !may_pass(name);
	if (s->out && s->phase != PHASE_READY)
		out_failed(s,
			   str_eqz(name, "host-unknown") || str_eqz(name, "host-gone")
				   ? STANZA_E_REMOTE_SERVER_NOT_FOUND
				   : STANZA_E_REMOTE_SERVER_TIMEOUT,
			   "the remote server ended the stream with an error");
	else
		ended(s, str_eqz(name, "connection-timeout"));
}

static const struct step {
	const char *ns, *name;
	step_fn *fn;
	enum { IN = 1, OUT = 2 } where;
} steps[] = {
	{NS_SM, "r", ack_request, IN | OUT},
	{NS_SM, "a", ack_answer, IN | OUT},
	{NS_DIALBACK, "result", on_result, IN | OUT},
	{NS_DIALBACK, "verify", on_verify, IN | OUT},
	{NS_STREAM, "error", on_stream_error, IN | OUT},
	{NS_STREAM, "features", out_features, OUT},
	{NS_TLS, "proceed", out_proceed, OUT},
	{NS_TLS, "failure", out_tls_failure, OUT},
	{NS_SASL, "success", out_success, OUT},
	{NS_SASL, "failure", out_failure, OUT},
	{NS_SM, "enabled", ack_enabled, OUT},
	{NS_SM, "resumed", ack_resumed, OUT},
	{NS_SM, "failed", ack_failed, OUT},
	{NS_TLS, "starttls", in_starttls, IN},
	{NS_SASL, "auth", in_auth, IN},
	{NS_SASL, "response", in_response, IN},
	{NS_SASL, "abort", in_abort, IN},
	{NS_BIDI, "bidi", in_bidi, IN},
	{NS_SM, "enable", ack_enable, IN},
	{NS_SM, "resume", ack_resume, IN},
};

static bool is_stanza(const struct xml_element *e)
{
	return str_eqz(e->name, "message") || str_eqz(e->name, "presence") ||
	       str_eqz(e->name, "iq");
}

static void unknown_step(struct stream *s, const struct xml_element *e)
{
	if (str_eqz(e->ns, NS_CLIENT) && is_stanza(e))
		stream_error(s, STREAM_E_INVALID_NAMESPACE, NULL);
	else if (s->phase < PHASE_READY && !s->proofs)
		stream_error(s, STREAM_E_NOT_AUTHORIZED, NULL);
	else
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
}

static void step(struct stream *s, const struct xml_element *e)
{
	int where = s->out ? OUT : IN;

	if (str_eqz(e->ns, NS_SERVER) && is_stanza(e)) {
		stanza_in(s, e);
		return;
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if ((int)steps[i].where & where && str_eqz(e->name, steps[i].name) &&
		    str_eqz(e->ns, steps[i].ns)) {
			steps[i].fn(s, e);
			return;
		}
	}
	unknown_step(s, e);
}

static void on_element(void *arg, const struct xml_element *e)
{
	struct stream *s = arg;
	struct s2s *x = s->s2s;

	if (s->phase == PHASE_CLOSED)
		return;
	s->partial_since = 0;
	step(s, e); /* it may be gone */
	pool_reset(x->scratch);
}

static void on_end(void *arg)
{
	struct stream *s = arg;

	if (s->phase == PHASE_CLOSED)
		return;
	if (s->out && s->phase != PHASE_READY)
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT,
			   "the remote server closed the stream");
	else
		stream_close(s, "the other server closed the stream");
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	struct stream *s = arg;

	stream_error(s, condition, text);
}

const struct xml_reader_ops stream_ops = {on_header, on_element, on_end, on_error};
