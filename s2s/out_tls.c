/* SPDX-License-Identifier: MIT */
/* TLS of streams that we open: what we show, and whether we believe what we are shown. */
#include "s2s/steps.h"

#include <openssl/x509v3.h>
#include "s2s/dane.h"

SSL *out_tls(struct stream *s)
{
	struct s2s *x = s->s2s;
	struct buf name = BUF_INIT;
	SSL *ssl;

	/* RFC 6120 section 5.4.3.3: the name sent is the domain's, in A-labels. */
	if (jid_domain_ascii(&name, str_z(s->remote)) < 0)
		buf_clear(&name);
	buf_putc(&name, '\0');
	ssl = tls_peer_new(x->tls, str_z(s->own), buf_ptr(&name), s->direct ? "xmpp-server" : NULL);
	if (!ssl) {
		char *why = tls_error("TLS");

		log_error("TLS cannot be set up", LF_S("reason", why));
		free(why);
	} else {
		/* Usage is looked at in cert_check: authorities issue the servers' alone. */
		X509_VERIFY_PARAM_set_purpose(SSL_get0_param(ssl), X509_PURPOSE_ANY);
		s->usable = 0;
		if (s->ntlsa && dane_enable(SSL_get_SSL_CTX(ssl)) == 0)
			s->usable = dane_prepare(ssl, s->target, buf_ptr(&name), s->tlsa, s->ntlsa);
	}
	buf_free(&name);
	return ssl;
}

static const char *advice(enum cert_state state)
{
	switch (state) {
	case CERT_EXPIRED:
		return "The remote server's certificate has expired: its operator must renew it.";
	case CERT_OTHER_NAME:
		return "The remote server's certificate is for other names: its operator must get "
		       "one "
		       "for this domain.";
	case CERT_SELF_SIGNED:
		return "The remote server's certificate is self-signed: its operator must get one "
		       "of an "
		       "authority or publish TLSA records, or peer_certificate = optional lets "
		       "dialback do.";
	case CERT_UNTRUSTED:
		return "The remote server's certificate is of no authority that we trust: see the "
		       "option "
		       "ca here, and whether its chain is complete there.";
	case CERT_TLSA:
		return "The remote server's certificate is not the one that its TLSA records name: "
		       "its operator must publish new ones.";
	case CERT_EARLY:
		return "The remote server's certificate is not valid yet: compare the clocks.";
	default:
		return "The remote server's certificate is of no use: its operator must look.";
	}
}

bool out_trusts(struct stream *s, char **ret_why)
{
	struct s2s *x = s->s2s;
	struct policy policy = s2s_policy(x, str_z(s->remote));
	const struct cert_wanted wanted = {.domain = s->remote,
					   .target = s->target_secure ? s->target : NULL,
					   .common_name = x->config->common_name};
	SSL *ssl = conn_ssl(s->conn);

	s->verdict = cert_check(ssl, &wanted);
	/* Times and names are told apart; whatever else is wrong then, no record leads to it. */
	if (dane_check(ssl, s->usable) == DANE_MISMATCH && s->verdict.state != CERT_EXPIRED &&
	    s->verdict.state != CERT_EARLY && s->verdict.state != CERT_OTHER_NAME)
		s->verdict.state = CERT_TLSA;
	attempt_tls(s->record, ssl, s->verdict);
	attempt_step(s->record, "%s, certificate %s%s%s", SSL_get_version(ssl),
		     cert_state_text(s->verdict.state), *s->verdict.detail ? ": " : "",
		     s->verdict.detail);
	if (s->look)
		return true; /* it is looked at, not believed */
	if (cert_proves(s->verdict))
		stream_rests_on(s);
	/* Published TLSA records are a promise: RFC 7673 section 4 leaves no other way. */
	if (cert_proves(s->verdict) || (policy.certificate != NEED_REQUIRED &&
					policy.dialback != NEED_FORBIDDEN && !s->usable))
		return true;
	attempt_advise(s->record, advice(s->verdict.state));
	*ret_why = xasprintf("the remote server's certificate is not good: %s",
			     cert_state_text(s->verdict.state));
	return false;
}
