/* SPDX-License-Identifier: MIT */
/* The sending side of channels: keeps frames until they are answered, hears what befell them. */
#include "link/channel_internal.h"

#include <errno.h>
#include "base/random.h"

static void on_answer(void *arg, const struct frame *f, const void *m)
{
	struct channels *c = arg;
	struct channel_item *i;
	struct channel *ch;

	if (!(f->flags & FRAME_REPLY) || !(f->flags & FRAME_CHANNEL))
		return;
	/* An answer of an earlier run or owner counts as well: what it says is committed. */
	HASH_FIND (hh, c->tags, &f->tag, sizeof f->tag, i)
		;
	if (!i)
		return;
	ch = i->ch;
	ch->failures = 0;
	item_finish(i, f->kind == MSG_FAILED ? -EREMOTEIO : 0, f->kind, m);
	channel_pump(ch);
}

/* Sent, it would end the link, again and again. */
static void refuse_long(void *arg)
{
	struct msg_failed failed = {.code = EMSGSIZE, .text = STR("longer than a frame may be")};
	struct channels *c = arg;
	struct channel_item *i = c->tags;

	while (i) {
		struct channel_item *next = i->hh.next;

		if (i->too_long) {
			item_finish(i, -EREMOTEIO, MSG_FAILED, &failed);
			next = c->tags; /* whatever the callback has done */
		}
		i = next;
	}
}

static void item_refused(struct channel_item *i)
{
	struct msg_failed failed = {.code = EOPNOTSUPP, .text = STR("not understood")};
	struct channel *ch = i->ch;

	item_finish(i, -EREMOTEIO, MSG_FAILED, &failed);
	/* The receiver did not count it. */
	channel_restart(ch);
}

static void on_bounce(void *arg, const struct frame *f, const void *m)
{
	enum { NOT_UNDERSTOOD = 3, OUT_OF_ORDER = 4 };
	const struct msg_bounce *b = m;
	struct channels *c = arg;
	struct channel_item *i;
	struct channel *ch;

	if (!(f->flags & FRAME_CHANNEL))
		return;
	HASH_FIND (hh, c->tags, &f->tag, sizeof f->tag, i)
		;
	if (!i)
		return;
	ch = i->ch;
	/* Only a bounce tells that a frame did not arrive, and only for the one time it was sent. */
	if (b->why != NOT_UNDERSTOOD && i->sends == 1 && i->run == f->run)
		i->to = 0;
	/* Each frame of a run may come back; the first has ended it. */
	if (f->run != ch->run || i->run != ch->run || ch->held)
		return;
	if (b->why == NOT_UNDERSTOOD) {
		item_refused(i);
	} else if (b->why == OUT_OF_ORDER && !ch->failures) {
		ch->failures++;
		channel_restart(ch);
	} else {
		channel_hold(ch);
	}
}

/* A channel with nothing in it starts its run when it is next used. */
static void channel_again(struct channel *ch)
{
	if (ch->items)
		channel_restart(ch);
	else
		ch->stale = true;
}

static void channel_check(struct channel *ch)
{
	uint32_t epoch;
	uint64_t owner = channel_resolve(ch, &epoch);

	if (owner != ch->owner || epoch != ch->epoch)
		channel_again(ch);
}

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	struct channels *c = arg;
	struct channel *ch, *next;

	HASH_ITER (hh, c->channels, ch, next) {
		if (e == LINK_PATH_LOST && ch->owner && (!m || m->id == ch->owner))
			channel_again(ch);
		else if (e == LINK_READY && ch->held)
			channel_again(ch);
		else if (e == LINK_MEMBER_LOST && ch->owner == m->id)
			channel_again(ch);
		else if (e == LINK_MEMBER && ch->held && ch->owner == m->id)
			channel_again(ch);
		else
			channel_check(ch);
	}
	if (e == LINK_MEMBER_LOST)
		channels_forget_member(c, m->id);
}

static void handlers_add(struct channels *c, uint16_t kind, link_handler_fn *fn)
{
	for (size_t n = 0; n < c->nhandlers; n++) {
		if (c->handlers[n].kind == kind)
			return;
	}
	c->handlers[c->nhandlers++] = (struct link_handler){kind, fn};
}

struct channels *channels_new(struct link *k)
{
	static const struct link_ops ops = {.event = on_event};
	struct channels *c = xcalloc(1, sizeof *c);

	c->link = k;
	c->refuse = (struct loop_task){.fn = refuse_long, .arg = c};
	c->watch = loop_timer_new(link_loop(k), channels_watch, c);
	/* Zeros end the table. */
	c->handlers = xcalloc(MSG_KINDS + 3, sizeof *c->handlers);
	handlers_add(c, MSG_BOUNCE, on_bounce);
	handlers_add(c, MSG_FAILED, on_answer);
	for (uint16_t kind = 1; kind < MSG_KINDS; kind++) {
		if (msg_is_tracked(kind))
			handlers_add(c, msg_reply_kind(kind), on_answer);
	}
	link_handlers(k, c->handlers, c);
	link_events(k, &ops, c);
	return c;
}

struct channels *channels_free(struct channels *c)
{
	struct channel *ch, *next;

	if (!c)
		return NULL;
	HASH_ITER (hh, c->channels, ch, next) {
		while (ch->items)
			item_free(ch->items);
		loop_timer_free(ch->retry);
		HASH_DEL(c->channels, ch);
		free(ch);
	}
	loop_task_cancel(link_loop(c->link), &c->refuse);
	loop_timer_free(c->watch);
	receivers_free(c);
	for (size_t n = 0; n < c->nroutes; n++)
		free(c->routes[n]);
	free(c->routes);
	free(c->route_bytes);
	free(c->handlers);
	free(c);
	return NULL;
}

static uint32_t route_index(struct channels *c, const char *route)
{
	for (size_t n = 0; n < c->nroutes; n++) {
		if (!strcmp(c->routes[n], route))
			return (uint32_t)n;
	}
	c->routes = xrealloc(c->routes, (c->nroutes + 1) * sizeof *c->routes);
	c->route_bytes = xrealloc(c->route_bytes, (c->nroutes + 1) * sizeof *c->route_bytes);
	c->routes[c->nroutes] = xstrdup(route);
	c->route_bytes[c->nroutes] = 0;
	return (uint32_t)c->nroutes++;
}

static struct channel *channel_get(struct channels *c, const struct channel_send *s)
{
	struct channel_key key = {.route = route_index(c, s->route), .shard = s->from_shard};
	struct channel *ch;

	if (s->to_shard != SHARD_NONE)
		key.shard = s->to_shard | SHARDED;
	else if (s->by_lane)
		key.shard = s->lane | LANED;
	HASH_FIND (hh, c->channels, &key, sizeof key, ch)
		;
	if (ch)
		return ch;
	ch = xcalloc(1, sizeof *ch);
	ch->key = key;
	ch->all = c;
	ch->stale = true;
	HASH_ADD(hh, c->channels, key, sizeof ch->key, ch);
	return ch;
}

static uint32_t fresh_tag(struct channels *c)
{
	struct channel_item *i;

	do {
		if (!++c->last_tag)
			c->last_tag = 1;
		HASH_FIND (hh, c->tags, &c->last_tag, sizeof c->last_tag, i)
			;
	} while (i);
	return c->last_tag;
}

static struct channel_item *item_new(struct channel *ch, const struct channel_send *s)
{
	struct channels *c = ch->all;
	struct buf body = BUF_INIT;
	struct channel_item *i;

	msg_encode(s->kind, s->m, &body);
	i = xmalloc(sizeof *i + body.len);
	*i = (struct channel_item){
		.ch = ch,
		.timeout = {.fn = item_expired, .arg = i},
		.fn = s->fn,
		.arg = s->arg,
		.queued = loop_now(link_loop(c->link)),
		.trace = s->trace,
		.tag = fresh_tag(c),
		.from_epoch = s->from_epoch,
		.from_shard = s->from_shard,
		.kind = s->kind,
		.first = s->first,
		.too_long = body.len + FRAME_HEAD > link_max_frame(c->link),
		.len = body.len,
	};
	if (body.len)
		memcpy(i->body, buf_ptr(&body), body.len);
	buf_free(&body);
	if (s->deadline_ms) {
		i->due = i->queued + s->deadline_ms;
		loop_timeout_start(link_loop(c->link), &i->timeout, (s->deadline_ms + 999) / 1000);
	}
	return i;
}

static void item_add(struct channel *ch, struct channel_item *i)
{
	struct channel_item *at = i->first ? ch->items : NULL;

	while (at && at->first)
		at = at->next;
	if (!at) {
		DL_APPEND(ch->items, i);
		if (!ch->unsent)
			ch->unsent = i;
		return;
	}
	DL_PREPEND_ELEM(ch->items, at, i);
	if (at->run && at->run == ch->run)
		channel_hold(ch); /* it must be in a run before that one */
	else if (ch->unsent == at)
		ch->unsent = i;
}

struct channel_item *channel_send_as(struct channels *c, const struct channel_send *s,
				     item_deliver_fn *deliver)
{
	struct channel *ch = channel_get(c, s);
	struct channel_item *i = item_new(ch, s);
	uint32_t epoch;

	i->deliver = deliver;
	/* Nothing is under way that another order could upset. */
	if ((ch->key.shard & LANED) && !ch->items)
		ch->stale |= channel_resolve(ch, &epoch) != ch->owner;
	item_add(ch, i);
	HASH_ADD(hh, c->tags, tag, sizeof i->tag, i);
	c->frames++;
	channels_watch_need(c);
	c->bytes += item_size(i);
	c->route_bytes[ch->key.route] += item_size(i);
	if (i->too_long)
		loop_defer(link_loop(c->link), &c->refuse);
	if (ch->stale)
		channel_restart(ch);
	else
		channel_pump(ch);
	return i;
}

static void item_deliver(struct channel_item *i, int err, uint16_t kind, const void *m)
{
	i->fn(i->arg, err, kind, m);
}

struct channel_item *channel_send(struct channels *c, const struct channel_send *s)
{
	return channel_send_as(c, s, item_deliver);
}

void channel_held(struct channel_item *i, uint64_t from, bool held)
{
	if (i->to != from)
		return;
	i->kept = held;
	item_arrived(i);
}

uint16_t channel_lane(struct str own, struct str remote)
{
	struct buf b = BUF_INIT;
	uint64_t h;

	buf_str_append(&b, own);
	buf_append(&b, "", 1);
	buf_str_append(&b, remote);
	h = hash64(buf_ptr(&b), b.len);
	buf_free(&b);
	return (uint16_t)(h % SHARDS);
}

void channel_abandon(struct channel_item *i)
{
	item_retire(i);
}

bool channel_sent(const struct channel_item *i)
{
	return i->sends > 0;
}

void channel_forget(struct channel_item *i)
{
	i->fn = NULL;
}

void channels_drop(struct channels *c, uint16_t from_shard)
{
	struct channel *ch, *next_ch;
	struct channel_item *i, *next;

	HASH_ITER (hh, c->channels, ch, next_ch) {
		DL_FOREACH_SAFE (ch->items, i, next) {
			if (i->from_shard == from_shard)
				item_free(i);
		}
	}
}

size_t channels_unanswered(const struct channels *c)
{
	return c->frames;
}

size_t channels_unanswered_bytes(const struct channels *c)
{
	return c->bytes;
}

size_t channels_route_bytes(const struct channels *c, const char *route)
{
	for (size_t n = 0; n < c->nroutes; n++) {
		if (!strcmp(c->routes[n], route))
			return c->route_bytes[n];
	}
	return 0;
}

uint64_t channels_oldest(const struct channels *c, const char *route)
{
	uint64_t now = loop_now(link_loop(c->link)), oldest = now;

	for (const struct channel *ch = c->channels; ch; ch = ch->hh.next) {
		if (ch->items && ch->items->queued < oldest && !strcmp(channel_route(ch), route))
			oldest = ch->items->queued;
	}
	return now - oldest;
}

bool channel_busy(const struct channels *c, const char *route, uint16_t to_shard)
{
	struct channel_key key;
	struct channel *ch;
	uint32_t r = 0;

	while (r < c->nroutes && strcmp(c->routes[r], route) != 0)
		r++;
	if (r == c->nroutes)
		return false;
	memset(&key, 0, sizeof key);
	key.route = r;
	key.shard = SHARDED | to_shard;
	HASH_FIND(hh, c->channels, &key, sizeof key, ch);
	return ch && ch->items;
}
