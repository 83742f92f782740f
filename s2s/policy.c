/* SPDX-License-Identifier: MIT */
/* Policies by domain: the sections remote over the options of s2s. */
#include "s2s/policy.h"

#include "base/alloc.h"
/* uthash would exit without a word; here running out of memory aborts. */
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <stdlib.h>
#include <uthash.h>
#include "xmpp/jid.h"

struct remote {
	UT_hash_handle hh;
	char *domain;
	struct remote_config c;
};

/* A domain of a list, as domains are compared. */
struct name {
	UT_hash_handle hh;
	char text[];
};

struct policies {
	struct remote *remotes;
	struct name *allow, *deny;
};

/* The file may have capitals or A-labels. */
static void add_names(struct name **set, char **list)
{
	for (; *list; list++) {
		struct buf b = BUF_INIT;
		struct name *n = NULL;

		if (jid_prep_domain(&b, str_z(*list)) < 0)
			buf_str_append(&b, str_z(*list));
		HASH_FIND (hh, *set, buf_ptr(&b), b.len, n)
			;
		if (!n) {
			n = xcalloc(1, sizeof *n + b.len + 1);
			memcpy(n->text, buf_ptr(&b), b.len);
			HASH_ADD_KEYPTR(hh, *set, n->text, b.len, n);
		}
		buf_free(&b);
	}
}

static void free_names(struct name **set)
{
	struct name *n, *next;

	HASH_ITER (hh, *set, n, next) {
		HASH_DEL(*set, n);
		free(n);
	}
}

static enum need need_of(int remote, int common)
{
	return remote ? (enum need)(remote - 1) : (enum need)common;
}

/* A domain that nothing could ever prove is a mistake of the configuration. */
static bool provable(enum need tls, enum need certificate, enum need dialback)
{
	if (dialback != NEED_FORBIDDEN)
		return certificate != NEED_REQUIRED || tls != NEED_FORBIDDEN;
	return certificate != NEED_FORBIDDEN && tls != NEED_FORBIDDEN;
}

static bool add_remote(struct policies *all, const struct app *app, const char *title,
		       char **ret_error)
{
	const struct s2s_config *o = app->config;
	struct buf b = BUF_INIT;
	struct remote *r;

	if (jid_prep_domain(&b, str_z(title)) < 0) {
		*ret_error = xasprintf("remote \"%s\": this is no domain", title);
		return false;
	}
	r = xcalloc(1, sizeof *r);
	r->domain = buf_take(&b);
	conf_fill_titled(app->conf, "remote", title, remote_options, &r->c);
	HASH_ADD_KEYPTR(hh, all->remotes, r->domain, strlen(r->domain), r);
	if (provable(need_of(r->c.tls, o->tls), need_of(r->c.certificate, o->certificate),
		     need_of(r->c.dialback, o->dialback)))
		return true;
	*ret_error =
		xasprintf("remote \"%s\": neither certificate nor dialback can prove it", title);
	return false;
}

struct policies *policies_new(const struct app *app, char **ret_error)
{
	const struct s2s_config *o = app->config;
	struct policies *all = xcalloc(1, sizeof *all);
	const char *const *titles = conf_titles(app->conf, "remote");

	if (!provable((enum need)o->tls, (enum need)o->certificate, (enum need)o->dialback)) {
		*ret_error = xstrdup("s2s: neither certificate nor dialback can prove a domain");
		return policies_free(all);
	}
	for (; titles && *titles; titles++)
		if (!add_remote(all, app, *titles, ret_error))
			return policies_free(all);
	add_names(&all->allow, o->allow);
	add_names(&all->deny, o->deny);
	return all;
}

struct policies *policies_free(struct policies *all)
{
	struct remote *r, *next;

	if (!all)
		return NULL;
	HASH_ITER (hh, all->remotes, r, next) {
		HASH_DEL(all->remotes, r);
		options_free(remote_options, &r->c);
		free(r->domain);
		free(r);
	}
	free_names(&all->allow);
	free_names(&all->deny);
	free(all);
	return NULL;
}

/* The domain itself, or one that it is under. */
static bool in_list(const struct name *set, struct str domain)
{
	while (set && domain.len) {
		const char *dot = memchr(domain.ptr, '.', domain.len);
		struct name *n = NULL;

		HASH_FIND (hh, set, domain.ptr, domain.len, n)
			;
		if (n)
			return true;
		domain = dot ? str_n(dot + 1, domain.len - (size_t)(dot + 1 - domain.ptr)) : STR_NONE;
	}
	return false;
}

struct policy policy_of(const struct policies *all, const struct s2s_config *o, struct str domain)
{
	struct remote *r = NULL;
	struct remote_config none = {0};
	const struct remote_config *c = &none;

	HASH_FIND (hh, all->remotes, domain.ptr, domain.len, r)
		;
	if (r)
		c = &r->c;
	return (struct policy){
		.tls = need_of(c->tls, o->tls),
		.certificate = need_of(c->certificate, o->certificate),
		.dialback = need_of(c->dialback, o->dialback),
		.denied = in_list(all->deny, domain) || (all->allow && !in_list(all->allow, domain)),
	};
}

bool policy_shares(struct policy p, enum share how, bool secure, bool good)
{
	if (how == SHARE_NEVER || p.denied || p.dialback == NEED_FORBIDDEN)
		return false;
	if (secure ? p.tls == NEED_FORBIDDEN : p.tls == NEED_REQUIRED)
		return false;
	return good || (how == SHARE_DNS && p.certificate != NEED_REQUIRED);
}

void policies_targets(const struct policies *all,
		      void (*fn)(void *arg, const char *domain, const char *target, bool tls),
		      void *arg)
{
	for (const struct remote *r = all->remotes; r; r = r->hh.next)
		if (*r->c.target)
			fn(arg, r->domain, r->c.target, r->c.target_tls);
}
