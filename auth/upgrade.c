/* SPDX-License-Identifier: MIT */
/*
 * Keys brought up to today's policy (XEP-0438 section 5) when a login has shown the password: those
 * of a hash that the account lacks, and those of fewer iterations than are wanted. It happens
 * behind the login, which does not wait for it, and on the workers behind all logins.
 */
#include <stdlib.h>
#include <utlist.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/random.h"

struct upgrade {
	struct auth *auth;
	struct upgrade *prev, *next;
	char *account;
	struct buf password;
	struct store_read *read;
	struct derive_job *job;
	struct channel_item *write;
	struct scram_keys known;	      /* what is stored, the strongest */
	struct scram_keys keys[SCRAM_HASHES]; /* the new ones */
	size_t n;
};

static void upgrade_free(struct upgrade *u)
{
	DL_DELETE(u->auth->upgrades, u);
	u->auth->nupgrades--;
	if (u->read)
		store_read_cancel(u->read);
	derive_cancel(u->job);
	if (u->write)
		channel_forget(u->write);
	buf_wipe(&u->password);
	free(u->account);
	wipe(u, sizeof(*u));
	free(u);
}

void upgrade_forget(struct auth *a, struct str account)
{
	struct upgrade *u, *tmp;

	DL_FOREACH_SAFE (a->upgrades, u, tmp) {
		if (!account.len || str_eqz(account, u->account))
			upgrade_free(u);
	}
}

static bool same_keys(const struct scram_keys *a, const struct scram_keys *b)
{
	return a->hash == b->hash && a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0 &&
	       equal_const_time(a->stored_key, b->stored_key, scram_hash_size(a->hash));
}

static void read_keys(struct upgrade *u, store_read_fn *fn)
{
	struct msg_value key = value_text(str_z(u->account));
	struct msg_read_op op = {
		.op = STORE_LIST, .table = TABLE_CREDENTIAL, .key = &key, .nkey = 1};

	u->read = store_read(u->auth->link, &op, 1, (uint32_t)u->auth->config->storage_timeout, fn,
			     u);
}

/* --- the end: written, if the account is what it was ---------------------------------------------
 */

static void written(void *arg, enum store_status status, struct str text)
{
	struct upgrade *u = arg;

	u->write = NULL;
	if (status == STORE_COMMITTED) {
		u->auth->stats.upgraded++;
		log_info("keys of an account renewed", LF_S("account", u->account),
			 LF_U("hashes", u->n));
	} else if (status != STORE_CONDITION) {
		log_warn("keys not renewed", LF_S("account", u->account), LF_STR("reason", text));
	}
	upgrade_free(u);
}

static void write_keys(struct upgrade *u)
{
	enum { IF_PRESENT = 2 };
	struct msg_value values[SCRAM_HASHES + 1][COLS_CREDENTIAL];
	struct msg_write_op ops[SCRAM_HASHES + 1];
	size_t n = 0;

	/* No keys for an account that is being removed: they would be there for its next owner. */
	credential_row(str_z(u->account), &u->known, values[n]);
	ops[n] = (struct msg_write_op){.op = STORE_PUT,
				       .table = TABLE_CREDENTIAL,
				       .values = values[n],
				       .nvalues = COLS_CREDENTIAL,
				       .condition = IF_PRESENT};
	n++;
	for (size_t i = 0; i < u->n; i++, n++) {
		credential_row(str_z(u->account), &u->keys[i], values[n]);
		ops[n] = (struct msg_write_op){.op = STORE_PUT,
					       .table = TABLE_CREDENTIAL,
					       .values = values[n],
					       .nvalues = COLS_CREDENTIAL};
	}
	u->write = store_write(u->auth->channels, SHARD_NONE, 0, 0, ops, n, written, u);
}

static void read_again(void *arg, int err, const struct msg_rows *results, size_t nresults)
{
	struct upgrade *u = arg;
	struct scram_keys k;
	bool same = false;

	u->read = NULL;
	for (size_t i = 0; err == 0 && nresults == 1 && i < results[0].nrows; i++)
		same |= credential_read(&results[0].rows[i], &k) && same_keys(&k, &u->known);
	wipe(&k, sizeof(k));
	if (same)
		write_keys(u);
	else
		upgrade_free(u);
}

/* --- deriving -----------------------------------------------------------------------------------
 */

static void derived(void *arg, const struct scram_keys *keys, size_t n)
{
	struct upgrade *u = arg;

	u->job = NULL;
	memcpy(u->keys, keys, n * sizeof(*keys));
	buf_wipe(&u->password);
	read_keys(u, read_again);
}

static void derive(struct upgrade *u, const struct scram_keys *keys, size_t n, derive_fn *fn)
{
	u->job = derive_start(u->auth->derive, DERIVE_BULK, buf_str(&u->password), keys, n, fn, u);
	if (!u->job) /* at the next login, then */
		upgrade_free(u);
}

/* The password may have been changed since the login: is it that of these keys? */
static void verified(void *arg, const struct scram_keys *keys, size_t n)
{
	struct upgrade *u = arg;

	(void)n;
	u->job = NULL;
	if (same_keys(keys, &u->known))
		derive(u, u->keys, u->n, derived);
	else
		upgrade_free(u);
}

/* --- the beginning: is there anything to do? ----------------------------------------------------
 */

static void want(struct upgrade *u, enum scram_hash hash)
{
	struct scram_keys *k = &u->keys[u->n++];

	*k = (struct scram_keys){.hash = hash,
				 .salt_len = SCRAM_SALT,
				 .iterations = (uint32_t)u->auth->config->scram_iterations};
	random_bytes(k->salt, SCRAM_SALT);
}

static void found(void *arg, int err, const struct msg_rows *results, size_t nresults)
{
	struct upgrade *u = arg;
	bool good[SCRAM_HASHES] = {false}, any = false;
	struct scram_keys k;

	u->read = NULL;
	for (size_t i = 0; err == 0 && nresults == 1 && i < results[0].nrows; i++) {
		if (!credential_read(&results[0].rows[i], &k))
			continue;
		good[k.hash] = k.iterations >= u->auth->config->scram_iterations;
		if (!any || k.hash > u->known.hash)
			u->known = k;
		any = true;
	}
	wipe(&k, sizeof(k));
	for (int h = 0; h < SCRAM_HASHES && any; h++) {
		if (!good[h])
			want(u, (enum scram_hash)h);
	}
	if (u->n)
		derive(u, &u->known, 1, verified);
	else
		upgrade_free(u);
}

void upgrade_begin(struct auth *a, struct str account, struct str password)
{
	struct upgrade *u;

	if (!a->config->upgrade_keys || account_is_foreign(a, account) ||
	    a->nupgrades >= (size_t)a->config->login_queue)
		return;
	/* What is stored may be the old ones until then, and ours would come behind the new. */
	if (accounts_changing(a, account))
		return;
	DL_FOREACH (a->upgrades, u) {
		if (str_eqz(account, u->account))
			return;
	}
	u = xcalloc(1, sizeof(*u));
	u->auth = a;
	u->account = str_dup(account);
	buf_str_append(&u->password, password);
	DL_APPEND(a->upgrades, u);
	a->nupgrades++;
	read_keys(u, found);
}
