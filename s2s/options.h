/* SPDX-License-Identifier: MIT */
/* The options of section s2s and of sections remote, as they are filled. */
#ifndef S2S_OPTIONS_H
#define S2S_OPTIONS_H

#include "base/options.h"

enum need { NEED_REQUIRED, NEED_OPTIONAL, NEED_FORBIDDEN };

struct s2s_config {
	char **listen, **listen_tls;
	bool reuse_port;
	char **allow, **deny;
	int tls, certificate, dialback; /* enum need */
	bool common_name, bidi, multiplex;
	int piggyback; /* enum share */
	char *tls_min, *tls_ciphers, *ca;
	int64_t max_stanza, max_header, max_depth, max_attributes, max_elements, max_namespaces;
	int64_t stanza_timeout, login_timeout, login_bytes;
	int64_t per_address, unproven, max_pairs, max_streams;
	int64_t rate_bytes, rate_stanzas, rate_burst;
	int64_t window, window_bytes, deadline;
	int64_t queue, queue_bytes, queue_time, retry_time, queue_total, out_max, out_timeout;
	int64_t connect_timeout, reach_timeout;
	int64_t backoff_min, backoff_max;
	int64_t idle_out, idle_in, ack_timeout, ack_every, close_timeout, drain_time, user_timeout;
	int64_t resume_time, resume_max, resume_domain;
	int64_t records, remember;
	char *dns_server, *dns_resolv_conf, *dns_hosts, *dns_anchor;
	int64_t dns_timeout;
	bool ipv4, ipv6;
};
extern const struct option s2s_options[];

/* remote "example.net" { … }: what is special with one remote domain. */
struct remote_config {
	int tls, certificate, dialback; /* enum need + 1; 0: as everywhere */
	char *target;
	bool target_tls;
};
extern const struct option remote_options[];

#endif
