/* SPDX-License-Identifier: MIT */
/*
 * TLSA records for the certificate of a server that connects to us. RFC 7673 has them for servers
 * that are connected to; one that shows the same certificate in both roles is proven by them here
 * too, before SASL EXTERNAL is offered. They only ever help: a domain may well connect from
 * elsewhere than where its records point.
 */
#include "s2s/dane.h"
#include "s2s/reach_internal.h"
#include "s2s/steps.h"

enum { TARGETS = 8, WAIT_MS = 5000 };

/* The records of one target. */
struct question {
	struct in_dane *dane;
	struct dns_lookup *lookup; /* NULL: over */
	const char *target;
};

struct in_dane {
	struct stream *stream;
	char *ascii; /* the domain, in A-labels */
	struct loop_timer *slow;
	struct dns_lookup *srv[2];
	struct targets targets;
	struct question questions[TARGETS];
	size_t nquestions, pending;
	bool none; /* no _xmpp-server, validated */
};

struct in_dane *in_dane_free(struct in_dane *d)
{
	if (!d)
		return NULL;
	for (int i = 0; i < 2; i++)
		dns_lookup_free(d->srv[i]);
	for (size_t i = 0; i < d->nquestions; i++)
		dns_lookup_free(d->questions[i].lookup);
	targets_clear(&d->targets);
	loop_timer_free(d->slow);
	free(d->ascii);
	free(d);
	return NULL;
}

static void finish(struct in_dane *d, const char *text)
{
	struct stream *s = d->stream;

	attempt_step(s->record, "TLSA records for this certificate: %s", text);
	s->dane = in_dane_free(d);
	if (s->phase != PHASE_CLOSED)
		in_features(s);
}

static void on_slow(void *arg)
{
	finish(arg, "the DNS is too slow");
}

/* --- TLSA ------------------------------------------------------------------------------------ */

static bool leads_here(const struct question *q, const struct dns_answer *a)
{
	const struct in_dane *d = q->dane;

	return dane_leads_to(conn_ssl(d->stream->conn), q->target, d->ascii, a->tlsa, a->n);
}

static void on_tlsa(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	struct in_dane *d = q->dane;

	q->lookup = NULL;
	d->pending--;
	if (a->status == DNS_FOUND && a->secure && d->stream->phase != PHASE_CLOSED &&
	    leads_here(q, a)) {
		d->stream->vouched = true;
		finish(d, "they lead to it");
	} else if (!d->pending) {
		finish(d, "none leads to it");
	}
}

static void tlsa_ask(struct in_dane *d, const struct target *t)
{
	struct question *q = &d->questions[d->nquestions++];
	char *name = xasprintf("_%u._tcp.%s", t->port, t->name);

	*q = (struct question){.dane = d, .target = t->name};
	d->pending++;
	q->lookup = dns_lookup(d->stream->s2s->resolver, name, DNS_TLSA, on_tlsa, q);
	free(name);
}

/* --- SRV ------------------------------------------------------------------------------------- */

static void srv_answered(struct in_dane *d, const struct dns_answer *a, bool direct)
{
	d->srv[direct] = NULL;
	(void)targets_add_srv(&d->targets, a, direct);
	if (a->status == DNS_NONE && a->secure && !direct)
		d->none = true;
	if (d->srv[!direct])
		return;
	if (d->none && d->targets.n < REACH_TARGETS) { /* RFC 6120 section 3.2.2 */
		targets_add(&d->targets, d->ascii, PORT_DEFAULT, false, false);
		d->targets.list[d->targets.n - 1].secure = true;
	}
	for (size_t i = 0; i < d->targets.n && d->nquestions < TARGETS; i++)
		if (d->targets.list[i].secure)
			tlsa_ask(d, &d->targets.list[i]);
	if (!d->nquestions)
		finish(d, "its SRV records are not validated");
}

static void on_srv(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, false);
}

static void on_srv_direct(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, true);
}

/* A certificate that would do, where nothing but its issuer, names or dates speaks against it. */
static bool may_help(struct stream *s)
{
	const struct cert_wanted wanted = {.domain = s->remote,
					   .common_name = s->s2s->config->common_name};
	struct cert_verdict v;

	if (!s->secure || !s->remote || s->was_external || s->vouched || !s->s2s->dnssec ||
	    s->policy.certificate == NEED_FORBIDDEN || s->policy.dialback == NEED_REQUIRED)
		return false;
	v = cert_check(conn_ssl(s->conn), &wanted);
	return v.state != CERT_NONE && !cert_proves(v);
}

bool in_dane_begin(struct stream *s)
{
	struct buf ascii = BUF_INIT;
	struct in_dane *d;
	char *name;

	if (s->dane || !may_help(s) || jid_domain_ascii(&ascii, str_z(s->remote)) < 0) {
		buf_free(&ascii);
		return false;
	}
	s->dane = d = xcalloc(1, sizeof *d);
	d->stream = s;
	d->ascii = str_dup(buf_str(&ascii));
	buf_free(&ascii);
	d->slow = loop_timer_new(s->s2s->loop, on_slow, d);
	loop_timer_start(d->slow, WAIT_MS, 0);
	name = xasprintf("_xmpp-server._tcp.%s", d->ascii);
	d->srv[0] = dns_lookup(s->s2s->resolver, name, DNS_SRV, on_srv, d);
	free(name);
	name = xasprintf("_xmpps-server._tcp.%s", d->ascii);
	d->srv[1] = dns_lookup(s->s2s->resolver, name, DNS_SRV, on_srv_direct, d);
	free(name);
	return true;
}
