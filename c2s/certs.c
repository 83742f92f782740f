/* SPDX-License-Identifier: MIT */
/* Certificates: one for each domain, loaded again when their files change. */
#include "c2s/client.h"
#include "link/host_cert.h"

enum { WATCH_SECONDS = 60 };

void tls_setup(struct c2s *x)
{
	static const char *const alpn[] = {"xmpp-client", NULL};
	const struct c2s_config *o = x->config;
	struct tls_options t = {
		.min_version = o->tls_min,
		.ciphers = o->tls_ciphers && *o->tls_ciphers ? o->tls_ciphers : NULL,
		.alpn = alpn,
		.ask_peer = o->client_ca && *o->client_ca,
		.ca_file = o->client_ca,
	};
	char *error = NULL;

	x->tls = tls_store_new(&t, &error);
	if (!x->tls)
		fatal("%s", error ? error : "TLS cannot be set up");
	for (size_t i = 0; i < x->ndomains; i++) {
		if (host_cert_add(x->tls, x->app, x->domains[i].name, &error) < 0)
			fatal("%s", error);
	}
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}

static void watch_failed(void *arg, const char *error)
{
	log_error("certificate not loaded, the one before stays", LF_S("reason", error));
}

/* The paths may be others; what cannot be loaded leaves what is there. */
void tls_reload(struct c2s *x)
{
	for (size_t i = 0; i < x->ndomains; i++) {
		char *error = NULL;

		if (host_cert_add(x->tls, x->app, x->domains[i].name, &error) < 0)
			watch_failed(NULL, error);
		free(error);
	}
	tls_watch(x);
}

void tls_watch(void *arg)
{
	struct c2s *x = arg;
	int n = tls_store_reload(x->tls, watch_failed, x);

	if (n > 0)
		log_info("certificates loaded", LF_I("count", n));
	caps_ask(x);
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}
