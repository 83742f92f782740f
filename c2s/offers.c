/* SPDX-License-Identifier: MIT */
/* What auth offers for a domain, cached: a stream's features do not wait for another process. */
#include <utlist.h>
#include "c2s/client.h"

enum { ASK_MS = 5000, RETRY_MS = 500 };

/* A question that has no answer yet; request NULL: nobody could be asked. */
struct question {
	struct question *prev, *next;
	struct c2s *c2s;
	struct domain *domain;
	unsigned slot;
	struct link_request *request;
};

void offer_unref(struct offer *o)
{
	if (!o || --o->refs)
		return;
	free(o->mechanisms);
	free(o->bindings);
	free(o);
}

static struct str *copy_list(const struct str *list, size_t n)
{
	size_t bytes = n * sizeof *list;
	struct str *copy;
	char *text;

	for (size_t i = 0; i < n; i++)
		bytes += list[i].len;
	copy = xmalloc(bytes ? bytes : 1);
	text = (char *)(copy + n);
	for (size_t i = 0; i < n; i++) {
		if (list[i].len)
			memcpy(text, list[i].ptr, list[i].len);
		copy[i] = str_n(text, list[i].len);
		text += list[i].len;
	}
	return copy;
}

bool offer_has(const struct offer *o, struct str mechanism)
{
	for (size_t i = 0; o && i < o->nmechanisms; i++)
		if (str_eq(o->mechanisms[i], mechanism))
			return true;
	return false;
}

static unsigned slot_of(bool secure, unsigned bindings)
{
	return (secure ? 4u : 0u) | (bindings & 3u);
}

static void tell_waiting(struct c2s *x)
{
	struct client *c, *tmp;

	DL_FOREACH_SAFE (x->clients, c, tmp)
		if (c->wait_offer)
			stream_offer_ready(c);
}

struct choice {
	uint64_t id;
	unsigned seen;
};

static void pick(void *arg, const struct member *m)
{
	struct choice *ch = arg;

	/* Each of n instances is left chosen with the same chance. */
	if (random_u64() % ++ch->seen == 0)
		ch->id = m->id;
}

uint64_t any_serving(struct c2s *x, const char *route)
{
	struct choice ch = {0, 0};

	link_serving(x->link, route, pick, &ch);
	return ch.id;
}

struct offer *offer_new(const struct msg_auth_offer *m)
{
	struct offer *o = xcalloc(1, sizeof *o);

	o->refs = 1;
	o->nmechanisms = m->nmechanisms;
	o->mechanisms = copy_list(m->mechanisms, m->nmechanisms);
	o->nbindings = m->nbindings;
	o->bindings = copy_list(m->bindings, m->nbindings);
	o->elsewhere = m->elsewhere;
	return o;
}

size_t offer_bindings(unsigned bindings, struct str ret_names[2])
{
	size_t n = 0;

	if (bindings & BIND_EXPORTER)
		ret_names[n++] = STR("tls-exporter");
	if (bindings & BIND_END_POINT)
		ret_names[n++] = STR("tls-server-end-point");
	return n;
}

static void on_offer(void *arg, int err, uint16_t kind, const void *m)
{
	struct question *q = arg;
	struct c2s *x = q->c2s;

	q->request = NULL;
	if (err < 0 || kind != MSG_AUTH_OFFER) {
		loop_timer_ensure(x->retry, RETRY_MS);
		return;
	}
	offer_unref(q->domain->offers[q->slot]);
	q->domain->offers[q->slot] = offer_new(m);
	DL_DELETE(x->questions, q);
	free(q);
	tell_waiting(x);
}

static void ask(struct question *q)
{
	struct c2s *x = q->c2s;
	struct str names[2];
	struct msg_auth_mechanisms m = {
		.domain = str_z(q->domain->name), .secure = q->slot >= 4, .bindings = names};
	struct frame head = {.kind = MSG_AUTH_MECHANISMS,
			     .to = any_serving(x, "auth"),
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	if (q->request || !head.to)
		return;
	m.nbindings = offer_bindings(q->slot, names);
	q->request = link_request(x->link, &head, &m, ASK_MS, on_offer, q);
}

static void question(struct c2s *x, struct domain *d, unsigned slot)
{
	struct question *q;

	DL_FOREACH (x->questions, q)
		if (q->domain == d && q->slot == slot)
			break;
	if (!q) {
		q = xcalloc(1, sizeof *q);
		q->c2s = x;
		q->domain = d;
		q->slot = slot;
		DL_APPEND(x->questions, q);
	}
	ask(q);
}

struct offer *offer_get(struct c2s *x, struct domain *d, bool secure, unsigned bindings)
{
	unsigned slot = slot_of(secure, bindings);
	struct offer *o = d->offers[slot];

	if (!o || o->stale)
		question(x, d, slot);
	if (o)
		o->refs++;
	return o;
}

/* At once, not when the next stream needs it: that one would be offered what is refused by now. */
void offers_changed(struct c2s *x)
{
	struct question *q;

	/* An answer on its way may be of before. */
	DL_FOREACH (x->questions, q) {
		link_cancel(q->request);
		q->request = NULL;
		ask(q);
	}
	for (size_t i = 0; i < x->ndomains; i++) {
		for (unsigned s = 0; s < 8; s++) {
			struct offer *o = x->domains[i].offers[s];

			if (o && !o->stale)
				question(x, &x->domains[i], s);
			if (o)
				o->stale = true;
		}
	}
}

void on_offers_changed(void *arg, const struct frame *f, const void *msg)
{
	offers_changed(arg);
}

void offers_free(struct c2s *x)
{
	struct question *q, *tmp;

	DL_FOREACH_SAFE (x->questions, q, tmp) {
		link_cancel(q->request);
		DL_DELETE(x->questions, q);
		free(q);
	}
	for (size_t i = 0; i < x->ndomains; i++)
		for (size_t s = 0; s < 8; s++)
			offer_unref(x->domains[i].offers[s]);
}

void offers_retry(struct c2s *x)
{
	struct question *q, *tmp;

	DL_FOREACH_SAFE (x->questions, q, tmp)
		ask(q);
}
