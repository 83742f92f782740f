/* SPDX-License-Identifier: MIT */
/* Answers to presence probes (RFC 6121 sections 4.3.2 and 4.6.6). */
#include "sm/probe.h"
#include "sm/last.h"

/* "only the fact that the resource is available" (4.3.2), "only mere presence" (4.6.6) */
static void answer_mere(struct packet *p, struct str id)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_AVAILABLE,
			    .from = p->to.full,
			    .to = p->from.full,
			    .id = id};

	sm_route(p->sm, p->txn, &st);
}

/* 4.6.6: who is not subscribed may ask about the resource that sent it directed presence. */
static void answer_stranger(struct packet *p)
{
	struct session *s = p->to.resource.len ? user_session(p->user, p->to.resource) : NULL;
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNSUBSCRIBED,
			    .from = user_jid(p->user),
			    .to = p->from.bare,
			    .id = p->st.id};

	if (s && session_directed_to(s, p->from.bare))
		answer_mere(p, p->st.id);
	else
		sm_route(p->sm, p->txn, &st);
}

/* 4.3.2, rule 3: "SHOULD include information about the time when the last unavailable presence stanza was
 * generated"; of the account, as it is not known of each resource. */
static void answer_unavailable(struct packet *p)
{
	struct stanza st = {.kind = STANZA_PRESENCE,
			    .type = PRESENCE_UNAVAILABLE,
			    .from = p->to.full, /* what was asked about */
			    .to = p->from.full,
			    .id = p->st.id};
	int64_t left = p->to.resource.len ? 0 : last_left(p->user);
	struct buf b = BUF_INIT;
	struct xml_writer w;

	if (left) {
		xw_init(&w, &b);
		delay_write(&w, user_jid(p->user), left, NULL);
		stanza_append(p->pool, &st, "delay", NS_DELAY, buf_str(&b));
		buf_free(&b);
	}
	sm_route(p->sm, p->txn, &st);
}

/* Those of resources have the `id` of their presence, all others that of the probe. */
void probe_answer(struct packet *p)
{
	bool any = false;

	if (!user_exists(p->user) || run_presence_allowed(p->user, &p->from) != HANDLED) {
		answer_stranger(p);
		return;
	}
	for (struct session *s = user_sessions(p->user); s; s = session_next(s)) {
		const struct stanza *now = session_presence(s);
		struct stanza copy;

		if (!now || (p->to.resource.len && !str_eq(p->to.resource, session_jid(s).resource)))
			continue;
		any = true;
		if (p->to.resource.len) {
			answer_mere(p, now->id);
			continue;
		}
		copy = *now;
		copy.to = p->from.full;
		sm_route(p->sm, p->txn, &copy);
	}
	if (!any)
		answer_unavailable(p);
}
