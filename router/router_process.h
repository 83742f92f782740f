/* SPDX-License-Identifier: MIT */
/* mercutio-router: passes frames between all other processes. */
#ifndef ROUTER_ROUTER_PROCESS_H
#define ROUTER_ROUTER_PROCESS_H

#include "link/process.h"

extern const struct process router_process;

#endif
