/* SPDX-License-Identifier: MIT */
/* mercutio-auth as the process skeleton runs it. */
#ifndef AUTH_AUTH_PROCESS_H
#define AUTH_AUTH_PROCESS_H

#include "link/process.h"

extern const struct process auth_process;

#endif
