/* SPDX-License-Identifier: MIT */
/* What clients must have got, and in which order. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static bool has_all(const struct got *g, const char *const *parts)
{
	for (; *parts; parts++)
		if (!strstr(g->xml, *parts))
			return false;
	return true;
}

const char *client_gets(const char *file, int line, struct client *c, const char *const *parts)
{
	for (size_t i = 0; i < c->ngot; i++) {
		if (c->got[i].taken)
			continue;
		c->got[i].taken = true;
		if (!has_all(&c->got[i], parts))
			ck_abort_msg("%s:%d: %s got %s", file, line, c->full, c->got[i].xml);
		return c->got[i].xml;
	}
	ck_abort_msg("%s:%d: %s got nothing", file, line, c->full);
	return NULL;
}

const char *client_any(const char *file, int line, struct client *c, const char *const *parts)
{
	for (size_t i = 0; i < c->ngot; i++) {
		if (c->got[i].taken || !has_all(&c->got[i], parts))
			continue;
		c->got[i].taken = true;
		return c->got[i].xml;
	}
	ck_abort_msg("%s:%d: %s got no stanza with %s", file, line, c->full, parts[0]);
	return NULL;
}

void client_nothing(const char *file, int line, struct client *c)
{
	for (size_t i = 0; i < c->ngot; i++)
		if (!c->got[i].taken)
			ck_abort_msg("%s:%d: %s got %s", file, line, c->full, c->got[i].xml);
}

void forget(struct client *c)
{
	for (size_t i = 0; i < c->ngot; i++)
		c->got[i].taken = true;
}
