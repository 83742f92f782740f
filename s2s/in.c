/* SPDX-License-Identifier: MIT */
/* Streams that other servers open: headers, features, STARTTLS, EXTERNAL, both directions. */
#include "s2s/steps.h"

#include <openssl/x509v3.h>
#include <unistd.h>

enum { TRIES = 3 };

/* --- accepting --------------------------------------------------------------------------- */

static bool refuse(int fd, uint64_t *counter, const char *why)
{
	/* One line for the first and every thousandth: a flood must not fill the log. */
	if ((*counter)++ % 1000 == 0)
		log_warn("connection refused", LF_S("reason", why), LF_U("count", *counter));
	close(fd);
	return false;
}

static bool admitted(struct s2s *x, int fd, struct tenant **ret)
{
	int64_t limit = x->app->common->unlimited ? 0 : x->config->unproven;
	bool full;

	if (x->draining) {
		close(fd);
		return false;
	}
	if (limit && x->nunproven >= (size_t)limit)
		return refuse(fd, &x->stats.refused_unproven,
			      "too many that have not proven a domain");
	*ret = tenant_enter(x, fd, &full);
	if (full)
		return refuse(fd, &x->stats.refused_address, "too many from one address");
	return true;
}

static void begin_tls(struct stream *s, struct str domain)
{
	SSL *ssl = tls_server_new(s->s2s->tls, domain);

	if (!ssl) {
		stream_close(s, "TLS cannot be set up");
		return;
	}
	X509_VERIFY_PARAM_set_purpose(SSL_get0_param(ssl), X509_PURPOSE_ANY);
	s->phase = PHASE_TLS;
	conn_start_tls(s->conn, ssl);
}

void in_accept(struct s2s *x, int fd, bool direct_tls)
{
	struct tenant *tenant = NULL;
	struct stream *s;

	if (!admitted(x, fd, &tenant))
		return;
	s = stream_new(x, false);
	s->tenant = tenant;
	s->direct = direct_tls;
	s->counted = true;
	x->nunproven++;
	x->stats.accepted++;
	stream_connected(s, fd);
	s->record = attempt_new(x->attempts, false, "", "");
	attempt_step(s->record, "connection from %s%s", conn_peer(s->conn),
		     direct_tls ? ", direct TLS" : "");
	if (direct_tls)
		begin_tls(s, STR_NONE);
}

void in_secured(struct stream *s)
{
	s->phase = PHASE_SECURE;
}

/* --- features ---------------------------------------------------------------------------- */

void limits_feature(struct buf *b, const struct s2s *x)
{
	buf_printf(b,
		   "<limits xmlns='" NS_LIMITS "'><max-bytes>%lld</max-bytes>"
		   "<idle-seconds>%lld</idle-seconds></limits>",
		   (long long)x->config->max_stanza, (long long)(x->config->idle_in / 1000));
}

void limits_read(struct stream *s, const struct node *n)
{
	unsigned long long v;

	if (str_u64(str_trim(node_child_text(n, "max-bytes", NS_LIMITS)), &v) && v > 0)
		s->max_bytes = v;
	if (str_u64(str_trim(node_child_text(n, "idle-seconds", NS_LIMITS)), &v) && v > 0 &&
	    v < UINT32_MAX)
		s->idle_ms = v * 1000;
}

/* XEP-0178 section 3: only where the certificate is good, and for the stream's `from`. */
static bool offers_external(struct stream *s, const struct policy *policy)
{
	const struct cert_wanted wanted = {.domain = s->remote,
					   .common_name = s->s2s->config->common_name};

	if (!s->secure || !s->remote || s->was_external)
		return false;
	s->verdict = cert_check(conn_ssl(s->conn), &wanted);
	if (s->vouched)
		s->verdict = (struct cert_verdict){CERT_DANE, ""};
	attempt_tls(s->record, conn_ssl(s->conn), s->verdict);
	attempt_step(s->record, "certificate %s%s%s", cert_state_text(s->verdict.state),
		     *s->verdict.detail ? ": " : "", s->verdict.detail);
	return cert_proves(s->verdict) && policy->certificate != NEED_FORBIDDEN &&
	       policy->dialback != NEED_REQUIRED;
}

/* Sending is done by the instance that the pair belongs to; another would break the order. */
static bool offers_bidi(const struct stream *s)
{
	const struct s2s *x = s->s2s;

	return x->config->bidi && !s->bidi && s->remote && !s->proofs &&
	       pair_place(x, str_z(s->own), str_z(s->remote)) == link_id(x->link);
}

void in_features(struct stream *s)
{
	struct s2s *x = s->s2s;
	struct policy policy = s2s_policy(x, str_z(s->remote));
	struct buf *b = conn_out(s->conn);
	bool tls = !s->secure && policy.tls != NEED_FORBIDDEN;
	bool must = tls && policy.tls == NEED_REQUIRED;

	buf_lit(b, "<stream:features>");
	if (tls && must)
		buf_lit(b, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
	else if (tls)
		buf_lit(b, "<starttls xmlns='" NS_TLS "'/>");
	s->external = offers_external(s, &policy);
	if (s->external)
		buf_lit(b, "<mechanisms xmlns='" NS_SASL "'><mechanism>EXTERNAL</mechanism>"
			   "</mechanisms>");
	if (!must && policy.dialback != NEED_FORBIDDEN)
		buf_lit(b, "<dialback xmlns='" NS_DIALBACK_FEATURE "'><errors/></dialback>");
	s->bidi_offered = offers_bidi(s);
	if (s->bidi_offered)
		buf_lit(b, "<bidi xmlns='" NS_BIDI_FEATURE "'/>");
	if (!must)
		buf_lit(b, "<sm xmlns='" NS_SM "'/>");
	limits_feature(b, x);
	buf_lit(b, "</stream:features>");
	stream_flush(s);
}

/* --- the header -------------------------------------------------------------------------- */

static bool set_domain(char **to, struct str text)
{
	struct buf b = BUF_INIT;

	if (jid_prep_domain(&b, text) < 0)
		return false;
	free(*to);
	*to = buf_take(&b);
	return true;
}

struct trouble {
	bool set;
	enum stream_error error;
	const char *text;
};

static struct trouble check_from(struct stream *s, struct str from)
{
	if (!from.len)
		return (struct trouble){0};
	if (s->was_external) {
		struct buf b = BUF_INIT;
		bool same = jid_prep_domain(&b, from) == 0 && str_eqz(buf_str(&b), s->remote);

		buf_free(&b);
		if (!same)
			return (struct trouble){true, STREAM_E_INVALID_FROM, NULL};
	} else if (!set_domain(&s->remote, from)) {
		return (struct trouble){true, STREAM_E_IMPROPER_ADDRESSING, "from is no domain"};
	}
	if (s2s_own(s->s2s, str_z(s->remote)))
		return (struct trouble){true, STREAM_E_INVALID_FROM, "that is a domain of ours"};
	if (s2s_policy(s->s2s, str_z(s->remote)).denied)
		return (struct trouble){true, STREAM_E_POLICY_VIOLATION,
					"this server does not speak with that domain"};
	return (struct trouble){0};
}

static struct trouble check_header(struct stream *s, const struct xml_header *h)
{
	struct str to = header_attr(h, "", "to");

	if (!str_eqz(h->ns, NS_STREAM))
		return (struct trouble){true, STREAM_E_INVALID_NAMESPACE, "not a stream"};
	if (!str_eqz(h->name, "stream"))
		return (struct trouble){true, STREAM_E_BAD_FORMAT, "not a stream"};
	if (!str_eqz(h->content_ns, NS_SERVER))
		return (struct trouble){true, STREAM_E_INVALID_NAMESPACE,
					"the content namespace is " NS_SERVER};
	if (!to.len || !set_domain(&s->own, to))
		return (struct trouble){true, STREAM_E_IMPROPER_ADDRESSING, "to is no domain"};
	if (!s2s_own(s->s2s, str_z(s->own)))
		return (struct trouble){true, STREAM_E_HOST_UNKNOWN, NULL};
	s->old = !stream_version_good(header_attr(h, "", "version"));
	return check_from(s, header_attr(h, "", "from"));
}

void in_header(struct stream *s, const struct xml_header *h)
{
	struct trouble t = check_header(s, h);

	if (s->remote)
		s->policy = s2s_policy(s->s2s, str_z(s->remote));
	s->vouched = false;
	attempt_domains(s->record, str_z(s->own), str_z(s->remote));
	attempt_step(s->record, "stream %s%s", s->secure ? "over TLS" : "in the clear",
		     s->old ? ", version before 1.0" : "");
	if (t.set && t.error == STREAM_E_HOST_UNKNOWN) {
		/* RFC 6120 section 4.9.1.3: nothing is said of which domains there are. */
		attempt_advise(s->record, "Another server looked here for a domain that is none of "
					  "ours: see its DNS records, or the option domain.");
	}
	stream_header(s);
	if (t.set) {
		stream_error(s, t.error, t.text);
		return;
	}
	if (s->old && !s->secure && s2s_policy(s->s2s, str_z(s->remote)).tls == NEED_REQUIRED) {
		stream_error(s, STREAM_E_UNSUPPORTED_VERSION, "TLS is required");
		return;
	}
	if (!s->old && !in_dane_begin(s))
		in_features(s);
	/* XEP-0288: nothing of ours may come before the new stream has begun. */
	if (s->was_external)
		proof_good(s, proof_of_certificate(s));
}

/* --- steps ------------------------------------------------------------------------------- */

void in_starttls(struct stream *s, const struct xml_element *e)
{
	struct buf *b = conn_out(s->conn);

	if (s->phase != PHASE_CLEAR || s->proofs || e->nchildren || e->has_text ||
	    s2s_policy(s->s2s, str_z(s->remote)).tls == NEED_FORBIDDEN) {
		/* RFC 6120 section 5.4.2.2: the failure, then the end of stream and connection. */
		buf_lit(b, "<failure xmlns='" NS_TLS "'/>");
		stream_close(s, "STARTTLS failed");
		return;
	}
	buf_lit(b, "<proceed xmlns='" NS_TLS "'/>");
	stream_flush(s);
	/* Section 5.4.3.3: what was sent behind <starttls/> is not taken for anything. */
	xml_reader_stop(s->reader);
	stream_restart(s);
	begin_tls(s, str_z(s->own));
}

static void sasl_failure(struct stream *s, enum sasl_error e)
{
	struct buf *b = conn_out(s->conn);

	attempt_step(s->record, "EXTERNAL refused: %s", sasl_error_name(e));
	buf_printf(b, "<failure xmlns='" NS_SASL "'><%s/></failure>", sasl_error_name(e));
	stream_flush(s);
	/* RFC 6120 section 6.4.5. */
	if (++s->failures >= TRIES)
		stream_error(s, STREAM_E_POLICY_VIOLATION, "too many failed tries");
}

static void sasl_success(struct stream *s)
{
	buf_lit(conn_out(s->conn), "<success xmlns='" NS_SASL "'/>");
	stream_flush(s);
	s->was_external = true;
	s->phase = PHASE_READY;
	attempt_result(s->record, true, "proven by certificate");
	stream_rests_on(s);
	xml_reader_stop(s->reader);
	stream_restart(s);
	proof_add(s, STR_NONE, str_z(s->remote), true);
}

/* XEP-0178 section 3: "=" stands for the domain in the certificate, which is that of `from`. */
static void take_authzid(struct stream *s, struct str text)
{
	struct buf b = BUF_INIT, domain = BUF_INIT;

	/* What dialback was asked for belongs to the stream that would end here, and its answer may come
	 * in the next. */
	if (s->proofs) {
		sasl_failure(s, SASL_E_NOT_AUTHORIZED);
		return;
	}
	if (str_eqz(text, "=")) {
		sasl_success(s);
		return;
	}
	if (base64_decode(&b, text) < 0)
		sasl_failure(s, SASL_E_INCORRECT_ENCODING);
	else if (!b.len)
		sasl_success(s);
	else if (jid_prep_domain(&domain, buf_str(&b)) < 0 || !str_eqz(buf_str(&domain), s->remote))
		sasl_failure(s, SASL_E_INVALID_AUTHZID);
	else
		sasl_success(s);
	buf_free(&b);
	buf_free(&domain);
}

void in_auth(struct stream *s, const struct xml_element *e)
{
	struct str text = element_text(s->s2s->scratch, e);

	if (!s->secure) {
		sasl_failure(s, SASL_E_ENCRYPTION_REQUIRED);
	} else if (s->was_external || !s->external ||
		   !str_eqz(element_attr(e, "mechanism"), "EXTERNAL")) {
		sasl_failure(s, SASL_E_INVALID_MECHANISM);
	} else if (!text.len) {
		/* RFC 6120 section 6.4.2: no initial response; an empty challenge asks for it. */
		s->challenged = true;
		buf_lit(conn_out(s->conn), "<challenge xmlns='" NS_SASL "'/>");
		stream_flush(s);
	} else {
		take_authzid(s, text);
	}
}

void in_response(struct stream *s, const struct xml_element *e)
{
	struct str text = element_text(s->s2s->scratch, e);

	if (!s->challenged) {
		stream_error(s, STREAM_E_NOT_AUTHORIZED, NULL);
		return;
	}
	s->challenged = false;
	take_authzid(s, text.len ? text : STR("="));
}

void in_abort(struct stream *s, const struct xml_element *e)
{
	(void)e;
	s->challenged = false;
	sasl_failure(s, SASL_E_ABORTED);
}

/* XEP-0288. */
void in_bidi(struct stream *s, const struct xml_element *e)
{
	struct pool *p;
	struct node *n;
	struct proof *proof, *next;

	if (!s->bidi_offered) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, "bidi was not offered");
		return;
	}
	s->bidi = true;
	attempt_step(s->record, "both directions");
	p = pool_new();
	if (node_parse(p, pool_str(p, e->inner), NS_BIDI, &n) == 0)
		for (; n; n = n->next)
			if (str_eqz(n->ns, NS_LIMITS))
				limits_read(s, n);
	pool_free(p);
	DL_FOREACH_SAFE (s->proofs, proof, next)
		if (proof->proven)
			proof_good(s, proof);
}
