/* SPDX-License-Identifier: MIT */
/* The session manager's entry in the tables of processes. */
#ifndef SM_SM_PROCESS_H
#define SM_SM_PROCESS_H

#include "link/process.h"

extern const struct process sm_process;
struct module;
/* All modules, NULL-terminated, in the order of sm/modules.list. */
extern const struct module *const sm_module_list[];

#endif
