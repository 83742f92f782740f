/* SPDX-License-Identifier: MIT */
/* Certificates: one for each domain, loaded again when their files change. */
#include "c2s/client.h"
#include "link/host_cert.h"

enum { WATCH_SECONDS = 60 };

struct tls_store *tls_make(const struct c2s_config *o, char **ret_error)
{
	static const char *const alpn[] = {"xmpp-client", NULL};
	struct tls_options t = {
		.min_version = o->tls_min,
		.ciphers = o->tls_ciphers && *o->tls_ciphers ? o->tls_ciphers : NULL,
		.alpn = alpn,
		.ask_peer = o->client_ca && *o->client_ca,
		.ca_file = o->client_ca,
	};

	return tls_store_new(&t, ret_error);
}

void tls_setup(struct c2s *x)
{
	char *error = NULL;

	x->tls = tls_make(x->config, &error);
	if (!x->tls)
		fatal("%s", error ? error : "TLS cannot be set up");
	for (size_t i = 0; i < x->ndomains; i++) {
		if (host_cert_add(x->tls, x->app, x->domains[i].name, &error) < 0)
			fatal("%s", error);
	}
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}

void tls_reload(struct c2s *x)
{
	for (size_t i = 0; i < x->ndomains; i++)
		host_cert_again(x->tls, x->app, x->domains[i].name, true);
	tls_watch(x);
}

void tls_watch(void *arg)
{
	struct c2s *x = arg;

	host_certs_watch(x->tls);
	caps_ask(x);
	loop_timeout_start(x->loop, &x->watch, WATCH_SECONDS);
}
