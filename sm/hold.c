/* SPDX-License-Identifier: MIT */
/*
 * What a session's client does not take now is held back here instead of at c2s: because its
 * connection is broken, c2s says that it does not read, or it has acknowledged nothing of what it
 * was sent last. It keeps its numbers and goes out in order when the client takes again.
 *
 * Nor does c2s get more at a time than it can tell a later owner of.
 *
 * Bounded (option given_max): of what the log has its number is kept and the bytes are read from
 * there; of presence the newest of each sender. Past it the connection of a session is ended, so
 * that its client may resume it; a session that cannot be resumed ends, and so does one that has
 * twice as much.
 */
#include <utlist.h>
#include "sm/inbox.h"

enum { PAGE = 50, FEW = 128 }; /* FEW: any frame has room for the keys of so many */

/* What it costs us that the client has not acknowledged. */
size_t hold_load(const struct session *s)
{
	return s->given_bytes + (size_t)(s->out - s->acked) * sizeof *s->given;
}

bool hold_holds(const struct session *s)
{
	return s->sent != s->out;
}

static size_t given_max(const struct session *s)
{
	return (size_t)s->user->sm->config->given_max;
}

bool hold_room(const struct session *s)
{
	uint32_t n = s->ngiven - (s->out - s->sent);

	return n < FEW || record_given_fits(s, n + 1);
}

bool hold_takes(const struct session *s)
{
	return s->c2s && !s->resuming && !s->full_out && !s->closing && !s->hold_reading &&
	       (!s->flight || s->flight < given_max(s) / 4) && hold_room(s);
}

static uint32_t held_first(const struct session *s)
{
	return s->ngiven - (s->out - s->sent);
}

/* --- bytes ----------------------------------------------------------------------------------- */

void given_text_drop(struct session *s, struct given *g)
{
	if (!g->text)
		return;
	s->given_bytes -= g->text->len;
	text_unref(g->text);
	g->text = NULL;
}

/* The log has it: its number is enough. */
static void thin(struct session *s, struct given *g)
{
	const struct seen *known;

	if (!g->log || !g->committed || !g->text)
		return;
	known = s->user->relaxed ? seen_find(s->user, &g->key) : NULL;
	if (known && known->append)
		return; /* given before it is there */
	g->fades = fade_wanted(s->user->sm, g->text);
	given_text_drop(s, g);
}

void hold_thin(struct session *s, struct given *g)
{
	if (s->thin)
		thin(s, g);
	if (s->thin || hold_load(s) <= given_max(s) / 2)
		return;
	s->thin = true;
	for (uint32_t i = 0; i < s->ngiven; i++)
		if (!s->given[i].acked)
			thin(s, &s->given[i]);
}

/* --- presence -------------------------------------------------------------------------------- */

uint32_t hold_sender(const struct stanza *st)
{
	if (st->kind != STANZA_PRESENCE ||
	    (st->type != PRESENCE_AVAILABLE && st->type != PRESENCE_UNAVAILABLE))
		return 0;
	return (uint32_t)hash64(st->from.ptr, st->from.len) | 1;
}

static void take_out(struct session *s, uint32_t at)
{
	given_text_drop(s, &s->given[at]);
	s->ngiven--;
	s->out--;
	memmove(s->given + at, s->given + at + 1, (s->ngiven - at) * sizeof *s->given);
	for (uint32_t i = at; i < s->ngiven; i++)
		s->given[i].m--;
	free(s->given_index); /* it knows them by their places */
	s->given_index = NULL;
}

void hold_newest(struct session *s, uint32_t sender)
{
	if (!sender)
		return;
	for (uint32_t i = held_first(s); i < s->ngiven; i++)
		if (s->given[i].sender == sender) {
			take_out(s, i);
			return;
		}
}

/* --- the bound ------------------------------------------------------------------------------- */

/* c2s ends the connection; what its client sent before comes first. */
static void break_connection(struct session *s)
{
	struct frame head = {.kind = MSG_SESSION_BREAK,
			     .to = s->c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(s->user->sm->shards, s->user->shard)};
	struct msg_session_break m = {.sid = s->sid, .attachment = s->attachment};

	s->breaking = true;
	log_info("session broken: its client takes too little", LF_S("jid", s->full),
		 LF_U("bytes", hold_load(s)));
	(void)link_send(s->user->sm->link, &head, &m);
}

void hold_look(struct session *s)
{
	size_t load = hold_load(s);

	if (load <= given_max(s) || s->closing || s->leaving || session_ends_soon(s))
		return;
	if (s->resume_ms && s->c2s && !s->resuming && !s->breaking)
		break_connection(s);
	if (s->resume_ms && load <= 2 * given_max(s)) /* there must be room while it is broken */
		return;
	log_warn("session ended: too much unread", LF_S("jid", s->full), LF_U("bytes", load));
	session_overflow(s);
}

/* --- going on -------------------------------------------------------------------------------- */

static void fill(struct session *s, const struct msg_row *row)
{
	uint64_t log = (uint64_t)row->values[COL_LOG_NUMBER].i;
	uint32_t first = held_first(s);

	for (uint32_t i = first; i < s->ngiven && i - first < 4 * PAGE; i++) {
		struct given *g = &s->given[i];

		if (g->log != log || g->text)
			continue;
		g->text = row_text(s, row, true);
		s->given_bytes += g->text ? g->text->len : 0;
		return;
	}
}

/* The next was looked for, and is not there. */
static bool is_lost(const struct session *s)
{
	const struct given *g = hold_holds(s) ? &s->given[held_first(s)] : NULL;

	return g && !g->text && g->log == s->hold_from;
}

static void page_read(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct session *s = session_still(arg);

	(void)u;
	if (!s)
		return;
	s->hold_reading = false;
	if (err) {
		log_warn("messages held back not read", LF_S("jid", s->full), LF_ERR(err));
		hold_later(s);
		return;
	}
	for (size_t i = 0; i < rows[0].nrows; i++)
		if (!i || s->given_bytes < given_max(s) / 2)
			fill(s, &rows[0].rows[i]);
	if (is_lost(s)) {
		/* Never a stream with a hole. */
		log_warn("session ended: what it was owed is lost", LF_S("jid", s->full));
		session_overflow(s);
		return;
	}
	hold_go_on(s);
}

static void read_page(struct session *s, uint64_t log)
{
	struct msg_value key = value_text(user_jid(s->user));
	struct msg_read_op op = {.op = STORE_LOG_READ,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = PAGE,
				 .from = log - 1};

	s->hold_reading = true;
	s->hold_from = log;
	user_read(s->user, &op, 1, page_read, session_ref_new(s), free);
}

/* Who takes over must know what it cannot give. */
static void owing_look(struct session *s)
{
	bool owing = false;

	if (!s->c2s || s->resuming)
		return;
	for (uint32_t i = held_first(s); i < s->ngiven && !owing; i++)
		owing = !s->given[i].log;
	if (owing == s->owing)
		return;
	s->owing = owing;
	s->record_changed = true;
	notice_done(s);
}

void hold_go_on(struct session *s)
{
	while (hold_holds(s) && hold_takes(s)) {
		struct given *g = &s->given[held_first(s)];

		if (!g->text) {
			read_page(s, g->log);
			return;
		}
		given_send(s, g);
	}
	if (s->thin && hold_load(s) < given_max(s) / 4)
		s->thin = false;
	owing_look(s);
	if (!hold_holds(s))
		flush_go_on(s);
}

void hold_again(struct session *s, uint32_t from_m)
{
	/* What its client has acknowledged, c2s has, however old the word of c2s is. */
	if ((int32_t)(s->acked - from_m) > 0)
		from_m = s->acked;
	for (uint32_t i = s->ngiven; i-- > 0 && (int32_t)(s->given[i].m - from_m) > 0;) {
		s->flight -= s->given[i].flight;
		s->given[i].flight = 0;
	}
	if ((int32_t)(s->sent - from_m) > 0)
		s->sent = from_m;
	hold_go_on(s);
}

void hold_later(struct session *s)
{
	s->hold_failed = true;
	session_tick_need(s);
}

bool hold_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool any = false;

	DL_FOREACH_SAFE2 (sm->ticked, s, tmp, tick_next) {
		if (!s->hold_failed)
			continue;
		s->hold_failed = false;
		any = true;
		hold_go_on(s);
	}
	return any;
}
