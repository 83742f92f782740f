/* SPDX-License-Identifier: MIT */
/* Decisions about messages, apart from action: what is kept, and which sessions it is for. */
#include "sm/inbox.h"

bool message_is_for(const struct session *s, const struct jid *to)
{
	if (s->closing || s->leaving)
		return false;
	if (to->resource.len) {
		struct session *exact = user_session(s->user, to->resource);

		if (exact)
			return exact == s;
	}
	/* RFC 6121 section 8.5.2.1.1, choice (b): all resources that are available with a
	 * non-negative priority. */
	return s->presence && s->priority >= 0;
}

/* XEP-0334 hints and the kinds that DESIGN section 6 names. */
bool message_stored(struct packet *p)
{
	const struct stanza *st = &p->st;

	if (st->type != MESSAGE_NORMAL && st->type != MESSAGE_CHAT)
		return false;
	if (p->user->temporary || stanza_child(st, "no-store", NS_HINTS) || run_message_no_store(p) == HANDLED)
		return false;
	return stanza_child(st, "body", NS_CLIENT) || stanza_child(st, "store", NS_HINTS);
}
