/* SPDX-License-Identifier: MIT */
/*
 * The envelope between processes:
 *
 *	kind | fault << 4, type, presence of the fields: a byte each
 *	the fields present, in the order of the struct: length, bytes
 *	content: length, bytes
 *	number of children; of each: name's length and bytes, namespace's length plus one and bytes
 *	(0: the content namespace), bytes since the end of the child before, length
 *
 * Numbers have 7 bits a byte, low ones first, in as few bytes as they need. There is one
 * encoding of an envelope; all else is malformed.
 */
#include <errno.h>
#include "base/varint.h"
#include "xmpp/ns.h"
#include "xmpp/stanza_internal.h"

/* Bit i: the i-th field is there. */
enum { NFIELDS = 5, HAS_ATTRS = 1 << 4, HAS_ALL = (1 << NFIELDS) - 1 };

static char *put_bytes(char *to, struct str s)
{
	if (s.len)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

static char *put_field(char *to, struct str s)
{
	return put_bytes(varint_write(to, s.len), s);
}

static char *put_child(char *to, const struct xml_child *c, size_t gap)
{
	to = put_field(to, c->name);
	if (str_eq(c->ns, STR(NS_CLIENT))) {
		to = varint_write(to, 0);
	} else {
		to = varint_write(to, c->ns.len + 1);
		to = put_bytes(to, c->ns);
	}
	to = varint_write(to, gap);
	return varint_write(to, c->len);
}

static size_t room_for(const struct stanza *s)
{
	size_t n = 3 + (size_t)7 * VARINT_MAX + s->id.len + s->lang.len + s->to.len + s->from.len + s->attrs.len +
		   s->bytes.len;

	for (size_t i = 0; i < s->nchildren; i++)
		n += (size_t)4 * 10 + s->children[i].name.len + s->children[i].ns.len;
	return n;
}

void stanza_encode(const struct stanza *s, struct buf *b)
{
	const struct str fields[] = {s->id, s->lang, s->to, s->from, s->attrs};
	char *start = buf_reserve(b, room_for(s)), *to = start;
	unsigned has = 0;
	size_t end = 0;

	*to++ = (char)(s->kind | s->fault << 4);
	*to++ = (char)s->type;
	to++;
	for (unsigned i = 0; i < NFIELDS; i++) {
		/* Empty is present, but for the list of attributes. */
		if (!fields[i].ptr || (i == NFIELDS - 1 && fields[i].len == 0))
			continue;
		has |= 1u << i;
		to = put_field(to, fields[i]);
	}
	start[2] = (char)has;
	to = put_field(to, s->bytes);
	to = varint_write(to, s->nchildren);
	for (size_t i = 0; i < s->nchildren; i++) {
		to = put_child(to, &s->children[i], s->children[i].off - end);
		end = s->children[i].off + s->children[i].len;
	}
	buf_added(b, (size_t)(to - start));
}

struct reader {
	const char *at, *end;
	bool bad;
};

static size_t get_number(struct reader *r)
{
	uint64_t v;

	if (varint_read(&r->at, r->end, &v) && v <= UINT32_MAX)
		return (size_t)v;
	r->bad = true;
	return 0;
}

static struct str get_bytes(struct reader *r, size_t n)
{
	struct str s = {(const char *)r->at, n};

	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return STR_NONE;
	}
	r->at += n;
	return s;
}

static struct str get_field(struct reader *r)
{
	return get_bytes(r, get_number(r));
}

static unsigned char get_byte(struct reader *r)
{
	struct str s = get_bytes(r, 1);

	return s.ptr ? (unsigned char)*s.ptr : 0;
}

static void get_child(struct reader *r, size_t size, size_t *end, struct xml_child *c)
{
	size_t ns, gap, len;

	c->name = get_field(r);
	ns = get_number(r);
	c->ns = ns ? get_bytes(r, ns - 1) : STR(NS_CLIENT);
	gap = get_number(r);
	len = get_number(r);
	/* The shortest element is <a/>. */
	if (str_empty(c->name) || len < 4 || gap > size - *end || len > size - *end - gap ||
	    (ns && str_eq(c->ns, STR(NS_CLIENT)))) {
		r->bad = true;
		return;
	}
	c->off = (uint32_t)(*end + gap);
	c->len = (uint32_t)len;
	*end += gap + len;
}

static void get_children(struct pool *p, struct reader *r, struct stanza *s)
{
	size_t n = get_number(r), end = 0;
	struct xml_child *v;

	/* Each takes five bytes or more: what is allocated is bounded by what came. */
	if (r->bad || n > (size_t)(r->end - r->at) / 5) {
		r->bad = true;
		return;
	}
	s->children = v = pool_alloc(p, n * sizeof(*v));
	s->nchildren = n;
	for (size_t i = 0; i < n && !r->bad; i++)
		get_child(r, s->bytes.len, &end, &v[i]);
}

static bool type_fits(const struct stanza *s)
{
	const struct stanza_types *t = &stanza_types[s->kind];

	return (s->type >= t->first && s->type <= t->last) || s->type == t->other;
}

int stanza_decode(struct pool *p, struct str data, struct stanza *ret)
{
	struct stanza s = {0};
	struct str *const fields[] = {&s.id, &s.lang, &s.to, &s.from, &s.attrs};
	struct reader r = {data.ptr, NULL, false};
	unsigned head, has;

	if (data.len < 5)
		return -EPROTO;
	r.end = r.at + data.len;
	head = get_byte(&r);
	s.type = (enum stanza_type)get_byte(&r);
	has = get_byte(&r);
	if ((head & 15) > STANZA_IQ || head >> 4 > STANZA_BAD_REQUEST || has & ~(unsigned)HAS_ALL)
		return -EPROTO;
	s.kind = (enum stanza_kind)(head & 15);
	s.fault = (enum stanza_fault)(head >> 4);
	if (!type_fits(&s))
		return -EPROTO;
	for (unsigned i = 0; i < NFIELDS; i++)
		if (has & 1u << i)
			*fields[i] = get_field(&r);
	if (has & HAS_ATTRS && str_empty(s.attrs))
		return -EPROTO;
	s.bytes = get_field(&r);
	if (r.bad)
		return -EPROTO;
	get_children(p, &r, &s);
	if (r.bad || r.at != r.end)
		return -EPROTO;
	*ret = s;
	return 0;
}
