/* SPDX-License-Identifier: MIT */
/*
 * What waits for storage has a bound. The windows of c2s bound what one client has under way; but a
 * message that its recipient's client has acknowledged, or whose sender was told that it is late,
 * is done for its sender, who goes on, while its entry still waits for a storage that is slow or
 * away.
 */
#include <utlist.h>
#include "sm/inbox.h"

size_t append_bytes(const struct append *a)
{
	return sizeof *a + a->from_len + a->resource_len + sizeof *a->text + a->text->len +
	       sizeof *a->seen;
}

static size_t waiting(const struct sm *sm)
{
	return sm->append_bytes + channels_route_bytes(sm->channels, "storage");
}

bool unwritten_full(const struct sm *sm)
{
	return waiting(sm) >= (size_t)sm->config->unwritten_max;
}

/* RFC 6120 section 8.3.3.18: there is no room for what it asks. */
bool unwritten_refuses(struct packet *p)
{
	bool elsewhere = p->to.resource.len && !str_eq(p->to.bare, p->from.bare);
	bool changes = p->st.kind == STANZA_IQ ? p->st.type == IQ_SET && !elsewhere
					       : p->st.kind == STANZA_PRESENCE &&
							 p->st.type >= PRESENCE_SUBSCRIBE &&
							 p->st.type <= PRESENCE_UNSUBSCRIBED;

	if (!changes || !unwritten_full(p->sm))
		return false;
	packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
	return true;
}

/* It is with all who were given it, who have said so: as if it were committed, but the archive has a hole. */
static void leave_out(struct append *a)
{
	channel_abandon(a->write);
	a->write = NULL;
	a->user->sm->left_out++;
	append_end(a);
}

/* Its sender knows that it was not stored, and storage has never seen it. */
static void forget(struct append *a)
{
	channel_abandon(a->write);
	a->write = NULL;
	seen_drop(a->seen);
	append_free(a);
}

static void shed(struct sm *sm, size_t enough)
{
	struct append *a, *tmp;

	DL_FOREACH_SAFE (sm->appends_first, a, tmp) {
		struct user *u = a->user;

		if (waiting(sm) <= enough)
			return;
		if (!a->write || a->stored)
			continue;
		if (a->failed && !a->nwaiters && !channel_sent(a->write))
			forget(a);
		else if (!a->failed && a->delivered && a->given && !append_unacked(a))
			leave_out(a);
		else
			continue;
		user_touch(u);
	}
}

void unwritten_tick(struct sm *sm)
{
	size_t most = (size_t)sm->config->unwritten_max, before = sm->left_out;

	if (waiting(sm) > most - most / 4)
		shed(sm, most / 2);
	if (sm->left_out != before && !sm->leaving_out) {
		sm->leaving_out = before + 1;
		log_warn("messages that were delivered are left out of the log",
			 LF_S("reason", "too much waits for storage"));
	}
	if (sm->leaving_out && waiting(sm) < most / 4) {
		log_warn("the log has holes", LF_U("messages", sm->left_out - sm->leaving_out + 1));
		sm->leaving_out = 0;
	}
}
