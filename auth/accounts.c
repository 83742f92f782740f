/* SPDX-License-Identifier: MIT */
/* Accounts removed and listed; what all requests about accounts have in common. */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "xmpp/jid.h"

enum { LIST_PAGE = 500 };

void task_begin(struct task *t, struct auth *a, const struct frame *f,
		void (*cancel)(struct task *t))
{
	t->auth = a;
	t->request = frame_keep(f);
	t->cancel = cancel;
	DL_APPEND(a->tasks, t);
}

void task_end(struct task *t)
{
	DL_DELETE(t->auth->tasks, t);
	auth_idle(t->auth);
}

void tasks_free(struct auth *a)
{
	while (a->tasks)
		a->tasks->cancel(a->tasks);
}

/* --- removal --------------------------------------------------------------------------------- */

struct removal {
	struct task task;
	struct store_read *read;
	struct channel_item *write;
	char *account;
};

static void removal_free(struct removal *r)
{
	task_end(&r->task);
	free(r->account);
	free(r);
}

static void removal_cancel(struct task *t)
{
	struct removal *r = (struct removal *)t;

	if (r->read)
		store_read_cancel(r->read);
	if (r->write)
		channel_forget(r->write);
	removal_free(r);
}

static void removed(void *arg, enum store_status status, struct str text)
{
	struct removal *r = arg;
	struct auth *a = r->task.auth;

	if (status == STORE_COMMITTED) {
		log_info("account removed", LF_S("account", r->account));
		link_reply(a->link, &r->task.request, MSG_OK, &(struct msg_ok){0});
	} else {
		log_error("account not removed", LF_S("account", r->account),
			  LF_STR("reason", text));
		link_fail(a->link, &r->task.request, -EIO, "storage refused");
	}
	removal_free(r);
}

static void removal_found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct removal *r = arg;
	struct auth *a = r->task.auth;
	struct msg_value key = value_text(str_z(r->account));
	struct msg_write_op ops[] = {
		{.op = STORE_DELETE, .table = TABLE_CREDENTIAL, .values = &key, .nvalues = 1},
		{.op = STORE_DELETE, .table = TABLE_DISABLED, .values = &key, .nvalues = 1},
		{.op = STORE_DELETE, .table = TABLE_ACCOUNT, .values = &key, .nvalues = 1}};

	r->read = NULL;
	if (err == 0 && n == 1 && results[0].nrows) {
		r->write = store_write(a->channels, SHARD_NONE, 0, 0, ops, sizeof(ops) / sizeof(ops[0]),
				       removed, r);
		return;
	}
	link_fail(a->link, &r->task.request, err < 0 ? err : -ENOENT,
		  err < 0 ? "storage does not answer" : "no such account");
	removal_free(r);
}

/* A user cannot end an account that is kept elsewhere: it would be there again at the next login.
 * An operator may, to have the data removed. */
static bool is_not_theirs(const struct auth *a, const struct frame *f, struct str account)
{
	const struct member *m = link_member(a->link, f->from);

	return m && strcmp(m->process, "sm") == 0 && account_is_foreign(a, account);
}

void accounts_handle_del(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_account_del *m = msg;
	struct removal *r;
	struct msg_value key;
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1};

	if (is_not_theirs(a, f, m->account)) {
		link_fail(a->link, f, -EOPNOTSUPP, "accounts of that domain are kept elsewhere");
		return;
	}
	pass_cache_forget(a->passwords, m->account);
	r = xcalloc(1, sizeof(*r));
	task_begin(&r->task, a, f, removal_cancel);
	r->account = str_dup(m->account);
	upgrade_forget(a, m->account);
	key = value_text(str_z(r->account));
	r->read =
		store_read(a->link, &op, 1, (uint32_t)a->config->storage_timeout, removal_found, r);
}

/* --- list ------------------------------------------------------------------------------------ */

/* The key is the whole JID, so that a domain's accounts lie among those of the others: pages of the
 * table are read until one of the answer is full. */
struct listing {
	struct task task;
	struct store_read *read;
	char *domain, *after;
	char *names[LIST_PAGE];
	size_t n;
};

static void listing_free(struct listing *l)
{
	task_end(&l->task);
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->domain);
	free(l->after);
	free(l);
}

static void listing_cancel(struct task *t)
{
	struct listing *l = (struct listing *)t;

	if (l->read)
		store_read_cancel(l->read);
	listing_free(l);
}

static void listing_answer(struct listing *l, bool more)
{
	struct str names[LIST_PAGE];

	for (size_t i = 0; i < l->n; i++)
		names[i] = str_z(l->names[i]);
	link_reply(l->task.auth->link, &l->task.request, MSG_ACCOUNT_NAMES,
		   &(struct msg_account_names){.accounts = names, .naccounts = l->n, .more = more});
	listing_free(l);
}

static void listing_read(struct listing *l);

static void listing_found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct listing *l = arg;
	const struct msg_rows *rows = results;
	size_t i = 0;

	l->read = NULL;
	if (err < 0 || n != 1) {
		link_fail(l->task.auth->link, &l->task.request, err < 0 ? err : -EIO,
			  "storage does not answer");
		listing_free(l);
		return;
	}
	for (; i < rows->nrows && l->n < LIST_PAGE; i++) {
		struct str account = rows->rows[i].values[COL_ACCOUNT_ACCOUNT].s;
		struct jid jid;

		if (jid_split(account, &jid) == 0 &&
		    (!l->domain[0] || str_eqz(jid.domain, l->domain)))
			l->names[l->n++] = str_dup(account);
	}
	if (l->n == LIST_PAGE || !rows->more || !rows->nrows) {
		listing_answer(l, i < rows->nrows || rows->more);
		return;
	}
	free(l->after);
	l->after = str_dup(rows->rows[rows->nrows - 1].values[COL_ACCOUNT_ACCOUNT].s);
	listing_read(l);
}

static void listing_read(struct listing *l)
{
	struct auth *a = l->task.auth;
	struct msg_value after = value_text(str_z(l->after));
	struct msg_read_op op = {.op = STORE_LIST,
				 .table = TABLE_ACCOUNT,
				 .limit = LIST_PAGE,
				 .after = &after,
				 .nafter = l->after[0] ? 1 : 0};

	l->read =
		store_read(a->link, &op, 1, (uint32_t)a->config->storage_timeout, listing_found, l);
}

void accounts_handle_list(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_account_list *m = msg;
	struct listing *l = xcalloc(1, sizeof(*l));

	task_begin(&l->task, a, f, listing_cancel);
	l->domain = str_dup(m->domain);
	l->after = str_dup(m->after);
	listing_read(l);
}
