/* SPDX-License-Identifier: MIT */
/* PAM: the accounts of the host, or whatever a file of /etc/pam.d says; on threads. */
#include <security/pam_appl.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "auth/template.h"
#include "auth/threaded.h"
#include "base/alloc.h"

struct pam_source {
	const struct source_config *config;
	struct workers *workers;
};

/* One question's, on its thread. */
struct talk {
	char *service, *directory, *user;
	struct str password;
};

static void check(const struct source_config *c, struct buf *errors)
{
	if (!*c->pam_service || strchr(c->pam_service, '/'))
		buf_lit(errors, "pam_service is the name of a file\n");
	if (!template_valid(c->pam_user) || !template_names_user(c->pam_user))
		buf_lit(errors, "pam_user has to have %u in it, and no % but of %u, %d and %%\n");
}

static void *open_pam(struct auth *a, const struct source_config *c, struct buf *errors)
{
	struct pam_source *s = xcalloc(1, sizeof(*s));

	s->config = c;
	s->workers = workers_new(a->loop, (size_t)c->parallel, (size_t)c->queue);
	if (s->workers)
		return s;
	buf_lit(errors, "no threads for PAM");
	free(s);
	return NULL;
}

static void *close_pam(void *state)
{
	struct pam_source *s = state;

	workers_free(s->workers);
	free(s);
	return NULL;
}

/* --- on the thread --------------------------------------------------------------------------- */

static char *reply_to(const struct pam_message *m, const struct talk *t)
{
	switch (m->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		return str_dup(t->password);
	case PAM_PROMPT_ECHO_ON:
		return xstrdup(t->user);
	default: /* what is only told */
		return NULL;
	}
}

/* pam_conv(3): the replies are the module's to free. */
static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
		    void *arg)
{
	struct pam_response *replies;

	if (n < 1 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	replies = xcalloc((size_t)n, sizeof(*replies));
	for (int i = 0; i < n; i++)
		replies[i].resp = reply_to(messages[i], arg);
	*ret = replies;
	return PAM_SUCCESS;
}

static struct backend_answer answer_of(int authenticated, int allowed)
{
	switch (authenticated) {
	case PAM_SUCCESS:
		break;
	case PAM_USER_UNKNOWN:
		return (struct backend_answer){.status = BACKEND_UNKNOWN};
	case PAM_AUTH_ERR:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
		return (struct backend_answer){.status = BACKEND_KNOWN};
	default:
		return (struct backend_answer){.status = BACKEND_UNAVAILABLE};
	}
	switch (allowed) {
	case PAM_SUCCESS:
		return (struct backend_answer){.status = BACKEND_KNOWN, .good = true};
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_PERM_DENIED:
	case PAM_AUTH_ERR:
		return (struct backend_answer){.status = BACKEND_DISABLED, .good = true};
	case PAM_USER_UNKNOWN:
		return (struct backend_answer){.status = BACKEND_UNKNOWN};
	default:
		return (struct backend_answer){.status = BACKEND_UNAVAILABLE};
	}
}

static struct backend_answer ask_pam(void *state, const struct threaded_query *q,
				     struct buf *reason)
{
	struct talk *t = state;
	struct pam_conv conv = {.conv = converse, .appdata_ptr = t};
	const char *directory = *t->directory ? t->directory : NULL;
	int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	int r, allowed = PAM_SUCCESS;
	struct backend_answer a;
	pam_handle_t *h = NULL;

	t->password = q->password;
	r = pam_start_confdir(t->service, t->user, &conv, directory, &h);
	if (r == PAM_SUCCESS)
		r = pam_authenticate(h, flags);
	if (r == PAM_SUCCESS)
		allowed = pam_acct_mgmt(h, flags);
	a = answer_of(r, allowed);
	if (a.status == BACKEND_UNAVAILABLE)
		buf_printf(reason, "service %s: %s", t->service,
			   pam_strerror(h, r == PAM_SUCCESS ? allowed : r));
	if (h)
		pam_end(h, r);
	return a;
}

static void release(void *state)
{
	struct talk *t = state;

	free(t->service);
	free(t->directory);
	free(t->user);
	free(t);
}

/* --- on the loop ----------------------------------------------------------------------------- */

static struct backend_job *ask(void *state, const struct backend_query *q, backend_answer_fn *fn,
			       void *arg)
{
	static const struct threaded_ops ops = {ask_pam, release};
	struct pam_source *s = state;
	struct talk *t = xcalloc(1, sizeof(*t));
	struct buf user = BUF_INIT;

	template_expand(s->config->pam_user, q->local, q->domain, template_escape_none, &user);
	t->service = xstrdup(s->config->pam_service);
	t->directory = xstrdup(s->config->pam_directory);
	t->user = str_dup(buf_str(&user));
	buf_free(&user);
	return threaded_ask(s->workers, &ops, t, q, fn, arg);
}

static size_t waiting(const void *state)
{
	const struct pam_source *s = state;

	return workers_waiting(s->workers);
}

const struct backend backend_pam = {.name = "pam",
				    .foreign = true,
				    .check = check,
				    .open = open_pam,
				    .close = close_pam,
				    .ask = ask,
				    .cancel = threaded_cancel,
				    .waiting = waiting};
