/* SPDX-License-Identifier: MIT */
/* Accounts as actors: loaded once with all modules' data, evicted least recently used. */
#include <errno.h>
#include <utlist.h>
#include "sm/inbox.h"
#include "sm/newest.h"
#include "sm/scan.h"

enum { LOAD_TIMEOUT_MS = 10000, LOAD_RETRY_S = 1, SAVE_RETRY_S = 2 };
/* What the core itself reads with an account, before the modules' tables. */
enum { LOAD_ACCOUNT, LOAD_POSITION, LOAD_NEWEST, LOAD_SESSIONS, LOAD_DISABLED, LOAD_MODULES };

static void user_load(void *arg);

struct user *user_get(struct sm *sm, struct str bare)
{
	struct user *u = keyed_find(&sm->users, jid_key(bare));

	while (u && !str_eqz(bare, u->jid))
		u = keyed_again(&sm->users, u);
	return u;
}

void user_changed(struct user *u)
{
	struct sm *sm = u->sm;

	if (!sm->changes) /* another owner counts elsewhere */
		sm->changes = random_u64() >> 1;
	u->change = ++sm->changes;
}

struct user *user_need(struct sm *sm, struct str bare)
{
	struct user *u = user_get(sm, bare);

	if (u)
		return u;
	u = xcalloc(1, sizeof *u + sm->nslots * sizeof u->data[0]);
	u->sm = sm;
	u->jid = str_dup(bare);
	user_changed(u);
	u->key = jid_key(bare);
	u->shard = (uint16_t)(u->key % SHARDS);
	keyed_add(&sm->users, u);
	DL_APPEND2(sm->by_shard[u->shard], u, shard_prev, shard_next);
	return u;
}

static void jobs_run(struct user *u, bool lost)
{
	struct user_job *j;

	while ((j = u->jobs)) {
		u->jobs = j->next;
		if (!u->jobs)
			u->jobs_last = NULL;
		j->fn(j->arg, lost ? NULL : u);
		free(j);
	}
}

static bool retrying(const struct user *u)
{
	return u->retry && u->retry->due;
}

void user_run(struct user *u, void (*fn)(void *arg, struct user *u), void *arg)
{
	struct user_job *j;

	if (u->state == USER_LOADED && !u->jobs) {
		fn(arg, u);
		return;
	}
	j = xcalloc(1, sizeof *j);
	j->fn = fn;
	j->arg = arg;
	j->since = loop_now(u->sm->loop);
	if (u->jobs_last)
		u->jobs_last->next = j;
	else
		u->jobs = j;
	u->jobs_last = j;
	if (u->state == USER_LOADING && !u->loading && !retrying(u))
		user_load(u);
}

/* What has waited too long is answered (DELIVERY rule 12); the rest goes on waiting. */
static void jobs_expire(struct user *u)
{
	uint64_t now = loop_now(u->sm->loop);
	struct user_job *j;

	u->busy++;
	while ((j = u->jobs) && now - j->since >= (uint64_t)u->sm->config->deadline) {
		u->jobs = j->next;
		if (!u->jobs)
			u->jobs_last = NULL;
		j->fn(j->arg, NULL);
		free(j);
	}
	u->busy--;
}

/* --- loading ------------------------------------------------------------------------------- */

static void load_failed(struct user *u, int err)
{
	log_warn("account not loaded", LF_S("account", u->jid), LF_ERR(err));
	/* First: who is told that it failed may ask for the account again. */
	loop_timeout_need(u->sm->loop, &u->retry, user_load, u, LOAD_RETRY_S);
	jobs_expire(u);
}

/* What lies beyond the newest entries is here: now the account as one consistent view. */
static void older_read(struct user *u, int err)
{
	if (err)
		load_failed(u, err);
	else
		user_load(u);
}

static void user_loaded(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct user *u = arg;

	u->loading = NULL;
	if (err) {
		load_failed(u, err);
		return;
	}
	if (n < LOAD_MODULES)
		bug("storage answered %zu of the reads of an account", n);
	if (!newest_enough(u, inbox_position_of(&results[LOAD_POSITION]), &results[LOAD_NEWEST],
			   older_read))
		return;
	u->state = USER_LOADED;
	u->exists = u->temporary || results[LOAD_ACCOUNT].nrows > 0;
	u->disabled = results[LOAD_DISABLED].nrows > 0;
	u->sm->stat_loads++;
	if (u->exists)
		detached_restore(u, &results[LOAD_SESSIONS]);
	inbox_load(u, &results[LOAD_POSITION], &results[LOAD_NEWEST]);
	newest_free(u);
	/* Each module gets the rows of its own tables: they follow in the order of the list. */
	for (size_t i = 0, at = LOAD_MODULES; i < u->sm->nmodules; i++) {
		const struct module *m = u->sm->modules[i];
		size_t count = 0;

		while (m->preload && m->preload[count] != TABLE_NONE)
			count++;
		if (m->hooks.user_load)
			m->hooks.user_load(u, results + at);
		at += count;
	}
	u->busy++; /* a job may end what keeps it */
	detached_catch_up(u);
	jobs_run(u, false);
	u->busy--;
	/* An owner died between the end of the credentials and that of the data: nobody who gets the
	 * name anew may find them. */
	if (u->sessions && !u->exists && !u->gone)
		user_remove(u);
	user_touch(u);
}

static void user_load(void *arg)
{
	struct user *u = arg;
	struct sm *sm = u->sm;
	struct msg_value key = value_text(str_z(u->jid));
	struct msg_read_op ops[LOAD_MODULES + 4 * MAX_MODULES];
	size_t n = LOAD_MODULES;

	memset(ops, 0, sizeof ops);
	ops[LOAD_ACCOUNT] = (struct msg_read_op){
		.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1};
	ops[LOAD_POSITION] = (struct msg_read_op){
		.op = STORE_GET, .table = TABLE_POSITION, .key = &key, .nkey = 1};
	ops[LOAD_NEWEST] = (struct msg_read_op){.op = STORE_LOG_LAST,
						.table = TABLE_LOG,
						.key = &key,
						.nkey = 1,
						.limit = NEWEST_KEYS};
	ops[LOAD_SESSIONS] = (struct msg_read_op){
		.op = STORE_LIST, .table = TABLE_SESSION, .key = &key, .nkey = 1};
	ops[LOAD_DISABLED] = (struct msg_read_op){
		.op = STORE_GET, .table = TABLE_DISABLED, .key = &key, .nkey = 1};
	for (size_t i = 0; i < sm->nmodules; i++)
		for (const uint16_t *t = sm->modules[i]->preload; t && *t != TABLE_NONE; t++) {
			if (n == sizeof ops / sizeof *ops)
				bug("modules preload more tables than fit");
			ops[n++] = (struct msg_read_op){
				.op = STORE_LIST, .table = *t, .key = &key, .nkey = 1};
		}
	u->loading = store_read_all(sm->link, ops, n, LOAD_TIMEOUT_MS, user_loaded, u);
}

/* --- leaving memory ---------------------------------------------------------------------------- */

static void idle_remove(struct user *u)
{
	struct sm *sm = u->sm;

	if (!u->idle)
		return;
	if (u->idle_prev)
		u->idle_prev->idle_next = u->idle_next;
	else
		sm->idle_first = u->idle_next;
	if (u->idle_next)
		u->idle_next->idle_prev = u->idle_prev;
	else
		sm->idle_last = u->idle_prev;
	u->idle_prev = u->idle_next = NULL;
	u->idle = false;
	sm->nidle--;
}

static void user_free(struct user *u)
{
	struct sm *sm = u->sm;

	idle_remove(u);
	if (u->state == USER_LOADED)
		run_user_free(u);
	farewells_drop(u);
	later_free(u);
	inbox_free(u);
	seen_forget(u);
	store_read_all_cancel(u->loading);
	newest_free(u);
	loop_timeout_drop(sm->loop, &u->retry);
	keyed_remove(&sm->users, u);
	DL_DELETE2(sm->by_shard[u->shard], u, shard_prev, shard_next);
	free(u->jid);
	free(u);
}

void user_drop(struct user *u)
{
	while (u->sessions) {
		session_behind_drop(u->sessions);
		session_free(u->sessions);
	}
	turns_drop(u);
	wait_drop_all(u);
	appends_drop(u);
	jobs_run(u, true);
	user_free(u);
}

static bool user_quiet(const struct user *u)
{
	return u->state == USER_LOADED && !u->sessions && !u->busy && !u->jobs && !u->waits;
}

static void touch_again(void *arg)
{
	struct user *u = arg;

	if (u->inbox)
		u->inbox->save_failed = false;
	user_touch(u);
}

static void touch_later(struct user *u)
{
	loop_timeout_need(u->sm->loop, &u->retry, touch_again, u, SAVE_RETRY_S);
}

void user_touch(struct user *u)
{
	struct sm *sm = u->sm;

	idle_remove(u);
	if (!user_quiet(u))
		return;
	if (u->temporary && !u->gone) { /* its session has ended */
		user_remove(u);
		return;
	}
	if (u->inbox->save_failed && user_exists(u)) { /* storage fails: not in a loop, nor forgotten */
		touch_later(u);
		return;
	}
	inbox_save(u);
	if (!user_quiet(u)) /* the position is being written: its answer comes here again */
		return;
	if (!u->exists || u->gone) { /* not worth keeping, and it may come to exist */
		user_free(u);
		return;
	}
	u->idle_prev = sm->idle_last;
	if (sm->idle_last)
		sm->idle_last->idle_next = u;
	else
		sm->idle_first = u;
	sm->idle_last = u;
	u->idle = true;
	sm->nidle++;
	while (sm->nidle > (size_t)sm->config->users_cached) {
		struct user *oldest = sm->idle_first;

		if (!user_quiet(oldest)) {
			idle_remove(oldest); /* something was begun with it; its end comes here again */
		} else if (later_is_due(oldest)) { /* likewise */
			user_write_now(oldest);
			user_touch(oldest);
		} else {
			user_free(oldest);
		}
	}
}

void users_of_shard(struct sm *sm, uint16_t shard, void (*fn)(struct user *u))
{
	struct user *u, *tmp;

	DL_FOREACH_SAFE2(sm->by_shard[shard], u, tmp, shard_next)
	{
		fn(u);
	}
}

void users_drop_shard(struct sm *sm, uint16_t shard)
{
	struct user *u;

	while ((u = sm->by_shard[shard])) { /* to drop one may drop or make others */
		unacked_ask_again(u);
		user_drop(u);
	}
	tells_drop(sm, shard);
	scan_forget(sm->detached, shard);
}

void users_drop_all(struct sm *sm)
{
	while (sm->users.n) { /* to drop one may drop or make others */
		for (uint16_t shard = 0; shard < SHARDS; shard++) {
			while (sm->by_shard[shard])
				user_drop(sm->by_shard[shard]);
		}
	}
}

bool users_append(const struct sm *sm, uint16_t shard)
{
	const struct user *u;

	DL_FOREACH2(sm->by_shard[shard], u, shard_next)
		if (u->pending)
			return true;
	return false;
}

bool users_flush_shard(struct sm *sm, uint16_t shard)
{
	struct user *u, *tmp;
	bool clear = sm->asks[shard] == NULL && outgoing_clear(sm, shard);

	DL_FOREACH_SAFE2(sm->by_shard[shard], u, tmp, shard_next)
	{
		if (u->state == USER_LOADED)
			inbox_save(u);
		user_write_now(u);
		relaxed_write(u);
		if (u->busy || u->jobs || u->waits)
			clear = false;
		for (struct session *s = u->sessions; s; s = s->next)
			if (s->work)
				clear = false;
	}
	return clear;
}

/* --- what modules see ---------------------------------------------------------------------------- */

struct str user_jid(const struct user *u)
{
	return str_z(u->jid);
}

bool user_exists(const struct user *u)
{
	return u->exists && !u->gone;
}

bool user_temporary(const struct user *u)
{
	return u->temporary;
}

void user_set_temporary(struct user *u)
{
	u->temporary = u->exists = true;
}

void user_hold(struct user *u)
{
	u->busy++;
}

/* Whoever calls may be at work with it: whether it can leave is looked at later. */
void user_let_go(struct user *u)
{
	if (--u->busy || retrying(u))
		return;
	touch_later(u);
}

struct user *user_in_memory(struct sm *sm, struct str bare)
{
	struct user *u = user_get(sm, bare);

	return u && u->state == USER_LOADED ? u : NULL;
}

struct sm *user_sm(const struct user *u)
{
	return u->sm;
}

bool user_key_fits(const struct user *u, struct str jid)
{
	struct msg_value key[2] = {value_text(user_jid(u)), value_text(jid)};

	return store_key_fits(key, 2);
}

struct session *user_sessions(const struct user *u)
{
	return u->sessions;
}

struct session *session_next(const struct session *s)
{
	return s->next;
}

struct session *user_session(const struct user *u, struct str resource)
{
	for (struct session *s = u->sessions; s; s = s->next)
		if (!s->closing && !s->leaving && str_eq(session_jid(s).resource, resource))
			return s;
	return NULL;
}

void sm_with_user(struct sm *sm, struct str bare, void (*fn)(void *arg, struct user *u), void *arg)
{
	if (!shards_is_open(sm->shards, link_shard(bare))) {
		fn(arg, NULL);
		return;
	}
	user_run(user_need(sm, bare), fn, arg);
}
