/* SPDX-License-Identifier: MIT */
/* The s2s, the servers behind it, and what they were asked and have delivered. */
#include "tests/unit/sm/abroad.h"
#include <stdlib.h>
#include <utlist.h>
#include "tests/unit/sm/ledger.h"

enum { FIRST_S2S = 70, LANES = 65536 };

struct asked {
	struct asked *prev, *next;
	struct msg_stanza_key key;
	struct frame f; /* as it came last */
	unsigned owner;
	bool held, taken, answered;
	char *xml, *error;
};

static struct {
	uint64_t id;
	struct asked *all; /* in order; DL list */
	struct {
		uint32_t run, next;
	} lanes[LANES];
	/* Of messages that were delivered: the last of each sender to each domain, in their order.
	 */
	struct delivered {
		struct delivered *next;
		char *from, *domain;
		unsigned n;
	} * delivered;
	struct {
		uint64_t s2s;	/* asked first */
		unsigned owner; /* who asked first */
		bool delivered;
	} * by_number;	/* messages */
	unsigned owner; /* how many were lost */
} abroad;

static void asked_free(struct asked *a)
{
	DL_DELETE(abroad.all, a);
	free(a->xml);
	free(a->error);
	free(a);
}

void abroad_start(void)
{
	memset(&abroad, 0, sizeof abroad);
	abroad.id = FIRST_S2S;
	abroad.by_number = xcalloc(LEDGER_MOST, sizeof *abroad.by_number);
	w.to_others = abroad_frame;
	fake_member(w.link, abroad.id, "s2s", "s2s", true);
	settle();
}

static void forget_all(void)
{
	while (abroad.all)
		asked_free(abroad.all);
	memset(abroad.lanes, 0, sizeof abroad.lanes);
}

void abroad_stop(void)
{
	struct delivered *d;

	forget_all();
	while ((d = abroad.delivered)) {
		abroad.delivered = d->next;
		free(d->from);
		free(d->domain);
		free(d);
	}
	free(abroad.by_number);
}

/* --- what sm asks ------------------------------------------------------------------------- */

/* DELIVERY rule 3. */
static bool in_order(const struct frame *f)
{
	uint32_t *run = &abroad.lanes[f->to_shard].run, *next = &abroad.lanes[f->to_shard].next;

	if (f->run > *run && f->number == 0) {
		*run = f->run;
		*next = 1;
		return true;
	}
	if (f->run == *run && f->number == *next) {
		++*next;
		return true;
	}
	if (f->run > *run || (f->run == *run && f->number > *next))
		fake_bounce(w.link, f, 4, f->to_epoch);
	return false;
}

static void answer(struct asked *a)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct msg_told m = {0};
	struct stanza st;

	if (a->error) {
		ck_assert_int_eq(stanza_parse(p, str_z(a->error), &st), 0);
		stanza_encode(&st, &b);
		m.error = buf_str(&b);
	}
	a->answered = true;
	fake_reply(w.link, &a->f, MSG_TOLD, &m);
	buf_free(&b);
	pool_free(p);
}

static unsigned number_of(const char *xml)
{
	const char *p = strstr(xml, "<body>n");

	return p ? (unsigned)strtoul(p + strlen("<body>n"), NULL, 10) : 0;
}

static struct asked *known(const struct msg_stanza_key *key)
{
	struct asked *a;

	DL_FOREACH (abroad.all, a)
		if (a->key.origin == key->origin && a->key.number == key->number &&
		    a->key.part == key->part)
			return a;
	return NULL;
}

static void first_asked(unsigned n)
{
	if (n >= LEDGER_MOST || abroad.by_number[n].s2s)
		return;
	abroad.by_number[n].s2s = abroad.id;
	abroad.by_number[n].owner = abroad.owner;
}

bool abroad_frame(const struct fake_frame *f)
{
	struct pool *p = pool_new();
	struct msg_tell m;
	struct asked *a;

	if (f->f.kind != MSG_TELL || f->how != FAKE_SENT || f->f.to != abroad.id) {
		pool_free(p);
		return false;
	}
	ck_assert_int_eq(msg_decode(MSG_TELL, p, f->f.body, &m), 0);
	if (in_order(&f->f)) {
		a = known(&m.key);
		if (!a) {
			a = xcalloc(1, sizeof *a);
			a->key = m.key;
			a->xml = envelope_xml(m.envelope);
			DL_APPEND(abroad.all, a);
			first_asked(number_of(a->xml));
		}
		a->f = f->f;
		a->f.body = STR_NONE;
		a->owner = abroad.owner;
		if (a->answered)
			answer(a);
	}
	pool_free(p);
	return true;
}

/* --- what the other servers do ------------------------------------------------------------ */

static char *attribute(const char *xml, const char *start)
{
	const char *p = strstr(xml, start);

	ck_assert_msg(p != NULL, "%s in %s", start, xml);
	p += strlen(start);
	return str_dup(str_n(p, strcspn(p, "'")));
}

/* It was asked of another s2s before, by another owner: what came of that nobody may know. */
static bool two_faults(const struct asked *a, unsigned n)
{
	return abroad.by_number[n].s2s != abroad.id && abroad.by_number[n].owner != a->owner;
}

/* RFC 6120 section 10.1: in order, from one to another. */
static void arrives(const struct asked *a)
{
	const char *xml = a->xml;
	unsigned n = number_of(xml);
	char *from = attribute(xml, " from='"), *to = attribute(xml, " to='");
	const char *domain = strchr(to, '@') + 1;
	struct delivered *d = abroad.delivered;

	while (d && (strcmp(d->from, from) != 0 || strcmp(d->domain, domain) != 0))
		d = d->next;
	if (!d) {
		d = xcalloc(1, sizeof *d);
		d->from = xstrdup(from);
		d->domain = xstrdup(domain);
		d->next = abroad.delivered;
		abroad.delivered = d;
	}
	if (n < LEDGER_MOST && !two_faults(a, n)) {
		ck_assert_msg(!abroad.by_number[n].delivered, "twice: n%u", n);
		ck_assert_msg(n > d->n, "out of order to %s: n%u behind n%u", domain, n, d->n);
	}
	if (n < LEDGER_MOST)
		abroad.by_number[n].delivered = true;
	if (n > d->n)
		d->n = n;
	ledger_received(n);
	free(from);
	free(to);
}

static struct asked *begin(void)
{
	struct msg_writing m;
	struct asked *a;

	DL_FOREACH (abroad.all, a)
		if (!a->answered)
			break;
	if (!a || a->taken)
		return a;
	if (a->held) {
		m = (struct msg_writing){.keys = &a->key, .nkeys = 1};
		fake_receive(w.link, frame_from(abroad.id, MSG_WRITING, NULL), &m);
	}
	a->held = false;
	return a;
}

static void server_takes(struct asked *a)
{
	if (!a->taken && number_of(a->xml))
		arrives(a);
	a->taken = true;
}

bool abroad_takes(void)
{
	struct asked *a = begin();

	if (!a)
		return false;
	server_takes(a);
	answer(a);
	settle();
	return true;
}

void abroad_takes_silently(void)
{
	struct asked *a = begin();

	if (a)
		server_takes(a);
	settle();
}

bool abroad_refuses(void)
{
	struct asked *a = begin();
	char *from, *to, *id;

	if (!a || a->taken || !number_of(a->xml))
		return abroad_takes();
	from = attribute(a->xml, " from='");
	to = attribute(a->xml, " to='");
	id = attribute(a->xml, " id='");
	a->error = xasprintf("<message type='error' id='%s' from='%s' to='%s'><error type='cancel'>"
			     "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
			     "</error></message>",
			     id, to, from);
	answer(a);
	settle();
	free(from);
	free(to);
	free(id);
	return true;
}

void abroad_holds(void)
{
	struct asked *a;

	DL_FOREACH (abroad.all, a) {
		struct msg_held m = {.keys = &a->key, .nkeys = 1};

		if (a->answered || a->taken)
			continue;
		a->held = true;
		fake_receive(w.link, frame_from(abroad.id, MSG_HELD, NULL), &m);
	}
	settle();
}

void abroad_dies(void)
{
	forget_all();
	fake_member_lost(w.link, abroad.id);
	settle();
	abroad.id++;
	fake_member(w.link, abroad.id, "s2s", "s2s", true);
	settle();
}

void abroad_owner_lost(void)
{
	abroad.owner++;
}
