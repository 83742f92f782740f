/* SPDX-License-Identifier: MIT */
/* The session record: what a later owner needs of a session, sealed, kept by c2s. It is announced in one
 * frame together with what the client was given: a quarter is for the record, a half for that list. */
#include "base/varint.h"
#include "sm/sm_internal.h"

enum { RECORD_VERSION = 2, MOST_GIVEN = 1000000 };
enum { STR_ROOM = 5, REST_ROOM = 256, GIVEN_ROOM = 38 }; /* of a length; numbers and the seal; a struct given */
enum { IS_SECURE = 1, IS_AVAILABLE = 2, IS_LOST = 4 };

static void put_str(struct buf *b, struct str s)
{
	varint_append(b, s.len);
	buf_str_append(b, s);
}

struct reader {
	const char *at, *end;
	bool bad;
};

static uint64_t get_number(struct reader *r)
{
	uint64_t v;

	r->bad |= !varint_read(&r->at, r->end, &v);
	return v;
}

static struct str get_str(struct reader *r)
{
	uint64_t n = get_number(r);
	struct str s;

	if (r->bad || (uint64_t)(r->end - r->at) < n) {
		r->bad = true;
		return STR("");
	}
	s = str_n(r->at, (size_t)n);
	r->at += n;
	return s;
}

static struct str context(uint64_t sid, char buf[32])
{
	(void)snprintf(buf, 32, "session %016llx", (unsigned long long)sid);
	return str_z(buf);
}

static bool fits(const struct session *s, size_t presence, size_t directed)
{
	size_t size = REST_ROOM + session_jid(s).full.len + strlen(s->address) + presence + directed;

	for (uint32_t i = 0; i < s->ndirected; i++)
		size += STR_ROOM + s->directed[i].len;
	return size <= link_max_frame(s->user->sm->link) / 4;
}

bool session_presence_fits(const struct session *s, const struct stanza *st)
{
	struct buf *b = sm_scratch(s->user->sm);

	stanza_write(st, b);
	return fits(s, b->len, 0);
}

bool session_directed_fits(const struct session *s, struct str jid)
{
	return fits(s, s->presence ? s->presence->len : 0, STR_ROOM + jid.len);
}

bool record_given_fits(const struct session *s, size_t n)
{
	return n <= link_max_frame(s->user->sm->link) / 2 / GIVEN_ROOM;
}

void record_seal(struct session *s, struct buf *b)
{
	struct buf plain = BUF_INIT;
	char name[32];

	varint_append(&plain, RECORD_VERSION);
	varint_append(&plain, (s->secure ? IS_SECURE : 0) | (s->presence ? IS_AVAILABLE : 0) |
				(s->owing || s->lost ? IS_LOST : 0));
	put_str(&plain, session_jid(s).full);
	varint_append(&plain, (uint64_t)s->since);
	varint_append(&plain, s->base);
	varint_append(&plain, s->floor + 1); /* mostly UINT64_MAX */
	s->floor_told = s->floor;
	varint_append(&plain, s->flags);
	varint_append(&plain, s->resume_ms);
	varint_append(&plain, (uint64_t)(s->priority + 128));
	put_str(&plain, s->presence ? str_n(s->presence->bytes, s->presence->len) : STR(""));
	put_str(&plain, str_z(s->address));
	varint_append(&plain, s->ndirected);
	for (uint32_t i = 0; i < s->ndirected; i++)
		put_str(&plain, s->directed[i]);
	seal(s->user->sm->record_key, context(s->sid, name), buf_str(&plain), b);
	buf_wipe(&plain);
}

static struct session *record_read(struct sm *sm, uint64_t sid, struct reader *r)
{
	struct session *s;
	struct jid j;
	struct str full, presence;
	uint64_t is;

	if (get_number(r) != RECORD_VERSION)
		return NULL;
	is = get_number(r);
	full = get_str(r);
	if (r->bad || jid_split(full, &j) < 0 || !j.resource.len)
		return NULL;
	s = session_new(user_need(sm, j.bare), sid, j.resource);
	s->secure = is & IS_SECURE;
	s->lost = is & IS_LOST;
	session_began(s, (int64_t)get_number(r));
	s->base = get_number(r);
	s->floor = s->floor_told = get_number(r) - 1;
	s->flags = (unsigned)get_number(r);
	if (session_flag(s, SESSION_TEMPORARY))
		user_set_temporary(s->user);
	s->resume_ms = get_number(r);
	s->priority = (int8_t)((int)get_number(r) - 128);
	presence = get_str(r);
	if (is & IS_AVAILABLE)
		s->presence = text_new(presence);
	s->address = str_dup(get_str(r));
	for (uint64_t n = get_number(r); n && !r->bad; n--)
		session_directed_add(s, get_str(r));
	s->record_changed = false;
	if (r->bad)
		bug("a sealed record of ours is cut short");
	return s;
}

struct session *record_open(struct sm *sm, uint64_t sid, struct str sealed)
{
	struct buf plain = BUF_INIT;
	struct session *s = NULL;
	char name[32];

	if (unseal(sm->record_key, context(sid, name), sealed, &plain) == 0) {
		struct reader r = {buf_ptr(&plain), buf_ptr(&plain) + plain.len, false};

		s = record_read(sm, sid, &r);
	}
	buf_wipe(&plain);
	return s;
}

/* --- detached ------------------------------------------------------------------------------------- */

static struct str detached_context(uint64_t sid, char buf[32])
{
	(void)snprintf(buf, 32, "detached %016llx", (unsigned long long)sid);
	return str_z(buf);
}

static int64_t detached_us(const struct session *s)
{
	uint64_t ms = loop_now(s->user->sm->loop) - s->detached_since;

	return clock_wall_us() - (int64_t)ms * 1000;
}

void record_seal_detached(struct session *s, struct buf *b)
{
	struct buf plain = BUF_INIT, record = BUF_INIT;
	char name[32];

	record_seal(s, &record);
	varint_append(&plain, RECORD_VERSION);
	put_str(&plain, buf_str(&record));
	varint_append(&plain, (uint64_t)detached_us(s));
	varint_append(&plain, s->attachment);
	varint_append(&plain, s->done);
	varint_append(&plain, s->out);
	varint_append(&plain, s->acked);
	varint_append(&plain, s->settled);
	varint_append(&plain, s->ngiven);
	for (uint32_t i = 0; i < s->ngiven; i++) {
		varint_append(&plain, s->given[i].m);
		varint_append(&plain, s->given[i].key.origin);
		varint_append(&plain, s->given[i].key.number);
		varint_append(&plain, s->given[i].key.part);
		varint_append(&plain, s->given[i].log);
	}
	seal(s->user->sm->record_key, detached_context(s->sid, name), buf_str(&plain), b);
	buf_wipe(&plain);
	buf_wipe(&record);
}

static struct session *detached_read(struct sm *sm, uint64_t sid, struct reader *r)
{
	struct msg_announce m = {.sid = sid};
	struct session *s;
	int64_t gone_us;
	uint64_t n;

	if (get_number(r) != RECORD_VERSION || !(s = record_open(sm, sid, get_str(r))))
		return NULL;
	gone_us = clock_wall_us() - (int64_t)get_number(r);
	m.attachment = (uint32_t)get_number(r);
	m.done = m.in = (uint32_t)get_number(r);
	m.out = (uint32_t)get_number(r);
	m.acked = (uint32_t)get_number(r);
	m.settled = get_number(r);
	n = get_number(r);
	m.given = xcalloc((size_t)(n < MOST_GIVEN ? n : MOST_GIVEN) + 1, sizeof *m.given);
	for (; m.ngiven < n && m.ngiven < MOST_GIVEN && !r->bad; m.ngiven++) {
		struct msg_given *g = &m.given[m.ngiven];

		g->m = (uint32_t)get_number(r);
		g->key.origin = get_number(r);
		g->key.number = get_number(r);
		g->key.part = (uint16_t)get_number(r);
		g->log = get_number(r);
	}
	if (r->bad)
		bug("a sealed record of ours is cut short");
	session_adopt(s, &m);
	s->lost = false; /* such a one has no row */
	s->detached_since = loop_now(sm->loop) - (uint64_t)(gone_us > 0 ? gone_us / 1000 : 0);
	s->detached_since += !s->detached_since; /* 0 means that it is not */
	free(m.given);
	return s;
}

struct session *record_open_detached(struct sm *sm, uint64_t sid, struct str sealed)
{
	struct buf plain = BUF_INIT;
	struct session *s = NULL;
	char name[32];

	if (unseal(sm->record_key, detached_context(sid, name), sealed, &plain) == 0) {
		struct reader r = {buf_ptr(&plain), buf_ptr(&plain) + plain.len, false};

		s = detached_read(sm, sid, &r);
	}
	buf_wipe(&plain);
	return s;
}
