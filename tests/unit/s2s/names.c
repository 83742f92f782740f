/* SPDX-License-Identifier: MIT */
/* The DNS of a test: a short list of answers. */
#include "tests/unit/s2s/names.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

enum { NAMES = 16 };

struct dns_lookup {
	struct loop_task task;
	struct dns_answer answer;
	dns_fn *fn;
	void *arg;
};

static struct names {
	struct loop *loop;
	struct {
		const char *name;
		enum dns_type type;
		struct dns_answer answer;
	} list[NAMES];
	size_t n, asked, waiting;
	bool held;
} names;

/* As --wrap has them. */
struct dns_lookup *__wrap_dns_lookup(struct resolver *r, const char *name, enum dns_type type,
				     dns_fn *fn, void *arg);
struct dns_lookup *__wrap_dns_lookup_free(struct dns_lookup *q);

void names_begin(struct loop *l)
{
	names = (struct names){.loop = l};
}

void names_add(const char *name, enum dns_type type, struct dns_answer answer)
{
	ck_assert_uint_lt(names.n, NAMES);
	answer.why = answer.why ? answer.why : "";
	names.list[names.n].name = name;
	names.list[names.n].type = type;
	names.list[names.n++].answer = answer;
}

void names_hold(void)
{
	names.held = true;
}

size_t names_asked(void)
{
	return names.asked;
}

size_t names_waiting(void)
{
	return names.waiting;
}

static void answer(void *arg)
{
	struct dns_lookup *q = arg;

	names.waiting--;
	q->fn(q->arg, &q->answer);
	free(q);
}

struct dns_lookup *__wrap_dns_lookup(struct resolver *r, const char *name, enum dns_type type,
				     dns_fn *fn, void *arg)
{
	struct dns_lookup *q = xcalloc(1, sizeof *q);

	(void)r;
	q->fn = fn;
	q->arg = arg;
	q->answer = (struct dns_answer){.status = DNS_NONE, .why = ""};
	for (size_t i = 0; i < names.n; i++)
		if (names.list[i].type == type && !strcmp(names.list[i].name, name))
			q->answer = names.list[i].answer;
	q->task = (struct loop_task){.fn = answer, .arg = q};
	names.asked++;
	names.waiting++;
	if (!names.held)
		loop_defer(names.loop, &q->task);
	return q;
}

struct dns_lookup *__wrap_dns_lookup_free(struct dns_lookup *q)
{
	if (!q)
		return NULL;
	names.waiting--;
	loop_task_cancel(names.loop, &q->task);
	free(q);
	return NULL;
}
