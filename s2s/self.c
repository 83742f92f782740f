/* SPDX-License-Identifier: MIT */
/* A trial with a domain of our own: what the DNS says of it, and whether that leads here. */
#include "s2s/self.h"
#include <arpa/inet.h>
#include "s2s/steps.h"

/* --- what is said ---------------------------------------------------------------------------- */

void self_say(struct self_test *t, bool good, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (good)
		t->good++;
	else
		t->bad++;
	attempt_step(t->record, "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
}

const char *self_service(bool direct)
{
	return direct ? "_xmpps-server" : "_xmpp-server";
}

static char **listened(const struct self_test *t, bool direct)
{
	return direct ? t->s2s->config->listen_tls : t->s2s->config->listen;
}

static bool has_port(char **addresses, unsigned port)
{
	unsigned long long n;

	for (; *addresses; addresses++) {
		const char *colon = strrchr(*addresses, ':');

		if (colon && str_u64(str_z(colon + 1), &n) && n == port)
			return true;
	}
	return false;
}

static unsigned port_of(const struct target *at)
{
	const char *colon = at->literal ? strrchr(at->name, ':') : NULL;
	unsigned long long n = at->port;

	if (colon)
		(void)str_u64(str_z(colon + 1), &n);
	return (unsigned)n;
}

bool self_listens(const struct self_test *t, const struct target *at)
{
	return has_port(listened(t, at->direct), port_of(at));
}

static void say_target(struct self_test *t, const struct target *at)
{
	bool ours = self_listens(t, at);

	attempt_step(t->record, "%s: %s, port %u is %s of %s%s", self_service(at->direct), at->name,
		     port_of(at), ours ? "one" : "none", at->direct ? "listen_tls" : "listen",
		     ours ? "" : ": somebody must pass it on");
}

/* --- the end --------------------------------------------------------------------------------- */

static void place_free(struct place *p)
{
	DL_DELETE(p->test->places, p);
	dns_lookup_free(p->a);
	dns_lookup_free(p->aaaa);
	dns_lookup_free(p->tlsa);
	for (size_t i = 0; i < p->ntlsas; i++)
		free((char *)p->tlsas[i].data.ptr);
	free(p->tlsas);
	for (size_t i = 0; i < p->naddresses; i++)
		free(p->addresses[i]);
	free(p);
}

static void self_free(struct self_test *t)
{
	loop_task_cancel(t->s2s->loop, &t->ending);
	looks_end(t);
	while (t->places)
		place_free(t->places);
	dns_lookup_free(t->srv[0]);
	dns_lookup_free(t->srv[1]);
	resolver_free(t->dns);
	targets_clear(&t->targets);
	DL_DELETE(t->s2s->selves, t);
	attempt_end(t->record, "it was a test");
	free(t->domain);
	free(t->ascii);
	free(t);
}

void self_tests_end(struct s2s *x)
{
	while (x->selves)
		self_free(x->selves);
}

static void on_ending(void *arg)
{
	self_free(arg);
}

void self_step_done(struct self_test *t)
{
	if (--t->busy)
		return;
	if (t->left_out)
		attempt_step(t->record, "%zu more addresses were not looked at", t->left_out);
	if (t->good && !t->bad)
		attempt_result(t->record, true, "what others find is what is configured");
	else if (t->bad)
		attempt_result(t->record, false,
			       "what others find is not what is configured: %zu good, %zu not",
			       t->good, t->bad);
	else
		attempt_result(t->record, false, "nothing could be tried");
	/* We may be in a call of its resolver. */
	t->ending = (struct loop_task){.fn = on_ending, .arg = t};
	loop_defer(t->s2s->loop, &t->ending);
}

/* --- one target ------------------------------------------------------------------------------ */

static void address_add(struct place *p, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	if (p->naddresses == sizeof p->addresses / sizeof *p->addresses)
		return;
	inet_ntop(family, address, text, sizeof text);
	p->addresses[p->naddresses++] =
		xasprintf(family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, p->target->port);
}

static void place_known(struct place *p)
{
	struct self_test *t = p->test;
	const struct target *at = p->target;

	if (p->a || p->aaaa || p->tlsa)
		return;
	if (!p->naddresses) {
		attempt_advise(t->record,
			       "A name in the SRV records has no address: give it one, or "
			       "remove the record.");
		self_say(t, false, "%s: %s has no address", self_service(at->direct), at->name);
	}
	if (!p->secure) /* RFC 7673 section 3.2 */
		p->ntlsas = 0;
	for (size_t i = 0; i < p->naddresses; i++)
		look_start(p, p->addresses[i]);
}

static void addresses_answered(struct place *p, const struct dns_answer *a, const char *kind)
{
	p->secure |= a->secure;
	if (a->status != DNS_FOUND && a->status != DNS_NONE) {
		attempt_advise(p->test->record,
			       "Name servers do not say where the server is: see to the zone.");
		self_say(p->test, false, "%s: %s %s%s%s", p->target->name, kind,
			 dns_status_name(a->status), *a->why ? ": " : "", a->why);
	}
	place_known(p);
	self_step_done(p->test);
}

static void on_a(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	p->a = NULL;
	for (size_t i = 0; a->status == DNS_FOUND && i < a->n; i++)
		address_add(p, AF_INET, &a->a[i]);
	addresses_answered(p, a, "A");
}

static void on_aaaa(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	p->aaaa = NULL;
	for (size_t i = 0; a->status == DNS_FOUND && i < a->n; i++)
		address_add(p, AF_INET6, &a->aaaa[i]);
	addresses_answered(p, a, "AAAA");
}

static void on_tlsa(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	p->tlsa = NULL;
	if (a->status == DNS_FOUND && a->secure) {
		p->tlsas = xcalloc(a->n, sizeof *p->tlsas);
		for (size_t i = 0; i < a->n; i++) {
			struct dns_tlsa *t = &p->tlsas[p->ntlsas++];

			*t = a->tlsa[i];
			t->data.ptr = xmemdup(t->data.ptr, t->data.len);
		}
		attempt_step(p->test->record, "%s: %zu TLSA records", p->target->name, p->ntlsas);
	} else if (a->status != DNS_NONE && a->status != DNS_FOUND) {
		attempt_advise(p->test->record,
			       "TLSA records that may be there and cannot be had keep others from "
			       "connecting (RFC 7673): see to the zone.");
		self_say(p->test, false, "%s: TLSA %s", p->target->name,
			 dns_status_name(a->status));
	}
	place_known(p);
	self_step_done(p->test);
}

static void place_start(struct self_test *t, const struct target *at)
{
	struct place *p = xcalloc(1, sizeof *p);

	p->test = t;
	p->target = at;
	DL_APPEND(t->places, p);
	say_target(t, at);
	if (at->literal) {
		p->addresses[p->naddresses++] = xstrdup(at->name);
		place_known(p);
		return;
	}
	t->busy += 2;
	p->a = dns_lookup(t->dns, at->name, DNS_A, on_a, p);
	p->aaaa = dns_lookup(t->dns, at->name, DNS_AAAA, on_aaaa, p);
	if (at->secure) {
		char *name = xasprintf("_%u._tcp.%s", at->port, at->name);

		t->busy++;
		p->tlsa = dns_lookup(t->dns, name, DNS_TLSA, on_tlsa, p);
		free(name);
	}
}

/* --- SRV ------------------------------------------------------------------------------------- */

/* RFC 6120 section 3.2.2: whoever finds no record looks at the domain itself. */
static void fall_back(struct self_test *t)
{
	targets_add(&t->targets, t->ascii, PORT_DEFAULT, false, false);
	t->targets.list[t->targets.n - 1].secure = t->secure_none;
	attempt_advise(t->record,
		       t->given[1]
			       ? "Servers that know no direct TLS (XEP-0368) find none of the "
				 "records: publish _xmpp-server too, or one with the target \".\"."
			       : "Publish SRV records of _xmpp-server that lead to this server.");
	attempt_step(t->record, "no _xmpp-server: others look at %s itself, port %d", t->domain,
		     PORT_DEFAULT);
}

static void srv_complete(struct self_test *t)
{
	if (t->none[0] && !t->given[1]) {
		attempt_advise(t->record,
			       "The SRV record says that there is no server: publish one "
			       "that leads here.");
		self_say(t, false, "_xmpp-server: \".\", which says that there is no such service");
	} else if (!t->given[0] && !t->none[0] && !t->failed) {
		fall_back(t);
	}
	if (!t->given[1] && *listened(t, true))
		attempt_step(t->record,
			     "listen_tls is set, but no _xmpps-server leads others to it");
	if (!t->given[0] && t->given[1] && t->none[0])
		attempt_step(t->record,
			     "servers that know no direct TLS (XEP-0368) are turned away "
			     "by _xmpp-server \".\"");
	for (size_t i = 0; i < t->targets.n; i++)
		place_start(t, &t->targets.list[i]);
}

static void srv_answered(struct self_test *t, const struct dns_answer *a, bool direct)
{
	size_t before = t->targets.n;

	t->srv[direct] = NULL;
	t->none[direct] = targets_add_srv(&t->targets, a, direct);
	t->given[direct] = t->targets.n > before;
	if (a->status == DNS_NONE && !direct)
		t->secure_none = a->secure;
	if (a->status != DNS_FOUND && a->status != DNS_NONE) {
		t->failed = true;
		attempt_advise(t->record, a->status == DNS_BOGUS
						  ? "DNSSEC says that records are forged: sign the "
						    "zone anew, or correct its DS record."
						  : "Name servers of the domain do not answer.");
		self_say(t, false, "%s: %s%s%s", self_service(direct), dns_status_name(a->status),
			 *a->why ? ": " : "", a->why);
	} else {
		attempt_step(t->record, "%s: %zu targets%s", self_service(direct),
			     t->targets.n - before, a->secure ? ", validated" : "");
	}
	if (!t->srv[!direct])
		srv_complete(t);
	self_step_done(t);
}

static void on_srv(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, false);
}

static void on_srv_direct(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, true);
}

static void srv_ask(struct self_test *t)
{
	for (int direct = 0; direct < 2; direct++) {
		char *name = xasprintf("%s._tcp.%s", self_service(direct), t->ascii);

		t->busy++;
		t->srv[direct] =
			dns_lookup(t->dns, name, DNS_SRV, direct ? on_srv_direct : on_srv, t);
		free(name);
	}
}

static void find(struct self_test *t)
{
	reach_static_targets(t->s2s->reaches, t->domain, &t->targets);
	if (t->targets.n)
		attempt_step(t->record, "the configuration says where it is: the DNS is not asked");
	else if (t->ascii)
		srv_ask(t);
	else
		targets_add_literal(&t->targets, t->domain);
	for (size_t i = 0; i < t->targets.n; i++)
		place_start(t, &t->targets.list[i]);
}

uint64_t self_test_start(struct s2s *x, struct str domain, char **ret_error)
{
	enum { QUESTIONS = 3 * REACH_TARGETS };
	struct resolver *dns = net_resolver(x, QUESTIONS, ret_error);
	struct buf ascii = BUF_INIT;
	struct self_test *t;
	uint64_t number;

	if (!dns)
		return 0;
	t = xcalloc(1, sizeof *t);
	t->s2s = x;
	t->dns = dns;
	t->domain = str_dup(domain);
	if (jid_domain_ascii(&ascii, domain) == 0)
		t->ascii = str_dup(buf_str(&ascii));
	buf_free(&ascii);
	t->record = attempt_new(x->attempts, true, "", t->domain);
	number = attempt_number(t->record);
	DL_APPEND(x->selves, t);
	t->busy = 1;
	find(t);
	self_step_done(t);
	return number;
}
