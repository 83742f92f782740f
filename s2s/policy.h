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

/* When a stream that was opened for one remote domain may take stanzas for others at its address. */
enum share {
	SHARE_CERTIFICATE, /* the certificate of its peer is good for them too */
	SHARE_DNS,	   /* that the DNS leads there will do, where policy asks for no certificate */
	SHARE_NEVER
};

struct policies; /* sections remote of the configuration, by domain */

/* Titles are prepared. NULL and *ret_error (malloc'ed) where one is no domain, or what is asked
 * of it could never be met. */
struct policies *policies_new(const struct app *app, char **ret_error);
struct policies *policies_free(struct policies *all);
/* domain: prepared. */
struct policy policy_of(const struct policies *all, const struct s2s_config *o, struct str domain);
/* Whether such a stream will do for a domain with this policy: dialback is all that proves us there
 * then. good: its certificate is good for that domain. */
bool policy_shares(struct policy p, enum share how, bool secure, bool good);
/* Configured targets, in no order. */
void policies_targets(const struct policies *all,
		      void (*fn)(void *arg, const char *domain, const char *target, bool tls),
		      void *arg);

#endif
