/* SPDX-License-Identifier: MIT */
/* The process that holds the clients' connections. */
#ifndef C2S_C2S_PROCESS_H
#define C2S_C2S_PROCESS_H

#include "link/process.h"

extern const struct process c2s_process;

#endif
