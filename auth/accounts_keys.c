/* SPDX-License-Identifier: MIT */
/* SCRAM keys of an account for a file (XEP-0227 section 3.2), and out of one. */
#include <errno.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"

bool keys_any(const struct scram_keys keys[SCRAM_HASHES])
{
	for (size_t h = 0; h < SCRAM_HASHES; h++)
		if (keys[h].iterations)
			return true;
	return false;
}

void keys_take(const struct msg_scram_row *m, struct scram_keys keys[SCRAM_HASHES])
{
	struct msg_value values[COLS_CREDENTIAL] = {{0}};
	struct msg_row row = {values, COLS_CREDENTIAL};
	struct scram_keys k;

	values[COL_CREDENTIAL_MECHANISM] = value_text(m->mechanism);
	values[COL_CREDENTIAL_ITERATIONS] = value_int(m->iterations);
	values[COL_CREDENTIAL_SALT] = value_blob(m->salt);
	values[COL_CREDENTIAL_STORED_KEY] = value_blob(m->stored_key);
	values[COL_CREDENTIAL_SERVER_KEY] = value_blob(m->server_key);
	if (credential_read(&row, &k))
		keys[k.hash] = k;
	wipe(&k, sizeof(k));
}

/* --- the request ----------------------------------------------------------------------------- */

enum { READ_ACCOUNT, READ_CREDENTIAL, READS };

struct giving {
	struct task task;
	struct store_read *read;
	char *account;
};

static void giving_free(struct giving *g)
{
	task_end(&g->task);
	free(g->account);
	free(g);
}

static void giving_cancel(struct task *t)
{
	struct giving *g = (struct giving *)t;

	if (g->read)
		store_read_cancel(g->read);
	giving_free(g);
}

static size_t rows_of(const struct msg_rows *found, struct msg_scram_row rows[SCRAM_HASHES])
{
	size_t n = 0;

	for (size_t i = 0; i < found->nrows && n < SCRAM_HASHES; i++) {
		const struct msg_value *v = found->rows[i].values;

		if (found->rows[i].nvalues < COLS_CREDENTIAL)
			continue;
		rows[n++] = (struct msg_scram_row){
			.mechanism = v[COL_CREDENTIAL_MECHANISM].s,
			.iterations = (uint32_t)v[COL_CREDENTIAL_ITERATIONS].i,
			.salt = v[COL_CREDENTIAL_SALT].s,
			.stored_key = v[COL_CREDENTIAL_STORED_KEY].s,
			.server_key = v[COL_CREDENTIAL_SERVER_KEY].s,
		};
	}
	return n;
}

static void found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct giving *g = arg;
	struct auth *a = g->task.auth;
	struct msg_scram_row rows[SCRAM_HASHES];
	struct msg_keys m = {.keys = rows};

	g->read = NULL;
	if (err < 0 || n < READS) {
		link_fail(a->link, &g->task.request, err < 0 ? err : -EIO,
			  "storage does not answer");
	} else {
		m.exists = results[READ_ACCOUNT].nrows > 0;
		m.nkeys = rows_of(&results[READ_CREDENTIAL], rows);
		link_reply(a->link, &g->task.request, MSG_KEYS, &m);
	}
	giving_free(g);
}

void accounts_handle_keys(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_keys_get *m = msg;
	struct giving *g = xcalloc(1, sizeof(*g));
	struct msg_value key;
	struct msg_read_op ops[READS] = {
		[READ_ACCOUNT] = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1},
		[READ_CREDENTIAL] = {
			.op = STORE_LIST, .table = TABLE_CREDENTIAL, .key = &key, .nkey = 1}};

	task_begin(&g->task, a, f, giving_cancel);
	g->account = str_dup(m->account);
	key = value_text(str_z(g->account));
	g->read = store_read(a->link, ops, READS, (uint32_t)a->config->storage_timeout, found, g);
}
