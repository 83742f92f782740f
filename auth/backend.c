/* SPDX-License-Identifier: MIT */
/*
 * A question to the source of an account's domain. What other systems know is remembered for a
 * short time, and an account that only they know is made here, so that sm finds it.
 */
#include <errno.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "xmpp/jid.h"

enum { READ_ACCOUNT, READ_DISABLED, READS }; /* of an account that another system knows */

struct backend_call {
	struct auth *auth;
	struct source *source;
	struct backend_job *job;
	struct store_read *read;
	struct channel_item *write;
	struct loop_timer *timer; /* the time limit; of other systems only */
	backend_keys_fn *keys_fn;
	backend_check_fn *check_fn;
	void *arg;
	struct buf account, password;
	enum backend_status status;
	bool good, have_keys;
	bool any; /* where there are no keys of the hash that was asked for, the weaker is */
	struct scram_keys keys;
};

static struct str domain_of(struct str account)
{
	const char *at = account.len ? memrchr(account.ptr, '@', account.len) : NULL;
	size_t skip = at ? (size_t)(at + 1 - account.ptr) : 0;

	return str_n(account.ptr + skip, account.len - skip);
}

static void stop(struct backend_call *c)
{
	if (c->job)
		c->source->backend->cancel(c->job);
	if (c->read)
		store_read_cancel(c->read);
	if (c->write)
		channel_forget(c->write);
	c->timer = loop_timer_free(c->timer);
	c->job = NULL;
	c->read = NULL;
	c->write = NULL;
}

void backend_cancel(struct backend_call *c)
{
	if (!c)
		return;
	stop(c);
	buf_free(&c->account);
	buf_wipe(&c->password);
	wipe(c, sizeof(*c));
	free(c);
}

static void deliver(struct backend_call *c, enum backend_status status)
{
	backend_keys_fn *keys_fn = c->keys_fn;
	backend_check_fn *check_fn = c->check_fn;
	void *arg = c->arg;
	bool good = c->good && status != BACKEND_UNAVAILABLE && status != BACKEND_UNKNOWN;
	bool have_keys = c->have_keys && status != BACKEND_UNAVAILABLE && status != BACKEND_UNKNOWN;
	struct scram_keys keys = c->keys;

	backend_cancel(c);
	if (keys_fn)
		keys_fn(arg, status, have_keys ? &keys : NULL);
	else
		check_fn(arg, status, good);
	wipe(&keys, sizeof(keys));
}

/* --- the account here ------------------------------------------------------------------------ */

static void made(void *arg, enum store_status status, struct str text)
{
	struct backend_call *c = arg;

	c->write = NULL;
	if (status == STORE_COMMITTED) {
		c->source->created++;
		log_info("account created at its first login",
			 LF_STR("account", buf_str(&c->account)),
			 LF_S("credentials", c->source->name));
	} else if (status != STORE_CONDITION) { /* which is: somebody else has made it just now */
		log_error("account not created", LF_STR("account", buf_str(&c->account)),
			  LF_STR("reason", text));
		deliver(c, BACKEND_UNAVAILABLE);
		return;
	}
	deliver(c, c->status);
}

static void make(struct backend_call *c)
{
	struct msg_value values[COLS_ACCOUNT] = {0};
	struct msg_write_op op = {.op = STORE_PUT,
				  .table = TABLE_ACCOUNT,
				  .values = values,
				  .nvalues = COLS_ACCOUNT,
				  .condition = STORE_IF_ABSENT};

	values[COL_ACCOUNT_ACCOUNT] = value_text(buf_str(&c->account));
	values[COL_ACCOUNT_CREATED] = value_int(clock_wall_us());

	c->write = store_write(c->auth->channels, SHARD_NONE, 0, 0, &op, 1, made, c);
}

static void looked_up(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct backend_call *c = arg;

	c->read = NULL;
	if (err < 0 || n != READS)
		deliver(c, BACKEND_UNAVAILABLE);
	else if (results[READ_DISABLED].nrows)
		deliver(c, BACKEND_DISABLED);
	else if (results[READ_ACCOUNT].nrows)
		deliver(c, c->status);
	else if (c->source->config.create)
		make(c);
	else
		deliver(c, BACKEND_UNKNOWN);
}

static void look_up(struct backend_call *c)
{
	struct msg_value key = value_text(buf_str(&c->account));
	struct msg_read_op ops[READS] = {
		[READ_ACCOUNT] = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1},
		[READ_DISABLED] = {
			.op = STORE_GET, .table = TABLE_DISABLED, .key = &key, .nkey = 1}};

	c->read = store_read(c->auth->link, ops, READS, (uint32_t)c->auth->config->storage_timeout,
			     looked_up, c);
}

/* --- the source ------------------------------------------------------------------------------ */

static void ask(struct backend_call *c, struct str account, struct str password,
		enum scram_hash hash);

/* The weaker hash is asked for. False: it was, or its source has none. */
static bool asked_again(struct backend_call *c)
{
	struct str account = buf_str(&c->account), domain = domain_of(account);

	if (!c->any || !source_has_keys(c->auth, domain, SCRAM_SHA1))
		return false;
	c->any = false;
	c->timer = loop_timer_free(c->timer);
	ask(c, account, STR_NONE, SCRAM_SHA1);
	return true;
}

static void answered(void *arg, const struct backend_answer *r)
{
	struct backend_call *c = arg;

	c->job = NULL;
	source_answered(c->source, r);
	c->status = r->status;
	c->good = r->good;
	c->have_keys = r->keys != NULL;
	if (r->keys)
		c->keys = *r->keys;
	else if (c->keys_fn && c->status == BACKEND_KNOWN)
		c->status = BACKEND_UNKNOWN;
	if (c->status == BACKEND_UNKNOWN && asked_again(c))
		return;
	if (!c->source->backend->foreign || c->status != BACKEND_KNOWN ||
	    (c->check_fn && !c->good)) {
		deliver(c, c->status);
		return;
	}
	if (c->check_fn)
		pass_cache_put(c->auth->passwords, buf_str(&c->account), buf_str(&c->password),
			       STR_NONE, (uint64_t)c->source->config.cache);
	look_up(c);
}

static void unavailable(struct backend_call *c, const char *reason)
{
	struct backend_answer r = {.status = BACKEND_UNAVAILABLE, .reason = reason};

	source_answered(c->source, &r);
	deliver(c, BACKEND_UNAVAILABLE);
}

static void too_long(void *arg)
{
	struct backend_call *c = arg;
	char reason[64];

	snprintf(reason, sizeof(reason), "no answer within %lld ms",
		 (long long)c->source->config.timeout);
	if (c->job)
		unavailable(c, reason);
	else /* it was our storage that did not answer */
		deliver(c, BACKEND_UNAVAILABLE);
}

static void too_many(void *arg)
{
	unavailable(arg, "too many questions wait already");
}

static void no_such_name(void *arg)
{
	deliver(arg, BACKEND_UNKNOWN);
}

static void after(struct backend_call *c, int64_t ms, loop_fn *fn)
{
	c->timer = loop_timer_new(c->auth->loop, fn, c);
	loop_timer_start(c->timer, (uint64_t)ms, 0);
}

/* What is no address here is nobody's name elsewhere. */
static bool is_account(struct str account, struct jid *ret)
{
	struct pool *p = pool_new();
	struct jid jid;
	bool good = jid_parse(p, account, &jid) == 0 && jid.local.len && str_eq(jid.bare, account);

	pool_free(p);
	return good && jid_split(account, ret) == 0;
}

static void ask(struct backend_call *c, struct str account, struct str password,
		enum scram_hash hash)
{
	bool foreign = c->source->backend->foreign;
	struct backend_query q = {.account = account, .password = password, .hash = hash};
	struct jid jid = {0};

	if (foreign && !is_account(account, &jid)) {
		after(c, 0, no_such_name);
		return;
	}
	q.local = jid.local;
	q.domain = jid.domain;
	c->job = c->source->backend->ask(c->source->state, &q, answered, c);
	if (!c->job)
		after(c, 0, too_many);
	else if (foreign)
		after(c, c->source->config.timeout, too_long);
}

static struct backend_call *call_new(struct auth *a, struct str account, void *arg)
{
	struct backend_call *c = xcalloc(1, sizeof(*c));

	c->auth = a;
	c->source = source_of(a, domain_of(account));
	c->arg = arg;
	buf_str_append(&c->account, account);
	return c;
}

struct backend_call *backend_keys(struct auth *a, struct str account, enum scram_hash hash,
				  backend_keys_fn *fn, void *arg)
{
	struct backend_call *c = call_new(a, account, arg);

	c->keys_fn = fn;
	ask(c, account, STR_NONE, hash);
	return c;
}

struct backend_call *backend_known(struct auth *a, struct str account, backend_keys_fn *fn,
				   void *arg)
{
	struct backend_call *c = backend_keys(a, account, SCRAM_SHA256, fn, arg);

	c->any = true;
	return c;
}

struct backend_call *backend_check(struct auth *a, struct str account, struct str password,
				   backend_check_fn *fn, void *arg)
{
	struct backend_call *c = call_new(a, account, arg);

	c->check_fn = fn;
	buf_str_append(&c->password, password);
	if (c->source->backend->foreign &&
	    pass_cache_has(a->passwords, account, password, STR_NONE)) {
		c->source->cached++;
		c->status = BACKEND_KNOWN;
		c->good = true;
		look_up(c);
	} else {
		ask(c, account, password, SCRAM_HASHES);
	}
	return c;
}
