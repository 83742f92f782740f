/* SPDX-License-Identifier: MIT */
/* mercutio-storage: the only process with a database. */
#ifndef STORAGE_STORAGE_PROCESS_H
#define STORAGE_STORAGE_PROCESS_H

#include "link/process.h"

extern const struct process storage_process;

#endif
