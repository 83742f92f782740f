/* SPDX-License-Identifier: MIT */
/* What a stream offers at each of its steps (RFC 6120 section 4.3.2). */
#include <stdio.h>
#include "c2s/client.h"

static void number_leaf(struct xml_writer *w, const char *name, long long n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lld", n);
	xw_leaf(w, name, NULL, str_z(text));
}

/* XEP-0478: what is enforced. */
static void feature_limits(const struct client *c, struct xml_writer *w)
{
	const struct c2s_config *o = c->c2s->config;
	struct xml_limits limits;

	limits_xml(c->c2s, c->phase >= PHASE_AUTHENTICATED, &limits);
	xw_start(w, "limits", NS_LIMITS);
	number_leaf(w, "max-bytes", (long long)limits.stanza_bytes);
	if (c->phase >= PHASE_AUTHENTICATED && o->idle_ping)
		number_leaf(w, "idle-seconds", o->idle_ping / 1000); /* then it is asked */
	xw_end(w);
}

static void feature_starttls(const struct client *c, struct xml_writer *w)
{
	xw_start(w, "starttls", NS_TLS);
	/* RFC 6120 section 5.4.1. */
	if (c->c2s->config->tls == TLS_REQUIRED)
		xw_leaf(w, "required", NULL, STR_NONE);
	xw_end(w);
}

static void feature_sasl(const struct client *c, struct xml_writer *w)
{
	const struct offer *o = c->login->offer;

	xw_start(w, "mechanisms", NS_SASL);
	for (size_t i = 0; i < o->nmechanisms; i++)
		xw_leaf(w, "mechanism", NULL, o->mechanisms[i]);
	xw_end(w);
	if (!o->nbindings)
		return;
	xw_start(w, "sasl-channel-binding", NS_SASL_CB); /* XEP-0440 */
	for (size_t i = 0; i < o->nbindings; i++) {
		xw_start(w, "channel-binding", NULL);
		xw_attr(w, "type", o->bindings[i]);
		xw_end(w);
	}
	xw_end(w);
}

static void features_authenticated(const struct client *c, struct xml_writer *w)
{
	xw_start(w, "bind", NS_BIND);
	xw_leaf(w, "required", NULL, STR_NONE);
	xw_end(w);
	xw_start(w, "session", NS_SESSION);
	xw_leaf(w, "optional", NULL, STR_NONE);
	xw_end(w);
	xw_leaf(w, "sm", NS_SM, STR_NONE);
	xw_leaf(w, "ver", NS_ROSTER_VER, STR_NONE);
	xw_leaf(w, "sub", NS_PRE_APPROVAL, STR_NONE);
	caps_feature(c->domain, w);
}

void stream_features(struct client *c)
{
	struct buf *b = conn_out(c->conn);
	struct xml_writer w;

	xw_init(&w, b);
	buf_lit(b, "<stream:features>");
	if (c->phase == PHASE_AUTHENTICATED) {
		features_authenticated(c, &w);
	} else {
		if (c->phase == PHASE_CLEAR)
			feature_starttls(c, &w);
		if (c->login->offer)
			feature_sasl(c, &w);
		if (c->c2s->config->register_open && c->phase == PHASE_SECURE &&
		    !(c->login->offer && c->login->offer->elsewhere))
			xw_leaf(&w, "register", NS_REGISTER_FEATURE, STR_NONE);
	}
	feature_limits(c, &w);
	buf_lit(b, "</stream:features>");
	client_flush(c);
}

/* Channel bindings that this connection has. */
static unsigned bindings_of(const struct client *c)
{
	unsigned have = 0;
	SSL *ssl = c->phase == PHASE_SECURE ? conn_ssl(c->conn) : NULL;

	if (ssl && tls_has_exporter(ssl))
		have |= BIND_EXPORTER;
	if (ssl && tls_has_server_end_point(ssl))
		have |= BIND_END_POINT;
	return have;
}

void stream_offer_ready(struct client *c)
{
	struct login *l = c->login;
	unsigned bindings = bindings_of(c);

	offer_unref(l->offer);
	l->offer = NULL;
	c->wait_offer = true;
	if (external_ask(c, bindings))
		return;
	l->offer = offer_get(c->c2s, c->domain, c->phase == PHASE_SECURE, bindings);
	c->wait_offer = !l->offer;
	if (l->offer)
		stream_features(c);
}
