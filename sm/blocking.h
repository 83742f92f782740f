/* SPDX-License-Identifier: MIT */
/* What the files of the blocking module share. */
#ifndef SM_BLOCKING_H
#define SM_BLOCKING_H

#include "sm/blocklist.h"
#include "sm/module.h"

extern const struct module mod_blocking;
extern const struct portable blocking_portables[]; /* sm/blocking_file.c */

struct blocklist *blocklist_need(struct user *u); /* made when there is none */
size_t blocklist_max(struct sm *sm); /* option blocking_max */

#endif
