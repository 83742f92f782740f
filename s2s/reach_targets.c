/* SPDX-License-Identifier: MIT */
/* The servers of a domain in the order in which they are tried (RFC 2782, XEP-0368). */
#include <stdlib.h>
#include "base/alloc.h"
#include "s2s/reach_internal.h"

void targets_clear(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->list[i].name);
		free(t->list[i].known);
	}
	t->n = 0;
}

void targets_add(struct targets *t, const char *name, uint16_t port, bool direct, bool literal)
{
	if (t->n == REACH_TARGETS)
		return;
	t->list[t->n++] = (struct target){
		.name = xstrdup(name), .port = port, .direct = direct, .literal = literal};
}

bool targets_add_srv(struct targets *t, const struct dns_answer *a, bool direct)
{
	bool none = false;

	for (size_t i = 0; a->status == DNS_FOUND && i < a->n; i++) {
		const struct dns_srv *s = &a->srv[i];
		struct target *last;

		if (!*s->target) {
			none = a->n == 1;
			continue;
		}
		if (!s->port || t->n == REACH_TARGETS)
			continue;
		targets_add(t, s->target, s->port, direct, false);
		last = &t->list[t->n - 1];
		last->priority = s->priority;
		last->weight = s->weight;
		last->secure = a->secure;
	}
	return none;
}

static void swap(struct target *a, struct target *b)
{
	struct target keep = *a;

	*a = *b;
	*b = keep;
}

static int by_priority(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	/* RFC 2782: those with weight 0 stand first when one is drawn. */
	return (x->weight != 0) - (y->weight != 0);
}

/* RFC 2782, "Weight": the first whose running sum reaches a number drawn from 0 to the sum. */
static size_t pick(const struct target *list, size_t n, uint32_t (*draw)(uint32_t below))
{
	uint32_t sum = 0, running = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += list[i].weight;
	at = draw(sum + 1);
	for (size_t i = 0; i < n; i++) {
		running += list[i].weight;
		if (running >= at)
			return i;
	}
	return n - 1;
}

void targets_order(struct targets *t, uint32_t (*draw)(uint32_t below))
{
	struct target *list = t->list;

	qsort(list, t->n, sizeof *list, by_priority);
	for (size_t i = 0, end; i < t->n; i++) {
		size_t chosen;

		for (end = i + 1; end < t->n && list[end].priority == list[i].priority; end++)
			;
		/* Those left keep their order, weight 0 first. */
		for (chosen = i + pick(list + i, end - i, draw); chosen > i; chosen--)
			swap(&list[chosen], &list[chosen - 1]);
	}
}
