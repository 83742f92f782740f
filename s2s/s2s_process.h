/* SPDX-License-Identifier: MIT */
/* The process that speaks with other servers. */
#ifndef S2S_S2S_PROCESS_H
#define S2S_S2S_PROCESS_H

#include "link/process.h"

extern const struct process s2s_process;

#endif
