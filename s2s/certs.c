/* SPDX-License-Identifier: MIT */
/* Our certificates: one for each domain, loaded again when their files change. */
#include "s2s/s2s.h"

#include <errno.h>
#include "link/host_cert.h"

enum { WATCH_SECONDS = 60 };

void certs_init(struct s2s *x)
{
	static const char *const alpn[] = {"xmpp-server", NULL};
	const struct s2s_config *o = x->config;
	struct tls_options t = {
		.min_version = o->tls_min,
		.ciphers = *o->tls_ciphers ? o->tls_ciphers : NULL,
		.alpn = alpn,
		.ask_peer = true,
		.ca_file = *o->ca ? o->ca : NULL,
	};
	char *error = NULL;

	x->tls = tls_store_new(&t, &error);
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

static void watch_failed(void *arg, const char *error)
{
	(void)arg;
	log_error("certificate not loaded, the one before stays", LF_S("reason", error));
}

/* The paths may be others; what cannot be loaded leaves what is there. */
void certs_reload(struct s2s *x)
{
	for (const char *const *d = x->domains; *d; d++) {
		char *error = NULL;
		int r = host_cert_add(x->tls, x->app, *d, &error);

		if (r < 0 && (r != -ENODATA || x->config->tls != NEED_FORBIDDEN))
			watch_failed(NULL, error);
		free(error);
	}
	certs_watch(x);
}

void certs_watch(void *arg)
{
	struct s2s *x = arg;
	int n = tls_store_reload(x->tls, watch_failed, x);

	if (n > 0)
		log_info("certificates loaded", LF_I("count", n));
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}
