/* SPDX-License-Identifier: MIT */
/* Our certificates: one for each domain, loaded again when their files change. */
#include "s2s/s2s.h"

#include <errno.h>
#include "link/host_cert.h"

enum { WATCH_SECONDS = 60 };

struct tls_store *certs_make(const struct s2s_config *o, char **ret_error)
{
	static const char *const alpn[] = {"xmpp-server", NULL};
	struct tls_options t = {
		.min_version = o->tls_min,
		.ciphers = *o->tls_ciphers ? o->tls_ciphers : NULL,
		.alpn = alpn,
		.ask_peer = true,
		.ca_file = *o->ca ? o->ca : NULL,
	};

	return tls_store_new(&t, ret_error);
}

void certs_init(struct s2s *x)
{
	const struct s2s_config *o = x->config;
	char *error = NULL;

	x->tls = certs_make(o, &error);
	if (!x->tls)
		fatal("%s", error ? error : "TLS cannot be set up");
	for (const char *const *d = x->domains; *d; d++) {
		int r = host_cert_add(x->tls, x->app, *d, &error);

		if (r == -ENODATA && o->tls == NEED_FORBIDDEN)
			free(error);
		else if (r < 0)
			fatal("%s", error);
	}
	x->watch.fn = certs_watch;
	x->watch.arg = x;
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}

void certs_reload(struct s2s *x)
{
	for (const char *const *d = x->domains; *d; d++)
		host_cert_again(x->tls, x->app, *d, x->config->tls != NEED_FORBIDDEN);
	certs_watch(x);
}

void certs_watch(void *arg)
{
	struct s2s *x = arg;

	host_certs_watch(x->tls);
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}
