/* SPDX-License-Identifier: MIT */
/* A copy of a database and its check. */
#ifndef STORAGE_COPY_INTERNAL_H
#define STORAGE_COPY_INTERNAL_H

#include "storage/bulk.h"

enum { COPY_COLUMNS = 32 };

/* Reads both row by row and prints a line for each table. False: they differ, or could not be read.
 */
bool copy_check(struct bulk *from, struct bulk *to);

#endif
