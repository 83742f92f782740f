/* SPDX-License-Identifier: MIT */
/* Envelopes: made at the edge, encoded, decoded, written, answered. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include "base/buf.h"
#include "xmpp/jid.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

Suite *stanza_suite(void);

static struct pool *pool;

static void setup(void)
{
	pool = pool_new();
}

static void teardown(void)
{
	pool = pool_free(pool);
}

/* An envelope as if the reader had seen xml. */
static struct stanza stanza(const char *xml)
{
	struct stanza s;

	ck_assert_msg(stanza_parse(pool, pool_str(pool, str_z(xml)), &s) == 0, "%s", xml);
	return s;
}

static const char *xml_of(const struct stanza *s)
{
	struct buf b = BUF_INIT;
	struct str xml;

	stanza_write(s, &b);
	xml = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return xml.ptr;
}

static void ck_str(struct str got, const char *expected)
{
	if (expected)
		ck_assert_msg(got.ptr && str_eqz(got, expected), "%.*s instead of %s", STR_ARG(got),
			      expected);
	else
		ck_assert_ptr_null(got.ptr);
}

static void ck_same(const struct stanza *a, const struct stanza *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->type, b->type);
	ck_assert_int_eq(a->fault, b->fault);
	ck_str(b->id, a->id.ptr ? pool_str(pool, a->id).ptr : NULL);
	ck_str(b->lang, a->lang.ptr ? pool_str(pool, a->lang).ptr : NULL);
	ck_str(b->to, a->to.ptr ? pool_str(pool, a->to).ptr : NULL);
	ck_str(b->from, a->from.ptr ? pool_str(pool, a->from).ptr : NULL);
	ck_assert(str_eq(a->attrs, b->attrs));
	ck_assert(str_eq(a->bytes, b->bytes));
	ck_assert_uint_eq(a->nchildren, b->nchildren);
	for (size_t i = 0; i < a->nchildren; i++) {
		ck_assert(str_eq(a->children[i].name, b->children[i].name));
		ck_assert(str_eq(a->children[i].ns, b->children[i].ns));
		ck_assert_uint_eq(a->children[i].off, b->children[i].off);
		ck_assert_uint_eq(a->children[i].len, b->children[i].len);
	}
}

START_TEST(fields)
{
	struct stanza s = stanza("<message to='Alice@Example.ORG/Phone' from='bob@example.org' "
				 "id='1&amp;2' type='chat' xml:lang='en'><body>Hi</body>"
				 "<x xmlns='u:x'/></message>");

	ck_assert_int_eq(s.kind, STANZA_MESSAGE);
	ck_assert_int_eq(s.type, MESSAGE_CHAT);
	ck_assert_int_eq(s.fault, STANZA_FINE);
	ck_str(s.to, "alice@example.org/Phone");
	ck_str(s.from, "bob@example.org");
	ck_str(s.id, "1&2");
	ck_str(s.lang, "en");
	ck_assert_uint_eq(s.attrs.len, 0);
	ck_str(s.bytes, "<body>Hi</body><x xmlns='u:x'/>");
	ck_assert_uint_eq(s.nchildren, 2);
	ck_str(stanza_child_bytes(&s, stanza_child(&s, "body", NS_CLIENT)), "<body>Hi</body>");
	ck_str(stanza_child_bytes(&s, stanza_child(&s, NULL, "u:x")), "<x xmlns='u:x'/>");
	ck_assert_ptr_eq(stanza_child(&s, NULL, NULL), s.children);
	ck_assert_ptr_null(stanza_child(&s, "x", NS_CLIENT));
	ck_assert_ptr_null(stanza_child(&s, "body", "u:x"));
	s = stanza("<presence/>");
	ck_assert_int_eq(s.kind, STANZA_PRESENCE);
	ck_assert_ptr_null(s.id.ptr);
	ck_assert_ptr_null(s.to.ptr);
	ck_assert_ptr_null(s.from.ptr);
	ck_assert_ptr_null(s.lang.ptr);
	ck_assert_uint_eq(s.nchildren, 0);
}
END_TEST

START_TEST(types)
{
	static const struct {
		const char *xml;
		enum stanza_type type;
		enum stanza_fault fault;
	} rows[] = {
		{"<message/>", MESSAGE_NORMAL, STANZA_FINE},
		{"<message type='normal'/>", MESSAGE_NORMAL, STANZA_FINE},
		{"<message type='odd'/>", MESSAGE_NORMAL, STANZA_FINE},
		{"<message type=''/>", MESSAGE_NORMAL, STANZA_FINE},
		{"<message type='chat'/>", MESSAGE_CHAT, STANZA_FINE},
		{"<message type='groupchat'/>", MESSAGE_GROUPCHAT, STANZA_FINE},
		{"<message type='headline'/>", MESSAGE_HEADLINE, STANZA_FINE},
		{"<message type='error'/>", MESSAGE_ERROR, STANZA_FINE},
		{"<presence/>", PRESENCE_AVAILABLE, STANZA_FINE},
		{"<presence type='unavailable'/>", PRESENCE_UNAVAILABLE, STANZA_FINE},
		{"<presence type='subscribe'/>", PRESENCE_SUBSCRIBE, STANZA_FINE},
		{"<presence type='subscribed'/>", PRESENCE_SUBSCRIBED, STANZA_FINE},
		{"<presence type='unsubscribe'/>", PRESENCE_UNSUBSCRIBE, STANZA_FINE},
		{"<presence type='unsubscribed'/>", PRESENCE_UNSUBSCRIBED, STANZA_FINE},
		{"<presence type='probe'/>", PRESENCE_PROBE, STANZA_FINE},
		{"<presence type='error'/>", PRESENCE_ERROR, STANZA_FINE},
		{"<presence type='available'/>", STANZA_TYPE_UNKNOWN, STANZA_BAD_REQUEST},
		{"<presence type=''/>", STANZA_TYPE_UNKNOWN, STANZA_BAD_REQUEST},
		{"<presence type='chat'/>", STANZA_TYPE_UNKNOWN, STANZA_BAD_REQUEST},
		{"<iq id='1' type='get'><q/></iq>", IQ_GET, STANZA_FINE},
		{"<iq id='1' type='set'><q/></iq>", IQ_SET, STANZA_FINE},
		{"<iq id='' type='set'> <q/> </iq>", IQ_SET, STANZA_FINE},
		{"<iq id='1' type='result'/>", IQ_RESULT, STANZA_FINE},
		{"<iq id='1' type='result'><q/></iq>", IQ_RESULT, STANZA_FINE},
		{"<iq id='1' type='error'><q/><error/></iq>", IQ_ERROR, STANZA_FINE},
		{"<iq type='get'><q/></iq>", IQ_GET, STANZA_BAD_REQUEST},
		{"<iq type='result'/>", IQ_RESULT, STANZA_BAD_REQUEST},
		{"<iq id='1' type='get'/>", IQ_GET, STANZA_BAD_REQUEST},
		{"<iq id='1' type='set'><q/><q/></iq>", IQ_SET, STANZA_BAD_REQUEST},
		{"<iq id='1'><q/></iq>", STANZA_TYPE_UNKNOWN, STANZA_BAD_REQUEST},
		{"<iq id='1' type='chat'><q/></iq>", STANZA_TYPE_UNKNOWN, STANZA_BAD_REQUEST},
		{"<message to='@x'/>", MESSAGE_NORMAL, STANZA_TO_MALFORMED},
		{"<message to=''/>", MESSAGE_NORMAL, STANZA_TO_MALFORMED},
		{"<iq to='a@b@c'/>", STANZA_TYPE_UNKNOWN, STANZA_TO_MALFORMED},
		{"<message from='x/'/>", MESSAGE_NORMAL, STANZA_BAD_REQUEST},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stanza s = stanza(rows[i].xml);

		ck_assert_msg(s.type == rows[i].type, "%s", rows[i].xml);
		ck_assert_msg(s.fault == rows[i].fault, "%s", rows[i].xml);
		ck_assert_ptr_null(s.to.ptr);
		ck_assert_ptr_null(s.from.ptr);
	}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(stanza_kind_name(STANZA_IQ), "iq");
	ck_assert_str_eq(stanza_kind_name(STANZA_MESSAGE), "message");
	ck_assert_str_eq(stanza_type_name(MESSAGE_NORMAL), "");
	ck_assert_str_eq(stanza_type_name(PRESENCE_AVAILABLE), "");
	ck_assert_str_eq(stanza_type_name(PRESENCE_UNSUBSCRIBED), "unsubscribed");
	ck_assert_str_eq(stanza_type_name(IQ_ERROR), "error");
}
END_TEST

START_TEST(not_a_stanza)
{
	static const char *const other[] = {"<messages/>", "<Message/>", "<enable/>"};
	struct stanza s;

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(stanza_parse(pool, str_z(other[i]), &s), -ENOENT);
	ck_assert_int_eq(stanza_parse(pool, str_z("<iq"), &s), -EINVAL);
	ck_assert_int_eq(stanza_parse(pool, str_z("<iq/><iq/>"), &s), -EINVAL);
	ck_assert_int_eq(stanza_parse(pool, str_z(""), &s), -EINVAL);
}
END_TEST

/* What came on a server's stream has the client's namespace inside. */
START_TEST(server_stream)
{
	static const struct xml_child children[] = {
		{{"body", 4}, {NS_SERVER, sizeof(NS_SERVER) - 1}, 0, 7},
		{{"x", 1}, {"u:x", 3}, 7, 16},
	};
	struct xml_element e = {
		.name = STR("message"),
		.ns = STR(NS_SERVER),
		.children = children,
		.nchildren = 2,
		.inner = STR("<body/><x xmlns='u:x'/>"),
	};
	struct stanza s;

	ck_assert_int_eq(stanza_from_element(pool, &e, &s), 0);
	ck_assert_ptr_eq(stanza_child(&s, "body", NS_CLIENT), &s.children[0]);
	ck_assert_ptr_eq(stanza_child(&s, "x", "u:x"), &s.children[1]);
	ck_assert_ptr_null(stanza_child(&s, "body", NS_SERVER));
}
END_TEST

START_TEST(other_attributes)
{
	struct stanza s =
		stanza("<message xmlns:p='u:p' odd='&lt;&apos;' p:q='1' to='a@b' p:to='2' "
		       "xml:space='preserve' lang='x' p:lang='y'/>");
	const char *xml = "<message to='a@b' odd='&lt;&apos;' xmlns:a1='u:p' a1:q='1' "
			  "xmlns:a3='u:p' a3:to='2' xml:space='preserve' lang='x' "
			  "xmlns:a6='u:p' a6:lang='y'/>";
	struct stanza again;

	ck_assert_ptr_null(s.lang.ptr);
	ck_assert_str_eq(xml_of(&s), xml);
	again = stanza(xml);
	ck_str(again.to, "a@b");
	ck_assert_uint_eq(stanza(xml_of(&again)).attrs.len, again.attrs.len);
}
END_TEST

START_TEST(writing)
{
	static const char *const rows[] = {
		"<message/>",
		("<message to='a@b' from='c@d/e&apos;' id='&amp;' type='chat' "
		 "xml:lang='de'><b/></message>"),
		"<presence from='a@b/c' type='unavailable'>text</presence>",
		"<iq to='b' id='1' type='result'/>",
		"<iq id='&#10;' type='set'><q xmlns='u'>&gt;<r/></q></iq>",
	};
	struct buf head = BUF_INIT, tail = BUF_INIT;
	struct stanza s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = stanza(rows[i]);
		ck_assert_str_eq(xml_of(&s), rows[i]);
	}
	s = stanza(rows[1]);
	stanza_write_ns(&s, NS_CLIENT, &head);
	ck_str(buf_str(&head), "<message xmlns='jabber:client' to='a@b' from='c@d/e&apos;' "
			       "id='&amp;' type='chat' xml:lang='de'><b/></message>");
	ck_assert_int_eq(stanza_parse(pool, pool_str(pool, buf_str(&head)), &s), 0);
	ck_assert_str_eq(xml_of(&s), rows[1]);
	buf_clear(&head);
	stanza_write_split(&s, &head, &tail);
	ck_str(buf_str(&head), "<message");
	ck_str(buf_str(&tail),
	       " from='c@d/e&apos;' id='&amp;' type='chat' xml:lang='de'><b/></message>");
	buf_free(&head);
	buf_free(&tail);
}
END_TEST

/* Tags whose end is not where a careless eye would see it. */
START_TEST(parse_inner)
{
	ck_str(stanza("<message id='>'><b c='/>'/></message >").bytes, "<b c='/>'/>");
	ck_str(stanza("<message id=\"'>\"/>").bytes, "");
	ck_str(stanza("<message ></message>").bytes, "");
	ck_str(stanza("<message id='/'>&lt;</message>").bytes, "&lt;");
}
END_TEST

static const char *const samples[] = {
	"<message/>",
	"<message to='a@b/c' from='d@e/f' id='1' type='chat' xml:lang='en'><body>x</body> <y "
	"xmlns='u'/>"
	"</message>",
	"<message odd='1' xml:lang='' id=''>text<a/></message>",
	"<presence type='odd'/>",
	"<presence to='@'/>",
	"<iq id='1' type='get'><query xmlns='" NS_ROSTER "'/></iq>",
	"<iq/>",
};

static const char *encoded(const struct stanza *s, size_t *ret_len)
{
	struct buf b = BUF_INIT;
	struct str e;

	buf_lit(&b, "before"); /* it appends */
	stanza_encode(s, &b);
	ck_assert(str_starts(buf_str(&b), STR("before")));
	e = pool_str(pool, buf_str(&b));
	buf_free(&b);
	*ret_len = e.len - 6;
	return e.ptr + 6;
}

START_TEST(codec)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct stanza s = stanza(samples[i]), t;
		size_t len;
		const char *e = encoded(&s, &len);

		ck_assert_int_eq(stanza_decode(pool, str_n(e, len), &t), 0);
		ck_same(&s, &t);
	}
}
END_TEST

START_TEST(codec_large)
{
	struct buf b = BUF_INIT;
	struct stanza s, t;
	const char *e;
	size_t len;

	buf_lit(&b, "<message>");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "<child%d xmlns='urn:some:namespace:%d'>%*d</child%d>", i, i, i, i,
			   i);
	buf_lit(&b, "</message>");
	ck_assert_int_eq(stanza_parse(pool, buf_str(&b), &s), 0);
	ck_assert_uint_eq(s.nchildren, 1000);
	e = encoded(&s, &len);
	ck_assert_int_eq(stanza_decode(pool, str_n(e, len), &t), 0);
	ck_same(&s, &t);
	buf_free(&b);
}
END_TEST

/* In a heap block of exactly its size, so that reading on is seen. */
static int decode_copy(const char *data, size_t len, struct stanza *ret)
{
	char *copy = malloc(len ? len : 1);
	struct stanza s = {0};
	int r;

	memcpy(copy, data, len);
	r = stanza_decode(pool, str_n(copy, len), &s);
	if (r == 0) {
		/* All that it points to is there. */
		const char *xml = xml_of(&s);

		for (size_t i = 0; i < s.nchildren; i++)
			ck_assert_uint_le(s.children[i].off + s.children[i].len, s.bytes.len);
		ck_assert_ptr_nonnull(xml);
		ck_assert(ret);
		*ret = s;
	}
	free(copy);
	return r;
}

START_TEST(codec_truncated)
{
	struct stanza s, t;
	size_t len;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const char *e;

		s = stanza(samples[i]);
		e = encoded(&s, &len);
		for (size_t n = 0; n < len; n++)
			ck_assert_int_eq(decode_copy(e, n, &t), -EPROTO);
		ck_assert_int_eq(stanza_decode(pool, str_n(e, len + 1), &t), -EPROTO);
	}
}
END_TEST

/* Every byte replaced by every other: malformed, or an envelope that is encoded just so. */
START_TEST(codec_changed)
{
	struct stanza s = stanza(samples[1]), t;
	size_t len, again_len, accepted = 0;
	const char *e = encoded(&s, &len), *again;
	char *bad = malloc(len);

	for (size_t at = 0; at < len; at++) {
		for (int c = 0; c < 256; c++) {
			memcpy(bad, e, len);
			bad[at] = (char)c;
			if (stanza_decode(pool, str_n(bad, len), &t) < 0) {
				ck_assert_int_eq(decode_copy(bad, len, &t), -EPROTO);
				continue;
			}
			accepted++;
			again = encoded(&t, &again_len);
			ck_assert_uint_eq(again_len, len);
			ck_assert_mem_eq(again, bad, len);
		}
		pool_reset(pool);
		s = stanza(samples[1]);
		e = encoded(&s, &len);
	}
	ck_assert_uint_gt(accepted, len);
	free(bad);
}
END_TEST

START_TEST(codec_malformed)
{
	/* kind, type, fields; bytes; children */
	static const struct {
		const char *data;
		size_t len;
	} rows[] = {
#define ROW(x) {x, sizeof(x) - 1}
		ROW("\x03\x00\x00\x00\x00"),		 /* kind */
		ROW("\x30\x00\x00\x00\x00"),		 /* fault */
		ROW("\x00\x05\x00\x00\x00"),		 /* presence type of a message */
		ROW("\x00\x11\x00\x00\x00"),		 /* unknown type of a message */
		ROW("\x02\x12\x00\x00\x00"),		 /* no type at all */
		ROW("\x00\x00\x20\x00\x00"),		 /* a field that is none */
		ROW("\x00\x00\x10\x00\x00\x00"),	 /* empty attributes */
		ROW("\x00\x00\x00\x80\x00\x00"),	 /* a number in more bytes than needed */
		ROW("\x00\x00\x00\xff\xff\xff\xff\x7f"), /* beyond 32 bits */
		ROW("\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		ROW("\x00\x00\x00\x00\xff\xff\xff\xff\x0f"),	 /* children by the billion */
		ROW("\x00\x00\x00\x04<a/>\x01\x00\x00\x00\x04"), /* a child without name */
		ROW("\x00\x00\x00\x04<a/>\x01\x01"
		    "a\x00\x00\x03"), /* too short */
		ROW("\x00\x00\x00\x04<a/>\x01\x01"
		    "a\x00\x01\x04"), /* beyond the end */
		ROW("\x00\x00\x00\x04<a/>\x01\x01"
		    "a\x00\x00\x05"),
		ROW("\x00\x00\x00\x04<a/>\x01\x01"
		    "a\x0ejabber:client\x00\x04"), /* in another way */
		ROW("\x00\x00\x00\x00\x00\x00"),   /* a byte too many */
	};
	struct stanza s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(decode_copy(rows[i].data, rows[i].len, &s) == -EPROTO, "%zu", i);
	ck_assert_int_eq(decode_copy("\x00\x00\x00\x04<a/>\x01\x01"
				     "a\x00\x00\x04",
				     14, &s),
			 0);
	ck_assert_int_eq(stanza_decode(pool, STR_NONE, &s), -EPROTO);
}
END_TEST

START_TEST(payload)
{
	struct stanza s =
		stanza("<iq id='1' type='get'> <query xmlns='u:q'><item a='1'/></query></iq>");
	const struct node *n = stanza_payload(pool, &s);

	ck_assert(str_eqz(n->name, "query"));
	ck_assert(str_eqz(n->ns, "u:q"));
	ck_str(node_attr(node_child(n, "item", "u:q"), "a"), "1");
	ck_assert_ptr_null(stanza_payload(pool, (s = stanza("<iq id='1' type='get'/>"), &s)));
	ck_assert_ptr_null(
		stanza_payload(pool, (s = stanza("<iq id='1' type='result'><q/></iq>"), &s)));
	ck_assert_ptr_null(stanza_payload(pool, (s = stanza("<message><q/></message>"), &s)));
}
END_TEST

START_TEST(cut_and_append)
{
	struct stanza s = stanza("<message>1<a/>2<b xmlns='u:b'/>3<c/>4</message>"), t = s;

	stanza_cut(pool, &t, stanza_child(&t, "b", "u:b"));
	ck_str(t.bytes, "1<a/>23<c/>4");
	ck_str(stanza_child_bytes(&t, stanza_child(&t, "c", NULL)), "<c/>");
	ck_str(stanza_child_bytes(&t, stanza_child(&t, "a", NULL)), "<a/>");
	ck_assert_uint_eq(t.nchildren, 2);
	stanza_cut(pool, &t, stanza_child(&t, "a", NULL));
	stanza_cut(pool, &t, stanza_child(&t, "c", NULL));
	ck_str(t.bytes, "1234");
	ck_assert_uint_eq(t.nchildren, 0);
	stanza_append(pool, &t, "d", "u:d", STR("<d xmlns='u:d'/>"));
	stanza_append(pool, &t, "e", NULL, STR("<e/>"));
	ck_str(t.bytes, "1234<d xmlns='u:d'/><e/>");
	ck_str(stanza_child_bytes(&t, stanza_child(&t, "d", "u:d")), "<d xmlns='u:d'/>");
	ck_str(stanza_child_bytes(&t, stanza_child(&t, "e", NS_CLIENT)), "<e/>");
	/* The first is as it was. */
	ck_str(s.bytes, "1<a/>2<b xmlns='u:b'/>3<c/>4");
	ck_assert_uint_eq(s.nchildren, 3);
	t = stanza("<message/>");
	stanza_append(pool, &t, "d", "u:d", STR("<d xmlns='u:d'/>"));
	ck_assert_str_eq(xml_of(&t), "<message><d xmlns='u:d'/></message>");
}
END_TEST

START_TEST(results)
{
	struct stanza s =
		stanza("<iq to='example.org' from='a@b/c' id='7' type='get' xml:lang='de'>"
		       "<q/></iq>");
	struct stanza r = stanza_result(&s, STR("<q xmlns='u'/>"));

	ck_assert_str_eq(xml_of(&r), "<iq to='a@b/c' from='example.org' id='7' type='result'>"
				     "<q xmlns='u'/></iq>");
	r = stanza_result(&s, STR_NONE);
	ck_assert_str_eq(xml_of(&r), "<iq to='a@b/c' from='example.org' id='7' type='result'/>");
}
END_TEST

#define CONDITION(c) "<" c " xmlns='" NS_STANZAS "'/>"

START_TEST(error_replies)
{
	struct stanza s = stanza("<iq to='b@c' from='a@b/c' id='7' type='set' odd='1'><q/></iq>"),
		      r;

	r = stanza_error_reply(pool, &s, STANZA_E_SERVICE_UNAVAILABLE, NULL, NULL, STR_NONE);
	ck_assert_str_eq(xml_of(&r),
			 "<iq to='a@b/c' from='b@c' id='7' type='error'>"
			 "<error type='cancel'>" CONDITION("service-unavailable") "</error></iq>");
	ck_assert_ptr_eq(stanza_child(&r, "error", NS_CLIENT), r.children);
	ck_assert_uint_eq(r.children[0].len, r.bytes.len);
	ck_assert(stanza_no_reply(&r));
	s = stanza("<message to='b@c' from='a@b/c' type='chat'><body/></message>");
	r = stanza_error_reply(pool, &s, STANZA_E_RESOURCE_CONSTRAINT, "modify", "too <much>",
			       STR("<x xmlns='u:x'/>"));
	ck_assert_str_eq(
		xml_of(&r),
		"<message to='a@b/c' from='b@c' type='error'><error "
		"type='modify'>" CONDITION(
			"resource-constraint") "<text xmlns='" NS_STANZAS
					       "' xml:lang='en'>too &lt;much&gt;"
					       "</text><x xmlns='u:x'/></error></message>");
	s = stanza("<presence type='odd'/>");
	r = stanza_error_reply(pool, &s, STANZA_E_BAD_REQUEST, NULL, NULL, STR_NONE);
	ck_assert_str_eq(xml_of(&r), "<presence type='error'><error type='modify'>" CONDITION(
					     "bad-request") "</error></presence>");
}
END_TEST

START_TEST(no_replies)
{
	static const struct {
		const char *xml;
		bool none;
	} rows[] = {
		{"<message/>", false},
		{"<message type='error'/>", true},
		{"<presence/>", false},
		{"<presence type='odd'/>", false},
		{"<presence type='error'/>", true},
		{"<iq id='1' type='get'/>", false},
		{"<iq id='1'/>", false},
		{"<iq id='1' type='result'/>", true},
		{"<iq id='1' type='error'/>", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stanza s = stanza(rows[i].xml);

		ck_assert_msg(stanza_no_reply(&s) == rows[i].none, "%s", rows[i].xml);
	}
}
END_TEST

START_TEST(no_answer_to_errors)
{
	struct stanza s = stanza("<message type='error'/>");

	stanza_error_reply(pool, &s, STANZA_E_BAD_REQUEST, NULL, NULL, STR_NONE);
}
END_TEST

Suite *stanza_suite(void)
{
	Suite *s = suite_create("stanza");
	TCase *t = tcase_create("envelope");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fields);
	tcase_add_test(t, types);
	tcase_add_test(t, names);
	tcase_add_test(t, not_a_stanza);
	tcase_add_test(t, server_stream);
	tcase_add_test(t, other_attributes);
	tcase_add_test(t, writing);
	tcase_add_test(t, parse_inner);
	tcase_add_test(t, codec);
	tcase_add_test(t, codec_large);
	tcase_add_test(t, codec_truncated);
	tcase_add_test(t, codec_changed);
	tcase_add_test(t, codec_malformed);
	tcase_add_test(t, payload);
	tcase_add_test(t, cut_and_append);
	tcase_add_test(t, results);
	tcase_add_test(t, error_replies);
	tcase_add_test(t, no_replies);
	tcase_add_test_raise_signal(t, no_answer_to_errors, SIGABRT);
	suite_add_tcase(s, t);
	return s;
}
