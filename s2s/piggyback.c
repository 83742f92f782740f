/* SPDX-License-Identifier: MIT */
/*
 * Several remote domains on one stream (XEP-0220 section 2.6.2, target multiplexing). A domain that
 * would be reached at an address to which a stream is ready is asked for over that one, where the
 * certificate and the policy allow. It is connected to as ever if the other server does not take
 * it.
 */
#include "s2s/dane.h"
#include "s2s/steps.h"

/* Ready streams to one address. */
struct site {
	UT_hash_handle hh;
	char *address;
	struct stream *streams; /* by aprev, anext */
};

static struct site *site_find(const struct s2s *x, const char *address)
{
	struct site *a;

	HASH_FIND_STR(x->sites, address, a);
	return a;
}

void site_enter(struct stream *s)
{
	struct s2s *x = s->s2s;
	struct site *a = site_find(x, s->address);

	if (!a) {
		a = xcalloc(1, sizeof *a);
		a->address = xstrdup(s->address);
		HASH_ADD_KEYPTR(hh, x->sites, a->address, strlen(a->address), a);
	}
	DL_APPEND2(a->streams, s, aprev, anext);
	s->site = a;
}

void site_leave(struct stream *s)
{
	struct site *a = s->site;

	if (!a)
		return;
	s->site = NULL;
	DL_DELETE2(a->streams, s, aprev, anext);
	if (a->streams)
		return;
	HASH_DEL(s->s2s->sites, a);
	free(a->address);
	free(a);
}

/* --- who may share --------------------------------------------------------------------------- */

static bool dane_good(const struct stream *s, const char *domain, const struct reach_result *r)
{
	struct buf ascii = BUF_INIT;
	bool good = false;

	if (jid_domain_ascii(&ascii, str_z(domain)) == 0) {
		buf_putc(&ascii, '\0');
		good = dane_leads_to(conn_ssl(s->conn), r->target, buf_ptr(&ascii), r->tlsa,
				     r->ntlsa);
	}
	buf_free(&ascii);
	return good;
}

/* Whether the certificate of its peer is good for that domain, as it would be on a stream of its
 * own (out_trusts). */
static bool certified(const struct stream *s, const char *domain, const struct reach_result *r)
{
	const struct cert_wanted wanted = {.domain = domain,
					   .target = r->secure ? r->target : NULL,
					   .common_name = s->s2s->config->common_name};

	if (!s->secure)
		return false;
	if (r->ntlsa)
		return dane_good(s, domain, r);
	/* With TLSA records OpenSSL's verdict was about those of the stream's own domain. */
	return !s->usable && cert_proves(cert_check(conn_ssl(s->conn), &wanted));
}

static bool fits(const struct stream *s, const struct pair *p, const struct reach_result *r)
{
	const struct s2s_config *o = s->s2s->config;
	struct policy policy = s2s_policy(s->s2s, str_z(p->remote));
	bool good;

	/* A further domain of ours: theirs was looked at when the stream began. */
	if (strcmp(s->remote, p->remote) == 0)
		return o->multiplex && policy_shares(policy, SHARE_DNS, s->secure, true);
	if (o->piggyback == SHARE_NEVER)
		return false;
	good = certified(s, p->remote, r);
	/* TLSA records are a promise (RFC 7673 section 4). */
	return (good || !r->ntlsa) &&
	       policy_shares(policy, (enum share)o->piggyback, s->secure, good);
}

static struct stream *stream_at(const struct pair *p, const struct reach_result *r)
{
	const struct site *a = site_find(p->s2s, r->address);
	struct stream *s;

	if (!a)
		return NULL;
	DL_FOREACH2(a->streams, s, anext)
	{
		if (s->direct == r->direct_tls && join_takes(s) && fits(s, p, r))
			return s;
	}
	return NULL;
}

bool piggyback(void *arg, const struct reach_result *r)
{
	struct stream *s = arg, *there;
	struct pair *p = s->pair;

	/* Those who answer for a domain are asked about keys over a stream of its own. */
	if (!p || p->verifies || !join_possible(p))
		return false;
	there = stream_at(p, r);
	if (!there)
		return false;
	attempt_step(s->record, "%s: the stream to %s (attempt %llu) goes there and is asked for",
		     r->address, there->remote, (unsigned long long)attempt_number(there->record));
	s->sharing = true;
	join_ask(p, there);
	return true;
}
