/* SPDX-License-Identifier: MIT */
/* Streams whose connection is lost and that may be resumed (XEP-0198 section 5): keeping, ending.
 */
#include "s2s/resume.h"
#include "s2s/steps.h"

enum {
	GRACE = 10000, /* ms to resume a stream, once another one with the peer works */
	SOON = 1000
};

/* --- life -------------------------------------------------------------------------------- */

/* In: the first pair that is proven; by certificate that is all of ours, so the header's. */
static void bind_pair(struct resumable *r, const struct stream *s)
{
	const struct proof *p = NULL;

	if (!s->out)
		DL_FOREACH (s->proofs, p)
			if (p->proven)
				break;
	r->own = xstrdup(p && p->own ? p->own : s->own);
	r->remote = xstrdup(p ? p->remote : s->remote);
}

void resumable_new(struct stream *s, struct str id, uint64_t ms)
{
	struct resumable *r = xcalloc(1, sizeof *r);

	r->s2s = s->s2s;
	r->id = str_dup(id);
	r->out = s->out;
	r->ms = ms;
	r->stream = s;
	s->resumable = r;
	bind_pair(r, s);
	if (!r->out)
		HASH_ADD_KEYPTR(hh, r->s2s->resumables, r->id, strlen(r->id), r);
}

struct resumable *resumable_find(const struct s2s *x, struct str id)
{
	struct resumable *r;

	HASH_FIND (hh, x->resumables, id.ptr, id.len, r)
		;
	return r;
}

/* Out of the list of those that wait. */
static void awaited_no_more(struct resumable *r)
{
	struct s2s *x = r->s2s;

	if (r->stream)
		return;
	DL_DELETE(x->detached, r);
	x->ndetached--;
	if (r->pair)
		r->pair->resumable = NULL;
	r->pair = NULL;
	if (r->asker) {
		r->asker->resuming = NULL;
		r->asker->resume_sent = false;
	}
	r->asker = NULL;
}

static void free_it(struct resumable *r)
{
	if (r->stream)
		r->stream->resumable = NULL;
	awaited_no_more(r);
	if (!r->out)
		HASH_DEL(r->s2s->resumables, r);
	free(r->id);
	free(r->own);
	free(r->remote);
	free(r->location);
	free(r->target);
	free(r->address);
	free(r);
}

void resumable_leave(struct stream *s)
{
	if (s->resuming) {
		s->resuming->asker = NULL;
		s->resuming = NULL;
		s->resume_sent = false;
	}
	if (s->resumable)
		free_it(s->resumable);
}

/* --- what has no answer ------------------------------------------------------------------ */

/* One has left: its pair writes again when it was the last. */
static void look_at(struct pair *p)
{
	if (!p->suspended)
		pair_need(p);
}

static void return_one(struct item *i, const char *why)
{
	struct pair *p = i->pair;

	item_done(i, STANZA_E_REMOTE_SERVER_TIMEOUT, why);
	look_at(p);
}

static void return_all(struct resumable *r)
{
	while (r->carried)
		return_one(r->carried, "the connection to the remote server was lost");
}

uint32_t resumable_sent(const struct resumable *r)
{
	const struct stream *s = r->stream;

	return s ? s->sm_out - s->sm_out_base : r->sent - r->base;
}

/* Section 4: h wraps at 2^32, as our numbers do. */
bool resumable_too_high(const struct resumable *r, uint32_t h)
{
	return (int32_t)(resumable_sent(r) - h) < 0;
}

static void heard(struct resumable *r, uint32_t h)
{
	uint32_t n = r->base + h;

	while (r->carried && (int32_t)(n - r->carried->number) >= 0) {
		struct pair *p = r->carried->pair;

		item_done(r->carried, NO_ERROR, NULL);
		look_at(p);
	}
	/* From the last one on, since they go back to the head. */
	while (r->carried) {
		struct pair *p = r->carried->pair;

		item_again(r->carried->prev);
		look_at(p);
	}
}

/* --- detached ---------------------------------------------------------------------------- */

static size_t of_domain(const struct s2s *x, const char *remote, struct resumable **ret_oldest)
{
	struct resumable *r;
	size_t n = 0;

	DL_FOREACH (x->detached, r)
		if (strcmp(r->remote, remote) == 0 && !n++)
			*ret_oldest = r;
	return n;
}

/* Who opens and breaks streams without end takes nothing away from others. */
static void make_room(struct s2s *x, const char *remote)
{
	struct resumable *oldest = NULL;
	size_t n = of_domain(x, remote, &oldest);

	if (oldest && n >= (size_t)x->config->resume_domain)
		resumable_end(oldest);
	else if (x->detached && x->ndetached >= (size_t)x->config->resume_max)
		resumable_end(x->detached);
}

static void take_carried(struct resumable *r, struct stream *s)
{
	struct item *i;

	carried_unsent(s);
	r->carried = s->carried;
	s->carried = NULL;
	s->ncarried = 0;
	DL_FOREACH (r->carried, i) {
		i->stream = NULL;
		i->kept = r;
		i->pair->suspended++;
	}
}

static void take_place(struct resumable *r, const struct stream *s)
{
	free(r->target);
	free(r->address);
	r->target = xstrdup(s->target ? s->target : "");
	r->address = xstrdup(s->address ? s->address : "");
	r->direct = s->direct;
	r->secure = s->target_secure;
	r->tlsa = s->ntlsa > 0;
}

void resumable_detach(struct stream *s)
{
	struct resumable *r = s->resumable;
	struct s2s *x = s->s2s;

	if (!r)
		return;
	/* Of a stream that went one way and has all its answers, nothing is missing. */
	if (x->draining || !x->config->resume_time ||
	    (s->out && (!s->pair || s->pair->resumable)) || (s->out && !s->bidi && !s->carried)) {
		free_it(r);
		return;
	}
	make_room(x, r->remote);
	r->stream = NULL;
	s->resumable = NULL;
	r->h = s->sm_in;
	r->sent = s->sm_out;
	r->base = s->sm_out_base;
	r->until = loop_now(x->loop) + r->ms;
	DL_APPEND(x->detached, r);
	x->ndetached++;
	take_carried(r, s);
	works_keep(s, r);
	if (r->out) {
		r->pair = s->pair;
		r->pair->resumable = r;
		take_place(r, s);
	}
	pairs_look(x);
	attempt_step(s->record, "the stream may be resumed");
}

/* --- going on ---------------------------------------------------------------------------- */

void resumable_attach(struct resumable *r, uint32_t their_h)
{
	struct stream *s = r->asker;
	struct proof *p, *next;

	awaited_no_more(r);
	r->stream = s;
	s->resumable = r;
	s->resumed = s->sm = true;
	s->sm_in = r->h;
	s->sm_out_base = s->sm_out - their_h;
	s->asked_ms = 0;
	s->s2s->stats.resumed++;
	attempt_step(s->record,
		     "the stream is resumed (XEP-0198), %u of ours and %u of theirs are done",
		     their_h, r->h);
	heard(r, their_h);
	if (!s->out && s->bidi)
		DL_FOREACH_SAFE (s->proofs, p, next)
			if (p->proven)
				proof_good(s, p);
	carried_look(s);
}

/* Presence that came from there may be old: it is asked for again, now or when it is back. */
static void give_up(struct resumable *r)
{
	struct pair *p = r->pair;

	works_keep_no_more(r);
	free_it(r);
	if (!p)
		return;
	p->lost = true;
	if (p->out && p->out->phase == PHASE_READY)
		pair_reached(p);
	pair_need(p);
}

void resumable_settle(struct resumable *r, uint32_t their_h)
{
	heard(r, their_h);
	give_up(r);
}

void resumable_end(struct resumable *r)
{
	return_all(r);
	give_up(r);
}

void resumable_work_done(struct resumable *r)
{
	if (!r->works && r->asker)
		resume_ready(r);
}

/* --- time -------------------------------------------------------------------------------- */

/* Whoever asked for it has been told that it failed: it must not be sent any more. */
static void tick_items(struct resumable *r, uint64_t now)
{
	struct item *i, *next;

	DL_FOREACH_SAFE (r->carried, i, next) {
		if (i->due <= now)
			return_one(i, "the remote server did not come back in time");
	}
}

/* The peer works, and has stanzas of its pair wait for what may never come. */
static bool waited_for(const struct resumable *r)
{
	return r->carried && r->carried->pair->via;
}

uint64_t resumables_tick(struct s2s *x)
{
	uint64_t now = loop_now(x->loop);
	struct resumable *r, *next;

	DL_FOREACH_SAFE (x->detached, r, next) {
		if (r->asker)
			continue;
		if (waited_for(r) && r->until > now + GRACE)
			r->until = now + GRACE;
		tick_items(r, now);
		if (r->until <= now) {
			log_debug("stream not resumed", LF_S("remote", r->remote));
			resumable_end(r);
		}
	}
	return x->detached ? now + SOON : 0;
}

bool resumable_belongs(const struct resumable *r, const struct stream *s)
{
	const struct proof *p = proof_find(s, str_z(r->own), str_z(r->remote));

	return p && p->proven;
}

void resumables_replace(struct stream *s)
{
	struct resumable *r, *next;

	DL_FOREACH_SAFE (s->s2s->detached, r, next)
		if (!r->out && !r->asker && r->carried && resumable_belongs(r, s))
			resumable_end(r);
}

void resumables_end(struct s2s *x)
{
	while (x->detached)
		resumable_end(x->detached);
}
