/* SPDX-License-Identifier: MIT */
/* Blocked addresses in a hash table: a look-up for each of the four forms that may cover a JID. */
#include <stdio.h>
#include "base/alloc.h"
#include "sm/blocklist.h"

struct blocklist *blocklist_new(void)
{
	return xcalloc(1, sizeof(struct blocklist));
}

static struct blocked *find(const struct blocklist *l, struct str jid)
{
	struct blocked *b;

	HASH_FIND(hh, l->all, jid.ptr, jid.len, b);
	return b;
}

static void drop(struct blocklist *l, struct blocked *b)
{
	HASH_DEL(l->all, b);
	l->n--;
	free(b);
}

void blocklist_add(struct blocklist *l, struct str jid)
{
	struct blocked *b;

	if (find(l, jid))
		return;
	b = xcalloc(1, sizeof *b + jid.len + 1);
	memcpy(b->jid, jid.ptr, jid.len);
	HASH_ADD_KEYPTR(hh, l->all, b->jid, jid.len, b);
	l->n++;
}

bool blocklist_remove(struct blocklist *l, struct str jid)
{
	struct blocked *b = find(l, jid);

	if (b)
		drop(l, b);
	return b != NULL;
}

bool blocklist_has(const struct blocklist *l, struct str jid)
{
	return find(l, jid) != NULL;
}

bool blocklist_matches(const struct blocklist *l, const struct jid *j)
{
	char with_resource[2100] UNINITIALIZED;

	if (!l->n || !j->full.len)
		return false;
	if (find(l, j->full) || find(l, j->bare) || find(l, j->domain))
		return true;
	if (!j->resource.len)
		return false;
	(void)snprintf(with_resource, sizeof with_resource, "%.*s/%.*s", STR_ARG(j->domain),
		       STR_ARG(j->resource));
	return find(l, str_z(with_resource)) != NULL;
}

struct blocklist *blocklist_free(struct blocklist *l)
{
	struct blocked *b, *tmp;

	if (!l)
		return NULL;
	HASH_ITER(hh, l->all, b, tmp)
	{
		drop(l, b);
	}
	free(l);
	return NULL;
}
