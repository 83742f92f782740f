/* SPDX-License-Identifier: MIT */
/* Databases that an operator names on a command line, and the tasks that work on them. */
#ifndef STORAGE_TARGET_H
#define STORAGE_TARGET_H

#include "storage/engine.h"
#include "storage/storage_process.h"

/* "sqlite", "sqlite=PATH", "postgresql", "postgresql=CONNINFO"; without a value, and NULL, as the
 * configuration says. */
struct target {
	const struct engine_ops *ops;
	struct engine_config config;
	char *path; /* of the file, owned */
	char *name; /* for a person: shows no password */
};
/* False with one line in error. */
bool target_parse(struct target *t, struct app *app, const char *text, struct buf *error);
void target_free(struct target *t);

int task_migrate(struct app *app, int argc, char **argv);
int task_copy(struct app *app, int argc, char **argv);

#endif
