/* SPDX-License-Identifier: MIT */
/* Token buckets in bytes and stanzas that slow a client down, and the reader's limits. */
#include <utlist.h>
#include "c2s/client.h"

enum { TICK_MS = 100, UNAUTHENTICATED_STANZA = 10000 };

void limits_xml(const struct c2s *x, bool authenticated, struct xml_limits *ret)
{
	const struct c2s_config *o = x->config;

	*ret = (struct xml_limits){
		/* RFC 6120 section 13.12: a limit on stanzas must not be below 10,000 bytes. */
		.stanza_bytes = authenticated || o->max_stanza < UNAUTHENTICATED_STANZA
					? (size_t)o->max_stanza
					: UNAUTHENTICATED_STANZA,
		.header_bytes = (size_t)o->max_header,
		.depth = (unsigned)o->max_depth,
		.attrs = (unsigned)o->max_attributes,
		.children = (unsigned)o->max_elements,
		.ns_decls = (unsigned)o->max_namespaces,
	};
}

static int64_t burst(const struct c2s *x, int64_t rate)
{
	return rate * x->config->rate_burst;
}

static bool limited(const struct c2s *x)
{
	return !x->app->common->unlimited && (x->config->rate_bytes || x->config->rate_stanzas);
}

void limits_start(struct client *c)
{
	c->credit_bytes = burst(c->c2s, c->c2s->config->rate_bytes);
	c->credit_stanzas = burst(c->c2s, c->c2s->config->rate_stanzas);
	c->limited_ms = (uint32_t)loop_now(c->c2s->loop);
}

static int64_t filled(int64_t credit, int64_t rate, uint32_t ms, int64_t top)
{
	int64_t v = credit + rate * ms;

	return v < top ? v : top;
}

static void fill(struct client *c)
{
	const struct c2s *x = c->c2s;
	uint32_t now = (uint32_t)loop_now(x->loop), ms = now - c->limited_ms;

	c->limited_ms = now;
	c->credit_bytes =
		filled(c->credit_bytes, x->config->rate_bytes, ms, burst(x, x->config->rate_bytes));
	c->credit_stanzas = filled(c->credit_stanzas, x->config->rate_stanzas, ms,
				   burst(x, x->config->rate_stanzas));
}

static bool exhausted(const struct client *c)
{
	const struct c2s_config *o = c->c2s->config;

	return (o->rate_bytes && c->credit_bytes < 0) || (o->rate_stanzas && c->credit_stanzas < 0);
}

static void check(struct client *c)
{
	struct c2s *x = c->c2s;

	if (!exhausted(c) || c->throttled)
		return;
	fill(c);
	if (!exhausted(c))
		return;
	c->throttled = true;
	x->stats.throttled++;
	DL_APPEND2(x->throttled, c, tprev, tnext);
	if (x->throttled == c)
		loop_timer_start(x->throttle, TICK_MS, TICK_MS);
	client_pause(c, PAUSE_RATE);
}

void limits_bytes(struct client *c, size_t n)
{
	if (!limited(c->c2s) || !c->c2s->config->rate_bytes)
		return;
	c->credit_bytes -= 1000 * (int64_t)n;
	check(c);
}

void limits_stanza(struct client *c)
{
	if (!limited(c->c2s) || !c->c2s->config->rate_stanzas)
		return;
	c->credit_stanzas -= 1000;
	check(c);
}

void limits_forget(struct client *c)
{
	struct c2s *x = c->c2s;

	if (!c->throttled)
		return;
	c->throttled = false;
	DL_DELETE2(x->throttled, c, tprev, tnext);
	if (!x->throttled)
		loop_timer_stop(x->throttle);
}

void limits_tick(void *arg)
{
	struct c2s *x = arg;
	struct client *c, *tmp;

	DL_FOREACH_SAFE2(x->throttled, c, tmp, tnext)
	{
		fill(c);
		if (!exhausted(c) || !limited(x)) {
			limits_forget(c);
			client_resume(c, PAUSE_RATE);
		}
	}
}
