/* SPDX-License-Identifier: MIT */
/* Requests to the owner of a shard, repeated while there is none or it was lost, up to a deadline.
 */
#include <errno.h>
#include <utlist.h>
#include "c2s/session.h"

enum { RETRY_MS = 200, LATE_MS = 120000 };

static void patience_over(void *arg)
{
	struct pending *p = arg;

	if (p->request && p->session->client)
		p->ops->late(p);
}

struct pending *pending_new(struct session *s, const struct pending_ops *ops)
{
	struct c2s *x = s->c2s;
	struct pending *p = xcalloc(1, sizeof *p);

	p->ops = ops;
	p->session = s;
	p->deadline_ms = loop_now(x->loop) + (uint64_t)x->config->owner_timeout;
	p->patience.fn = patience_over;
	p->patience.arg = p;
	if (ops->late)
		loop_timeout_start(x->loop, &p->patience,
				   (unsigned)((x->config->owner_timeout + 999) / 1000));
	s->pending = p;
	DL_APPEND(x->pending, p);
	return p;
}

void pending_free(struct pending *p)
{
	link_cancel(p->request);
	loop_timeout_stop(p->session->c2s->loop, &p->patience);
	DL_DELETE(p->session->c2s->pending, p);
	p->session->pending = NULL;
	buf_wipe(&p->ticket);
	free(p->text);
	free(p->id);
	free(p->account);
	free(p->address);
	free(p);
}

bool pending_moved(const struct pending *p)
{
	const struct shard *sh = &p->session->c2s->shards[p->session->shard];

	return sh->owner && (sh->owner != p->owner || sh->epoch != p->epoch);
}

static bool not_now(int err, uint16_t kind, const void *m)
{
	const struct msg_failed *f = m;

	return err == -EREMOTEIO && kind == MSG_FAILED && f && f->code == EAGAIN;
}

static void on_reply(void *arg, int err, uint16_t kind, const void *m)
{
	struct pending *p = arg;
	struct c2s *x = p->session->c2s;
	bool refused = not_now(err, kind, m);

	p->request = NULL;
	/* Not done; and what an earlier owner may have done went with that owner. */
	if (refused)
		p->asked = false;
	if (refused && !p->session->client) {
		session_free(p->session);
		return;
	}
	if ((refused || err == -EHOSTUNREACH) && loop_now(x->loop) < p->deadline_ms) {
		loop_timer_ensure(x->retry, RETRY_MS);
		return;
	}
	p->ops->done(p, err, err < 0 ? NULL : m);
}

void pending_request(struct pending *p, const void *m)
{
	struct c2s *x = p->session->c2s;
	const struct shard *sh = &x->shards[p->session->shard];
	uint64_t now = loop_now(x->loop);
	uint32_t wait = now < p->deadline_ms ? (uint32_t)(p->deadline_ms - now) : 1;
	struct frame head = {.kind = p->ops->kind,
			     .to = sh->owner,
			     .from_shard = SHARD_NONE,
			     .to_shard = p->session->shard,
			     .to_epoch = sh->epoch};

	if (!head.to) {
		loop_timer_ensure(x->retry, RETRY_MS);
		return;
	}
	p->owner = sh->owner;
	p->epoch = sh->epoch;
	p->asked = true;
	p->request =
		link_request(x->link, &head, m, p->ops->late ? wait + LATE_MS : wait, on_reply, p);
}

void pending_start(struct pending *p)
{
	p->ops->send(p);
}

void pending_retry(void *arg)
{
	struct c2s *x = arg;
	struct pending *p, *tmp;

	offers_retry(x);
	DL_FOREACH_SAFE (x->pending, p, tmp) {
		if (p->request)
			continue;
		if (loop_now(x->loop) >= p->deadline_ms)
			p->ops->done(p, -ETIMEDOUT, NULL);
		else
			p->ops->send(p);
	}
}

void pending_orphan(struct pending *p)
{
	/* Nobody was asked: nothing is there to be undone. */
	if (!p->asked)
		session_free(p->session);
}
