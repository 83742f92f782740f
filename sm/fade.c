/* SPDX-License-Identifier: MIT */
/*
 * Messages that ask not to be kept for good (XEP-0334, no-permanent-store): in the log until they
 * are delivered, then out of it, when no repetition can come any more that their keys must tell.
 * What is forgotten with this process goes with what else the log does not keep for ever.
 */
#include <utlist.h>
#include "sm/inbox.h"

enum { FADE_MS = 160000 }; /* longer than any deadline, and than keys are remembered */
enum { MOST = 65536 };

struct fading {
	struct fading *next;
	uint64_t log, due;
	char account[];
};

bool fade_wanted(struct sm *sm, const struct text *t)
{
	static const char hint[] = "no-permanent-store";
	struct pool *pool;
	struct stanza st;
	bool found;

	if (!memmem(t->bytes, t->len, hint, sizeof hint - 1))
		return false;
	pool = sm_pool(sm);
	found = stanza_parse(pool, str_n(t->bytes, t->len), &st) == 0 &&
		stanza_child(&st, hint, NS_HINTS);
	sm_pool_back(sm, pool);
	return found;
}

static void append(struct sm *sm, struct fading *f)
{
	f->due = loop_now(sm->loop) + FADE_MS;
	f->next = NULL;
	if (sm->fades_last)
		sm->fades_last->next = f;
	else
		sm->fades_first = f;
	sm->fades_last = f;
}

void fade_look(struct session *s, const struct given *g)
{
	struct sm *sm = s->user->sm;
	struct fading *f;
	size_t n;

	if (!g->log || sm->nfades == MOST || !(g->fades || (g->text && fade_wanted(sm, g->text))))
		return;
	n = strlen(s->user->jid) + 1;
	f = xcalloc(1, sizeof *f + n);
	memcpy(f->account, s->user->jid, n);
	f->log = g->log;
	sm->nfades++;
	append(sm, f);
	sm_tick_appends(sm);
}

/* A session that has not acknowledged it may have to be given it again. */
static bool is_held(const struct user *u, uint64_t log)
{
	for (const struct session *s = u->sessions; s; s = s->next)
		for (uint32_t i = 0; i < s->ngiven; i++)
			if (s->given[i].log == log && !s->given[i].acked)
				return true;
	return false;
}

static void fade(void *arg, struct user *u)
{
	struct fading *f = arg;
	struct msg_value v[2];
	struct msg_write_op op = {
		.op = STORE_LOG_DELETE, .table = TABLE_LOG, .values = v, .nvalues = 2};

	if (u && is_held(u, f->log)) {
		append(u->sm, f);
		u->sm->nfades++;
		return;
	}
	if (u && user_exists(u)) {
		v[0] = value_text(user_jid(u));
		v[1] = value_int((int64_t)f->log);
		user_write(u, NULL, &op, 1, NULL, NULL, NULL);
	}
	free(f);
}

bool fades_tick(struct sm *sm)
{
	struct fading *f;

	while ((f = sm->fades_first) && f->due <= loop_now(sm->loop)) {
		sm->fades_first = f->next;
		if (!f->next)
			sm->fades_last = NULL;
		sm->nfades--;
		sm_with_user(sm, str_z(f->account), fade, f);
	}
	return sm->fades_first != NULL;
}

void fades_free(struct sm *sm)
{
	struct fading *f;

	while ((f = sm->fades_first)) {
		sm->fades_first = f->next;
		free(f);
	}
	sm->fades_last = NULL;
	sm->nfades = 0;
}
