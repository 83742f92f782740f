/* SPDX-License-Identifier: MIT */
/* A reach from domain to connection: SRV, then target after target. */
#include "s2s/reach.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/random.h"
#include "s2s/reach_internal.h"
#include "xmpp/jid.h"

struct reaches *reaches_new(struct loop *l, const struct reach_config *c)
{
	struct reaches *all = xcalloc(1, sizeof *all);

	all->loop = l;
	reaches_set(all, c);
	return all;
}

static void statics_free(struct reaches *all)
{
	for (size_t i = 0; i < all->config.nstatics; i++) {
		free((char *)all->statics[i].domain);
		free((char *)all->statics[i].address);
	}
	free(all->statics);
}

void reaches_set(struct reaches *all, const struct reach_config *c)
{
	struct reach_static *copy = xcalloc(c->nstatics + 1, sizeof *copy);

	for (size_t i = 0; i < c->nstatics; i++)
		copy[i] = (struct reach_static){.domain = xstrdup(c->statics[i].domain),
						.address = xstrdup(c->statics[i].address),
						.direct_tls = c->statics[i].direct_tls};
	statics_free(all);
	all->config = *c;
	all->config.statics = all->statics = copy;
}

struct reaches *reaches_free(struct reaches *all)
{
	if (all)
		statics_free(all);
	free(all);
	return NULL;
}

void reach_say(struct reach *r, const char *fmt, ...)
{
	va_list ap;

	free(r->last);
	va_start(ap, fmt);
	if (vasprintf(&r->last, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (r->watch)
		r->watch(r->arg, r->last);
}

/* --- handing out ----------------------------------------------------------------------------- */

/* Of the present target. */
static struct reach_result result_at(const struct reach *r, int fd, const char *address)
{
	const struct target *t = &r->targets.list[r->at];

	return (struct reach_result){
		.fd = fd,
		.direct_tls = t->direct,
		.target = t->known ? t->known : t->name,
		.secure = t->secure,
		.address = address,
		.tlsa = r->now.tlsas,
		.ntlsa = r->now.ntlsas,
	};
}

void reach_connected(struct reach *r, int fd, const char *address)
{
	struct reach_result res = result_at(r, fd, address);

	loop_timer_stop(r->total);
	r->handed = true;
	reach_say(r, "%s: connected%s", address, res.direct_tls ? " (direct TLS)" : "");
	r->fn(r->arg, r, &res); /* may free r */
}

bool reach_shares(struct reach *r, const char *address)
{
	struct reach_result res = result_at(r, -1, address);

	if (!r->share || !r->share(r->arg, &res))
		return false;
	loop_timer_stop(r->total);
	loop_timer_stop(r->now.pace);
	r->handed = true;
	return true;
}

static void give_up(struct reach *r, int err)
{
	char *text = r->last ? xstrdup(r->last) : xstrdup("no server is known");
	struct reach_result res = {
		.err = err, .text = text, .fd = -1, .no_service = err == -ENOENT};

	loop_timer_stop(r->total);
	target_clear(r);
	r->at = r->targets.n;
	r->handed = true;
	r->fn(r->arg, r, &res); /* may free r */
	free(text);
}

static void go_usual_way(struct reach *r);

void reach_advance(struct reach *r)
{
	target_clear(r);
	if (r->at < r->targets.n)
		r->at++;
	if (r->at < r->targets.n)
		target_start(r);
	else if (r->preferred)
		go_usual_way(r);
	else
		give_up(r, r->last_err ? r->last_err : -ENOENT);
}

static void on_total(void *arg)
{
	struct reach *r = arg;

	dns_lookup_free(r->srv[0]);
	dns_lookup_free(r->srv[1]);
	r->srv[0] = r->srv[1] = NULL;
	reach_say(r, "no connection in time");
	give_up(r, -ETIMEDOUT);
}

/* --- SRV
 * -------------------------------------------------------------------------------------------------
 */

static uint32_t draw(uint32_t below)
{
	return (uint32_t)(random_u64() % below);
}

/* RFC 6120 section 3.2.2: without SRV records the domain's own address and the registered port. */
static void fall_back(struct reach *r)
{
	targets_add(&r->targets, r->ascii, PORT_DEFAULT, false, false);
	r->targets.list[0].secure = r->secure_none;
}

static void srv_complete(struct reach *r)
{
	bool forged = r->status[0] == DNS_BOGUS || r->status[1] == DNS_BOGUS;

	if (forged) { /* RFC 7673 section 3.1 */
		give_up(r, -EBADMSG);
		return;
	}
	if (!r->targets.n && r->none_here) {
		reach_say(r, "%s says that it takes no streams of servers (SRV \".\")", r->domain);
		give_up(r, -ENOENT);
		return;
	}
	if (!r->targets.n && r->status[0] != DNS_FOUND)
		fall_back(r);
	targets_order(&r->targets, draw);
	r->at = 0;
	if (r->targets.n)
		target_start(r);
	else
		give_up(r, -ENOENT);
}

static void srv_answered(struct reach *r, const struct dns_answer *a, bool direct)
{
	const char *service = direct ? "_xmpps-server" : "_xmpp-server";

	r->srv[direct] = NULL;
	r->status[direct] = a->status;
	if (targets_add_srv(&r->targets, a, direct) && !direct)
		r->none_here = true;
	if (a->status == DNS_NONE && !direct)
		r->secure_none = a->secure;
	if (a->status == DNS_FAILED || a->status == DNS_TIMEOUT)
		r->last_err = -ETIMEDOUT;
	if (a->status == DNS_FOUND)
		reach_say(r, "%s: %zu targets%s", service, a->n, a->secure ? ", validated" : "");
	else
		reach_say(r, "%s: %s%s%s", service, dns_status_name(a->status), *a->why ? ": " : "",
			  a->why);
	if (!r->srv[!direct])
		srv_complete(r);
}

static void on_srv(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, false);
}

static void on_srv_direct(void *arg, const struct dns_answer *a)
{
	srv_answered(arg, a, true);
}

static void srv_ask(struct reach *r)
{
	struct resolver *dns = r->all->config.resolver;
	char *name = xasprintf("_xmpp-server._tcp.%s", r->ascii);

	r->srv[0] = dns_lookup(dns, name, DNS_SRV, on_srv, r);
	free(name);
	name = xasprintf("_xmpps-server._tcp.%s", r->ascii);
	r->srv[1] = dns_lookup(dns, name, DNS_SRV, on_srv_direct, r);
	free(name);
}

/* --- targets of the configuration ------------------------------------------------------------ */

/* "host:port" with a host that must be looked up, or an address as it is. */
static void static_add(struct targets *t, const struct reach_static *s)
{
	const char *colon = strrchr(s->address, ':');
	bool literal = conn_address_valid(s->address);
	unsigned long long port = PORT_DEFAULT;
	char *host;

	if (literal) {
		targets_add(t, s->address, 0, s->direct_tls, true);
		return;
	}
	if (colon)
		(void)str_u64(str_z(colon + 1), &port);
	host = xstrndup(s->address, colon ? (size_t)(colon - s->address) : strlen(s->address));
	targets_add(t, host, (uint16_t)port, s->direct_tls, false);
	free(host);
}

void targets_add_literal(struct targets *t, const char *domain)
{
	char *address = xasprintf("%s:%d", domain, PORT_DEFAULT);

	targets_add(t, address, 0, false, true);
	free(address);
}

void reach_static_targets(const struct reaches *all, const char *domain, struct targets *t)
{
	const struct reach_config *c = &all->config;

	for (size_t i = 0; i < c->nstatics; i++)
		if (!strcmp(c->statics[i].domain, domain))
			static_add(t, &c->statics[i]);
}

static void usual_targets(struct reach *r)
{
	reach_static_targets(r->all, r->domain, &r->targets);
	if (!r->targets.n && !r->ascii)
		targets_add_literal(&r->targets, r->domain);
}

static void begin(void *arg)
{
	struct reach *r = arg;

	if (r->targets.n)
		target_start(r);
	else if (r->ascii && r->all->config.resolver)
		srv_ask(r);
	else
		give_up(r, -ENOENT);
}

static void go_usual_way(struct reach *r)
{
	r->preferred = false;
	r->last_err = 0;
	targets_clear(&r->targets);
	r->at = 0;
	usual_targets(r);
	begin(r);
}

void reach_prefer(struct reach *r, const struct reach_static *where, const char *name, bool secure)
{
	struct target *t;

	if (!r->preferred)
		targets_clear(&r->targets);
	r->preferred = true;
	static_add(&r->targets, where);
	t = &r->targets.list[r->targets.n - 1];
	t->secure = secure;
	if (t->literal && name && !t->known)
		t->known = xstrdup(name);
}

struct reach *reach_new(struct reaches *all, const char *domain, reach_watch_fn *watch,
			reach_fn *fn, void *arg)
{
	struct reach *r = xcalloc(1, sizeof *r);
	struct buf ascii = BUF_INIT;

	*r = (struct reach){.all = all, .watch = watch, .fn = fn, .arg = arg};
	r->domain = xstrdup(domain);
	if (jid_domain_ascii(&ascii, str_z(domain)) == 0)
		r->ascii = str_dup(buf_str(&ascii));
	buf_free(&ascii);
	usual_targets(r);
	r->task = (struct loop_task){.fn = begin, .arg = r};
	r->total = loop_timer_new(all->loop, on_total, r);
	loop_timer_start(r->total, (uint64_t)all->config.total_ms, 0);
	loop_defer(all->loop, &r->task);
	return r;
}

static void again(void *arg)
{
	struct reach *r = arg;

	if (r->at >= r->targets.n || !target_more(r))
		reach_advance(r);
}

static void go_on(struct reach *r)
{
	r->handed = false;
	r->task.fn = again;
	loop_timer_start(r->total, (uint64_t)r->all->config.total_ms, 0);
	loop_defer(r->all->loop, &r->task);
}

void reach_next(struct reach *r)
{
	if (!r->last_err) /* it was there, and closed */
		r->last_err = -ECONNRESET;
	go_on(r);
}

void reach_share(struct reach *r, reach_share_fn *fn)
{
	r->share = fn;
}

void reach_alone(struct reach *r)
{
	r->share = NULL;
	go_on(r);
}

struct reach *reach_free(struct reach *r)
{
	if (!r)
		return NULL;
	loop_task_cancel(r->all->loop, &r->task);
	dns_lookup_free(r->srv[0]);
	dns_lookup_free(r->srv[1]);
	target_clear(r);
	targets_clear(&r->targets);
	loop_timer_free(r->total);
	free(r->domain);
	free(r->ascii);
	free(r->last);
	free(r);
	return NULL;
}
