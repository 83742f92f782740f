/* SPDX-License-Identifier: MIT */
/* Users of another owner. */
#include <stdlib.h>
#include "sm/sm_process.h"
#include "tests/unit/sm/world.h"

static char *envelope_xml(struct str envelope)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct stanza st;

	ck_assert_int_eq(stanza_decode(p, envelope, &st), 0);
	stanza_write(&st, &b);
	pool_free(p);
	return buf_take(&b);
}

char *tell_in(const char *xml, uint64_t origin, uint64_t n)
{
	return tell_in_part(xml, (struct msg_stanza_key){origin, n, 0});
}

char *tell_in_part(const char *xml, struct msg_stanza_key key)
{
	static uint32_t numbers, run;
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct msg_tell m = {.key = key};
	struct msg_told r;
	struct stanza st;
	struct jid to;
	struct frame f;
	char *answer = NULL, *bare;
	size_t at = w.nother;

	ck_assert_int_eq(stanza_parse(p, str_z(xml), &st), 0);
	ck_assert_int_eq(jid_split(st.to, &to), 0);
	stanza_encode(&st, &b);
	m.envelope = buf_str(&b);
	m.target = to.bare;
	bare = str_dup(to.bare);
	f = frame_from(PEER_ID, MSG_TELL, bare);
	f.flags = FRAME_CHANNEL;
	f.run = ++run;
	f.number = numbers = 0;
	fake_receive(w.link, f, &m);
	settle();
	for (; at < w.nother && !answer; at++)
		if (w.other[at].f.kind == MSG_TOLD && w.other[at].f.tag == f.tag &&
		    msg_decode(MSG_TOLD, p, w.other[at].f.body, &r) == 0)
			answer = r.error.len ? envelope_xml(r.error) : xstrdup("");
	free(bare);
	buf_free(&b);
	pool_free(p);
	return answer;
}

static const struct fake_frame *tell_at(size_t n)
{
	for (size_t i = 0; i < w.nother; i++)
		if (w.other[i].f.kind == MSG_TELL && n-- == 0)
			return &w.other[i];
	ck_abort_msg("no such TELL");
	return NULL;
}

struct msg_stanza_key tell_out_key(size_t n)
{
	struct pool *p = pool_new();
	struct msg_tell m;

	ck_assert_int_eq(msg_decode(MSG_TELL, p, tell_at(n)->f.body, &m), 0);
	pool_free(p);
	return m.key;
}

char *tell_out(size_t n)
{
	struct pool *p = pool_new();
	struct msg_tell m;
	char *xml;

	ck_assert_int_eq(msg_decode(MSG_TELL, p, tell_at(n)->f.body, &m), 0);
	xml = envelope_xml(m.envelope);
	pool_free(p);
	return xml;
}

void told(size_t n, const char *error_xml)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct msg_told m = {0};
	struct stanza st;

	if (error_xml) {
		ck_assert_int_eq(stanza_parse(p, str_z(error_xml), &st), 0);
		stanza_encode(&st, &b);
		m.error = buf_str(&b);
	}
	fake_reply(w.link, &tell_at(n)->f, MSG_TOLD, &m);
	settle();
	buf_free(&b);
	pool_free(p);
}

char *nurse_says(int n)
{
	char *xml = xasprintf("<message type='chat' from='nurse@localhost/x' to='juliet@localhost'>"
			      "<body>m%d.</body></message>",
			      n);
	char *answer;

	w.nother = 0;
	answer = tell_in(xml, NURSE, (uint64_t)n);
	free(xml);
	return answer;
}

void nurse_said(int n)
{
	char *answer = nurse_says(n);

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(answer, "");
	free(answer);
}

size_t juliet_logged(void)
{
	return shelf_count(w.shelf, TABLE_LOG, "juliet@localhost");
}

void juliet_goes(void)
{
	user_drop(user_get(w.sm, STR("juliet@localhost")));
}

void lets_go(const char *bare)
{
	sm_process.drain(w.sm);
	for (int i = 0; !w.sm->releasing[shard_of(bare)]; i++) {
		ck_assert_int_lt(i, 1000);
		pass(1);
	}
}
