/* SPDX-License-Identifier: MIT */
/* The options of section c2s, as they are filled. */
#ifndef C2S_OPTIONS_H
#define C2S_OPTIONS_H

#include "base/options.h"

enum { TLS_REQUIRED, TLS_OPTIONAL };

struct c2s_config {
	char **listen, **listen_tls, **former_domains;
	bool reuse_port, register_open;
	int tls;
	char *tls_min, *tls_ciphers, *client_ca;
	int64_t sasl_tries, login_timeout, login_bytes;
	int64_t max_stanza, max_header, max_depth, max_attributes, max_elements, max_namespaces;
	int64_t stanza_timeout;
	int64_t window, window_bytes;
	int64_t out_max, out_limit, out_timeout;
	int64_t rate_bytes, rate_stanzas, rate_burst;
	int64_t per_address, unauthenticated;
	int64_t idle_whitespace, idle_ping, idle_timeout, user_timeout, tcp_keepalive;
	int64_t resume_max, ack_timeout, ack_every;
	int64_t close_timeout, owner_timeout, keep_closed, drain_time;
	char *drain_host, *resume_location;
};
extern const struct option c2s_options[];

#endif
