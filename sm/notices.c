/* SPDX-License-Identifier: MIT */
/* DONE and SETTLED: gathered during a loop turn, one frame for each c2s at its end. */
#include <errno.h>
#include "sm/sm_internal.h"

struct notices {
	UT_hash_handle hh;
	uint64_t c2s;
	struct msg_sid_number *done, *settled;
	size_t ndone, cap_done, nsettled, cap_settled;
};

static struct notices *notices_of(struct sm *sm, uint64_t c2s)
{
	struct notices *n;

	HASH_FIND(hh, sm->notices, &c2s, sizeof c2s, n);
	if (!n) {
		n = xcalloc(1, sizeof *n);
		n->c2s = c2s;
		HASH_ADD(hh, sm->notices, c2s, sizeof c2s, n);
	}
	loop_defer(sm->loop, &sm->notices_task);
	return n;
}

/* The last number said for a session stands; sessions repeat only next to each other in practice, so
 * only the newest entry is looked at. */
static void add(struct msg_sid_number **list, size_t *n, size_t *cap, uint64_t sid, uint32_t number)
{
	if (*n && (*list)[*n - 1].sid == sid) {
		(*list)[*n - 1].n = number;
		return;
	}
	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		*list = xrealloc(*list, *cap * sizeof **list);
	}
	(*list)[(*n)++] = (struct msg_sid_number){.sid = sid, .n = number};
}

static void send_record(struct session *s, uint64_t c2s)
{
	struct buf b = BUF_INIT;
	struct frame head = {.kind = MSG_DONE_RECORD,
			     .to = c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(s->user->sm->shards, s->user->shard)};
	struct msg_done_record m = {.sid = s->sid, .n = s->done};

	record_seal(s, &b);
	m.record = buf_str(&b);
	if (link_send(s->user->sm->link, &head, &m) == -EMSGSIZE && !session_ends_soon(s)) {
		/* What its client sends would never be confirmed, nor could a later owner be told of it. */
		log_error("session ended: its record is too long", LF_S("jid", s->full));
		session_overflow(s);
	}
	buf_free(&b);
	s->record_changed = false;
}

void notice_done(struct session *s)
{
	/* Also of one whose connection is gone: a c2s that drains waits for what is not done. */
	uint64_t c2s = s->c2s ? s->c2s : s->last_c2s;
	struct notices *n;

	if (!c2s)
		return;
	/* A record must never be older than what is confirmed: it rides with the number. */
	if (s->record_changed && s->user->sm->record_key) {
		notices_flush(s->user->sm);
		send_record(s, c2s);
		return;
	}
	n = notices_of(s->user->sm, c2s);
	add(&n->done, &n->ndone, &n->cap_done, s->sid, s->done);
}

void notice_settled(struct session *s, uint32_t m)
{
	struct notices *n;

	if (!s->c2s)
		return;
	n = notices_of(s->user->sm, s->c2s);
	add(&n->settled, &n->nsettled, &n->cap_settled, s->sid, m);
}

static void notices_drop(struct sm *sm, struct notices *n)
{
	HASH_DEL(sm->notices, n);
	free(n->done);
	free(n->settled);
	free(n);
}

void notices_flush(void *arg)
{
	struct sm *sm = arg;
	struct notices *n, *tmp;

	HASH_ITER(hh, sm->notices, n, tmp)
	{
		struct frame head = {.to = n->c2s, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};

		if (n->ndone) {
			struct msg_done m = {.sessions = n->done, .nsessions = n->ndone};

			head.kind = MSG_DONE;
			(void)link_send(sm->link, &head, &m);
		}
		if (n->nsettled) {
			struct msg_settled m = {.sessions = n->settled, .nsessions = n->nsettled};

			head.kind = MSG_SETTLED;
			(void)link_send(sm->link, &head, &m);
		}
		notices_drop(sm, n);
	}
}

void notices_free(struct sm *sm)
{
	struct notices *n, *tmp;

	HASH_ITER(hh, sm->notices, n, tmp)
		notices_drop(sm, n);
}
