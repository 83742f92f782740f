/* SPDX-License-Identifier: MIT */
/* Which database is meant, and the task that makes or shows its schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "storage/storage_internal.h"
#include "storage/target.h"

static const struct engine_ops *configured(const struct storage_config *c)
{
	static const struct engine_ops *const engines[] = {&engine_sqlite, &engine_memory,
							   &engine_pgsql};

	return engines[c->engine];
}

bool target_parse(struct target *t, struct app *app, const char *text, struct buf *error)
{
	const struct storage_config *c = app->config;
	struct str rest = str_z(text), name;
	char *engine;

	*t = (struct target){.config = {.loop = app->loop,
					.connect = c->connect,
					.connect_timeout = c->connect_timeout,
					.statement_timeout = c->statement_timeout,
					.cache = (size_t)c->cache}};
	if (text) {
		str_split(&rest, '=', &name);
		engine = str_dup(name);
		t->ops = engine_named(engine);
		free(engine);
	} else {
		t->ops = configured(c);
	}
	if (!t->ops || !t->ops->schema) {
		buf_printf(error, "%s is no engine: sqlite=FILE or postgresql=CONNINFO",
			   text ? text : "memory");
		return false;
	}
	if (t->ops == &engine_sqlite)
		t->path = rest.ptr && text ? str_dup(rest) : storage_path(app, c);
	else if (rest.ptr && text)
		t->config.connect = rest.ptr; /* to the end of the argument */
	t->config.path = t->path;
	t->name = t->path ? xasprintf("sqlite %s", t->path) : xstrdup(t->ops->name);
	return true;
}

void target_free(struct target *t)
{
	free(t->path);
	free(t->name);
}

int task_migrate(struct app *app, int argc, char **argv)
{
	bool dry = argc && strcmp(argv[0], "--dry-run") == 0;
	const char *engine = argc > dry ? argv[dry] : NULL;
	struct buf error = BUF_INIT, plan = BUF_INIT;
	struct target t = {NULL};
	unsigned version;
	int status = EXIT_FAILURE;

	if (argc > dry + 1) {
		fprintf(stderr, "usage: migrate [--dry-run] [ENGINE]\n");
	} else if (!target_parse(&t, app, engine, &error) ||
		   t.ops->schema(&t.config, dry ? SCHEMA_PLAN : SCHEMA_MIGRATE, &plan, &version,
				 &error) < 0) {
		fprintf(stderr, "mercutio-storage: %.*s\n", STR_ARG(buf_str(&error)));
	} else {
		if (dry && !plan.len)
			printf("-- nothing: it has all that schema version %u needs\n", version);
		else if (dry)
			printf("-- to schema version %u, in one transaction:\n%.*s", version,
			       STR_ARG(buf_str(&plan)));
		else
			printf("%s: schema version %u\n", t.name, version);
		status = EXIT_SUCCESS;
	}
	target_free(&t);
	buf_free(&error);
	buf_free(&plan);
	return status;
}
