/* SPDX-License-Identifier: MIT */
/*
 * What c2s says that a session was given, against what the log has (DELIVERY rules 8 and 9).
 *
 * An owner that was cut off goes on giving, with numbers below those that the next one commits meanwhile: a
 * number says nothing of what was committed, and senders may have repeated a message to us before c2s could
 * tell us that its client has it. It is in the log under our number then, and c2s has the old one.
 */
#include "sm/inbox.h"

/* Whether it must be asked of the log. */
static bool adopt(struct session *s, struct given *g)
{
	struct user *u = s->user;
	struct inbox *b = u->inbox;
	const struct seen *known = seen_find(u, &g->key);
	struct entry *e;

	if (g->log && known && known->log != g->log) {
		g->log = known->log;
		g->renumbered = true;
	}
	g->committed |= known && known->committed;
	e = inbox_entry(b, g->log);
	if (e && g->acked) {
		inbox_remove(b, e->log);
	} else if (e && !g->held) {
		e->holders++;
		g->held = true;
	}
	g->acked_version = b->version;
	return !g->committed && !known && g->log < b->oldest;
}

static void found(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct session *s = session_still(arg);

	(void)u;
	if (!s)
		return;
	if (err) {
		s->unsure = true;
		session_tick_need(s);
		return;
	}
	for (size_t i = 0; i < rows[0].nrows; i++) {
		uint64_t log = (uint64_t)rows[0].rows[i].values[0].i;

		for (uint32_t n = 0; n < s->ngiven; n++)
			s->given[n].committed |= s->given[n].log == log;
	}
	session_settle(s);
}

/* What lies beyond the newest entries that were read. */
static void ask(struct session *s, uint64_t *numbers, size_t n)
{
	struct msg_value key = value_text(user_jid(s->user));
	struct msg_read_op op = {.op = STORE_LOG_SIZES,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .numbers = numbers,
				 .nnumbers = n};

	user_read(s->user, &op, 1, found, session_ref_new(s), free);
}

void inbox_adopt(struct session *s)
{
	struct inbox *b = s->user->inbox;
	uint64_t *numbers = xcalloc(s->ngiven + 1, sizeof *numbers);
	size_t n = 0;

	s->unsure = false;
	for (size_t i = b->n; i-- > 0;)
		if (cover_has(s, &b->entries[i]))
			inbox_remove(b, b->entries[i].log);
	for (uint32_t i = 0; i < s->ngiven; i++)
		if (adopt(s, &s->given[i]))
			numbers[n++] = s->given[i].log;
	if (n)
		ask(s, numbers, n);
	free(numbers);
	session_settle(s);
}
