/* SPDX-License-Identifier: MIT */
/* How remote domains are reached: the resolver and the configured targets. */
#include <unistd.h>
#include "s2s/reach.h"
#include "s2s/s2s.h"

struct targets {
	struct reach_static *list;
	size_t n;
};

static void add(void *arg, const char *domain, const char *target, bool tls)
{
	struct targets *t = arg;

	t->list = xrealloc(t->list, (t->n + 1) * sizeof *t->list);
	t->list[t->n++] =
		(struct reach_static){.domain = domain, .address = target, .direct_tls = tls};
}

static const char *given(const char *option)
{
	return *option ? option : NULL;
}

/* Debian's dns-root-data, which is kept up to date. Nobody has asked for it: where the resolver
 * that we are given knows no DNSSEC, or another root, everything must go on without. */
static void find_anchor(const struct s2s_config *o, struct resolver_config *rc)
{
	static const char root[] = "/usr/share/dns/root.key";

	rc->anchor = given(o->dns_anchor);
	if (rc->anchor && strcmp(rc->anchor, "none") == 0) {
		rc->anchor = NULL;
	} else if (!rc->anchor && access(root, R_OK) == 0) {
		rc->anchor = root;
		rc->lenient = true;
	}
}

static bool has_anchor(const struct s2s_config *o)
{
	struct resolver_config rc = {0};

	find_anchor(o, &rc);
	return rc.anchor != NULL;
}

struct resolver *net_resolver(const struct s2s *x, size_t questions, char **ret_error)
{
	const struct s2s_config *o = x->config;
	struct resolver_config rc = {.server = given(o->dns_server),
				     .resolv_conf = given(o->dns_resolv_conf),
				     .hosts = given(o->dns_hosts),
				     .timeout_ms = o->dns_timeout,
				     .questions = questions};

	find_anchor(o, &rc);
	return resolver_new(x->loop, &rc, ret_error);
}

void net_init(struct s2s *x)
{
	const struct s2s_config *o = x->config;
	char *error = NULL;

	/* SRV of both kinds, or A and AAAA, of each. */
	x->resolver = net_resolver(x, 2 * (size_t)o->max_streams, &error);
	x->dnssec = has_anchor(o);
	if (!x->resolver)
		fatal("%s", error ? error : "the resolver cannot be set up");
	x->reaches = reaches_new(x->loop, &(struct reach_config){0});
	net_reload(x);
}

void net_reload(struct s2s *x)
{
	const struct s2s_config *o = x->config;
	struct targets t = {0};

	policies_targets(x->policies, add, &t);
	reaches_set(x->reaches, &(struct reach_config){.resolver = x->resolver,
						       .statics = t.list,
						       .nstatics = t.n,
						       .ipv4 = o->ipv4,
						       .ipv6 = o->ipv6,
						       .connect_ms = o->connect_timeout,
						       .total_ms = o->reach_timeout});
	free(t.list);
}

void net_deinit(struct s2s *x)
{
	x->reaches = reaches_free(x->reaches);
	x->resolver = resolver_free(x->resolver);
}
