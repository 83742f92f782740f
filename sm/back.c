/* SPDX-License-Identifier: MIT */
/* Another server is back: what its users' presence was may be old (S2S_BACK). */
#include <utlist.h>
#include "sm/sm_internal.h"

/* All accounts in memory are looked at, a few shards at a time; and not for more domains at once.
 */
enum { SHARDS_A_STEP = 16, STEP_MS = 20, BACK_MOST = 256, BACK_FIRST_MOST = 128 };

struct back {
	struct back *prev, *next;
	char *own, *remote;
	int64_t before; /* of sessions older than that; 0: of all */
	uint16_t shard; /* the next to be looked at */
};

static void step_shard(struct sm *sm, const struct back *b, uint16_t shard)
{
	struct user *u, *tmp;

	if (!sm->shards || !shards_is_open(sm->shards, shard))
		return;
	DL_FOREACH_SAFE2(sm->by_shard[shard], u, tmp, shard_next)
	{
		struct jid j;

		if (u->state == USER_LOADED && u->sessions && jid_split(user_jid(u), &j) == 0 &&
		    str_eqz(j.domain, b->own))
			run_remote_back(u, str_z(b->remote), b->before);
	}
}

static void back_free(struct sm *sm, struct back *b)
{
	DL_DELETE(sm->backs, b);
	sm->nbacks--;
	free(b->own);
	free(b->remote);
	free(b);
}

static void step(void *arg)
{
	struct sm *sm = arg;
	struct back *b = sm->backs;

	for (unsigned i = 0; i < SHARDS_A_STEP && b->shard < SHARDS; i++)
		step_shard(sm, b, b->shard++);
	if (b->shard == SHARDS)
		back_free(sm, b);
	if (!sm->backs)
		loop_timer_stop(sm->back_timer);
}

/* An s2s that has just started says it of each domain that it reaches: where all sessions are younger, it tells
 * nothing. */
static bool concerns(const struct sm *sm, const struct msg_s2s_back *m)
{
	if (!sm_local_domain(sm, m->own) || !m->remote.len)
		return false;
	if (m->before)
		return sm->oldest_session && sm->oldest_session < m->before && sm->nbacks < BACK_FIRST_MOST;
	return sm->nbacks < BACK_MOST;
}

void on_s2s_back(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_s2s_back *m = msg;
	struct back *b;

	(void)f;
	DL_FOREACH (sm->backs, b) {
		if (b->shard == 0 && str_eqz(m->own, b->own) && str_eqz(m->remote, b->remote) &&
		    (!b->before || b->before == m->before))
			return; /* every s2s may say it */
	}
	if (!concerns(sm, m))
		return;
	b = xcalloc(1, sizeof *b);
	b->own = str_dup(m->own);
	b->remote = str_dup(m->remote);
	b->before = m->before;
	DL_APPEND(sm->backs, b);
	sm->nbacks++;
	if (!sm->back_timer)
		sm->back_timer = loop_timer_new(sm->loop, step, sm);
	loop_timer_start(sm->back_timer, STEP_MS, STEP_MS);
}

void backs_free(struct sm *sm)
{
	while (sm->backs)
		back_free(sm, sm->backs);
	if (sm->back_timer)
		loop_timer_free(sm->back_timer);
}
