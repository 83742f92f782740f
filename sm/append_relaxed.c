/* SPDX-License-Identifier: MIT */
/*
 * Option durability = relaxed: a message to clients who are online is given and done before it is in
 * the log, and gets there only when they do not all acknowledge it soon, the session of one breaks, or the
 * account goes to another owner. A crash of this process in between loses it, if its client is gone
 * by then too.
 */
#include <utlist.h>
#include "sm/inbox.h"

bool append_may_relax(struct user *u, const struct jid *to)
{
	bool taken = false;

	if (!shards_relaxed(u->sm->shards))
		return false;
	for (const struct session *s = u->sessions; s; s = s->next) {
		if (!message_is_for(s, to))
			continue;
		if (hold_holds(s) || s->flushing || s->flush_failed)
			return false; /* this one will look for it in the log */
		taken |= hold_takes(s);
	}
	return taken;
}

static void write_one(struct append *a)
{
	a->unwritten = false;
	append_write(a);
}

void append_relax(struct append *a)
{
	struct user *u = a->user;
	const struct entry *e;

	a->relaxed = a->unwritten = true;
	u->relaxed++;
	append_give(a, true);
	a->given = true;
	e = inbox_entry(u->inbox, a->log);
	if (e && !e->holders)
		relaxed_write(u);
	else
		append_release(a);
}

bool append_unacked(const struct append *a)
{
	for (struct session *s = a->user->sessions; s; s = s->next) {
		const struct given *g = session_given(s, &a->key);

		if (g && !g->acked)
			return true;
	}
	return false;
}

void relaxed_acked(struct user *u, const struct msg_stanza_key *key)
{
	struct seen *known = seen_find(u, key);
	struct append *a = known ? known->append : NULL;

	if (!a)
		return;
	/* On its way to the log; or it may have to go there for another client, to be given it again. */
	if (!a->unwritten || append_unacked(a)) {
		a->delivered = true;
		return;
	}
	known->committed = true;
	known->append = NULL;
	append_free(a);
}

void relaxed_write(struct user *u)
{
	struct append *a;

	if (!u->relaxed)
		return;
	DL_FOREACH2 (u->pending, a, user_next)
		if (a->unwritten)
			write_one(a);
}
