/* SPDX-License-Identifier: MIT */
/*
 * Streams from strangers. Byte 0 of the input chooses the cuts, the rest is what an attacker
 * sends behind a stream header (bit 7 of byte 0: instead of one).
 *
 * - A victim whose reader shares a pool with the attacker's sees what it sees alone.
 * - The events do not depend on the cuts.
 * - libexpat in its own namespace mode, over the same bytes at once, finds the same elements; and
 *   so do libexpat and node_parse in the canonical bytes.
 * - What becomes a stanza survives the codec and the writer.
 */
#include <expat.h>
#include <stdint.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER	"<stream:stream xmlns='jabber:client' xmlns:stream='" NS_STREAM "' xmlns:e='u:e'>"
#define DEEPEST 60

static const struct xml_limits limits = {
	.stanza_bytes = 4000,
	.header_bytes = 1000,
	.depth = 10,
	.attrs = 20,
	.children = 100,
	.ns_decls = 20,
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* An infoset as text: what lies between markers that no XML holds. Text is where it stood, or
 * (as in a tree of nodes) behind the children. */
struct infoset {
	XML_Parser xp;
	struct buf out;
	struct buf text[DEEPEST + 2];
	unsigned depth, from; /* elements deeper than `from` and text in them are written */
	bool ordered, stream, whole, over;
	size_t *ends; /* of the first-level elements in out */
	size_t nends;
};

static void info_tag(struct buf *b, struct str ns, struct str name)
{
	buf_putc(b, '\x02');
	buf_str_append(b, ns);
	buf_putc(b, '\x03');
	buf_str_append(b, name);
}

static void info_attr(struct buf *b, struct str ns, struct str name, struct str value)
{
	buf_putc(b, '\x04');
	buf_str_append(b, ns);
	buf_putc(b, '\x05');
	buf_str_append(b, name);
	buf_putc(b, '\x06');
	buf_str_append(b, value);
}

static struct str name_of(const char *triple, struct str *ret_ns)
{
	const char *sep = strchr(triple, 0xff);

	*ret_ns = sep ? str_n(triple, (size_t)(sep - triple)) : STR("");
	return str_z(sep ? sep + 1 : triple);
}

static void info_start(void *arg, const char *name, const char **atts)
{
	struct infoset *i = arg;
	struct str ns, local;

	if (++i->depth > DEEPEST) {
		i->over = true;
		XML_StopParser(i->xp, XML_FALSE);
		return;
	}
	buf_clear(&i->text[i->depth]);
	if (i->depth <= i->from)
		return;
	local = name_of(name, &ns);
	info_tag(&i->out, ns, local);
	for (; *atts; atts += 2) {
		local = name_of(atts[0], &ns);
		info_attr(&i->out, ns, local, str_z(atts[1]));
	}
}

static void info_end(void *arg, const char *name)
{
	struct infoset *i = arg;

	if (i->over)
		return;
	if (i->depth > i->from) {
		buf_str_append(&i->out, buf_str(&i->text[i->depth]));
		buf_putc(&i->out, '\x01');
	}
	if (i->depth == 2) {
		i->ends = xrealloc(i->ends, (i->nends + 1) * sizeof(*i->ends));
		i->ends[i->nends++] = i->out.len;
	}
	if (--i->depth == 0) {
		i->whole = true;
		i->over = true;
		XML_StopParser(i->xp, XML_FALSE);
	}
}

static void info_text(void *arg, const char *s, int n)
{
	struct infoset *i = arg;

	/* In <w> it is content, in a stream what stands between the elements. */
	if (i->depth < i->from || i->depth < 1 || i->over || (i->stream && i->depth == 1))
		return;
	buf_append(i->ordered || i->depth == i->from ? &i->out : &i->text[i->depth], s, (size_t)n);
}

static void infoset_begin(struct infoset *i, bool ordered, unsigned from)
{
	*i = (struct infoset){.ordered = ordered, .from = from};
	i->xp = XML_ParserCreateNS("UTF-8", '\xff');
	XML_SetUserData(i->xp, i);
	XML_SetElementHandler(i->xp, info_start, info_end);
	XML_SetCharacterDataHandler(i->xp, info_text);
}

/* Once only: libexpat would defer what comes later. */
static bool infoset_parse(struct infoset *i, struct str s)
{
	return s.len == 0 || XML_Parse(i->xp, s.ptr, (int)s.len, XML_FALSE) == XML_STATUS_OK;
}

static void infoset_free(struct infoset *i)
{
	XML_ParserFree(i->xp);
	buf_free(&i->out);
	for (unsigned d = 0; d < DEEPEST + 2; d++)
		buf_free(&i->text[d]);
	free(i->ends);
}

static void node_infoset(struct buf *b, const struct node *n)
{
	for (; n; n = n->next) {
		info_tag(b, n->ns, n->name);
		for (size_t i = 0; i < n->nattrs; i++)
			info_attr(b, n->attrs[i].ns, n->attrs[i].name, n->attrs[i].value);
		node_infoset(b, n->first);
		buf_str_append(b, n->text);
		buf_putc(b, '\x01');
	}
}

static bool same(const struct buf *a, const struct buf *b)
{
	return str_eq(buf_str(a), buf_str(b));
}

static void wrap(struct buf *b, struct str bytes, struct str ns)
{
	buf_lit(b, "<w xmlns='");
	for (size_t i = 0; i < ns.len; i++)
		buf_printf(b, strchr("<&'\t\n\r", ns.ptr[i]) ? "&#%d;" : "%c", ns.ptr[i]);
	buf_lit(b, "'>");
	buf_str_append(b, bytes);
	buf_lit(b, "</w>");
}

/* libexpat and node_parse agree on <w>bytes</w> below that default namespace, where both take
 * it. */
static bool same_tree(struct str bytes, struct str ns)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT, got = BUF_INIT;
	struct infoset i;
	struct node *n;
	bool taken;

	infoset_begin(&i, false, 0);
	wrap(&b, bytes, ns);
	infoset_parse(&i, buf_str(&b));
	taken = node_parse(p, buf_str(&b), "u:outside", &n) == 0;
	if (taken)
		node_infoset(&got, n);
	taken = taken && i.whole && !n->next;
	must(!taken || same(&i.out, &got));
	infoset_free(&i);
	buf_free(&got);
	buf_free(&b);
	pool_free(p);
	return taken;
}

struct party {
	struct xml_reader *r;
	struct buf log;
	struct infoset *oracle; /* NULL: not compared */
	size_t nelements;
	bool failed, ended, partial;
	bool strict; /* failed for a reason that libexpat has not */
};

static void on_header(void *arg, const struct xml_header *h)
{
	struct party *p = arg;

	info_tag(&p->log, h->ns, h->name);
	buf_str_append(&p->log, h->content_ns);
	for (size_t i = 0; i < h->nattrs; i++)
		info_attr(&p->log, h->attrs[i].ns, h->attrs[i].name, h->attrs[i].value);
}

/* The element as the reader hands it out, read again. */
static void check_canonical(struct party *p, const struct xml_element *e)
{
	struct infoset *o = p->oracle, again;
	size_t start = p->nelements ? o->ends[p->nelements - 1] : 0;
	struct str want = {buf_ptr(&o->out) + start, o->ends[p->nelements] - start};
	struct buf tag = BUF_INIT, xml = BUF_INIT;

	info_tag(&tag, e->ns, e->name);
	for (size_t i = 0; i < e->nattrs; i++)
		info_attr(&tag, e->attrs[i].ns, e->attrs[i].name, e->attrs[i].value);
	infoset_begin(&again, true, 1);
	wrap(&xml, e->inner, e->ns);
	infoset_parse(&again, buf_str(&xml));
	must(again.whole);
	must(str_starts(want, buf_str(&tag)));
	want.ptr += tag.len;
	want.len -= tag.len + 1;
	must(str_eq(want, buf_str(&again.out)));
	infoset_free(&again);
	buf_free(&tag);
	buf_free(&xml);
}

static void check_children(const struct xml_element *e)
{
	size_t end = 0;

	for (size_t i = 0; i < e->nchildren; i++) {
		const struct xml_child *c = &e->children[i];

		must(c->off >= end && c->len >= 4 && c->off + c->len <= e->inner.len);
		end = c->off + c->len;
		must(e->inner.ptr[c->off] == '<' && e->inner.ptr[end - 1] == '>');
		must(str_starts(str_n(e->inner.ptr + c->off + 1, c->len - 1), c->name));
	}
}

static void check_stanza(const struct xml_element *e)
{
	struct pool *p = pool_new();
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct stanza s, t;

	if (str_eqz(e->ns, NS_CLIENT) && stanza_from_element(p, e, &s) == 0) {
		stanza_encode(&s, &a);
		must(stanza_decode(p, buf_str(&a), &t) == 0);
		stanza_encode(&t, &b);
		must(same(&a, &b));
		buf_clear(&b);
		stanza_write(&s, &b);
		must(stanza_parse(p, buf_str(&b), &t) == 0);
		must(str_eq(s.bytes, t.bytes) && s.nchildren == t.nchildren && s.type == t.type);
		/* What could not be prepared is not written. */
		must(s.fault == t.fault || !t.to.ptr || !t.from.ptr);
	}
	buf_free(&a);
	buf_free(&b);
	pool_free(p);
}

static void on_element(void *arg, const struct xml_element *e)
{
	struct party *p = arg;

	must(!p->failed && !p->ended);
	info_tag(&p->log, e->ns, e->name);
	buf_printf(&p->log, "%d%d", e->has_text, e->prefixed);
	for (size_t i = 0; i < e->nattrs; i++)
		info_attr(&p->log, e->attrs[i].ns, e->attrs[i].name, e->attrs[i].value);
	buf_putc(&p->log, '\x01');
	buf_str_append(&p->log, e->inner);
	for (size_t i = 0; i < e->nchildren; i++) {
		info_tag(&p->log, e->children[i].ns, e->children[i].name);
		buf_printf(&p->log, "%u+%u", e->children[i].off, e->children[i].len);
	}
	check_children(e);
	must(same_tree(e->inner, e->ns));
	check_stanza(e);
	if (p->oracle && !(p->oracle->over && !p->oracle->whole)) {
		must(p->nelements < p->oracle->nends);
		check_canonical(p, e);
	}
	p->nelements++;
}

static void on_end(void *arg)
{
	struct party *p = arg;

	must(!p->failed && !p->ended);
	p->ended = true;
	buf_lit(&p->log, "end");
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	struct party *p = arg;

	must(!p->failed && !p->ended && text[0]);
	p->failed = true;
	/* Bytes that are no UTF-8 are known as such where libexpat stands on them: with a cut among
	 * them it may have stood on the token's begin. */
	if (condition == STREAM_E_UNSUPPORTED_ENCODING &&
	    strcmp(text, XML_ErrorString(XML_ERROR_INVALID_TOKEN)) == 0)
		condition = STREAM_E_NOT_WELL_FORMED;
	p->strict = condition == STREAM_E_POLICY_VIOLATION ||
		    condition == STREAM_E_RESTRICTED_XML || condition == STREAM_E_BAD_FORMAT ||
		    condition == STREAM_E_UNSUPPORTED_ENCODING ||
		    strstr(text, "reserved prefix") || strstr(text, "before the stream header");
	/* How libexpat calls what is not well-formed may depend on the cuts. */
	buf_printf(&p->log, "%s %s", stream_error_name(condition),
		   condition == STREAM_E_NOT_WELL_FORMED ? "" : text);
}

static const struct xml_reader_ops ops = {on_header, on_element, on_end, on_error};

static const char victim_bytes[] =
	HEADER "<message to='a'><body>x &amp; y</body><e:f g='1'/></message> "
	       "<iq xmlns:p='u:p'><p:q><![CDATA[<]]></p:q></iq>\n<presence/><stream:features>"
	       "<bind xmlns='u:b'/></stream:features><r xmlns='urn:xmpp:sm:3'/></stream:stream>";

static struct party party_new(struct xml_pool *pool, struct infoset *oracle, struct party *at)
{
	return (struct party){.r = xml_reader_new(pool, &limits, &ops, at), .oracle = oracle};
}

static void party_free(struct party *p)
{
	xml_reader_free(p->r);
	buf_free(&p->log);
}

/* Feeds the next n bytes; from the heap, so that reading beyond them is seen. */
static void feed_some(struct party *p, struct str *rest, size_t n)
{
	char *copy;

	n = n < rest->len ? n : rest->len;
	copy = n ? xmemdup(rest->ptr, n) : NULL;
	if (n)
		xml_reader_feed(p->r, copy, n);
	free(copy);
	rest->ptr += n;
	rest->len -= n;
}

static void alone(struct str bytes, struct infoset *oracle, struct party *ret)
{
	struct xml_pool *pool = xml_pool_new();

	*ret = party_new(pool, oracle, ret);
	if (bytes.len)
		xml_reader_feed(ret->r, bytes.ptr, bytes.len);
	ret->partial = xml_reader_partial(ret->r);
	ret->r = xml_reader_free(ret->r);
	xml_pool_free(pool);
}

/* An error in a long token that comes in small pieces is found when it is complete or twice as long. */
static bool as_alone(const struct party *p, const struct party *alone)
{
	if (alone->failed && !p->failed && xml_reader_partial(p->r))
		return str_starts(buf_str(&alone->log), buf_str(&p->log));
	return same(&p->log, &alone->log);
}

static void together(struct str attack, unsigned seed, const struct party *attacker_alone)
{
	struct xml_pool *pool = xml_pool_new();
	struct str script = str_z(victim_bytes);
	struct party victim_alone, a, v;

	alone(script, NULL, &victim_alone);
	must(victim_alone.ended);
	a = party_new(pool, NULL, &a);
	v = party_new(pool, NULL, &v);
	/* The victim is inside its stream before the attacker's first bytes. */
	feed_some(&v, &script, sizeof(HEADER) - 1);
	while (attack.len || script.len) {
		seed = seed * 1103515245 + 12345;
		feed_some(&a, &attack, 1 + (seed >> 16) % (seed & 0x8000 ? 40 : 5));
		feed_some(&v, &script, attack.len ? (seed >> 24) % 9 : script.len);
	}
	must(same(&v.log, &victim_alone.log));
	must(as_alone(&a, attacker_alone));
	party_free(&victim_alone);
	party_free(&a);
	party_free(&v);
	xml_pool_free(pool);
}

/* Bytes that no reader has seen before may come to these from a broken peer process. */
static void check_raw(struct str bytes)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct stanza s;

	same_tree(bytes, STR("u:n"));
	if (stanza_decode(p, bytes, &s) == 0) {
		stanza_encode(&s, &b);
		must(str_eq(buf_str(&b), bytes));
		buf_clear(&b);
		stanza_write(&s, &b);
	}
	stanza_parse(p, bytes, &s);
	buf_free(&b);
	pool_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf stream = BUF_INIT;
	struct infoset oracle;
	struct party once;
	struct str bytes;
	bool accepted, comparable;

	if (size < 2 || size > 10000)
		return 0;
	if (!(data[0] & 0x80))
		buf_lit(&stream, HEADER);
	buf_append(&stream, data + 1, size - 1);
	bytes = buf_str(&stream);
	infoset_begin(&oracle, true, 1);
	oracle.stream = true;
	while (bytes.len && strchr(" \t\r\n", bytes.ptr[0]))
		bytes = str_n(bytes.ptr + 1, bytes.len - 1);
	accepted = infoset_parse(&oracle, bytes) || oracle.whole;
	/* Beyond the depth of the oracle, and where it follows UTF-16, there is nothing to say. */
	comparable = (!oracle.over || oracle.whole) && !(bytes.len > 1 && bytes.ptr[1] == '\0');
	alone(buf_str(&stream), &oracle, &once);
	if (comparable)
		/* Half a name with a misplaced colon is refused once it is whole. */
		must(once.failed ? once.strict || !accepted : accepted || once.partial);
	together(buf_str(&stream), data[0], &once);
	check_raw(str_n((const char *)data + 1, size - 1));
	party_free(&once);
	infoset_free(&oracle);
	buf_free(&stream);
	return 0;
}
