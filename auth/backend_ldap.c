/* SPDX-License-Identifier: MIT */
/* LDAP: each question is a directory's, asked on a thread. */
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "auth/directory.h"
#include "auth/template.h"
#include "auth/threaded.h"
#include "base/alloc.h"

struct ldap_source {
	struct directory *directory;
	struct workers *workers;
};

static void check_template(const char *name, const char *text, bool user, struct buf *errors)
{
	if (!template_valid(text))
		buf_printf(errors, "%s has a %% that is not of %%u, %%d or %%%%\n", name);
	else if (user && !template_names_user(text))
		buf_printf(errors, "%s has to have %%u in it\n", name);
}

static void check(const struct source_config *c, struct buf *errors)
{
	static const char *const schemes[] = {"ldap://", "ldaps://", "ldapi://"};

	if (!c->ldap_servers[0])
		buf_lit(errors, "ldap_servers is not set\n");
	for (char **z = c->ldap_servers; *z; z++) {
		bool good = false;

		for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
			good |= strncmp(*z, schemes[i], strlen(schemes[i])) == 0;
		if (!good)
			buf_printf(errors, "ldap_servers: %s is no URI of a directory\n", *z);
	}
	if (*c->ldap_dn) {
		check_template("ldap_dn", c->ldap_dn, true, errors);
		return;
	}
	if (!*c->ldap_base)
		buf_lit(errors, "one of ldap_dn and ldap_base has to be set\n");
	check_template("ldap_base", c->ldap_base, false, errors);
	check_template("ldap_filter", c->ldap_filter, true, errors);
	if (*c->ldap_bind_dn && !*c->ldap_password_file)
		buf_lit(errors, "ldap_bind_dn needs ldap_password_file\n");
}

static void *close_ldap(void *state)
{
	struct ldap_source *s = state;

	workers_free(s->workers);
	directory_unref(s->directory);
	free(s);
	return NULL;
}

static void *open_ldap(struct auth *a, const struct source_config *c, struct buf *errors)
{
	struct ldap_source *s = xcalloc(1, sizeof(*s));

	/* Nobody's ~/.ldaprc nor environment says whom we trust. */
	setenv("LDAPNOINIT", "1", 1);
	s->directory = directory_new(c, errors);
	if (s->directory)
		s->workers = workers_new(a->loop, (size_t)c->parallel, (size_t)c->queue);
	return s->workers ? s : close_ldap(s);
}

static struct backend_answer ask_directory(void *state, const struct threaded_query *q,
					   struct buf *reason)
{
	return directory_check(state, q->local, q->domain, q->password, reason);
}

static void release(void *state)
{
	directory_unref(state);
}

static struct backend_job *ask(void *state, const struct backend_query *q, backend_answer_fn *fn,
			       void *arg)
{
	static const struct threaded_ops ops = {ask_directory, release};
	struct ldap_source *s = state;

	return threaded_ask(s->workers, &ops, directory_ref(s->directory), q, fn, arg);
}

static size_t waiting(const void *state)
{
	const struct ldap_source *s = state;

	return workers_waiting(s->workers);
}

const struct backend backend_ldap = {.name = "ldap",
				     .foreign = true,
				     .check = check,
				     .open = open_ldap,
				     .close = close_ldap,
				     .ask = ask,
				     .cancel = threaded_cancel,
				     .waiting = waiting};
