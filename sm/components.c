/* SPDX-License-Identifier: MIT */
/*
 * Domains that components serve. One that is started again comes back within a moment: until the
 * deadline what is for its domain waits for it, and does not go to other servers. A component
 * speaks for its own domains alone.
 */
#include "sm/components.h"

#include <uthash.h>

struct served {
	UT_hash_handle hh;
	uint64_t gone; /* loop_now since when nobody serves it; 0: somebody does */
	char domain[];
};

struct components {
	struct sm *sm;
	struct served *served; /* by domain; those that are gone for long leave */
};

struct components *components_new(struct sm *sm)
{
	struct components *c = xcalloc(1, sizeof *c);

	c->sm = sm;
	return c;
}

static void forget(struct components *c, struct served *s)
{
	HASH_DEL(c->served, s);
	free(s);
}

struct components *components_free(struct components *c)
{
	while (c && c->served)
		forget(c, c->served);
	free(c);
	return NULL;
}

bool components_is(const struct member *m)
{
	return strcmp(m->process, "component") == 0 || strcmp(m->process, "muc") == 0;
}

static void add(struct components *c, const char *domain)
{
	size_t len = strlen(domain);
	struct served *s;

	HASH_FIND (hh, c->served, domain, len, s)
		;
	if (s)
		return;
	s = xcalloc(1, sizeof *s + len + 1);
	memcpy(s->domain, domain, len);
	HASH_ADD_KEYPTR(hh, c->served, s->domain, len, s);
}

void components_look(struct components *c, const struct member *m)
{
	uint64_t now = loop_now(c->sm->loop);
	struct served *s, *next;

	for (size_t i = 0; m && components_is(m) && i < m->nbinds; i++)
		if (link_place(c->sm->link, m->binds[i].route, 0))
			add(c, m->binds[i].route);
	HASH_ITER (hh, c->served, s, next) {
		if (link_place(c->sm->link, s->domain, 0))
			s->gone = 0;
		else if (!s->gone)
			s->gone = now ? now : 1;
		else if (now - s->gone >= (uint64_t)c->sm->config->deadline)
			forget(c, s);
	}
}

bool components_await(const struct components *c, const char *domain)
{
	const struct served *s;

	HASH_FIND (hh, c->served, domain, strlen(domain), s)
		;
	return s &&
	       (!s->gone || loop_now(c->sm->loop) - s->gone < (uint64_t)c->sm->config->deadline);
}

bool components_may_say(const struct components *c, const struct member *m, struct str domain)
{
	const struct served *s;

	for (size_t i = 0; i < m->nbinds; i++)
		if (str_eqz(domain, m->binds[i].route))
			return true;
	/* One that drains serves nothing any more, and still says what it has to say. */
	HASH_FIND (hh, c->served, domain.ptr, domain.len, s)
		;
	return s && s->gone;
}
