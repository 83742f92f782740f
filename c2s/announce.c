/* SPDX-License-Identifier: MIT */
/* Owners of shards: who has our sessions, and telling them to whoever takes over (DELIVERY rules 8
 * and 10). */
#include <errno.h>
#include <utlist.h>
#include "base/mutation.h"
#include "c2s/session.h"

enum { RESCAN_MS = 1000 };

bool owner_speaks(const struct session *s, const struct frame *f)
{
	const struct shard *sh = &s->c2s->shards[s->shard];

	if (MUTATION("c2sepoch"))
		return true;
	/* Lists about sessions of several shards carry no epoch; the instance is of one run. */
	return sh->owner && f->from == sh->owner &&
	       (f->from_shard == SHARD_NONE ||
		(f->from_shard == s->shard && f->from_epoch == sh->epoch));
}

void owner_lost(struct c2s *x, uint16_t shard)
{
	x->shards[shard].owner = 0;
	loop_timer_ensure(x->rescan, RESCAN_MS);
}

/* What no frame takes no owner can be told: the session ends, others of its shard do not notice. */
static void too_long(struct session *s, uint16_t kind)
{
	log_error("session ended: what is told of it is longer than a frame may be",
		  LF_STR("jid", str_n(s->jid, s->njid)), LF_S("message", msg_name(kind)));
	if (s->client)
		stream_error(s->client, STREAM_E_RESOURCE_CONSTRAINT,
			     "too much is kept for this session");
}

bool owner_send(struct session *s, uint16_t kind, unsigned flags, const void *m)
{
	const struct shard *sh = &s->c2s->shards[s->shard];
	struct frame head = {.kind = kind,
			     .flags = (uint16_t)flags,
			     .to = sh->owner,
			     .from_shard = SHARD_NONE,
			     .to_shard = s->shard,
			     .to_epoch = sh->epoch};
	int err;

	if (!head.to)
		return false;
	err = link_send(s->c2s->link, &head, m);
	if (err == -EMSGSIZE)
		too_long(s, kind);
	else if (err)
		owner_lost(s->c2s, s->shard);
	return err == 0;
}

/* --- announcing -------------------------------------------------------------------------- */

void session_announce(struct session *s)
{
	struct msg_given *given = xcalloc(s->ngiven + 1, sizeof *given);
	struct msg_announce m = {.sid = s->sid,
				 .attachment = s->attachment,
				 .record = str_n(s->record, s->nrecord),
				 .done = s->done,
				 .in = s->in,
				 .out = s->out,
				 .acked = s->acked,
				 .settled = s->settled,
				 .given = given,
				 .ngiven = MUTATION("given") ? 0 : s->ngiven};

	s->reannounce = false;
	for (uint32_t i = 0; i < s->ngiven; i++) {
		const struct given *g = given_at(s, i);

		given[i] = (struct msg_given){
			.m = g->m, .key = {g->origin, g->number, g->part}, .log = g->log};
	}
	if (owner_send(s, MSG_ANNOUNCE, 0, &m)) {
		s->acked_told = s->acked;
		session_send_stanzas(s, true);
		if (s->full) {
			struct msg_session_full full = {.sid = s->sid, .full = true};

			(void)owner_send(s, MSG_SESSION_FULL, 0, &full);
		}
		if (s->closing)
			session_send_close(s);
	}
	free(given);
}

void session_announce_later(struct session *s)
{
	s->reannounce = true;
	loop_timer_ensure(s->c2s->rescan, RESCAN_MS);
}

static void shard_announce(struct c2s *x, struct shard *sh, uint64_t owner, uint32_t epoch)
{
	struct session *s;

	sh->owner = owner;
	sh->epoch = epoch;
	DL_FOREACH (sh->sessions, s) {
		session_announce(s);
		if (!sh->owner)
			return;
	}
}

/* All sessions of these shards were announced: one frame for each owner. */
static void announced(struct c2s *x, const uint16_t *fresh, size_t n)
{
	struct msg_shard_epoch list[SHARDS];
	bool told[SHARDS] = {false};

	for (size_t i = 0; i < n; i++) {
		uint64_t owner = x->shards[fresh[i]].owner;
		struct frame head = {.kind = MSG_ANNOUNCED,
				     .to = owner,
				     .from_shard = SHARD_NONE,
				     .to_shard = SHARD_NONE};
		struct msg_announced m = {.shards = list};

		if (!owner || told[fresh[i]])
			continue;
		for (size_t j = i; j < n; j++) {
			if (x->shards[fresh[j]].owner != owner)
				continue;
			told[fresh[j]] = true;
			list[m.nshards++] = (struct msg_shard_epoch){
				.shard = fresh[j], .epoch = x->shards[fresh[j]].epoch};
		}
		if (link_send(x->link, &head, &m) == 0)
			continue;
		for (size_t j = 0; j < m.nshards; j++)
			owner_lost(x, list[j].shard);
	}
}

static void announce_strays(struct c2s *x)
{
	struct session *s;

	for (s = keyed_first(&x->sessions); s; s = keyed_after(&x->sessions, s)) {
		if (s->reannounce)
			session_announce(s);
	}
}

void owners_scan(void *arg)
{
	struct c2s *x = arg;
	uint16_t fresh[SHARDS];
	size_t n = 0;

	for (uint16_t i = 0; i < SHARDS; i++) {
		struct shard *sh = &x->shards[i];
		uint32_t epoch = 0;
		uint64_t owner = link_owner(x->link, "sm", i, &epoch);

		if (owner == sh->owner && epoch == sh->epoch)
			continue;
		if (!owner || !link_member(x->link, owner)) {
			sh->owner = 0;
			continue;
		}
		shard_announce(x, sh, owner, epoch);
		fresh[n++] = i;
	}
	announced(x, fresh, n);
	announce_strays(x);
	if (n)
		pending_retry(x);
}

void owners_scan_later(struct c2s *x)
{
	loop_defer(x->loop, &x->scan);
}

void owners_path_lost(struct c2s *x, const struct member *m)
{
	for (unsigned i = 0; i < SHARDS; i++)
		if (!m || x->shards[i].owner == m->id)
			x->shards[i].owner = 0;
	owners_scan_later(x);
}

static void bounced(struct c2s *x, uint16_t shard, uint64_t instance)
{
	/* It may come late, when another owns the shard. */
	if (x->shards[shard].owner == instance)
		owner_lost(x, shard);
}

void on_bounce(void *arg, const struct frame *f, const void *msg)
{
	struct c2s *x = arg;
	const struct msg_bounce *m = msg;

	if (f->to_shard < SHARDS) {
		bounced(x, f->to_shard, f->from);
	} else if (m->kind == MSG_ANNOUNCED || m->kind == MSG_ACKED) {
		/* Which of its shards it was about is not told. */
		for (uint16_t i = 0; i < SHARDS; i++)
			bounced(x, i, f->from);
	}
}

/* It stays the owner, and what it says meanwhile is heard. */
void on_announce_again(void *arg, const struct frame *f, const void *msg)
{
	struct c2s *x = arg;
	struct session *s;

	for (uint16_t i = 0; i < SHARDS; i++) {
		if (x->shards[i].owner != f->from)
			continue;
		DL_FOREACH (x->shards[i].sessions, s)
			session_announce_later(s);
	}
}
