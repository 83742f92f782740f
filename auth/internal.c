/* SPDX-License-Identifier: MIT */
/* The internal back end: SCRAM keys in the table credential, and whether an administrator has
 * disabled the account, in one request. */
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/random.h"

enum { READ_CREDENTIAL, READ_DISABLED, READS };

struct backend_job {
	struct auth *auth;
	struct store_read *read;
	struct derive_job *job;
	backend_answer_fn *fn;
	void *arg;
	enum scram_hash hash; /* SCRAM_HASHES: a password is checked, with the strongest there is */
	bool known, disabled;
	struct buf account, password;
	struct scram_keys keys; /* what the derived ones are compared with */
};

bool credential_read(const struct msg_row *row, struct scram_keys *ret)
{
	const struct msg_value *v = row->values;
	struct scram_keys k = {0};
	size_t size;

	if (row->nvalues < COLS_CREDENTIAL ||
	    !scram_hash_parse(v[COL_CREDENTIAL_MECHANISM].s, &k.hash))
		return false;
	size = scram_hash_size(k.hash);
	if (v[COL_CREDENTIAL_ITERATIONS].i < 1 || v[COL_CREDENTIAL_ITERATIONS].i > INT32_MAX ||
	    !v[COL_CREDENTIAL_SALT].s.len || v[COL_CREDENTIAL_SALT].s.len > sizeof(k.salt) ||
	    v[COL_CREDENTIAL_STORED_KEY].s.len != size ||
	    v[COL_CREDENTIAL_SERVER_KEY].s.len != size)
		return false;
	k.iterations = (uint32_t)v[COL_CREDENTIAL_ITERATIONS].i;
	k.salt_len = v[COL_CREDENTIAL_SALT].s.len;
	memcpy(k.salt, v[COL_CREDENTIAL_SALT].s.ptr, k.salt_len);
	memcpy(k.stored_key, v[COL_CREDENTIAL_STORED_KEY].s.ptr, size);
	memcpy(k.server_key, v[COL_CREDENTIAL_SERVER_KEY].s.ptr, size);
	*ret = k;
	wipe(&k, sizeof(k));
	return true;
}

void credential_row(struct str account, const struct scram_keys *keys,
		    struct msg_value ret[COLS_CREDENTIAL])
{
	size_t size = scram_hash_size(keys->hash);

	ret[COL_CREDENTIAL_ACCOUNT] = value_text(account);
	ret[COL_CREDENTIAL_MECHANISM] = value_text(str_z(scram_hash_name(keys->hash)));
	ret[COL_CREDENTIAL_ITERATIONS] = value_int(keys->iterations);
	ret[COL_CREDENTIAL_SALT] = value_blob(str_n((const char *)keys->salt, keys->salt_len));
	ret[COL_CREDENTIAL_STORED_KEY] = value_blob(str_n((const char *)keys->stored_key, size));
	ret[COL_CREDENTIAL_SERVER_KEY] = value_blob(str_n((const char *)keys->server_key, size));
}

static void job_free(struct backend_job *j)
{
	buf_free(&j->account);
	buf_wipe(&j->password);
	wipe(j, sizeof(*j));
	free(j);
}

static void cancel(struct backend_job *j)
{
	if (j->read)
		store_read_cancel(j->read);
	derive_cancel(j->job);
	job_free(j);
}

/* The row of that hash; any row when want is SCRAM_HASHES, the strongest first. */
static bool find_keys(const struct msg_rows *rows, enum scram_hash want, struct scram_keys *ret)
{
	bool found = false;
	struct scram_keys k;

	for (size_t i = 0; i < rows->nrows; i++) {
		if (!credential_read(&rows->rows[i], &k))
			continue;
		if (want == SCRAM_HASHES ? found && k.hash <= ret->hash : k.hash != want)
			continue;
		*ret = k;
		found = true;
	}
	wipe(&k, sizeof(k));
	return found;
}

static enum backend_status status_of(const struct backend_job *j)
{
	if (!j->known)
		return BACKEND_UNKNOWN;
	return j->disabled ? BACKEND_DISABLED : BACKEND_KNOWN;
}

static void answer(struct backend_job *j, enum backend_status status, bool good)
{
	struct scram_keys keys = j->keys;
	backend_answer_fn *fn = j->fn;
	void *arg = j->arg;
	struct backend_answer r = {.status = status,
				   .good = good,
				   .keys = j->hash != SCRAM_HASHES && j->known ? &keys : NULL};

	job_free(j);
	fn(arg, &r);
	wipe(&keys, sizeof(keys));
}

/* The key that the password was derived to: with another one the proof is worth nothing. */
static struct str bound_to(const struct backend_job *j)
{
	return str_n((const char *)j->keys.stored_key, scram_hash_size(j->keys.hash));
}

static void derived(void *arg, const struct scram_keys *keys, size_t n)
{
	struct backend_job *j = arg;
	bool good = equal_const_time(keys[0].stored_key, j->keys.stored_key,
				     scram_hash_size(j->keys.hash)) &&
		    j->known;

	(void)n;
	j->job = NULL;
	if (good)
		pass_cache_put(j->auth->passwords, buf_str(&j->account), buf_str(&j->password),
			       bound_to(j), (uint64_t)j->auth->config->password_cache);
	answer(j, status_of(j), good);
}

static void found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct backend_job *j = arg;

	j->read = NULL;
	if (err < 0 || n != READS) {
		answer(j, BACKEND_UNAVAILABLE, false);
		return;
	}
	j->known = find_keys(&results[READ_CREDENTIAL], j->hash, &j->keys);
	j->disabled = results[READ_DISABLED].nrows > 0;
	if (j->hash != SCRAM_HASHES) {
		answer(j, status_of(j), false);
		return;
	}
	if (j->known && pass_cache_has(j->auth->passwords, buf_str(&j->account),
				       buf_str(&j->password), bound_to(j))) {
		answer(j, status_of(j), true);
		return;
	}
	/* An unknown account costs what a known one does. */
	if (!j->known)
		auth_fake_keys(j->auth, buf_str(&j->account), SCRAM_SHA256, &j->keys);
	j->job = derive_start(j->auth->derive, DERIVE_LOGIN, buf_str(&j->password), &j->keys, 1,
			      derived, j);
	if (!j->job)
		answer(j, BACKEND_UNAVAILABLE, false);
}

static struct backend_job *ask(void *state, const struct backend_query *q, backend_answer_fn *fn,
			       void *arg)
{
	struct auth *a = state;
	struct backend_job *j = xcalloc(1, sizeof(*j));
	struct msg_value key = value_text(q->account);
	struct msg_read_op ops[READS] = {
		[READ_CREDENTIAL] = {.op = STORE_LIST,
				     .table = TABLE_CREDENTIAL,
				     .key = &key,
				     .nkey = 1},
		[READ_DISABLED] = {
			.op = STORE_GET, .table = TABLE_DISABLED, .key = &key, .nkey = 1}};

	j->auth = a;
	j->hash = q->hash;
	j->fn = fn;
	j->arg = arg;
	buf_str_append(&j->account, q->account);
	buf_str_append(&j->password, q->password);
	j->read = store_read(a->link, ops, READS, (uint32_t)a->config->storage_timeout, found,
			     j);
	return j;
}

static void *open_internal(struct auth *a, const struct source_config *c, struct buf *errors)
{
	(void)c;
	(void)errors;
	return a;
}

static void *close_internal(void *state)
{
	(void)state;
	return NULL;
}

const struct backend backend_internal = {.name = "internal",
					 .open = open_internal,
					 .close = close_internal,
					 .ask = ask,
					 .cancel = cancel};
