/* SPDX-License-Identifier: MIT */
/* What is asked of a remote domain: TLS, certificate, dialback, and whether it is spoken with. */
#ifndef S2S_POLICY_H
#define S2S_POLICY_H

#include "link/process.h"
#include "s2s/options.h"

struct policy {
	enum need tls, certificate, dialback;
	bool denied;
};

struct policies; /* sections remote of the configuration, by domain */

/* Titles are prepared. NULL and *ret_error (malloc'ed) where one is no domain, or what is asked
 * of it could never be met. */
struct policies *policies_new(const struct app *app, char **ret_error);
struct policies *policies_free(struct policies *all);
/* domain: prepared. */
struct policy policy_of(const struct policies *all, const struct s2s_config *o, struct str domain);
/* Configured targets, in no order. */
void policies_targets(const struct policies *all,
		      void (*fn)(void *arg, const char *domain, const char *target, bool tls),
		      void *arg);

#endif
