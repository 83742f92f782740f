/* SPDX-License-Identifier: MIT */
/* Listening sockets, certificates, and how many connections there may be. */
#include <errno.h>
#include <unistd.h>
#include "c2s/client.h"

/* Connections from one IPv4 address, or one IPv6 /64 (what a single customer commonly has). */
struct tenant {
	UT_hash_handle hh;
	uint8_t key[9];
	unsigned n;
};

static bool tenant_key(int fd, uint8_t ret[9])
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;
	const uint8_t *v6;

	if (getpeername(fd, (struct sockaddr *)&ss, &n) < 0)
		return false;
	memset(ret, 0, 9);
	if (ss.ss_family == AF_INET) {
		ret[0] = 4;
		memcpy(ret + 1, &((struct sockaddr_in *)&ss)->sin_addr, 4);
		return true;
	}
	if (ss.ss_family != AF_INET6)
		return false;
	v6 = ((struct sockaddr_in6 *)&ss)->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)v6)) {
		ret[0] = 4;
		memcpy(ret + 1, v6 + 12, 4);
	} else {
		ret[0] = 6;
		memcpy(ret + 1, v6, 8);
	}
	return true;
}

struct tenant *tenant_enter(struct c2s *x, int fd, bool *ret_full)
{
	uint8_t key[9];
	struct tenant *t;
	int64_t limit = x->app->common->unlimited ? 0 : x->config->per_address;

	*ret_full = false;
	if (!tenant_key(fd, key))
		return NULL;
	HASH_FIND (hh, x->tenants, key, sizeof key, t)
		;
	if (t && limit && t->n >= limit) {
		*ret_full = true;
		return NULL;
	}
	if (!t) {
		t = xcalloc(1, sizeof *t);
		memcpy(t->key, key, sizeof key);
		HASH_ADD(hh, x->tenants, key, sizeof key, t);
	}
	t->n++;
	return t;
}

void tenant_leave(struct c2s *x, struct tenant *t)
{
	if (!t || --t->n)
		return;
	HASH_DEL(x->tenants, t);
	free(t);
}

static void accept_plain(void *arg, int fd)
{
	client_accept(arg, fd, false);
}

static void accept_tls(void *arg, int fd)
{
	client_accept(arg, fd, true);
}

static void on_full(void *arg)
{
	struct c2s *x = arg;

	log_error("no more connections: the limit of open files is reached",
		  LF_U("connections", x->nclients));
}

static void listen_all(struct c2s *x, char **addresses, listener_fn *fn)
{
	for (; *addresses; addresses++) {
		struct listener *l;
		int err = listener_new(x->loop, *addresses, x->config->reuse_port, fn, x, &l);

		if (err < 0)
			fatal("cannot listen on %s: %s", *addresses, strerror(-err));
		listener_on_full(l, on_full);
		x->listeners = xrealloc(x->listeners, (x->nlisteners + 1) * sizeof *x->listeners);
		x->listeners[x->nlisteners++] = l;
	}
}

void listen_start(struct c2s *x)
{
	listen_all(x, x->config->listen, accept_plain);
	listen_all(x, x->config->listen_tls, accept_tls);
}

void listen_stop(struct c2s *x)
{
	while (x->nlisteners)
		listener_free(x->listeners[--x->nlisteners]);
	free(x->listeners);
	x->listeners = NULL;
}

/* --- certificates ------------------------------------------------------------------------ */

enum { WATCH_SECONDS = 60 };

/* A host's own certificate, else the common one. Returns an error line or NULL. */
static char *add_domain(struct c2s *x, struct tls_store *store, const char *name)
{
	const struct common_config *common = x->app->common;
	struct host_config h = {0};
	const char *cert, *key;
	char *error = NULL;

	conf_fill_titled(x->app->conf, "host", name, host_options, &h);
	cert = h.certificate && *h.certificate ? h.certificate : common->certificate;
	key = h.key && *h.key ? h.key : common->key;
	if (!cert || !*cert || !key || !*key)
		error = xasprintf("no certificate for %s: set certificate and key", name);
	else
		(void)tls_store_add(store, name, cert, key, &error);
	options_free(host_options, &h);
	return error;
}

void tls_setup(struct c2s *x)
{
	static const char *const alpn[] = {"xmpp-client", NULL};
	const struct c2s_config *o = x->config;
	struct tls_options t = {
		.min_version = o->tls_min,
		.ciphers = o->tls_ciphers && *o->tls_ciphers ? o->tls_ciphers : NULL,
		.alpn = alpn,
	};
	char *error = NULL;

	x->tls = tls_store_new(&t, &error);
	if (!x->tls)
		fatal("%s", error ? error : "TLS cannot be set up");
	for (size_t i = 0; i < x->ndomains; i++) {
		error = add_domain(x, x->tls, x->domains[i].name);
		if (error)
			fatal("%s", error);
	}
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}

static void watch_failed(void *arg, const char *error)
{
	log_error("certificate not loaded, the one before stays", LF_S("reason", error));
}

void tls_watch(void *arg)
{
	struct c2s *x = arg;
	int n = tls_store_reload(x->tls, watch_failed, x);

	if (n > 0)
		log_info("certificates loaded", LF_I("count", n));
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}
