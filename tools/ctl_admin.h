/* SPDX-License-Identifier: MIT */
/* Commands of service administration, for whoever gives them names of their own. */
#ifndef TOOLS_CTL_ADMIN_H
#define TOOLS_CTL_ADMIN_H

#include "tools/ctl.h"

/* Runs one, prints its answer; an exit status. domain may be empty: the first one. */
int ctl_admin_run(struct ctl *c, struct str domain, const char *node,
		  const struct msg_admin_field *fields, size_t n);

#endif
