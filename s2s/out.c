/* SPDX-License-Identifier: MIT */
/* Streams that we open: from a reached address to a stream that takes stanzas. */
#include "s2s/resume.h"
#include "s2s/steps.h"

#include <errno.h>

/* --- reaching ---------------------------------------------------------------------------- */

static void on_watch(void *arg, const char *line)
{
	struct stream *s = arg;

	attempt_step(s->record, "%s", line);
}

static void keep_tlsa(struct stream *s, const struct reach_result *r)
{
	for (size_t i = 0; i < s->ntlsa; i++)
		free((char *)s->tlsa[i].data.ptr);
	free(s->tlsa);
	s->tlsa = NULL;
	s->ntlsa = r->ntlsa;
	if (!r->ntlsa)
		return;
	s->tlsa = xmemdup(r->tlsa, r->ntlsa * sizeof *r->tlsa);
	for (size_t i = 0; i < r->ntlsa; i++)
		s->tlsa[i].data.ptr = xmemdup(r->tlsa[i].data.ptr, r->tlsa[i].data.len);
}

void out_begin(struct stream *s, const struct reach_result *r)
{
	free(s->target);
	free(s->address);
	s->target = xstrdup(r->target ? r->target : "");
	s->address = xstrdup(r->address);
	s->target_secure = r->secure;
	keep_tlsa(s, r);
	s->direct = r->direct_tls;
	s->began = loop_now(s->s2s->loop);
	s->lasting = false;
	stream_connected(s, r->fd);
	attempt_step(s->record, "connected to %s%s", r->address,
		     r->direct_tls ? ", direct TLS" : "");
	if (s->direct) {
		SSL *ssl = out_tls(s);

		s->phase = PHASE_TLS;
		if (ssl)
			conn_start_tls(s->conn, ssl);
		else
			out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "TLS cannot be set up");
	} else {
		s->phase = PHASE_CLEAR;
		stream_header(s);
	}
}

static const char *reach_advice(const struct reach_result *r)
{
	if (r->no_service)
		return "The domain has no XMPP service by its DNS records: check its name.";
	if (r->err == -EBADMSG)
		return "DNSSEC says that answers about the domain are forged: its operator must "
		       "repair its zone, or dns_anchor is wrong here.";
	return "The remote server does not answer: its operator must look, or the network between "
	       "(firewalls, port 5269).";
}

/* RFC 6120 section 8.3.3.16: there is none, or it cannot be resolved; 17: it does not answer. */
static enum stanza_error reach_error(const struct reach_result *r)
{
	return r->no_service || r->err == -EBADMSG ? STANZA_E_REMOTE_SERVER_NOT_FOUND
						   : STANZA_E_REMOTE_SERVER_TIMEOUT;
}

static void on_reached(void *arg, struct reach *r, const struct reach_result *result)
{
	struct stream *s = arg;

	(void)r;
	if (!result->err) {
		out_begin(s, result);
		return;
	}
	attempt_advise(s->record, reach_advice(result));
	if (s->fail_text) /* the last that was reached: that tells more */
		out_failed(s, s->fail_error, s->fail_text);
	else
		out_failed(s, reach_error(result), result->text ? result->text : "not reached");
}

void out_start(struct pair *p)
{
	struct s2s *x = p->s2s;
	struct stream *s;

	if (x->nopened >= (size_t)x->config->max_streams) {
		pair_failed(p, true, STANZA_E_RESOURCE_CONSTRAINT,
			    "too many streams to other servers");
		return;
	}
	s = stream_new(x, true);
	s->pair = p;
	s->own = xstrdup(p->own);
	s->remote = xstrdup(p->remote);
	s->policy = s2s_policy(x, str_z(p->remote));
	s->record = attempt_new(x->attempts, true, p->own, p->remote);
	p->out = s;
	x->stats.opened++;
	s->reach = reach_new(x->reaches, p->remote, on_watch, on_reached, s);
	reach_share(s->reach, piggyback);
	if (p->resumable)
		resume_prefer(s->reach, p->resumable);
}

/* --- failures ---------------------------------------------------------------------------- */

static bool may_go_on(const struct stream *s)
{
	return s->reach && s->conn && !s->useful && s->pair && !s->s2s->drained;
}

void out_again(struct stream *s)
{
	s->again = false;
	s->reader = xml_reader_free(s->reader);
	s->conn = conn_free(s->conn);
	s->phase = PHASE_REACH;
	s->secure = s->header_in = s->header_out = s->direct = false;
	s->reason = NULL;
	s->partial_since = s->stuck_since = 0;
	s->last_in = loop_now(s->s2s->loop);
	reach_next(s->reach);
}

void out_failed(struct stream *s, enum stanza_error e, const char *text)
{
	char *copy = xstrdup(text);

	attempt_step(s->record, "%s", copy);
	free(s->fail_text);
	s->fail_text = copy;
	s->fail_error = e;
	if (s->again || s->phase == PHASE_CLOSED)
		return;
	if (may_go_on(s)) {
		/* We may be in a call of its own. */
		s->again = true;
		s->phase = PHASE_CLOSED;
		if (s->header_out)
			buf_lit(conn_out(s->conn), "</stream:stream>");
		/* Its write stands before our task of this turn. */
		stream_flush(s);
		loop_defer_last(s->s2s->loop, &s->flushed);
	} else if (s->conn) {
		stream_close(s, "it came to nothing");
	} else {
		out_gone(s, 0, copy);
	}
}

/* A refused certificate and then a closed stream: once more, by dialback alone. */
static bool dialback_instead(struct stream *s, struct pair *p)
{
	if (!s->refused || s->s2s->draining ||
	    s2s_policy(s->s2s, str_z(p->remote)).dialback == NEED_FORBIDDEN)
		return false;
	attempt_result(s->record, false, "EXTERNAL was refused; a new stream tries dialback");
	verifies_fail(p, true, STANZA_E_REMOTE_SERVER_TIMEOUT, "the stream was closed");
	out_start(p);
	return true;
}

/* Something waits that only a stream of our own helps. */
static bool wanted(const struct pair *p)
{
	return (p->queue && !p->via) || p->test || p->reconnect || p->resumable || p->verifies;
}

/* Whether another try may do better. That there is no such domain, that it does not believe us: these
 * stay as they are. */
static bool passes(const struct stream *s, enum stanza_error e)
{
	return !s->lasting &&
	       (e == STANZA_E_REMOTE_SERVER_TIMEOUT || e == STANZA_E_RESOURCE_CONSTRAINT);
}

static void came_to_nothing(struct stream *s, struct pair *p)
{
	enum stanza_error e = s->fail_text ? s->fail_error : STANZA_E_REMOTE_SERVER_TIMEOUT;
	const char *text = s->fail_text ? s->fail_text : "the connection was lost";

	if (s->orderly || (s->useful && !wanted(p))) {
		attempt_result(s->record, true, "no longer needed");
		pair_need(p);
		return;
	}
	if (dialback_instead(s, p))
		return;
	attempt_result(s->record, false, "%s", text);
	p->test = false;
	pair_failed(p, passes(s, e), e, text);
}

/* What breaks as soon as it stands is not worth a new connection at once. */
static bool lasted(const struct stream *s)
{
	const struct s2s *x = s->s2s;

	return loop_now(x->loop) >= s->began + (uint64_t)x->config->backoff_min;
}

void out_over(struct stream *s)
{
	struct pair *p = s->pair;
	bool was_ready = s->useful && p && s->ready;

	if (s->look)
		look_over(s);
	if (!p)
		return;
	s->pair = NULL;
	p->out = NULL;
	if (p->via == s)
		pair_detach(p);
	if (!was_ready) {
		came_to_nothing(s, p);
		return;
	}
	verifies_fail(p, true, STANZA_E_REMOTE_SERVER_TIMEOUT, "the stream was closed");
	if (!s->orderly && !s->s2s->draining) {
		/* Its presence may be old by now: we look whether it is back. */
		pair_lost(p, 1);
		if (p->resumable && lasted(s))
			out_start(p);
	}
	pair_need(p);
}

void out_gone(struct stream *s, int err, const char *why)
{
	if (s->again)
		return; /* the turn's end frees the connection */
	if (!s->fail_text && err) {
		s->fail_text = xasprintf("the connection was lost: %s", why);
		s->fail_error = STANZA_E_REMOTE_SERVER_TIMEOUT;
	}
	if (s->phase != PHASE_CLOSED && may_go_on(s)) {
		out_again(s);
		return;
	}
	s->phase = PHASE_CLOSED;
	if (!s->reason)
		s->reason = "the connection was lost";
	out_over(s);
	stream_free(s);
}

/* --- headers and features ---------------------------------------------------------------- */

void out_header(struct stream *s, const struct xml_header *h)
{
	struct str id = header_attr(h, "", "id"), version = header_attr(h, "", "version");

	if (!str_eqz(h->ns, NS_STREAM) || !str_eqz(h->name, "stream") ||
	    !str_eqz(h->content_ns, NS_SERVER)) {
		stream_error(s, STREAM_E_INVALID_NAMESPACE, "not a stream of a server");
		return;
	}
	free(s->id);
	s->id = str_dup(id);
	s->old = !version.len || version.ptr[0] == '0';
	attempt_step(s->record, "stream %s%s", s->secure ? "over TLS" : "in the clear",
		     s->old ? ", version before 1.0" : "");
	if (!s->old)
		return;
	/* RFC 6120 section 4.7.5: no features come; dialback is all there is. */
	if (s2s_policy(s->s2s, str_z(s->remote)).tls == NEED_REQUIRED && !s->secure) {
		attempt_advise(s->record,
			       "The remote server knows no TLS: allow streams without it "
			       "for this domain (tls = optional), or do without it.");
		s->lasting = true;
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "the remote server offers no TLS");
		return;
	}
	s->useful = true;
	s->features = FEATURE_DIALBACK;
	s->phase = PHASE_OPEN;
	out_go_on(s);
}

static bool has_external(const struct node *mechanisms)
{
	const struct node *m = node_child(mechanisms, "mechanism", NS_SASL);

	for (; m; m = node_next(m, "mechanism", NS_SASL))
		if (str_eqz(str_trim(m->text), "EXTERNAL"))
			return true;
	return false;
}

static void read_feature(struct stream *s, const struct node *n)
{
	if (str_eqz(n->ns, NS_TLS)) {
		s->features |= FEATURE_TLS;
	} else if (str_eqz(n->ns, NS_SASL) && str_eqz(n->name, "mechanisms")) {
		if (has_external(n))
			s->features |= FEATURE_EXTERNAL;
	} else if (str_eqz(n->ns, NS_DIALBACK_FEATURE)) {
		s->features |= FEATURE_DIALBACK;
		if (node_child(n, "errors", NULL))
			s->features |= FEATURE_ERRORS;
	} else if (str_eqz(n->ns, NS_BIDI_FEATURE)) {
		s->features |= FEATURE_BIDI;
	} else if (str_eqz(n->ns, NS_SM)) {
		s->features |= FEATURE_SM;
	} else if (str_eqz(n->ns, NS_LIMITS)) {
		limits_read(s, n);
	}
}

static void tell_features(const struct stream *s)
{
	static const char *const names[] = {"starttls",	       "EXTERNAL", "dialback",
					    "dialback errors", "bidi",	   "XEP-0198"};
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (s->features & 1u << i)
			buf_printf(&b, "%s%s", b.len ? ", " : "", names[i]);
	attempt_step(s->record, "features: %.*s", STR_ARG(b.len ? buf_str(&b) : STR("none")));
	buf_free(&b);
}

static void begin_tls(struct stream *s)
{
	buf_lit(conn_out(s->conn), "<starttls xmlns='" NS_TLS "'/>");
	stream_flush(s);
	s->phase = PHASE_TLS;
}

void out_features(struct stream *s, const struct xml_element *e)
{
	struct policy policy = s2s_policy(s->s2s, str_z(s->remote));
	struct pool *p;
	struct node *n;

	if (s->phase != PHASE_CLEAR && s->phase != PHASE_SECURE) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	s->features = 0;
	p = pool_new();
	if (node_parse(p, pool_str(p, e->inner), NS_STREAM, &n) == 0)
		for (; n; n = n->next)
			read_feature(s, n);
	pool_free(p);
	tell_features(s);
	if (!s->secure && s->features & FEATURE_TLS && policy.tls != NEED_FORBIDDEN) {
		begin_tls(s);
		return;
	}
	if (!s->secure && policy.tls == NEED_REQUIRED) {
		attempt_advise(s->record,
			       "The remote server offers no TLS, which is required here: its "
			       "operator must enable it.");
		s->lasting = true;
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "the remote server offers no TLS");
		return;
	}
	s->useful = true;
	if (s->look) {
		look_clear(s);
		return;
	}
	if (s->proven) {
		out_ready(s);
		return;
	}
	s->phase = PHASE_OPEN;
	out_go_on(s);
}

/* --- TLS --------------------------------------------------------------------------------- */

void out_proceed(struct stream *s, const struct xml_element *e)
{
	SSL *ssl;

	(void)e;
	if (s->phase != PHASE_TLS || s->secure) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	ssl = out_tls(s);
	if (!ssl) {
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "TLS cannot be set up");
		return;
	}
	xml_reader_stop(s->reader);
	stream_restart(s);
	conn_start_tls(s->conn, ssl);
}

void out_tls_failure(struct stream *s, const struct xml_element *e)
{
	(void)e;
	out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "the remote server refuses TLS");
}

void out_secured(struct stream *s)
{
	char *why = NULL;

	s->phase = PHASE_SECURE;
	if (!out_trusts(s, &why)) {
		/* Another of its servers would have the same: this is no matter of reaching it. */
		s->useful = s->lasting = true;
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, why);
		free(why);
		return;
	}
	if (s->look)
		look_secured(s);
	else
		stream_header(s);
}
