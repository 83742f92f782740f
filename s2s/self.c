/* SPDX-License-Identifier: MIT */
/* A trial with a domain of our own: does what others find lead here, and to what is configured? */
#include "s2s/steps.h"

static bool has_port(char **addresses, struct str port)
{
	for (; *addresses; addresses++) {
		const char *colon = strrchr(*addresses, ':');

		if (colon && str_eqz(port, colon + 1))
			return true;
	}
	return false;
}

void self_reached(struct stream *s, const char *address)
{
	const struct s2s_config *o = s->s2s->config;
	const char *colon = strrchr(address, ':');

	if (!colon)
		return;
	if (has_port(s->direct ? o->listen_tls : o->listen, str_z(colon + 1)))
		attempt_step(s->record, "port %s is one of %s", colon + 1,
			     s->direct ? "listen_tls" : "listen");
	else
		attempt_step(s->record, "port %s is none of %s: somebody must pass it on",
			     colon + 1, s->direct ? "listen_tls" : "listen");
}

static bool same_certificate(struct stream *s)
{
	SSL *ours = tls_server_new(s->s2s->tls, str_z(s->remote));
	X509 *mine = ours ? SSL_get_certificate(ours) : NULL;
	X509 *shown = SSL_get0_peer_certificate(conn_ssl(s->conn));
	bool same = mine && shown && X509_cmp(mine, shown) == 0;

	SSL_free(ours);
	return same;
}

void self_secured(struct stream *s)
{
	bool same = same_certificate(s);

	attempt_step(s->record, "the certificate is %s",
		     same ? "the one that is configured"
			  : "another than the one that is configured");
	if (!same)
		attempt_advise(s->record,
			       "Another server, or this one with an older certificate, answers "
			       "for the domain: see its DNS records, and whether all s2s were "
			       "reloaded.");
	else if (!cert_proves(s->verdict))
		attempt_advise(s->record,
			       "Others will not believe this certificate: get one of an "
			       "authority for this domain, with its chain, or publish TLSA "
			       "records.");
	s->useful = true;
	if (!same || !cert_proves(s->verdict)) {
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT,
			   same ? "others will not believe the certificate"
				: "what others find is not what is configured");
		return;
	}
	attempt_result(s->record, true, "what others find is what is configured");
	s->pair->test = false;
	s->ready = s->orderly = true;
	stream_close(s, "it was a test");
}
