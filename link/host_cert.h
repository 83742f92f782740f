/* SPDX-License-Identifier: MIT */
/* Certificates of our domains, as the configuration names them. */
#ifndef LINK_HOST_CERT_H
#define LINK_HOST_CERT_H

#include "base/tls.h"
#include "link/process.h"

/* Adds the certificate of a domain of ours to a store: its host section's own, else the common one;
 * under its A-labels too, by which clients ask for it (RFC 6066 section 3). 0, -ENODATA when none
 * is configured, else a negative errno; *ret_error then is one line (malloc'ed). */
int host_cert_add(struct tls_store *s, const struct app *app, const char *domain, char **ret_error);

/* At a reload: the same for one that is there, whose paths may be others; a failure is logged, and leaves what is there. */
void host_cert_again(struct tls_store *s, const struct app *app, const char *domain, bool needed);
/* Loads again what has changed on disk, and says so in the log. */
void host_certs_watch(struct tls_store *s);

#endif
