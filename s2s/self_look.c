/* SPDX-License-Identifier: MIT */
/* One address at which others find a domain of ours: does it answer, is it us, is our certificate
 * one that they believe? */
#include <errno.h>
#include <unistd.h>
#include "base/conn.h"
#include "s2s/self.h"
#include "s2s/steps.h"

struct look {
	struct look *prev, *next;
	struct place *place;
	char *address;
	struct dial *dial;
	struct loop_timer *slow;
	struct stream *stream;
};

static void look_free(struct look *l)
{
	DL_DELETE(l->place->test->looks, l);
	if (l->stream)
		l->stream->look = NULL;
	dial_free(l->dial);
	loop_timer_free(l->slow);
	free(l->address);
	free(l);
}

void looks_end(struct self_test *t)
{
	while (t->looks)
		look_free(t->looks);
}

static void look_done(struct look *l)
{
	struct self_test *t = l->place->test;

	look_free(l);
	self_step_done(t);
}

__attribute__((format(printf, 4, 5))) static void look_say(struct look *l, bool good,
							   const char *advice, const char *fmt, ...)
{
	struct self_test *t = l->place->test;
	const struct target *at = l->place->target;
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (advice)
		attempt_advise(t->record, advice);
	self_say(t, good, "%s: %s%s%s: %.*s", self_service(at->direct), at->literal ? "" : at->name,
		 at->literal ? "" : " ", l->address, STR_ARG(buf_str(&b)));
	buf_free(&b);
}

/* --- connecting ------------------------------------------------------------------------------ */

static void not_connected(struct look *l, int err)
{
	const struct self_test *t = l->place->test;
	const struct target *at = l->place->target;

	if (err == ENETUNREACH || err == EADDRNOTAVAIL || err == EAFNOSUPPORT)
		attempt_step(t->record, "%s: %s: %s: it cannot be tried from this host",
			     self_service(at->direct), l->address, strerror(err));
	else if (self_listens(t, at))
		look_say(l, false,
			 "An address that others find does not answer: see that it is one of this "
			 "host's, that s2s listens on it, and that the firewall lets the port in.",
			 "%s, though the port is configured", strerror(err));
	else
		look_say(l, false,
			 "A port that others find is not listened on: change the SRV record, the "
			 "options listen and listen_tls, or pass the port on.",
			 "%s, and %s has no such port", strerror(err),
			 at->direct ? "listen_tls" : "listen");
	look_done(l);
}

static void on_slow(void *arg)
{
	not_connected(arg, ETIMEDOUT);
}

static void on_dialled(void *arg, int fd)
{
	struct look *l = arg;
	struct self_test *t = l->place->test;
	struct reach_result found = {.fd = fd,
				     .direct_tls = l->place->target->direct,
				     .target = l->place->target->name,
				     .secure = l->place->target->secure,
				     .address = l->address,
				     .tlsa = l->place->tlsas,
				     .ntlsa = l->place->ntlsas};

	l->dial = dial_free(l->dial);
	loop_timer_stop(l->slow);
	if (fd < 0) {
		not_connected(l, -fd);
		return;
	}
	l->stream = stream_new(t->s2s, true);
	l->stream->look = l;
	l->stream->remote = xstrdup(t->domain);
	out_begin(l->stream, &found); /* may end it */
}

void look_start(struct place *p, const char *address)
{
	struct self_test *t = p->test;
	struct look *l;

	if (t->nlooks == SELF_LOOKS) {
		t->left_out++;
		return;
	}
	t->nlooks++;
	t->busy++;
	l = xcalloc(1, sizeof *l);
	l->place = p;
	l->address = xstrdup(address);
	DL_APPEND(t->looks, l);
	l->slow = loop_timer_new(t->s2s->loop, on_slow, l);
	loop_timer_start(l->slow, (uint64_t)t->s2s->config->connect_timeout, 0);
	l->dial = dial_new(t->s2s->loop, address, on_dialled, l);
}

/* --- the stream ------------------------------------------------------------------------------ */

static bool same_certificate(struct stream *s)
{
	SSL *ours = tls_server_new(s->s2s->tls, str_z(s->remote));
	X509 *mine = ours ? SSL_get_certificate(ours) : NULL;
	X509 *shown = SSL_get0_peer_certificate(conn_ssl(s->conn));
	bool same = mine && shown && X509_cmp(mine, shown) == 0;

	SSL_free(ours);
	return same;
}

static void judge(struct look *l, struct stream *s)
{
	X509 *shown = SSL_get0_peer_certificate(conn_ssl(s->conn));
	char until[32] = "?";

	if (shown)
		cert_expiry(shown, until);
	if (!same_certificate(s))
		look_say(l, false,
			 "Another server, or this one with an older certificate, answers for the "
			 "domain: see its DNS records, and whether all s2s were reloaded.",
			 "the certificate is another than the one that is configured");
	else if (!cert_proves(s->verdict))
		look_say(
			l, false,
			s->verdict.state == CERT_TLSA
				? "TLSA records name another certificate: publish those of the one "
				  "that is configured."
				: "Others will not believe this certificate: get one of an "
				  "authority "
				  "for this domain, with its chain, or publish TLSA records.",
			"the certificate is the one that is configured, but others will not "
			"believe "
			"it: %s",
			cert_state_text(s->verdict.state));
	else
		look_say(l, true, NULL,
			 "%s, the certificate is the one that is configured, %s, until %s",
			 SSL_get_version(conn_ssl(s->conn)), cert_state_text(s->verdict.state),
			 until);
}

static void look_end(struct look *l, struct stream *s)
{
	l->stream = NULL;
	s->look = NULL;
	s->orderly = true;
	stream_close(s, "it was a test");
	look_done(l);
}

void look_secured(struct stream *s)
{
	struct look *l = s->look;

	if (!l)
		return;
	judge(l, s);
	look_end(l, s);
}

void look_clear(struct stream *s)
{
	struct look *l = s->look;

	look_say(l, true, NULL, "it answers, without TLS as is configured");
	look_end(l, s);
}

void look_over(struct stream *s)
{
	struct look *l = s->look;

	l->stream = NULL;
	s->look = NULL;
	look_say(l, false,
		 "Something answers at that address which is not this server, or does not know the "
		 "domain: see the DNS records.",
		 "%s", s->fail_text ? s->fail_text : "the connection was lost");
	look_done(l);
}
