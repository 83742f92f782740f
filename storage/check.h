/* SPDX-License-Identifier: MIT */
/* What is asked of storage, held against the declared tables: shape, types, who may. */
#ifndef STORAGE_CHECK_H
#define STORAGE_CHECK_H

#include "storage/engine.h"

/* 0, -EACCES or -EINVAL with *ret_text. */
int check_read(const struct engine_read *r, const char **ret_text);
/* COMMITTED when nothing speaks against it, else the answer. */
enum store_status check_write(const struct engine_write *w, size_t *ret_op, const char **ret_text);
bool write_is_conditional(const struct engine_write *w);

/* Order of two values of a key column: numbers by size, text by bytes. */
int value_cmp(const struct msg_value *a, const struct msg_value *b);

#endif
