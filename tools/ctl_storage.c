/* SPDX-License-Identifier: MIT */
/*
 * mercutioctl storage: the database as a whole. A backup is the work of the storage that runs; the
 * schema and copies are that of mercutio-storage by itself, which alone knows the databases.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/ctl.h"
#include "tools/launcher.h"

enum { BACKUP_MS = 86400000 };

/* Becomes mercutio-storage with a task; returns only when that fails. */
static int become_storage(struct ctl *c, const char *const *words)
{
	char *program = launcher_program(NULL, "storage-1");
	const char **argv;
	size_t n = 0;

	if (!program)
		program = launcher_program(SBINDIR, "storage-1");
	if (!program)
		return ctl_error("mercutio-storage is not installed here");
	argv = xcalloc(16 + 2 * c->noverrides, sizeof(*argv));
	argv[n++] = program;
	argv[n++] = "-c";
	argv[n++] = c->file;
	argv[n++] = "-o";
	argv[n++] = "log_target=stderr";
	for (size_t i = 0; i < c->noverrides; i++) {
		argv[n++] = "-o";
		argv[n++] = c->overrides[i];
	}
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	fflush(stdout);
	execv(program, (char *const *)argv);
	ctl_error("%s: %s", program, strerror(errno));
	free(argv);
	free(program);
	return CTL_FAILED;
}

static int migrate(struct ctl *c, int argc, char **argv)
{
	const char *words[4] = {"migrate"};
	size_t n = 1;

	if (c->given & CTL_DRY_RUN)
		words[n++] = "--dry-run";
	if (argc)
		words[n++] = argv[0];
	words[n] = NULL;
	return become_storage(c, words);
}

static int copy(struct ctl *c, int argc, char **argv)
{
	const char *words[] = {"copy", c->from, c->to, c->replace ? "--replace" : NULL, NULL};

	if (!c->from || !c->to) {
		ctl_error("say from where and to where: --from ENGINE --to ENGINE");
		return CTL_USAGE;
	}
	return become_storage(c, words);
}

/* --- backup ---------------------------------------------------------------------------------- */

struct backup {
	int status;
	json_t *value;
};

static void on_backup(void *arg, int err, uint16_t kind, const void *m)
{
	struct backup *b = arg;
	const struct msg_controlled *r = m;
	json_error_t e;
	char *why;

	if (err == 0 && r->good) {
		b->value = json_loadb(r->text.ptr, r->text.len, 0, &e);
		return;
	}
	why = err ? ctl_reason(err, m) : str_dup(r->text);
	b->status = ctl_error("%s", why);
	free(why);
}

static char *absolute(const char *path)
{
	char dir[PATH_MAX];

	if (path[0] == '/' || !getcwd(dir, sizeof(dir)))
		return xstrdup(path);
	return xasprintf("%s/%s", dir, path);
}

static bool same_host(struct ctl *c, uint64_t id)
{
	const struct member *m = link_member(c->link, id);
	struct utsname us;

	return m && uname(&us) == 0 && strcmp(m->host, us.nodename) == 0;
}

/* Whether storage has made another file here than the one that was here before, or none that can be
 * seen: under systemd it has a /tmp of its own, which goes with it. */
static bool written(const char *path, const struct stat *before)
{
	struct stat now;

	if (stat(path, &now) < 0)
		return errno != ENOENT;
	return now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static int backup(struct ctl *c, int argc, char **argv)
{
	struct frame head = ctl_head(MSG_BACKUP, ctl_serving(c, "storage"));
	char *path = absolute(argv[0]);
	struct msg_backup m = {.path = str_z(path), .replace = c->replace};
	struct backup b = {.status = CTL_GOOD};
	bool here = head.to && same_host(c, head.to);
	struct stat before = {0};

	if (here && stat(path, &before) < 0)
		before = (struct stat){0};
	if (!head.to) {
		b.status = ctl_error("no storage process is there");
	} else {
		if (!c->timeout_given)
			c->timeout_ms = BACKUP_MS;
		ctl_ask(c, &head, &m, on_backup, &b);
		ctl_finish(c);
	}
	if (b.value && here && !written(path, &before))
		b.status = ctl_error("%s is not there: storage has written it, but sees other folders than "
				     "you, as a /tmp of its own (PrivateTmp=); name a file in data_dir",
				     path);
	else if (b.value && c->json)
		ctl_print_json(json_incref(b.value));
	else if (b.value)
		printf("%s: %lld bytes, schema version %lld, checked\n", path,
		       (long long)json_integer_value(json_object_get(b.value, "bytes")),
		       (long long)json_integer_value(json_object_get(b.value, "schema")));
	json_decref(b.value);
	free(path);
	return b.status;
}

const struct ctl_command ctl_storage_commands[] = {
	{"storage migrate", "[--dry-run] [ENGINE]", 0, 1, CTL_DRY_RUN, migrate,
	 "makes the database's tables, or brings them to this version"},
	{"storage copy", "[--replace] --from ENGINE --to ENGINE", 0, 0,
	 CTL_FROM | CTL_TO | CTL_REPLACE, copy,
	 "copies all data to another database and compares; no server may run on either"},
	{"storage backup", "[--replace] FILE", 1, 1, CTL_LINK | CTL_REPLACE, backup,
	 "writes a copy of the SQLite database while the server works"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
