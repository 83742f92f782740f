/* SPDX-License-Identifier: MIT */
/*
 * Which log entries a session's highest settled number speaks for (DELIVERY rules 7 and 9).
 *
 * c2s tells a new owner one number for all that its client has acknowledged. It says the truth for
 * entries that were given in their order: those to the session's own full JID since it began, and
 * those to the account above its floor, while it takes messages. An entry that is given in any other
 * order (an offline message, one that another session left) is settled only when the position that
 * knows it as delivered was written; until then c2s names it by itself.
 */
#include "base/random.h"
#include "sm/inbox.h"

enum { TARGET_BITS = 0x7fffffff };

uint32_t cover_target(struct str resource)
{
	uint32_t h = (uint32_t)hash64(resource.ptr, resource.len) & TARGET_BITS;

	return h ? h : 1;
}

/* RFC 6121 section 8.5.3.2.1: to a resource that is not there it is as if to the account. */
uint32_t message_target(const struct user *u, const struct jid *to)
{
	return to->resource.len && user_session(u, to->resource) ? cover_target(to->resource) : 0;
}

bool cover_region(const struct session *s, uint64_t log, uint32_t target)
{
	if (log <= s->base)
		return false;
	return target == s->target || (!target && s->floor != UINT64_MAX && log > s->floor);
}

bool cover_has(const struct session *s, const struct entry *e)
{
	return e->log <= s->settled && cover_region(s, e->log, e->target);
}

bool cover_in_order(const struct session *s, uint64_t log, uint32_t target)
{
	/* While c2s's record says that it takes messages to the account, and it does not, no number may
	 * rise past those that it is not given. */
	return log > s->highest && s->floor == s->floor_told && cover_region(s, log, target);
}

void cover_changed(struct session *s)
{
	bool able = s->presence && s->priority >= 0;

	if (!able)
		s->floor = UINT64_MAX;
	else if (s->floor == UINT64_MAX && s->user->inbox)
		s->floor = s->user->inbox->top;
}
