/* SPDX-License-Identifier: MIT */
/* Rules that say which instance may link as what, and what it may bind. */
#include <fnmatch.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "router/hub_internal.h"

/* The next word of a rule as a string of its own; NULL: no more. */
static char *word(struct str *rest)
{
	struct str part;

	while (str_split(rest, ' ', &part)) {
		if (part.len)
			return str_dup(part);
	}
	return NULL;
}

static bool word_matches(struct str *rest, const char *text)
{
	char *glob = word(rest);
	bool match = glob && fnmatch(glob, text, 0) == 0;

	free(glob);
	return match;
}

/* Leaves in *ret_routes what of the rule names routes. */
static bool rule_matches(const char *rule, const char *name, const char *process,
			 struct str *ret_routes)
{
	struct str rest = str_z(rule);

	if (!word_matches(&rest, name) || !word_matches(&rest, process))
		return false;
	*ret_routes = rest;
	return true;
}

bool allow_link(const struct router_config *c, const char *name, const char *process)
{
	struct str routes;

	if (!c->allow || !c->allow[0])
		return true;
	for (char **rule = c->allow; *rule; rule++) {
		if (rule_matches(*rule, name, process, &routes))
			return true;
	}
	return false;
}

bool allow_bind(const struct router_config *c, const char *name, const char *process,
		struct str route)
{
	char *text;
	bool good = false;

	if (!c->allow || !c->allow[0])
		return true;
	text = str_dup(route);
	for (char **rule = c->allow; *rule && !good; rule++) {
		struct str routes;

		if (!rule_matches(*rule, name, process, &routes))
			continue;
		while (routes.ptr && !good)
			good = word_matches(&routes, text);
	}
	free(text);
	return good;
}
