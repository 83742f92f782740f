/* SPDX-License-Identifier: MIT */
/* Our domains, and sections host "example.net": whose each of them is, however its title is written. */
#ifndef LINK_HOSTS_H
#define LINK_HOSTS_H

#include "link/process.h"

/* What is said for a domain (prepared); released with host_options. */
void host_config_fill(const struct conf *c, const char *domain, struct host_config *ret);
/* The domain of ours that a text is, however it is written; NULL: none. */
const char *hosts_own(const struct common_config *common, const char *text);
/* Calls fn with the title of each section that is of no domain of ours, and why. */
void hosts_unserved(const struct conf *c, const struct common_config *common,
		    void (*fn)(void *arg, const char *title, const char *why), void *arg);
void hosts_warn(const struct app *app); /* of those, in the log */

#endif
