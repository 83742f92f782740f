/* SPDX-License-Identifier: MIT */
/* Limits of XEP-0205: connections by address, rates by remote domain, sizes. */
#include "base/tenants.h"
#include "s2s/steps.h"

enum { TICK_MS = 100, UNPROVEN_STANZA = 10000 };

/* Credit of a remote domain, in thousandths, so that low rates are not lost to rounding; below zero
 * it is used up. */
struct bucket {
	UT_hash_handle hh;
	unsigned refs;
	char *remote;
	uint64_t filled;
	int64_t bytes, stanzas;
};

/* --- connections ------------------------------------------------------------------------- */

struct tenant *tenant_enter(struct s2s *x, int fd, bool *ret_full)
{
	int64_t limit = x->app->common->unlimited ? 0 : x->config->per_address;

	return tenants_enter(&x->tenants, fd, (size_t)limit, ret_full);
}

void tenant_leave(struct s2s *x, struct tenant *t)
{
	tenants_leave(&x->tenants, t);
}

/* --- rates ------------------------------------------------------------------------------- */

static int64_t burst(const struct s2s *x, int64_t rate)
{
	return rate * x->config->rate_burst;
}

struct bucket *bucket_ref(struct s2s *x, struct str remote)
{
	struct bucket *b;

	HASH_FIND (hh, x->buckets, remote.ptr, remote.len, b)
		;
	if (!b) {
		b = xcalloc(1, sizeof *b);
		b->remote = str_dup(remote);
		b->filled = loop_now(x->loop);
		b->bytes = burst(x, x->config->rate_bytes);
		b->stanzas = burst(x, x->config->rate_stanzas);
		HASH_ADD_KEYPTR(hh, x->buckets, b->remote, remote.len, b);
	}
	b->refs++;
	return b;
}

void bucket_unref(struct s2s *x, struct bucket *b)
{
	if (!b || --b->refs)
		return;
	HASH_DEL(x->buckets, b);
	free(b->remote);
	free(b);
}

static int64_t filled(int64_t credit, int64_t rate, uint64_t ms, int64_t top)
{
	int64_t v = credit + rate * (int64_t)ms;

	return v < top ? v : top;
}

static void fill(const struct s2s *x, struct bucket *b)
{
	uint64_t now = loop_now(x->loop), ms = now - b->filled;

	if (ms > 100000) /* fills it anyway */
		ms = 100000;
	b->filled = now;
	b->bytes = filled(b->bytes, x->config->rate_bytes, ms, burst(x, x->config->rate_bytes));
	b->stanzas =
		filled(b->stanzas, x->config->rate_stanzas, ms, burst(x, x->config->rate_stanzas));
}

static bool exhausted(const struct s2s *x, const struct bucket *b)
{
	const struct s2s_config *o = x->config;

	return !x->app->common->unlimited &&
	       ((o->rate_bytes && b->bytes < 0) || (o->rate_stanzas && b->stanzas < 0));
}

bool bucket_take(struct s2s *x, struct bucket *b, size_t bytes, unsigned stanzas)
{
	fill(x, b);
	b->bytes -= 1000 * (int64_t)bytes;
	b->stanzas -= 1000 * (int64_t)stanzas;
	return !exhausted(x, b);
}

void limits_throttle(struct stream *s)
{
	struct s2s *x = s->s2s;

	if (s->throttled || s->phase == PHASE_CLOSED)
		return;
	s->throttled = true;
	x->stats.throttled++;
	DL_APPEND2(x->throttled, s, tprev, tnext);
	if (x->throttled == s)
		loop_timer_start(x->throttle, TICK_MS, TICK_MS);
	stream_pause(s, PAUSE_RATE);
}

void limits_forget(struct stream *s)
{
	struct s2s *x = s->s2s;

	if (!s->throttled)
		return;
	s->throttled = false;
	DL_DELETE2(x->throttled, s, tprev, tnext);
	if (!x->throttled)
		loop_timer_stop(x->throttle);
}

static bool still_exhausted(const struct stream *s)
{
	const struct proof *p;

	DL_FOREACH (s->proofs, p) {
		if (!p->bucket)
			continue;
		fill(s->s2s, p->bucket);
		if (exhausted(s->s2s, p->bucket))
			return true;
	}
	return false;
}

void limits_tick(void *arg)
{
	struct s2s *x = arg;
	struct stream *s, *next;

	DL_FOREACH_SAFE2(x->throttled, s, next, tnext)
	{
		if (still_exhausted(s))
			continue;
		limits_forget(s);
		stream_resume(s, PAUSE_RATE);
	}
}

/* --- sizes ------------------------------------------------------------------------------- */

void limits_xml(const struct s2s *x, bool proven, struct xml_limits *ret)
{
	const struct s2s_config *o = x->config;

	*ret = (struct xml_limits){
		/* RFC 6120 section 13.12: a limit on stanzas must not be below 10,000 bytes. */
		.stanza_bytes = proven || o->max_stanza < UNPROVEN_STANZA ? (size_t)o->max_stanza
									  : UNPROVEN_STANZA,
		.header_bytes = (size_t)o->max_header,
		.depth = (unsigned)o->max_depth,
		.attrs = (unsigned)o->max_attributes,
		.children = (unsigned)o->max_elements,
		.ns_decls = (unsigned)o->max_namespaces,
	};
}
