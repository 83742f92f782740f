/* SPDX-License-Identifier: MIT */
/* The internal back end: SCRAM keys in the table credential. */
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/random.h"

struct backend_call {
	struct auth *auth;
	struct store_read *read;
	struct derive_job *job;
	backend_keys_fn *keys_fn;
	backend_check_fn *check_fn;
	void *arg;
	enum scram_hash hash;
	bool known;
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

static void call_free(struct backend_call *c)
{
	buf_free(&c->account);
	buf_wipe(&c->password);
	wipe(c, sizeof(*c));
	free(c);
}

static void cancel(struct backend_call *c)
{
	if (!c)
		return;
	if (c->read)
		store_read_cancel(c->read);
	derive_cancel(c->job);
	call_free(c);
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

static void derived(void *arg, const struct scram_keys *keys, size_t n)
{
	struct backend_call *c = arg;
	backend_check_fn *fn = c->check_fn;
	void *fn_arg = c->arg;
	bool good = equal_const_time(keys[0].stored_key, c->keys.stored_key,
				     scram_hash_size(c->keys.hash)) &&
		    c->known;
	enum backend_status status = c->known ? BACKEND_KNOWN : BACKEND_UNKNOWN;

	(void)n;
	call_free(c);
	fn(fn_arg, status, good);
}

static void fail(struct backend_call *c)
{
	struct backend_call copy = *c;

	call_free(c);
	if (copy.keys_fn)
		copy.keys_fn(copy.arg, BACKEND_UNAVAILABLE, NULL);
	else
		copy.check_fn(copy.arg, BACKEND_UNAVAILABLE, false);
	wipe(&copy, sizeof(copy));
}

static void found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct backend_call *c = arg;

	c->read = NULL;
	if (err < 0 || n != 1) {
		fail(c);
		return;
	}
	c->known = find_keys(&results[0], c->keys_fn ? c->hash : SCRAM_HASHES, &c->keys);
	if (c->keys_fn) {
		struct backend_call copy = *c;

		call_free(c);
		copy.keys_fn(copy.arg, copy.known ? BACKEND_KNOWN : BACKEND_UNKNOWN,
			     copy.known ? &copy.keys : NULL);
		wipe(&copy, sizeof(copy));
		return;
	}
	/* An unknown account costs what a known one does. */
	if (!c->known)
		auth_fake_keys(c->auth, buf_str(&c->account), SCRAM_SHA256, &c->keys);
	c->job = derive_start(c->auth->derive, DERIVE_LOGIN, buf_str(&c->password), &c->keys, 1,
			      derived, c);
	if (!c->job)
		fail(c);
}

static struct backend_call *look_up(struct backend_call *c, struct str account)
{
	struct msg_value key = value_text(account);
	struct msg_read_op op = {
		.op = STORE_LIST, .table = TABLE_CREDENTIAL, .key = &key, .nkey = 1};

	buf_str_append(&c->account, account);
	c->read = store_read(c->auth->link, &op, 1, (uint32_t)c->auth->config->storage_timeout,
			     found, c);
	return c;
}

static struct backend_call *get_keys(struct auth *a, struct str account, enum scram_hash hash,
				     backend_keys_fn *fn, void *arg)
{
	struct backend_call *c = xcalloc(1, sizeof(*c));

	c->auth = a;
	c->hash = hash;
	c->keys_fn = fn;
	c->arg = arg;
	return look_up(c, account);
}

static struct backend_call *check(struct auth *a, struct str account, struct str password,
				  backend_check_fn *fn, void *arg)
{
	struct backend_call *c = xcalloc(1, sizeof(*c));

	c->auth = a;
	c->check_fn = fn;
	c->arg = arg;
	buf_str_append(&c->password, password);
	return look_up(c, account);
}

const struct backend backend_internal = {
	.name = "internal", .keys = get_keys, .check = check, .cancel = cancel};
