/* SPDX-License-Identifier: MIT */
/* Contacts who have refused a session's presence (RFC 6121 sections 4.4.2 and 4.5.2). */
#include <uthash.h>
#include "sm/refusals.h"

struct refusals { /* the table is its first entry, as uthash has it */
	UT_hash_handle hh;
	const struct session **sessions;
	size_t n;
	char bare[];
};

static struct refusals *find(const struct refusals *r, struct str bare)
{
	struct refusals *e;

	HASH_FIND(hh, r, bare.ptr, bare.len, e);
	return e;
}

static void drop(struct refusals **r, struct refusals *e)
{
	HASH_DEL(*r, e);
	free(e->sessions);
	free(e);
}

struct refusals *refusals_free(struct refusals *r)
{
	while (r)
		drop(&r, r);
	return NULL;
}

bool refusals_has(const struct refusals *r, struct str bare, const struct session *s)
{
	const struct refusals *e = r ? find(r, bare) : NULL;

	for (size_t i = 0; e && i < e->n; i++)
		if (e->sessions[i] == s)
			return true;
	return false;
}

void refusals_add(struct refusals **r, struct str bare, const struct session *s)
{
	struct refusals *e = *r ? find(*r, bare) : NULL;

	if (refusals_has(*r, bare, s))
		return;
	if (!e) {
		e = xcalloc(1, sizeof *e + bare.len + 1);
		memcpy(e->bare, bare.ptr, bare.len);
		HASH_ADD(hh, *r, bare, bare.len, e);
	}
	e->sessions = xrealloc(e->sessions, (e->n + 1) * sizeof *e->sessions);
	e->sessions[e->n++] = s;
}

void refusals_clear(struct refusals **r, struct str bare)
{
	struct refusals *e = *r ? find(*r, bare) : NULL;

	if (e)
		drop(r, e);
}

void refusals_forget(struct refusals **r, const struct session *s)
{
	struct refusals *e, *tmp;

	HASH_ITER(hh, *r, e, tmp)
	{
		for (size_t i = 0; i < e->n; i++)
			if (e->sessions[i] == s)
				e->sessions[i--] = e->sessions[--e->n];
		if (!e->n)
			drop(r, e);
	}
}
