/* SPDX-License-Identifier: MIT */
/* Clients' stanzas as they come from c2s (DELIVERY rule 1), up to where they are routed. */
#include <errno.h>
#include <utlist.h>
#include "sm/inbox.h"

bool sm_admit(struct sm *sm, const struct frame *f, bool always)
{
	if (sm->shards)
		return shards_admit(sm->shards, f, always);
	link_bounce(sm->link, f, 1, 0); /* we own nothing yet */
	return false;
}

bool sm_admit_any(struct sm *sm, const struct frame *f)
{
	return !sm->shards || shards_admit_any(sm->shards, f);
}

static void answer_fault(struct packet *p)
{
	packet_error(p, p->st.fault == STANZA_TO_MALFORMED ? STANZA_E_JID_MALFORMED
							   : STANZA_E_BAD_REQUEST);
}

void packet_out(struct packet *p)
{
	static enum verdict (*const hooks[])(struct packet *) = {
		[STANZA_MESSAGE] = run_out_message,
		[STANZA_PRESENCE] = run_out_presence,
		[STANZA_IQ] = run_out_iq,
	};

	if (p->st.fault != STANZA_FINE) {
		answer_fault(p);
		return;
	}
	if (p->st.kind == STANZA_PRESENCE && p->st.type == STANZA_TYPE_UNKNOWN) {
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	if (unwritten_refuses(p) || hooks[p->st.kind](p) == HANDLED)
		return;
	/* What is addressed to one's own account (RFC 6120 section 10.3.3) is handled with its
	 * session in view, as without `to`. */
	if (p->to.full.len &&
	    !(p->st.kind == STANZA_IQ && str_eq(p->to.full, p->from.bare))) {
		packet_route(p);
		return;
	}
	/* RFC 6120 section 10.3: without `to` the server acts for the account itself. */
	if (p->st.kind == STANZA_MESSAGE)
		p->st.to = p->from.bare;
	packet_in(p);
}

/* A client's stanza whose account is loaded by now. */
static void stanza_loaded(void *arg, struct user *u)
{
	struct packet *p = arg;
	struct session *s = u ? session_find(p->sm, p->txn->sid) : NULL;

	if (s && s->serial == p->txn->serial) {
		p->user = u;
		p->session = s;
		packet_out(p);
	} else if (!u) { /* storage does not answer; of no effect when the account is lost */
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
	}
	packet_free(p);
}

static struct txn *stanza_taken(struct session *s, uint32_t n)
{
	struct msg_stanza_key key = {s->sid, n, 0};
	struct txn *t = txn_new(s->user->sm, TXN_STANZA, &key);

	s->taken = n;
	if ((int32_t)(s->announced - n) < 0)
		s->announced = n; /* it must not come to lie ahead when counters wrap */
	t->sid = s->sid;
	t->serial = s->serial;
	t->n = n;
	DL_APPEND(s->work, t);
	return t;
}

/* An earlier owner has answered it, and could not say that it is done: what the answer depended on may be
 * different now, and there must be one. */
static bool answered_before(const struct packet *p)
{
	struct msg_stanza_key key = session_answer_key(p->txn, 0);

	return p->session->adopted && session_given(p->session, &key) &&
	       (p->st.kind == STANZA_MESSAGE ||
		(p->to.resource.len && p->st.kind == STANZA_IQ && !stanza_no_reply(&p->st)));
}

void on_stanza(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_stanza *m = msg;
	struct session *s;
	struct packet p;
	struct txn *t;

	if (!sm_admit(sm, f, false))
		return;
	s = session_live(sm, m->sid, m->attachment, f->from);
	if (!s && (s = session_find(sm, m->sid)) && !session_old_takes(s, f, m))
		s = NULL;
	if (!s || m->n != s->taken + 1)
		return;
	sm->stat_stanzas++;
	s->spoke = loop_now(sm->loop);
	t = stanza_taken(s, m->n);
	packet_init(&p, sm, sm_pool(sm), t);
	if (stanza_decode(p.pool, m->envelope, &p.st) < 0) {
		log_error("malformed envelope from c2s", LF_S("jid", s->full));
	} else {
		packet_addresses(&p);
		p.user = s->user;
		p.session = s;
		p.own = true;
		bool known = answered_before(&p);

		if (!known && s->user->state == USER_LOADED && !s->user->jobs)
			packet_out(&p);
		else if (!known)
			user_run(s->user, stanza_loaded, packet_keep(&p));
	}
	sm_pool_back(sm, p.pool);
	txn_release(t);
}

void on_acked(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_acked *m = msg;

	if (!sm_admit_any(sm, f))
		return;
	for (size_t i = 0; i < m->nsessions; i++) {
		struct session *s = session_find(sm, m->sessions[i].sid);

		if (s && s->c2s == f->from)
			session_acked(s, m->sessions[i].n);
	}
}

void on_session_full(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_full *m = msg;
	struct session *s;

	if (!sm_admit_any(sm, f))
		return;
	s = session_find(sm, m->sid);
	if (!s || s->c2s != f->from)
		return;
	s->full_out = m->full;
	hold_go_on(s);
}

/* The stream has ended: with the client's goodbye, or broken. What it sent before is taken already
 * (frames keep their order), and is finished without it. */
void on_session_close(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_close *m = msg;
	struct session *s;

	if (!sm_admit(sm, f, false))
		return;
	s = session_live(sm, m->sid, m->attachment, f->from);
	if (!s && (s = session_find(sm, m->sid)) && session_old_closes(s, f->from, m->attachment))
		return;
	if (!s) {
		struct frame head = {.kind = MSG_SESSION_END,
				     .to = f->from,
				     .from_shard = f->to_shard,
				     .to_shard = SHARD_NONE,
				     .from_epoch = f->to_epoch};
		struct msg_session_end end = {.sid = m->sid, .attachment = m->attachment};

		(void)link_send(sm->link, &head, &end); /* c2s may forget it */
		return;
	}
	if (!m->closed && session_detach(s))
		return;
	/* What the kernel had taken counts as received where XEP-0198 does not tell better. */
	session_acked(s, m->unsent_from ? m->unsent_from - 1 : m->out);
	session_leave(s);
}
