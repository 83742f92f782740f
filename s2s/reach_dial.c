/* SPDX-License-Identifier: MIT */
/* One target: its addresses, whether TLSA vouches for its certificate, and connections to it, a new
 * one beside the slow ones after a moment (RFC 8305). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "s2s/reach_internal.h"

enum { RESOLUTION_DELAY = 50, ATTEMPT_DELAY = 250 }; /* ms, RFC 8305 sections 3 and 5 */

static void proceed(struct reach *r);

static struct target *present(struct reach *r)
{
	return &r->targets.list[r->at];
}

static void try_end(struct try *t)
{
	t->dial = dial_free(t->dial);
	t->timer = loop_timer_free(t->timer);
}

void target_clear(struct reach *r)
{
	struct target_state *s = &r->now;

	dns_lookup_free(s->a);
	dns_lookup_free(s->aaaa);
	dns_lookup_free(s->tlsa);
	for (size_t i = 0; i < s->ntries; i++) {
		try_end(&s->tries[i]);
		free(s->tries[i].address);
	}
	for (size_t i = s->six_at; i < s->nsix; i++)
		free(s->six[i]);
	for (size_t i = s->four_at; i < s->nfour; i++)
		free(s->four[i]);
	loop_timer_free(s->pace);
	free(s->tlsa_data);
	memset(s, 0, sizeof *s);
}

static void address_add(struct reach *r, int family, const void *address)
{
	struct target_state *s = &r->now;
	char text[INET6_ADDRSTRLEN];
	bool six = family == AF_INET6;
	unsigned port = present(r)->port;

	if ((six ? s->nsix : s->nfour) == REACH_ADDRESSES)
		return;
	inet_ntop(family, address, text, sizeof text);
	if (six)
		s->six[s->nsix++] = xasprintf("[%s]:%u", text, port);
	else
		s->four[s->nfour++] = xasprintf("%s:%u", text, port);
}

/* Any of them: a stream that is there is better than the family that is preferred. */
static bool shares(struct reach *r)
{
	const struct target_state *s = &r->now;

	for (size_t i = s->six_at; i < s->nsix; i++)
		if (reach_shares(r, s->six[i]))
			return true;
	for (size_t i = s->four_at; i < s->nfour; i++)
		if (reach_shares(r, s->four[i]))
			return true;
	return false;
}

/* The families in turn, IPv6 first (RFC 8305 section 4). NULL: none is left. */
static char *address_next(struct target_state *s)
{
	bool four = (s->four_next && s->four_at < s->nfour) || s->six_at == s->nsix;

	if (four && s->four_at == s->nfour)
		return NULL;
	s->four_next = !four;
	return four ? s->four[s->four_at++] : s->six[s->six_at++];
}

/* --- connections ----------------------------------------------------------------------------- */

static void tried(struct try *t, int err)
{
	struct reach *r = t->reach;

	try_end(t);
	reach_say(r, "%s: %s", t->address, strerror(err));
	r->last_err = -err;
	proceed(r);
}

static void on_dialled(void *arg, int fd)
{
	struct try *t = arg;
	struct reach *r = t->reach;

	if (fd < 0) {
		tried(t, -fd);
		return;
	}
	for (size_t i = 0; i < r->now.ntries; i++) {
		struct try *other = &r->now.tries[i];
		char *given_up = other != t && other->dial ? other->address : NULL;

		try_end(other);
		if (given_up) /* it may be good: another was faster */
			reach_say(r, "%s: slower", given_up);
	}
	loop_timer_stop(r->now.pace);
	reach_connected(r, fd, t->address);
}

static void on_try_slow(void *arg)
{
	tried(arg, ETIMEDOUT);
}

static bool trying(const struct target_state *s)
{
	for (size_t i = 0; i < s->ntries; i++)
		if (s->tries[i].dial)
			return true;
	return false;
}

static bool try_next(struct reach *r)
{
	struct target_state *s = &r->now;
	struct loop *loop = r->all->loop;
	char *address;
	struct try *t;

	if (!trying(s) && shares(r))
		return true;
	address = address_next(s);
	if (!address)
		return false;
	t = &s->tries[s->ntries++];
	*t = (struct try){.reach = r, .address = address};
	t->timer = loop_timer_new(loop, on_try_slow, t);
	loop_timer_start(t->timer, (uint64_t)r->all->config.connect_ms, 0);
	t->dial = dial_new(loop, address, on_dialled, t);
	loop_timer_start(s->pace, ATTEMPT_DELAY, 0);
	return true;
}

bool target_more(struct reach *r)
{
	struct target_state *s = &r->now;

	if (s->bad)
		return false;
	return try_next(r) || trying(s) || s->a || s->aaaa || s->tlsa;
}

/* What can be done now is done: RFC 8305 section 3 waits a little for AAAA when A was faster. */
static void proceed(struct reach *r)
{
	struct target_state *s = &r->now;

	if (r->handed) /* what comes now is for the next try */
		return;
	if (s->bad) {
		reach_advance(r);
		return;
	}
	if (s->tlsa)
		return;
	if (s->aaaa && !s->waited) {
		if (s->nfour)
			loop_timer_start(s->pace, RESOLUTION_DELAY, 0);
		return;
	}
	if (!trying(s) && !target_more(r))
		reach_advance(r);
}

static void on_pace(void *arg)
{
	struct reach *r = arg;

	r->now.waited = true;
	if (r->handed)
		return;
	if (trying(&r->now))
		try_next(r);
	else
		proceed(r);
}

/* --- what the DNS says of it
 * ---------------------------------------------------------------------------- */

/* RFC 7673 section 3.3: records that cannot be had although they may exist forbid the target. */
static void on_tlsa(void *arg, const struct dns_answer *a)
{
	struct reach *r = arg;
	struct target_state *s = &r->now;
	size_t len = 0, at = 0;

	s->tlsa = NULL;
	if (a->status == DNS_FOUND && a->secure) {
		for (size_t i = 0; i < a->n; i++)
			len += a->tlsa[i].data.len;
		s->tlsa_data = xmalloc(len + 1);
		for (size_t i = 0; i < a->n; i++) {
			struct dns_tlsa *t = &s->tlsas[s->ntlsas++];

			*t = a->tlsa[i];
			memcpy(s->tlsa_data + at, t->data.ptr, t->data.len);
			t->data.ptr = s->tlsa_data + at;
			at += t->data.len;
		}
		reach_say(r, "%s: %zu TLSA records", present(r)->name, s->ntlsas);
	} else if (a->status != DNS_NONE && a->status != DNS_FOUND) {
		reach_say(r, "%s: TLSA %s %s", present(r)->name, dns_status_name(a->status),
			  a->why);
		s->bad = true;
		r->last_err = a->status == DNS_BOGUS ? -EBADMSG : -ETIMEDOUT;
	}
	proceed(r);
}

static void tlsa_ask(struct reach *r)
{
	struct target *t = present(r);
	char *name = xasprintf("_%u._tcp.%s", t->port, t->name);

	r->now.asked = true;
	r->now.tlsa = dns_lookup(r->all->config.resolver, name, DNS_TLSA, on_tlsa, r);
	free(name);
}

/* RFC 7673 section 3.2: TLSA counts where the addresses are validated too; what is forged is not
 * connected to. */
static void answered(struct reach *r, const struct dns_answer *a, const char *kind)
{
	struct target_state *s = &r->now;
	struct target *t = present(r);

	if (a->status == DNS_BOGUS)
		s->bad = true;
	if (a->status != DNS_FOUND) {
		reach_say(r, "%s: %s %s%s%s", t->name, kind, dns_status_name(a->status),
			  *a->why ? ": " : "", a->why);
		if (a->status != DNS_NONE)
			r->last_err = a->status == DNS_BOGUS ? -EBADMSG : -ETIMEDOUT;
	} else if (t->secure && a->secure && !s->asked) {
		tlsa_ask(r);
	}
	proceed(r);
}

static void on_a(void *arg, const struct dns_answer *a)
{
	struct reach *r = arg;

	r->now.a = NULL;
	for (size_t i = 0; a->status == DNS_FOUND && i < a->n; i++)
		address_add(r, AF_INET, &a->a[i]);
	answered(r, a, "A");
}

static void on_aaaa(void *arg, const struct dns_answer *a)
{
	struct reach *r = arg;

	r->now.aaaa = NULL;
	for (size_t i = 0; a->status == DNS_FOUND && i < a->n; i++)
		address_add(r, AF_INET6, &a->aaaa[i]);
	answered(r, a, "AAAA");
}

void target_start(struct reach *r)
{
	const struct reach_config *c = &r->all->config;
	struct target_state *s = &r->now;
	struct target *t = present(r);

	target_clear(r);
	s->pace = loop_timer_new(r->all->loop, on_pace, r);
	if (t->literal) {
		s->four[s->nfour++] = xstrdup(t->name);
		proceed(r);
		return;
	}
	if (!c->resolver) {
		reach_say(r, "%s: no DNS is configured", t->name);
		proceed(r);
		return;
	}
	if (c->ipv6)
		s->aaaa = dns_lookup(c->resolver, t->name, DNS_AAAA, on_aaaa, r);
	if (c->ipv4)
		s->a = dns_lookup(c->resolver, t->name, DNS_A, on_a, r);
}
