/* SPDX-License-Identifier: MIT */
/* The s2s, the servers behind it, and what they were asked and have delivered. */
#include "tests/unit/sm/abroad.h"
#include <stdlib.h>
#include <utlist.h>
#include "link/channel.h"
#include "tests/unit/sm/ledger.h"

enum { FIRST_S2S = 70 };

struct asked {
	struct asked *prev, *next;
	struct msg_stanza_key key;
	struct frame f; /* as it came last */
	unsigned owner;
	bool held, taken, refused, answered;
	struct pool *pool;
	struct stanza st;
};

static struct {
	uint64_t id;
	struct asked *all; /* in order; DL list */
	struct link *link;
	struct channels *channels; /* where it takes them */
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
	pool_free(a->pool);
	free(a);
}

static void begins(uint64_t id)
{
	abroad.id = id;
	abroad.link = fake_new(id);
	abroad.channels = channels_new(abroad.link);
	fake_member(w.link, id, "s2s", "s2s", true);
	settle();
}

static void ends(void)
{
	while (abroad.all)
		asked_free(abroad.all);
	channels_free(abroad.channels);
	fake_free(abroad.link);
}

void abroad_start(void)
{
	memset(&abroad, 0, sizeof abroad);
	abroad.by_number = xcalloc(LEDGER_MOST, sizeof *abroad.by_number);
	w.to_others = abroad_frame;
	begins(FIRST_S2S);
}

void abroad_stop(void)
{
	struct delivered *d;

	ends();
	while ((d = abroad.delivered)) {
		abroad.delivered = d->next;
		free(d->from);
		free(d->domain);
		free(d);
	}
	free(abroad.by_number);
}

/* --- what sm asks ------------------------------------------------------------------------- */

static void answer(struct asked *a)
{
	struct buf b = BUF_INIT;
	struct msg_told m = {0};
	struct stanza error;

	if (a->refused) {
		error = stanza_error_reply(a->pool, &a->st, STANZA_E_SERVICE_UNAVAILABLE, NULL,
					   NULL, STR_NONE);
		stanza_encode(&error, &b);
		m.error = buf_str(&b);
	}
	a->answered = true;
	fake_reply(w.link, &a->f, MSG_TOLD, &m);
	buf_free(&b);
}

/* Of a numbered message; 0: it is something else. */
static unsigned number_of(const struct asked *a)
{
	struct str id = a->st.id;
	unsigned long long n;

	return id.len && *id.ptr == 'n' && str_u64(str_n(id.ptr + 1, id.len - 1), &n) ? (unsigned)n
										      : 0;
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

static struct asked *asked_new(const struct msg_tell *m)
{
	struct asked *a = xcalloc(1, sizeof *a);

	a->key = m->key;
	a->pool = pool_new();
	ck_assert_int_eq(stanza_decode(a->pool, pool_str(a->pool, m->envelope), &a->st), 0);
	DL_APPEND(abroad.all, a);
	first_asked(number_of(a));
	return a;
}

static void take(const struct frame *f)
{
	struct pool *p = pool_new();
	struct msg_tell m;
	struct asked *a;

	ck_assert_int_eq(msg_decode(MSG_TELL, p, f->body, &m), 0);
	a = known(&m.key);
	if (!a)
		a = asked_new(&m);
	a->f = *f;
	a->f.body = STR_NONE;
	a->owner = abroad.owner;
	if (a->answered)
		answer(a);
	pool_free(p);
}

bool abroad_frame(const struct fake_frame *f)
{
	struct frame head = f->f; /* f may move when we answer */

	if (f->f.kind != MSG_TELL || f->how != FAKE_SENT || f->f.to != abroad.id)
		return false;
	if (channels_take(abroad.channels, &head))
		take(&head);
	else
		fake_bounces(abroad.link, w.link, head.to_epoch);
	return true;
}

/* --- what the other servers do ------------------------------------------------------------ */

/* It was asked of another s2s before, by another owner: what came of that nobody may know. */
static bool two_faults(const struct asked *a, unsigned n)
{
	return abroad.by_number[n].s2s != abroad.id && abroad.by_number[n].owner != a->owner;
}

static struct delivered *delivered_between(struct str from, struct str domain)
{
	struct delivered *d = abroad.delivered;

	while (d && !(str_eqz(from, d->from) && str_eqz(domain, d->domain)))
		d = d->next;
	if (d)
		return d;
	d = xcalloc(1, sizeof *d);
	d->from = str_dup(from);
	d->domain = str_dup(domain);
	d->next = abroad.delivered;
	abroad.delivered = d;
	return d;
}

/* RFC 6120 section 10.1: in order, from one to another. */
static void arrives(const struct asked *a, unsigned n)
{
	struct delivered *d;
	struct jid to;

	ck_assert_int_eq(jid_split(a->st.to, &to), 0);
	d = delivered_between(a->st.from, to.domain);
	if (n < LEDGER_MOST && !two_faults(a, n)) {
		ck_assert_msg(!abroad.by_number[n].delivered, "twice: n%u", n);
		ck_assert_msg(n > d->n, "out of order to %s: n%u behind n%u", d->domain, n, d->n);
	}
	if (n < LEDGER_MOST)
		abroad.by_number[n].delivered = true;
	if (n > d->n)
		d->n = n;
	ledger_received(n);
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
	unsigned n = number_of(a);

	if (!a->taken && n)
		arrives(a, n);
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

	if (!a || a->taken || !number_of(a))
		return abroad_takes();
	a->refused = true;
	answer(a);
	settle();
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
	uint64_t id = abroad.id;

	ends();
	fake_member_lost(w.link, id);
	settle();
	begins(id + 1);
}

void abroad_owner_lost(void)
{
	abroad.owner++;
}
