/* SPDX-License-Identifier: MIT */
/* Messages into the log: numbered and written here, each key once. What becomes of them: append_commit.c. */
#include <utlist.h>
#include "base/mutation.h"
#include "sm/inbox.h"

/* --- an append's life --------------------------------------------------------------------------------- */

static void append_wait(struct append *a, struct txn *t)
{
	if (!t)
		return;
	txn_hold(t);
	if (!a->nwaiters) {
		a->waiters = a->one;
	} else if (a->waiters == a->one) {
		a->waiters = xcalloc(2, sizeof *a->waiters);
		a->waiters[0] = a->one[0];
	} else {
		a->waiters = xrealloc(a->waiters, (a->nwaiters + 1) * sizeof *a->waiters);
	}
	a->waiters[a->nwaiters++] = t;
}

void append_release(struct append *a)
{
	struct txn **w = a->waiters, *one = a->one[0];
	size_t n = a->nwaiters;

	a->waiters = NULL;
	a->nwaiters = 0;
	if (w == a->one) {
		txn_release(one);
		return;
	}
	for (size_t i = 0; i < n; i++)
		txn_release(w[i]);
	free(w);
}

void append_free(struct append *a)
{
	struct sm *sm = a->user->sm;

	DL_DELETE(sm->appends_first, a);
	DL_DELETE2(a->user->pending, a, user_prev, user_next);
	a->user->npending--;
	sm->append_bytes -= append_bytes(a);
	sm->appends_stored -= a->stored;
	a->user->relaxed -= a->relaxed;
	a->user->busy--;
	text_unref(a->text);
	if (a->waiters != a->one)
		free(a->waiters);
	free(a);
}

static uint64_t log_number(struct packet *p)
{
	struct sm *sm = p->sm;
	struct given *g;

	for (struct session *s = p->user->sessions; s; s = s->next)
		if ((g = session_given(s, &p->key)) && g->log)
			return g->log; /* given before by an earlier owner (DELIVERY rule 3) */
	return (uint64_t)shards_epoch(sm->shards, p->user->shard) << 40 | ++sm->counter;
}

void append_write(struct append *a)
{
	struct user *u = a->user;
	struct sm *sm = u->sm;
	struct msg_value v[] = {
		value_text(user_jid(u)),
		value_int((int64_t)a->log),
		value_int(a->time),
		value_text(str_n(a->names, a->from_len)),
		value_int((int64_t)a->key.origin),
		value_int((int64_t)a->key.number),
		value_int(a->key.part),
		value_int(a->target),
		value_text(str_n(a->text->bytes, a->text->len)),
	};
	struct msg_value position[COLS_POSITION];
	struct msg_write_op ops[2] = {
		{.op = STORE_LOG_APPEND, .table = TABLE_LOG, .values = v, .nvalues = sizeof v / sizeof *v},
		{.op = STORE_PUT, .table = TABLE_POSITION, .values = position, .nvalues = COLS_POSITION},
	};
	size_t n = 1;
	struct buf list = BUF_INIT;

	if (a->below) {
		inbox_position(u, &list, position);
		n = 2;
	}
	a->write = store_write(sm->channels, u->shard, shards_epoch(sm->shards, u->shard),
			       shards_write_epoch(sm->shards), ops, n, append_written, a);
	buf_free(&list);
}

/* What a session takes is not kept for want of one. */
static bool has_taker(const struct user *u, const struct jid *to)
{
	for (const struct session *s = u->sessions; s; s = s->next)
		if (!s->flush_paused && !s->flush_failed && message_is_for(s, to))
			return true;
	return false;
}

static bool inbox_full(struct user *u, const struct jid *to)
{
	size_t waiting = 0;

	/* Also those that sessions hold are in the position. */
	if (u->inbox->n + u->npending >= inbox_most(link_max_frame(u->sm->link)))
		return true;
	for (size_t i = 0; i < u->inbox->n; i++)
		waiting += u->inbox->entries[i].holders == 0;
	return waiting >= (size_t)u->sm->config->offline_max && !has_taker(u, to);
}

static struct append *append_new(const struct packet *p)
{
	struct str from = p->from.full, resource = p->to.resource;
	struct append *a = xcalloc(1, sizeof *a + from.len + resource.len);

	a->from_len = (uint32_t)from.len;
	a->resource_len = (uint32_t)resource.len;
	if (from.len)
		memcpy(a->names, from.ptr, from.len);
	if (resource.len)
		memcpy(a->names + from.len, resource.ptr, resource.len);
	return a;
}

/* It is done when the first one is, and is told the same. */
static void repeated(const struct seen *known, struct packet *p)
{
	struct append *a = known->append;

	if (a && a->failed)
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
	else if (a && !a->unwritten)
		append_wait(a, p->txn);
}

void inbox_append(struct packet *p)
{
	struct sm *sm = p->sm;
	struct user *u = p->user;
	struct seen *known = MUTATION("dedup") ? NULL : seen_find(u, &p->key);
	struct append *a;
	struct buf *b;

	if (known) {
		repeated(known, p);
		return;
	}
	if (inbox_full(u, &p->to)) { /* XEP-0160 section 3 */
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	}
	if (unwritten_full(sm)) {
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
		return;
	}
	b = sm_scratch(sm);
	stanza_write(&p->st, b);
	if (!logged_fits(sm, b->len)) {
		packet_error_ext(p, STANZA_E_POLICY_VIOLATION, NULL, "the message is too long", STR_NONE);
		return;
	}
	a = append_new(p);
	a->user = u;
	a->key = p->key;
	a->type = p->st.type;
	a->since = loop_now(sm->loop);
	a->time = clock_wall_us();
	a->log = log_number(p);
	a->below = a->log <= u->inbox->written;
	u->inbox->inserted += a->log <= u->inbox->top;
	a->target = message_target(u, &p->to);
	a->text = text_new(buf_str(b));
	a->seen = seen_add(u, &a->key, a->log);
	a->seen->append = a;
	append_wait(a, MUTATION("commit") ? NULL : p->txn);
	u->busy++;
	sm->append_bytes += append_bytes(a);
	DL_APPEND(sm->appends_first, a);
	DL_APPEND2(u->pending, a, user_prev, user_next);
	u->npending++;
	sm->stat_appends++;
	if (append_may_relax(u, &p->to)) {
		append_relax(a);
	} else {
		relaxed_write(u); /* commits keep the order of numbers */
		append_write(a);
	}
	sm_tick_appends(sm);
}

/* The account is lost to another owner. What other accounts of ours sent to it goes to the new owner
 * with the same key; what other owners sent they repeat by themselves. */
void appends_drop(struct user *u)
{
	struct sm *sm = u->sm;
	struct append *a, *tmp;

	DL_FOREACH_SAFE2 (u->pending, a, tmp, user_next) {
		if (a->write)
			channel_forget(a->write);
		for (size_t i = 0; i < a->nwaiters; i++) {
			struct txn *t = a->waiters[i];

			if (t->kind == TXN_TELL)
				t->mute = true;
			else
				tell_again(sm, t, &a->key, u, a->text);
		}
		followers_drop(a);
		append_release(a);
		append_free(a);
	}
}
