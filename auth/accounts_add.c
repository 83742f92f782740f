/* SPDX-License-Identifier: MIT */
/*
 * Accounts created and passwords set, one or thousands in a request: checked, looked up, derived
 * on the workers and written in chunks, of which the next is derived while one is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "xmpp/jid.h"

enum { ADD_CREATE, ADD_CHANGE, ADD_EITHER };
enum { CHUNK = 64, OPS_EACH = 2 + SCRAM_HASHES };

struct entry {
	struct chunk *chunk;
	char *account;
	struct buf password;
	uint16_t code;
	bool exists, retried;
	bool keyed; /* keys came in place of a password; those of a hash that did not have no iterations */
	int64_t created;
	struct derive_job *job;
	struct scram_keys keys[SCRAM_HASHES];
};

struct chunk {
	struct adding *adding;
	size_t from, to;
	size_t deriving;
	bool active, singly; /* singly: a group was refused, one after the other now */
	size_t at, until;    /* what is being written */
	struct store_read *read;
	struct channel_item *write;
};

struct adding {
	struct task task;
	uint8_t mode;
	bool in_band, keyed;
	struct entry *entries;
	size_t n, next;
	struct chunk chunks[2];
};

static void adding_free(struct adding *d)
{
	d->task.auth->adding -= d->n;
	task_end(&d->task);
	for (size_t i = 0; i < d->n; i++) {
		free(d->entries[i].account);
		buf_wipe(&d->entries[i].password);
	}
	wipe(d->entries, d->n * sizeof(*d->entries));
	free(d->entries);
	free(d);
}

static void adding_cancel(struct task *t)
{
	struct adding *d = (struct adding *)t;

	for (size_t i = 0; i < d->n; i++)
		derive_cancel(d->entries[i].job);
	for (size_t i = 0; i < 2; i++) {
		if (d->chunks[i].read)
			store_read_cancel(d->chunks[i].read);
		if (d->chunks[i].write)
			channel_forget(d->chunks[i].write);
	}
	adding_free(d);
}

bool accounts_changing(const struct auth *a, struct str account)
{
	const struct task *t;

	DL_FOREACH (a->tasks, t) {
		const struct adding *d = (const struct adding *)t;

		for (size_t i = 0; t->cancel == adding_cancel && i < d->n; i++)
			if (d->entries[i].account && str_eqz(account, d->entries[i].account))
				return true;
	}
	return false;
}

static void adding_answer(struct adding *d)
{
	uint16_t *codes = xcalloc(d->n + 1, sizeof(*codes));
	struct msg_account_result r = {.codes = codes, .ncodes = d->n};

	for (size_t i = 0; i < d->n; i++)
		codes[i] = d->entries[i].code;
	link_reply(d->task.auth->link, &d->task.request, MSG_ACCOUNT_RESULT, &r);
	free(codes);
	adding_free(d);
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool is_reserved(const struct auth *a, struct str local)
{
	for (char **z = a->config->reserved_names; *z; z++) {
		if (str_caseeq(local, str_z(*z)))
			return true;
	}
	return false;
}

/* Whoever got the name of an administrator would be one. */
static bool is_administrator(const struct auth *a, struct str bare)
{
	for (char **z = a->common->admins; z && *z; z++) {
		if (str_eqz(bare, *z))
			return true;
	}
	return false;
}

static int check_registration(struct auth *a, const struct jid *jid, struct str address)
{
	const struct auth_config *c = a->config;
	char scratch[AUTH_ADDRESS_KEY];
	struct str key = auth_address_key(address, scratch);

	if (is_reserved(a, jid->local) || is_administrator(a, jid->bare))
		return EPERM;
	if (a->common->unlimited)
		return 0;
	if (tally_full(a->registrations, key, (uint64_t)c->register_rate))
		return EAGAIN;
	tally_add(a->registrations, key, (uint64_t)c->register_rate, (uint64_t)c->register_period,
		  false);
	return 0;
}

static int check(struct adding *d, const struct msg_new_account *m, struct entry *e,
		 struct str address)
{
	struct auth *a = d->task.auth;
	struct pool *p = pool_new();
	struct jid jid;
	int r = EINVAL;

	if (jid_parse(p, m->account, &jid) < 0 || !jid_is_bare(&jid) || !jid.local.len ||
	    !auth_serves(a, jid.domain)) {
		r = EINVAL;
	} else if (source_is_foreign(a, jid.domain)) {
		r = EOPNOTSUPP;
	} else if ((d->keyed && !m->password.len) ||
		   mech_prepare_password(m->password, &e->password) == 0) {
		e->account = str_dup(jid.bare);
		e->keyed = d->keyed && !m->password.len;
		upgrade_forget(a, jid.bare);
		r = d->in_band && d->mode != ADD_CHANGE ? check_registration(a, &jid, address)
							: 0;
	}
	pool_free(p);
	return r;
}

/* --- writing --------------------------------------------------------------------------------- */

static void chunk_next(struct adding *d, struct chunk *c);
static void chunk_write(struct chunk *c, size_t at, size_t until);

static size_t entry_ops(struct entry *e, struct msg_write_op *ops,
			struct msg_value values[OPS_EACH][COLS_CREDENTIAL])
{
	size_t n = 0;

	values[n][COL_ACCOUNT_ACCOUNT] = value_text(str_z(e->account));
	values[n][COL_ACCOUNT_CREATED] = value_int(e->created);
	ops[n] = (struct msg_write_op){.op = STORE_PUT,
				       .table = TABLE_ACCOUNT,
				       .values = values[n],
				       .nvalues = COLS_ACCOUNT,
				       .condition = e->exists ? STORE_IF_PRESENT : STORE_IF_ABSENT};
	n++;
	if (e->keyed && !keys_any(e->keys)) /* what there is goes on being right */
		return n;
	/* Keys of other hashes would go on knowing the old password. */
	values[n][COL_CREDENTIAL_ACCOUNT] = value_text(str_z(e->account));
	ops[n] = (struct msg_write_op){
		.op = STORE_DELETE, .table = TABLE_CREDENTIAL, .values = values[n], .nvalues = 1};
	n++;
	for (size_t h = 0; h < SCRAM_HASHES; h++) {
		if (!e->keys[h].iterations)
			continue;
		credential_row(str_z(e->account), &e->keys[h], values[n]);
		ops[n] = (struct msg_write_op){.op = STORE_PUT,
					       .table = TABLE_CREDENTIAL,
					       .values = values[n],
					       .nvalues = COLS_CREDENTIAL};
		n++;
	}
	return n;
}

static void chunk_done(struct chunk *c)
{
	struct adding *d = c->adding;

	c->active = false;
	chunk_next(d, c);
	if (!d->chunks[0].active && !d->chunks[1].active)
		adding_answer(d);
}

/* The account came or went since it was looked up. True: try it once more. */
static bool refused_single(struct adding *d, struct entry *e)
{
	if (d->mode == ADD_EITHER && !e->retried) {
		e->retried = true;
		e->exists = !e->exists;
		return true;
	}
	e->code = e->exists ? ENOENT : EEXIST;
	return false;
}

static void chunk_written(void *arg, enum store_status status, struct str text)
{
	struct chunk *c = arg;
	struct adding *d = c->adding;
	bool again = false;

	c->write = NULL;
	if (status == STORE_CONDITION && !c->singly) {
		c->singly = true;
		chunk_write(c, c->from, c->from + 1);
		return;
	}
	for (size_t i = c->at; i < c->until; i++) {
		struct entry *e = &d->entries[i];

		if (e->code)
			continue;
		if (status == STORE_COMMITTED)
			d->task.auth->stats.accounts_written++;
		else if (status == STORE_CONDITION)
			again = refused_single(d, e);
		else
			e->code = EIO;
	}
	if (status != STORE_COMMITTED && status != STORE_CONDITION)
		log_error("accounts not written", LF_U("accounts", c->until - c->at),
			  LF_STR("reason", text));
	if (again)
		chunk_write(c, c->at, c->until);
	else if (c->singly && c->until < c->to)
		chunk_write(c, c->until, c->until + 1);
	else
		chunk_done(c);
}

static void chunk_write(struct chunk *c, size_t at, size_t until)
{
	struct adding *d = c->adding;
	struct msg_write_op *ops;
	struct msg_value(*values)[COLS_CREDENTIAL];
	size_t n = 0;

	/* Alone, one that needs no write must not end the row of those behind it. */
	while (c->singly && at < c->to && d->entries[at].code) {
		at++;
		until = at + 1;
	}
	if (at >= c->to) {
		chunk_done(c);
		return;
	}
	c->at = at;
	c->until = until;
	ops = xcalloc((until - at) * OPS_EACH, sizeof(*ops));
	values = xcalloc((until - at) * OPS_EACH, sizeof(*values));
	for (size_t i = at; i < until; i++) {
		if (!d->entries[i].code)
			n += entry_ops(&d->entries[i], ops + n, values + n);
	}
	if (n)
		c->write = store_write(d->task.auth->channels, SHARD_NONE, 0, 0, ops, n,
				       chunk_written, c);
	free(values);
	free(ops);
	if (!n)
		chunk_done(c);
}

/* --- deriving -------------------------------------------------------------------------------- */

static void chunk_derived(struct chunk *c)
{
	struct adding *d = c->adding;

	/* The workers go on with the other chunk while this one is written. */
	chunk_next(d, c == &d->chunks[0] ? &d->chunks[1] : &d->chunks[0]);
	chunk_write(c, c->from, c->to);
}

static void entry_derived(void *arg, const struct scram_keys *keys, size_t n)
{
	struct entry *e = arg;

	e->job = NULL;
	memcpy(e->keys, keys, n * sizeof(*keys));
	buf_wipe(&e->password);
	if (--e->chunk->deriving == 0)
		chunk_derived(e->chunk);
}

static enum derive_class class_of(const struct adding *d)
{
	if (d->n > 1)
		return DERIVE_BULK;
	return d->mode == ADD_CHANGE ? DERIVE_CHANGE : DERIVE_LOGIN;
}

static void entry_derive(struct entry *e)
{
	struct adding *d = e->chunk->adding;
	struct auth *a = d->task.auth;
	const struct auth_config *c = a->config;
	enum derive_class class = class_of(d);
	int64_t rounds = class == DERIVE_BULK && c->import_iterations ? c->import_iterations
								      : c->scram_iterations;

	for (int h = 0; h < SCRAM_HASHES; h++) {
		e->keys[h] = (struct scram_keys){.hash = (enum scram_hash)h,
						 .salt_len = SCRAM_SALT,
						 .iterations = (uint32_t)rounds};
		random_bytes(e->keys[h].salt, SCRAM_SALT);
	}
	e->job = derive_start(a->derive, class, buf_str(&e->password), e->keys, SCRAM_HASHES,
			      entry_derived, e);
	if (e->job)
		e->chunk->deriving++;
	else
		e->code = EAGAIN;
}

static void entry_found(struct entry *e, const struct msg_rows *rows)
{
	uint8_t mode = e->chunk->adding->mode;

	e->exists = rows->nrows && rows->rows[0].nvalues >= COLS_ACCOUNT;
	e->created = e->exists ? rows->rows[0].values[COL_ACCOUNT_CREATED].i : clock_wall_us();
	if (e->exists && mode == ADD_CREATE)
		e->code = EEXIST;
	else if (!e->exists && mode == ADD_CHANGE)
		e->code = ENOENT;
	else if (!e->keyed)
		entry_derive(e);
}

static void chunk_found(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct chunk *c = arg;
	size_t at = 0;

	c->read = NULL;
	for (size_t i = c->from; i < c->to; i++) {
		struct entry *e = &c->adding->entries[i];

		if (e->code)
			continue;
		if (err < 0 || at >= n)
			e->code = err < 0 ? (uint16_t)-err : EIO;
		else
			entry_found(e, &results[at++]);
	}
	if (err < 0)
		log_warn("accounts not looked up", LF_U("accounts", c->to - c->from), LF_ERR(err));
	if (!c->deriving)
		chunk_derived(c);
}

/* --- chunks ---------------------------------------------------------------------------------- */

/* Begins the next chunk in c, when it is free and there is one with anything to do. */
static void chunk_next(struct adding *d, struct chunk *c)
{
	struct msg_value keys[CHUNK];
	struct msg_read_op ops[CHUNK];
	struct auth *a = d->task.auth;
	size_t n = 0;

	while (!c->active && d->next < d->n && n == 0) {
		*c = (struct chunk){.adding = d, .from = d->next};
		c->to = d->n - d->next < CHUNK ? d->n : d->next + CHUNK;
		d->next = c->to;
		for (size_t i = c->from; i < c->to; i++) {
			struct entry *e = &d->entries[i];

			if (e->code)
				continue;
			e->chunk = c;
			keys[n] = value_text(str_z(e->account));
			ops[n] = (struct msg_read_op){.op = STORE_GET,
						      .table = TABLE_ACCOUNT,
						      .key = &keys[n],
						      .nkey = 1};
			n++;
		}
	}
	if (!n)
		return;
	c->active = true;
	c->read = store_read(a->link, ops, n, (uint32_t)a->config->storage_timeout, chunk_found, c);
}

void accounts_handle_add(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_account_add *m = msg;
	struct adding *d;

	if (m->mode > ADD_EITHER || a->draining ||
	    a->adding + m->naccounts > (size_t)a->config->import_queue) {
		link_fail(a->link, f, m->mode > ADD_EITHER ? -EINVAL : -EAGAIN,
			  m->mode > ADD_EITHER ? "no such mode" : "too many accounts at once");
		return;
	}
	d = xcalloc(1, sizeof(*d));
	task_begin(&d->task, a, f, adding_cancel);
	d->mode = m->mode;
	d->in_band = m->address.len > 0;
	d->n = m->naccounts;
	d->entries = xcalloc(d->n + 1, sizeof(*d->entries));
	a->adding += d->n;
	d->keyed = m->keyed;
	for (size_t i = 0; i < d->n; i++)
		d->entries[i].code =
			(uint16_t)check(d, &m->accounts[i], &d->entries[i], m->address);
	for (size_t i = 0; m->keyed && i < m->nkeys; i++)
		if (m->keys[i].index < d->n && d->entries[m->keys[i].index].keyed)
			keys_take(&m->keys[i], d->entries[m->keys[i].index].keys);
	chunk_next(d, &d->chunks[0]);
	if (!d->chunks[0].active)
		adding_answer(d);
}
