/* SPDX-License-Identifier: MIT */
/* Accounts that an administrator disables, so that they cannot log in, and enables again
 * (XEP-0133). */
#include <errno.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

struct disabling {
	struct task task;
	struct store_read *read;
	struct channel_item *write;
	char *account;
	bool disabled;
};

static void disabling_free(struct disabling *d)
{
	task_end(&d->task);
	free(d->account);
	free(d);
}

static void disabling_cancel(struct task *t)
{
	struct disabling *d = (struct disabling *)t;

	if (d->read)
		store_read_cancel(d->read);
	if (d->write)
		channel_forget(d->write);
	disabling_free(d);
}

static void written(void *arg, enum store_status status, struct str text)
{
	struct disabling *d = arg;
	struct auth *a = d->task.auth;

	d->write = NULL;
	if (status == STORE_COMMITTED) {
		log_info(d->disabled ? "account disabled" : "account enabled",
			 LF_S("account", d->account));
		link_reply(a->link, &d->task.request, MSG_OK, &(struct msg_ok){0});
	} else {
		log_error("account not changed", LF_S("account", d->account),
			  LF_STR("reason", text));
		link_fail(a->link, &d->task.request, -EIO, "storage refused");
	}
	disabling_free(d);
}

/* Said twice it is as said once: who did not hear the answer asks again. */
static void found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct disabling *d = arg;
	struct auth *a = d->task.auth;
	struct msg_value values[COLS_DISABLED] = {
		[COL_DISABLED_ACCOUNT] = value_text(str_z(d->account)),
		[COL_DISABLED_TIME] = value_int(clock_wall_us()),
	};
	struct msg_write_op put = {.op = STORE_PUT,
				   .table = TABLE_DISABLED,
				   .values = values,
				   .nvalues = COLS_DISABLED};
	struct msg_write_op del = {
		.op = STORE_DELETE, .table = TABLE_DISABLED, .values = values, .nvalues = 1};

	d->read = NULL;
	if (err < 0 || n != 1 || !results[0].nrows) {
		link_fail(a->link, &d->task.request, err < 0 ? err : -ENOENT,
			  err < 0 ? "storage does not answer" : "no such account");
		disabling_free(d);
		return;
	}
	d->write = store_write(a->channels, SHARD_NONE, 0, 0, d->disabled ? &put : &del, 1, written,
			       d);
}

void accounts_handle_disable(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_account_disable *m = msg;
	struct disabling *d = xcalloc(1, sizeof(*d));
	struct msg_value key;
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1};

	task_begin(&d->task, a, f, disabling_cancel);
	d->account = str_dup(m->account);
	d->disabled = m->disabled;
	key = value_text(str_z(d->account));
	d->read = store_read(a->link, &op, 1, (uint32_t)a->config->storage_timeout, found, d);
}
