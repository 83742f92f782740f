/* SPDX-License-Identifier: MIT */
/* Runs of a channel: what is unanswered, sent in order, and again from the start (rules 8 and 10).
 */
#include "link/channel_internal.h"

#include <errno.h>
#include "base/mutation.h"
#include "base/random.h"

/* Bytes of one channel that may be under way; more wait for answers. Bounds what routers and
 * the receiver hold for us. A lane is many pairs of domains: what waits in s2s for one that takes nothing,
 * which s2s bounds itself, must not hold up the others. */
enum { CHANNEL_WINDOW = 1 << 20 };
enum { RETRY_FIRST = 50, RETRY_MOST = 2000 }; /* ms */
enum { WATCH_MS = 500, PATIENCE_FIRST = 2000, PATIENCE_MOST = 16000, PATIENCE_HELD = 60000 };

const char *channel_route(const struct channel *ch)
{
	return ch->all->routes[ch->key.route];
}

static void item_uncount(struct channel_item *i)
{
	if (i->counted)
		i->ch->in_flight -= item_size(i);
	i->counted = false;
}

void item_arrived(struct channel_item *i)
{
	if (!(i->ch->key.shard & LANED) || !i->counted)
		return;
	item_uncount(i);
	channel_pump(i->ch);
}

/* Takes it out of its channel; nothing refers to it any more. */
static void item_unlink(struct channel_item *i)
{
	struct channel *ch = i->ch;
	struct channels *c = ch->all;

	if (ch->unsent == i)
		ch->unsent = i->next;
	item_uncount(i);
	DL_DELETE(ch->items, i);
	HASH_DEL(c->tags, i);
	loop_timeout_stop(link_loop(c->link), &i->timeout);
	c->frames--;
	c->bytes -= item_size(i);
	c->route_bytes[ch->key.route] -= item_size(i);
}

void item_free(struct channel_item *i)
{
	item_unlink(i);
	free(i);
}

void item_finish(struct channel_item *i, int err, uint16_t kind, const void *m)
{
	item_unlink(i);
	if (i->fn)
		i->deliver(i, err, kind, m);
	free(i);
}

void item_retire(struct channel_item *i)
{
	if (i->run == i->ch->run && i->run) {
		i->fn = NULL;
		i->expired = true;
	} else {
		item_free(i);
	}
}

void item_expired(void *arg)
{
	struct channel_item *i = arg;
	struct channel_item told = *i;

	item_retire(i);
	if (told.fn)
		told.deliver(&told, -ETIMEDOUT, 0, NULL);
}

static void retry_due(void *arg)
{
	struct channel *ch = arg;

	channel_restart(ch);
}

/* A new run, but not at once: what refused us may need a moment, or we news of an owner. */
void channel_hold(struct channel *ch)
{
	unsigned shift = ch->failures < 6 ? ch->failures : 6;
	uint64_t ms = (uint64_t)RETRY_FIRST << shift;

	if (ch->held)
		return;
	ch->failures++;
	ch->held = true;
	if (!ch->retry)
		ch->retry = loop_timer_new(link_loop(ch->all->link), retry_due, ch);
	loop_timer_start(ch->retry, ms < RETRY_MOST ? ms : RETRY_MOST, 0);
}

static bool serves(const struct member *m, const char *route)
{
	for (size_t n = 0; m && n < m->nbinds; n++) {
		if (!strcmp(m->binds[n].route, route))
			return true;
	}
	return false;
}

bool channel_engaged(const struct channel *ch)
{
	const struct channel_item *i;

	DL_FOREACH(ch->items, i)
	{
		if (i->to && i->to == ch->owner)
			return true;
	}
	return false;
}

uint64_t channel_resolve(const struct channel *ch, uint32_t *ret_epoch)
{
	const struct link *k = ch->all->link;
	const char *route = channel_route(ch);

	*ret_epoch = 0;
	if (ch->key.shard & SHARDED)
		return link_owner(k, route, (uint16_t)ch->key.shard, ret_epoch);
	/* What it has of ours it may pass on, also while it serves nobody anew. */
	if ((ch->key.shard & LANED) && link_member(k, ch->owner) && channel_engaged(ch))
		return ch->owner;
	if (ch->key.shard & LANED)
		return link_place(k, route, hash64_pair(ch->key.shard & (SHARDS - 1), 0));
	/* Kept as long as it serves: the writes of a shard go through one instance. */
	if (ch->owner && serves(link_member(k, ch->owner), route))
		return ch->owner;
	return link_place(k, route, hash64_pair(ch->key.shard, 0));
}

/* The instance of a lane is gone: takes out what it may have passed on, to be given up. The rest, which
 * it surely has not, is the next one's. */
static struct channel_item *take_doubtful(struct channel *ch)
{
	struct channel_item *i, *next, *list = NULL, **end = &list;

	if (!(ch->key.shard & LANED) || !ch->owner || link_member(ch->all->link, ch->owner))
		return NULL;
	DL_FOREACH_SAFE (ch->items, i, next) {
		if (i->to != ch->owner)
			continue;
		i->to = 0;
		i->sends = 0;
		if (i->kept) {
			i->kept = false;
			continue;
		}
		item_unlink(i);
		i->next = NULL;
		*end = i;
		end = &i->next;
	}
	return list;
}

static void give_up(struct channel_item *list)
{
	while (list) {
		struct channel_item *i = list;

		list = i->next;
		if (i->fn)
			i->deliver(i, -ECONNRESET, 0, NULL);
		free(i);
	}
}

/* Everything unanswered again, in order, before anything new (rules 8 and 10). */
void channel_restart(struct channel *ch)
{
	struct channel_item *i, *next, *doubtful = take_doubtful(ch);

	if (ch->retry)
		loop_timer_stop(ch->retry);
	ch->held = ch->stale = false;
	ch->owner = channel_resolve(ch, &ch->epoch);
	ch->run++;
	ch->number = 0;
	DL_FOREACH_SAFE (ch->items, i, next) {
		item_uncount(i);
		if (i->expired)
			item_free(i);
	}
	if (!MUTATION("again"))
		ch->unsent = ch->items;
	channel_pump(ch);
	give_up(doubtful);
}

static int item_send(struct channel_item *i, uint64_t now)
{
	struct channel *ch = i->ch;
	bool names_shard = ch->key.shard & (SHARDED | LANED);
	struct frame f = {
		.kind = i->kind,
		.flags = FRAME_CHANNEL | (i->run ? FRAME_REPEATED : 0),
		.tag = i->tag,
		.remaining_ms = i->due ? (uint32_t)(i->due - now) : 0,
		.trace = i->trace,
		.to = ch->owner,
		.from_shard = i->from_shard,
		.from_epoch = i->from_epoch,
		.to_shard = names_shard ? (uint16_t)ch->key.shard : SHARD_NONE,
		.to_epoch = ch->epoch,
		.run = ch->run,
		.number = ch->number,
		.body = str_n(i->body, i->len),
	};

	return link_send_body(ch->all->link, &f);
}

/* An answer can be lost with a router that only its sender used: no event tells us. A repetition is
 * answered again, or waits for the same thing. */
static bool overdue(struct channel *ch, uint64_t now)
{
	const struct channel_item *i = ch->items;

	if (!i) {
		ch->patience = 0;
		return false;
	}
	if (!ch->owner || ch->held)
		return false;
	/* It has said that it got these; still, the answer may be lost. */
	while (i && i->kept && now - i->sent < PATIENCE_HELD)
		i = i->next;
	if (!i || !i->run || i->run != ch->run)
		return false;
	if (!ch->patience)
		ch->patience = PATIENCE_FIRST;
	if (now - i->sent < ch->patience)
		return false;
	if (ch->patience < PATIENCE_MOST)
		ch->patience *= 2;
	return true;
}

/* What was sent so long ago has arrived, or comes again in a new run. */
static void lane_go_on(struct channel *ch, uint64_t now)
{
	if (!(ch->key.shard & LANED) || !ch->unsent || !ch->in_flight)
		return;
	for (struct channel_item *i = ch->items; i != ch->unsent; i = i->next)
		if (now - i->sent >= PATIENCE_FIRST)
			item_uncount(i);
	channel_pump(ch);
}

void channels_watch(void *arg)
{
	struct channels *c = arg;
	uint64_t now = loop_now(link_loop(c->link));
	struct channel *ch, *next;

	HASH_ITER (hh, c->channels, ch, next) {
		if (overdue(ch, now))
			channel_restart(ch);
		else
			lane_go_on(ch, now);
	}
	if (c->frames)
		return;
	loop_timer_stop(c->watch);
	c->watching = false;
}

void channels_watch_need(struct channels *c)
{
	if (c->watching)
		return;
	c->watching = true;
	loop_timer_start(c->watch, WATCH_MS, WATCH_MS);
}

/* By lane: an instance that drains finishes what it has, and gets nothing new. */
static bool leaving(const struct channel *ch, const struct channel_item *i)
{
	return (ch->key.shard & LANED) && i->to != ch->owner &&
	       !serves(link_member(ch->all->link, ch->owner), channel_route(ch));
}

void channel_pump(struct channel *ch)
{
	uint64_t now = loop_now(link_loop(ch->all->link));
	struct channel_item *i;

	while (ch->owner && !ch->held && (i = ch->unsent)) {
		/* Its timeout, which is coarse, will find it. */
		if (i->too_long || (i->due && i->due <= now)) {
			ch->unsent = i->next;
			continue;
		}
		if (ch->in_flight && ch->in_flight + item_size(i) > CHANNEL_WINDOW)
			return;
		if (leaving(ch, i)) {
			if (!channel_engaged(ch))
				channel_restart(ch);
			return;
		}
		if (item_send(i, now) < 0) {
			channel_hold(ch);
			return;
		}
		i->run = ch->run;
		i->to = ch->owner;
		i->kept = false; /* said again for a repetition */
		i->sends++;
		i->sent = now;
		ch->number++;
		i->counted = true;
		ch->in_flight += item_size(i);
		ch->unsent = i->next;
	}
}
