/* SPDX-License-Identifier: MIT */
/* The options of mercutio-auth. */
#ifndef AUTH_AUTH_CONFIG_H
#define AUTH_AUTH_CONFIG_H

#include "base/options.h"

struct auth_config {
	char **mechanisms; /* in the order of preference */
	char *credentials; /* a section's name, or internal */
	int64_t password_cache, password_cache_size;
	bool allow_unencrypted, downgrade_protection, tls_unique;
	int64_t scram_iterations, import_iterations; /* import: 0, as scram_iterations */
	bool upgrade_keys;
	int64_t storage_timeout, fail_delay;	     /* ms */
	int64_t lockout_count, lockout_address_count, lockout_time;
	int64_t workers, login_queue, import_queue, max_exchanges;
	int64_t register_rate, register_period;
	char **reserved_names;
	char **anonymous_domains;
	int64_t anonymous_rate, anonymous_period;
};

extern const struct option auth_options[];

#endif
