/* SPDX-License-Identifier: MIT */
/*
 * Order (RFC 6120 section 10.1): a recipient gets what one client sent in the order in which it was
 * sent. A message that is logged is given after its commit; what is not logged and comes behind it
 * waits for that, which is a few milliseconds, and at most the time after which messages are given
 * before their commit.
 */
#include <utlist.h>
#include "sm/sm_internal.h"

struct follower {
	struct follower *next;
	struct packet *p;
	uint64_t sid; /* of its session, which may end while it waits; 0: it has none */
	uint32_t serial;
};

/* The newest one of the same client that the account's sessions have not been given. */
static struct append *leader(const struct packet *p)
{
	struct append *first = p->user->pending;
	struct append *a = first ? first->user_prev : NULL; /* the last, as utlist has it */

	for (; a; a = a == first ? NULL : a->user_prev)
		if (a->key.origin == p->key.origin && !a->given && !a->failed)
			return a;
	return NULL;
}

bool follow(struct packet *p)
{
	struct append *a = leader(p);
	struct follower *f;

	if (!a || (p->st.kind == STANZA_MESSAGE && message_stored(p)))
		return false;
	f = xcalloc(1, sizeof *f);
	f->p = packet_keep(p);
	if (p->session) {
		f->sid = p->session->sid;
		f->serial = p->session->serial;
	}
	LL_APPEND(a->followers, f);
	return true;
}

static struct session *session_of(struct sm *sm, const struct follower *f)
{
	struct session *s = f->sid ? session_find(sm, f->sid) : NULL;

	return s && s->serial == f->serial && !s->closing ? s : NULL;
}

void followers_run(struct append *a)
{
	struct follower *f = a->followers, *next;
	struct user *u = a->user;

	a->followers = NULL;
	for (; f; f = next) {
		next = f->next;
		f->p->user = u;
		f->p->session = session_of(u->sm, f);
		packet_arrive(f->p);
		packet_free(f->p);
		free(f);
	}
}

void followers_drop(struct append *a)
{
	struct follower *f;

	while ((f = a->followers)) {
		a->followers = f->next;
		if (f->p->txn && (f->p->txn->kind == TXN_TELL || f->p->txn->kind == TXN_CALL))
			txn_lost(f->p->txn); /* its sender asks the next owner */
		else
			packet_route(f->p); /* as the message before it (tell_again) */
		packet_free(f->p);
		free(f);
	}
}
