/* SPDX-License-Identifier: MIT */
/*
 * Requests that this process alone has, for a session that is detached or does not take them now. Should
 * this process die, the session does not go on, for it would lack them, and whoever asked must still hear
 * (RFC 6120 section 8.2.3): the error that is due then stands in table outgoing until the client has the
 * request.
 */
#include "sm/outgoing.h"

static void row_key(struct user *u, const struct msg_stanza_key *key, struct msg_value *v)
{
	v[COL_OUTGOING_ACCOUNT] = value_text(user_jid(u));
	v[COL_OUTGOING_ORIGIN] = value_int((int64_t)key->origin);
	v[COL_OUTGOING_NUMBER] = value_int((int64_t)key->number);
	v[COL_OUTGOING_PART] = value_int(key->part);
}

void owed_write(struct packet *p, struct session *s)
{
	struct user *u = s->user;
	struct given *g = session_given(s, &p->key);
	struct msg_value v[COLS_OUTGOING];
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_OUTGOING, .values = v, .nvalues = COLS_OUTGOING};
	struct buf b = BUF_INIT;
	struct stanza error;

	if (!g || g->acked || g->owed)
		return;
	g->owed = true;
	error = stanza_error_reply(p->pool, &p->st, STANZA_E_SERVICE_UNAVAILABLE, NULL, NULL,
				   STR_NONE);
	stanza_write(&error, &b);
	row_key(u, &p->key, v);
	v[COL_OUTGOING_EPOCH] = value_int(shards_epoch(p->sm->shards, u->shard));
	v[COL_OUTGOING_TIME] = value_int(clock_wall_us());
	v[COL_OUTGOING_DEADLINE] = value_int(clock_wall_us() + 1000 * (int64_t)s->resume_ms);
	v[COL_OUTGOING_STANZA] = value_text(buf_str(&b));
	user_write(u, p->txn, &op, 1, NULL, NULL, NULL);
	buf_free(&b);
}

/* What was said of a request, among the keys appended lately: by its key with one of these in its part. */
enum said { SAID_OWED = 0x4000, SAID_REFUSED = 0x2000 };

static struct msg_stanza_key said_key(const struct msg_stanza_key *key, enum said what)
{
	return (struct msg_stanza_key){key->origin, key->number, (uint16_t)(key->part | what)};
}

static bool said(struct user *u, const struct msg_stanza_key *key, enum said what)
{
	struct msg_stanza_key k = said_key(key, what);

	return seen_find(u, &k) != NULL;
}

static void say(struct user *u, const struct msg_stanza_key *key, enum said what)
{
	struct msg_stanza_key k = said_key(key, what);

	if (said(u, key, what))
		return;
	seen_add(u, &k, 0)->committed = true;
	sm_tick_appends(u->sm);
}

bool owed_answered(const struct packet *p)
{
	return said(p->user, &p->key, SAID_OWED);
}

void owed_refused(const struct packet *p)
{
	struct sm *sm = p->sm;

	/* Later there are no rows of earlier owners. */
	if (sm->opened && loop_now(sm->loop) - sm->opened < SEEN_MS)
		say(p->user, &p->key, SAID_REFUSED);
}

void owed_delete(struct user *u, const struct msg_stanza_key *key)
{
	struct msg_value v[COL_OUTGOING_PART + 1];
	struct msg_write_op op = {.op = STORE_DELETE,
				  .table = TABLE_OUTGOING,
				  .values = v,
				  .nvalues = COL_OUTGOING_PART + 1};

	row_key(u, key, v);
	user_write(u, NULL, &op, 1, NULL, NULL, NULL);
}

struct adopting {
	struct sm *sm;
	struct msg_stanza_key key;
	struct pool *pool;
	struct stanza error;
};

static void adopt_loaded(void *arg, struct user *u)
{
	struct adopting *a = arg;
	bool there = false;

	for (struct session *s = u ? u->sessions : NULL; s; s = s->next)
		there |= session_given(s, &a->key) != NULL; /* resumed in time: its client has it */
	/* Whoever asked may not have heard that the request was taken, and ask us as well. */
	if (u && !there && !said(u, &a->key, SAID_REFUSED)) {
		outgoing_deliver(a->sm, &a->key, &a->error);
		say(u, &a->key, SAID_OWED);
	}
	if (u)
		owed_delete(u, &a->key);
	sm_pool_back(a->sm, a->pool);
	free(a);
}

void owed_adopt(struct sm *sm, const struct msg_stanza_key *key, const struct msg_value *row)
{
	struct adopting *a = xcalloc(1, sizeof *a);

	a->sm = sm;
	a->key = *key;
	a->pool = sm_pool(sm);
	if (stanza_parse(a->pool, pool_str(a->pool, row[COL_OUTGOING_STANZA].s), &a->error) < 0)
		bug("a row that was parsed cannot be parsed");
	user_run(user_need(sm, row[COL_OUTGOING_ACCOUNT].s), adopt_loaded, a);
}
