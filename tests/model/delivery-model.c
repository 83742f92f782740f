/* SPDX-License-Identifier: MIT */
/*
 * delivery-model - an exhaustive model of tracked delivery.
 *
 * Client A sends numbered messages to client B:
 *     A - c2sA - smA - smB - storage, smB - c2sB - B
 * with two shards (A's and B's), owners fenced by epochs, one router that can
 * lose what it holds, one storage, and clients that resume on another c2s.
 * It walks every interleaving of every step with at most F faults and checks:
 *     lost       an acknowledged message that storage does not have, or that B
 *                has not received when nothing more can happen
 *     doubled    B received a message twice, or storage has it twice
 *     reordered  B received a message before an earlier one of A
 *     offline    a message was taken for offline while B was connected
 *     stuck      nothing can happen, yet a message that A sent is not done
 *
 * Faults: k  kill -9 of an owner     z  stop of an owner past its heartbeat (it
 * continues at any later step), r  a router dies with what it holds, d  it drops
 * one frame between owners and the sender hears of it later, s  storage dies,
 * committed but not answered included, a  A resumes on another c2s while the old
 * one lives on unknowing (and may not send its last stanza again), b  B does.
 *
 * States are remembered by a hash of 64 bits: a collision could hide one, with a
 * chance of about one in a million for six million states.
 *
 *     cc -O2 -o delivery-model delivery-model.c
 *     ./delivery-model [-m messages] [-f faults] [-k kinds] [-x rule]
 *
 * -x leaves one rule of the algorithm out; the checker must then complain:
 *     commit    done is said before storage has committed
 *     dedup     the recipient's owner does not look at keys
 *     c2sepoch  c2s takes deliveries from any owner
 *     given     c2s does not keep what it was given until it is settled
 *     settle    c2s forgets it as soon as the client has acknowledged
 *     run       gaps in the channel between owners are not noticed
 *     again     after a change of owner new stanzas go before the repeated
 *     fence     storage takes writes of an old epoch
 *     barrier   a new owner works before c2s has announced its sessions
 *     attach    stanzas of a c2s that lost its session are taken
 *     resume    h at resumption is what is done, not what was taken
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
enum { MM = 4, ME = 4, MA = 3, QC = 8 }; /* messages, epochs, attachments, queue */
enum { NONE, RUN, STOPPED, DEAD };
enum { ANN, STZ, RESUME, RESUMED, DONE, MSG, ANS, APP, OK, REF, DLV, ACK, SETL };

typedef struct {
	u8 n, key, c, seq;
} given; /* c: which message it is */
typedef struct {
	u8 t, a, b, c, d;
	u8 ng;
	given g[MM + 1];
} frame;
typedef struct {
	u8 n;
	frame f[QC];
} queue;
typedef struct {
	u8 n, c, done;
} taken;

typedef struct { /* c2s of A, one per attachment */
	u8 st, ka, in, cdone, np, resumed;
	taken p[MM];
} c2sa;
typedef struct { /* owner of A's shard, one per epoch */
	u8 st, relink, bounced, open, ann, kb, known, att, acc, done, hold, want, run, seq, late,
		np;
	taken p[2 * MM];
} sma;
typedef struct { /* owner of B's shard, one per epoch */
	u8 st, relink, open, ann, hold, hh, att, n, acked, count, np, nc;
	u8 run[ME], next[ME];
	given p[MM];
	u8 wait[MM]; /* appends not answered; bit e: smA(e) waits */
	given c[MM]; /* committed */
	u8 ng;
	given g[MM + 1]; /* given to the session, not settled */
	u8 settled;	 /* highest settled log number */
} smb;
typedef struct { /* c2s of B, one per attachment */
	u8 st, kb, n, acked, settled, resumed, ng;
	given g[MM + 1];
} c2sb;

typedef struct {
	u8 faults, ea, eb, rrun;
	u8 sent, acked, aconn, nun, un[MM]; /* client A: contents sent, not acknowledged */
	u8 base, drops, given_up;	    /* h that A knows; what it chose not to send again */
	u8 bconn, nrec, rec[2 * MM], h;	    /* client B */
	c2sa ca[MA];
	sma sa[ME];
	smb sb[ME];
	c2sb cb[MA];
	u8 nlog;
	given log[2 * MM];
	const char *bad;
	queue ca_sa[MA][ME], sa_ca[ME][MA], sa_sb[ME][ME], sb_sa[ME][ME];
	queue sb_st[ME], st_sb[ME], sb_cb[ME][MA], cb_sb[MA][ME];
} state;

static int nm = 2, nf = 1;
static const char *kinds = "kzrdsab", *off = "";
static int rule(const char *r)
{
	return strcmp(off, r) != 0;
}
static int kind(char k)
{
	return strchr(kinds, k) != NULL;
}

static void put(state *s, queue *q, frame f)
{
	if (q->n == QC) {
		s->bad = "queue of the model too short";
		return;
	}
	q->f[q->n++] = f;
}
static frame get(queue *q)
{
	frame f = q->f[0];
	memmove(q->f, q->f + 1, sizeof q->f[0] * --q->n);
	memset(&q->f[q->n], 0, sizeof q->f[0]);
	return f;
}
static void cut(queue *q, int keep)
{
	if (keep < q->n) {
		memset(&q->f[keep], 0, sizeof q->f[0] * (q->n - keep));
		q->n = keep;
	}
}

/* A's side. */

static void ca_announce(state *s, int i)
{
	c2sa *c = &s->ca[i];
	if (!c->ka)
		return;
	queue *q = &s->ca_sa[i][c->ka];
	if (s->sa[c->ka].st == DEAD)
		return;
	if (!c->resumed) {
		put(s, q, (frame){.t = RESUME, .a = i});
		return;
	}
	put(s, q, (frame){.t = ANN, .a = i, .b = c->cdone, .c = c->in});
	for (int k = 0; k < c->np; k++)
		put(s, q, (frame){.t = STZ, .a = i, .b = c->p[k].n, .c = c->p[k].c});
}
static void sa_msg(state *s, int e, int k)
{
	sma *a = &s->sa[e];
	if (!a->kb || s->sb[a->kb].st == DEAD)
		return;
	put(s, &s->sa_sb[e][a->kb],
	    (frame){.t = MSG, .a = a->run, .b = a->seq++, .c = a->p[k].n, .d = a->p[k].c});
}
static void sa_again(state *s, int e)
{
	sma *a = &s->sa[e];
	a->run++;
	a->seq = 0;
	a->late = 0;
	for (int k = 0; k < a->np; k++)
		if (!a->p[k].done)
			sa_msg(s, e, k);
}
static int all_announced(const state *s, u8 ann, int b)
{
	for (int i = 1; i < MA; i++)
		if ((b ? s->cb[i].st : s->ca[i].st) == RUN && !(ann & 1 << i))
			return 0;
	return 1;
}
static void sa_done(state *s, int e) /* tell c2s, and a resuming one when all is done */
{
	sma *a = &s->sa[e];
	if (!a->open && all_announced(s, a->ann, 0))
		a->open = 1;
	if (!a->known || !a->open)
		return;
	if (a->hold) {
		if (a->acc >= a->want && (a->done == a->acc || !rule("resume")) &&
		    s->ca[a->hold].st == RUN) {
			if (a->att < a->hold) {
				a->att = a->hold;
				a->acc = a->done; /* differ only with -x resume */
			}
			put(s, &s->sa_ca[e][a->hold], (frame){.t = RESUMED, .a = a->done});
			a->hold = 0;
		}
		return;
	}
	put(s, &s->sa_ca[e][a->att], (frame){.t = DONE, .a = a->done});
}
static void sa_recv(state *s, int i, int e)
{
	sma *a = &s->sa[e];
	frame f = get(&s->ca_sa[i][e]);
	switch (f.t) {
	case ANN:
		a->ann |= 1 << i;
		if (!a->known || (!a->open && i > a->att)) {
			a->known = 1;
			a->att = i;
			a->acc = a->done = f.b;
			a->want = f.c;
		}
		sa_done(s, e);
		break;
	case RESUME:
		a->ann |= 1 << i;
		if (a->known && i == a->att) {
			put(s, &s->sa_ca[e][i], (frame){.t = RESUMED, .a = a->done});
			return;
		}
		a->hold = i;
		sa_done(s, e);
		break;
	case STZ:
		if (!a->known)
			return; /* from here on the shard is open */
		if ((i != a->att || (a->hold && f.b > a->want)) && rule("attach"))
			return;
		if (f.b != a->acc + 1)
			return;
		a->acc++;
		a->p[a->np] = (taken){f.b, f.c, 0};
		a->np++;
		sa_msg(s, e, a->np - 1);
		break;
	}
}
static void sa_answer(state *s, int e, int f)
{
	sma *a = &s->sa[e];
	frame x = get(&s->sb_sa[f][e]);
	for (int k = 0; k < a->np; k++)
		if (a->p[k].n == x.a)
			a->p[k].done = 1;
	int moved = 0;
	while (a->np && a->p[0].done) {
		a->done = a->p[0].n;
		memmove(a->p, a->p + 1, sizeof a->p[0] * --a->np);
		memset(&a->p[a->np], 0, sizeof a->p[0]);
		moved = 1;
	}
	if (moved)
		sa_done(s, e);
}
static void ca_recv(state *s, int e, int i)
{
	c2sa *c = &s->ca[i];
	frame f = get(&s->sa_ca[e][i]);
	if (e != c->ka)
		return;
	if (f.t == RESUMED) {
		if (c->resumed)
			return;
		c->resumed = 1;
		c->in = c->cdone = f.a;
		if (s->aconn != i)
			return;
		/* the client is told h and sends again what it has above it */
		while (s->nun && s->base < f.a) {
			s->acked |= 1 << s->un[0];
			memmove(s->un, s->un + 1, --s->nun);
			s->un[s->nun] = 0;
			s->base++;
		}
		s->base = f.a;
		if (s->drops && s->nun) { /* its next stanza takes that number */
			s->given_up |= 1 << s->un[--s->nun];
			s->un[s->nun] = 0;
		}
		s->drops = 0;
		for (int k = 0; k < s->nun; k++) {
			c->in++;
			c->p[c->np++] = (taken){c->in, s->un[k], 0};
			put(s, &s->ca_sa[i][e],
			    (frame){.t = STZ, .a = i, .b = c->in, .c = s->un[k]});
		}
		return;
	}
	while (c->np && c->p[0].n <= f.a) {
		memmove(c->p, c->p + 1, sizeof c->p[0] * --c->np);
		memset(&c->p[c->np], 0, sizeof c->p[0]);
	}
	if (f.a > c->cdone)
		c->cdone = f.a;
}

/* B's side */

static void cb_announce(state *s, int i)
{
	c2sb *c = &s->cb[i];
	if (!c->kb || s->sb[c->kb].st == DEAD)
		return;
	frame f = {
		.t = c->resumed ? ANN : RESUME, .a = i, .b = c->n, .c = c->settled, .d = c->acked};
	if (!c->resumed)
		f.b = s->h;
	f.ng = c->ng;
	memcpy(f.g, c->g, sizeof f.g);
	put(s, &s->cb_sb[i][c->kb], f);
}
static void sb_deliver(state *s, int f, given g)
{
	smb *b = &s->sb[f];
	if (!b->open || !b->att)
		return;
	g.n = ++b->n;
	if (b->ng <= MM)
		b->g[b->ng++] = g;
	if (s->cb[b->att].st != DEAD)
		put(s, &s->sb_cb[f][b->att],
		    (frame){.t = DLV, .a = g.n, .b = g.key, .c = g.c, .d = g.seq});
}
static int has(const given *g, int n, u8 key)
{
	for (int k = 0; k < n; k++)
		if (g[k].key == key)
			return k + 1;
	return 0;
}

static void sb_settle(state *s, int f)
{
	smb *b = &s->sb[f];
	int top = 0;
	while (b->ng && b->g[0].n <= b->acked && has(b->c, b->nc, b->g[0].key)) {
		top = b->g[0].n;
		if (b->g[0].seq > b->settled)
			b->settled = b->g[0].seq;
		memmove(b->g, b->g + 1, sizeof b->g[0] * --b->ng);
		memset(&b->g[b->ng], 0, sizeof b->g[0]);
	}
	if (top && b->att)
		put(s, &s->sb_cb[f][b->att], (frame){.t = SETL, .a = top});
}
static void sb_append(state *s, int f, int k)
{
	smb *b = &s->sb[f];
	put(s, &s->sb_st[f], (frame){.t = APP, .a = b->p[k].seq, .b = b->p[k].key, .c = b->p[k].c});
}
static void sb_msg(state *s, int e, int f)
{
	smb *b = &s->sb[f];
	frame x = get(&s->sa_sb[e][f]);
	if (rule("run")) {
		if (x.a > b->run[e]) {
			if (x.b)
				return;
			b->run[e] = x.a;
			b->next[e] = 0;
		} else if (x.a < b->run[e])
			return;
		if (x.b != b->next[e])
			return;
		b->next[e]++;
	}
	if (rule("dedup")) {
		if (has(b->c, b->nc, x.c)) {
			put(s, &s->sb_sa[f][e], (frame){.t = ANS, .a = x.c});
			return;
		}
		int k = has(b->p, b->np, x.c);
		if (k) {
			b->wait[k - 1] |= 1 << e;
			return;
		}
	}
	if (!b->open && s->bconn)
		s->bad = "offline: B is connected, its new owner thinks it is not";
	if (b->np == MM) {
		s->bad = "doubled: more appends than messages";
		return;
	}
	given g = {0, x.c, x.d, 0};
	int k = has(b->g, b->ng, x.c);
	if (k)
		g.seq = b->g[k - 1].seq; /* given before by an earlier owner */
	else
		g.seq = f * 16 + ++b->count;
	b->p[b->np] = g;
	b->wait[b->np++] = 1 << e;
	sb_append(s, f, b->np - 1);
	if (!k)
		sb_deliver(s, f, g);
	if (!rule("commit"))
		put(s, &s->sb_sa[f][e], (frame){.t = ANS, .a = x.c});
}
static void sb_stored(state *s, int f)
{
	smb *b = &s->sb[f];
	frame x = get(&s->st_sb[f]);
	if (x.t == REF) { /* fenced: let go of everything */
		memset(b, 0, sizeof *b);
		b->st = DEAD;
		cut(&s->sb_st[f], 0);
		cut(&s->st_sb[f], 0);
		for (int e = 0; e < ME; e++)
			cut(&s->sa_sb[e][f], 0);
		for (int i = 0; i < MA; i++)
			cut(&s->cb_sb[i][f], 0);
		return;
	}
	int k = has(b->p, b->np, x.b);
	if (!k--)
		return;
	b->c[b->nc++] = b->p[k];
	for (int e = 1; e < ME; e++)
		if (b->wait[k] & 1 << e && s->sa[e].st != DEAD && rule("commit"))
			put(s, &s->sb_sa[f][e], (frame){.t = ANS, .a = x.b});
	memmove(b->p + k, b->p + k + 1, sizeof b->p[0] * (MM - 1 - k));
	memmove(b->wait + k, b->wait + k + 1, MM - 1 - k);
	b->np--;
	memset(&b->p[b->np], 0, sizeof b->p[0]);
	b->wait[b->np] = 0;
	sb_settle(s, f);
}
static void sb_resume(state *s, int f)
{
	smb *b = &s->sb[f];
	int i = b->hold;
	if (!i || !b->open || !b->att)
		return;
	b->hold = 0;
	b->att = i;
	if (b->hh > b->acked)
		b->acked = b->hh;
	frame r = {.t = RESUMED, .a = b->hh, .b = b->settled};
	for (int k = 0; k < b->ng; k++)
		if (b->g[k].n <= b->hh)
			r.g[r.ng++] = b->g[k]; /* acknowledged, not yet settled */
	put(s, &s->sb_cb[f][i], r);
	b->n = b->hh;
	for (int k = r.ng; k < b->ng; k++) {
		b->g[k].n = ++b->n;
		put(s, &s->sb_cb[f][i],
		    (frame){.t = DLV,
			    .a = b->g[k].n,
			    .b = b->g[k].key,
			    .c = b->g[k].c,
			    .d = b->g[k].seq});
	}
	sb_settle(s, f);
}
static void sb_open(state *s, int f)
{
	smb *b = &s->sb[f];
	if (b->open || !b->att || !all_announced(s, b->ann, 1))
		return;
	b->open = 1;
	given had[MM + 1];
	int nh = b->ng;
	memcpy(had, b->g, sizeof had);
	for (int pass = 0; pass < 2; pass++) {
		const given *l = pass ? b->p : b->c;
		int n = pass ? b->np : b->nc;
		for (int k = 0; k < n; k++)
			if (l[k].seq > b->settled && !has(had, nh, l[k].key))
				sb_deliver(s, f, l[k]);
	}
	sb_settle(s, f);
	sb_resume(s, f);
}
static void sb_session(state *s, int i, int f)
{
	smb *b = &s->sb[f];
	frame x = get(&s->cb_sb[i][f]);
	if (x.t == ACK) {
		if (i != b->att)
			return;
		if (x.a > b->acked)
			b->acked = x.a;
		sb_settle(s, f);
		return;
	}
	if (x.t == ANN) {
		b->ann |= 1 << i;
		if (i < b->att) {
			sb_open(s, f);
			return;
		}
		if (b->open) { /* the link was cut: give again what was lost */
			given old[MM + 1];
			int no = b->ng;
			memcpy(old, b->g, sizeof old);
			if (x.d > b->acked)
				b->acked = x.d;
			for (int k = 0; k < no; k++)
				if (old[k].n > x.b)
					put(s, &s->sb_cb[f][i],
					    (frame){.t = DLV,
						    .a = old[k].n,
						    .b = old[k].key,
						    .c = old[k].c,
						    .d = old[k].seq});
			int top = 0; /* and say again what is settled */
			for (int k = 0; k < x.ng; k++)
				if (!has(b->g, b->ng, x.g[k].key))
					top = x.g[k].n;
			if (top)
				put(s, &s->sb_cb[f][i], (frame){.t = SETL, .a = top});
			sb_settle(s, f);
			return;
		}
		b->att = i;
		b->n = x.b;
		b->settled = x.c;
		b->acked = x.d;
		b->ng = x.ng;
		memcpy(b->g, x.g, sizeof b->g);
		sb_open(s, f);
		return;
	}
	b->ann |= 1 << i;
	if (i > b->att && i > b->hold) {
		b->hold = i;
		b->hh = x.b;
	} else if (i == b->att) {
		b->hold = i;
		b->hh = x.b;
	}
	if (b->open)
		sb_resume(s, f);
	else
		sb_open(s, f);
}
static void cb_recv(state *s, int f, int i)
{
	c2sb *c = &s->cb[i];
	frame x = get(&s->sb_cb[f][i]);
	if (f != c->kb && rule("c2sepoch"))
		return;
	if (x.t == RESUMED) {
		if (c->resumed)
			return;
		c->resumed = 1;
		c->n = c->acked = x.a;
		c->settled = x.b;
		c->ng = x.ng;
		memcpy(c->g, x.g, sizeof x.g);
		return;
	}
	if (x.t == SETL) {
		while (c->ng && c->g[0].n <= x.a) {
			if (c->g[0].seq > c->settled)
				c->settled = c->g[0].seq;
			memmove(c->g, c->g + 1, sizeof c->g[0] * --c->ng);
			memset(&c->g[c->ng], 0, sizeof c->g[0]);
		}
		return;
	}
	if (!c->resumed || (x.a != c->n + 1 && rule("c2sepoch")))
		return;
	c->n++;
	if (rule("given") && c->ng <= MM)
		c->g[c->ng++] = (given){c->n, x.b, x.c, x.d};
	else if (x.d > c->settled)
		c->settled = x.d;
	if (s->bconn != i)
		return; /* written to a dead socket */
	s->h++;
	for (int k = 0; k < s->nrec; k++) {
		if (s->rec[k] == x.c)
			s->bad = "doubled: B received a message twice";
		else if (s->rec[k] > x.c)
			s->bad = "reordered: B received a message after a later one";
	}
	if (s->nrec < 2 * MM)
		s->rec[s->nrec++] = x.c;
}

/* Storage, faults */

static void store(state *s, int f)
{
	frame x = get(&s->sb_st[f]);
	if (f != s->eb && rule("fence")) {
		put(s, &s->st_sb[f], (frame){.t = REF});
		return;
	}
	int at = 0;
	for (int k = 0; k < s->nlog; k++) {
		if (s->log[k].seq == x.a) {
			if (s->log[k].key != x.b)
				s->bad = "lost: two messages with one log number";
			at = 1;
		} else if (s->log[k].c == x.c)
			s->bad = "doubled: storage has a message twice";
	}
	if (!at) {
		int k = s->nlog++;
		while (k && s->log[k - 1].seq > x.a) {
			s->log[k] = s->log[k - 1];
			k--;
		}
		s->log[k] = (given){0, x.b, x.c, x.a};
	}
	put(s, &s->st_sb[f], (frame){.t = OK, .a = x.a, .b = x.b});
}
static void clear_a(state *s, int e)
{
	for (int i = 0; i < MA; i++)
		cut(&s->ca_sa[i][e], 0);
	for (int f = 0; f < ME; f++)
		cut(&s->sb_sa[f][e], 0);
	memset(&s->sa[e], 0, sizeof s->sa[e]);
	s->sa[e].st = DEAD;
}
static void clear_b(state *s, int f)
{
	for (int i = 0; i < MA; i++)
		cut(&s->cb_sb[i][f], 0);
	for (int e = 0; e < ME; e++)
		cut(&s->sa_sb[e][f], 0);
	cut(&s->st_sb[f], 0);
	memset(&s->sb[f], 0, sizeof s->sb[f]);
	s->sb[f].st = DEAD;
}
static void relink_a(state *s, int e)
{
	s->sa[e].relink = 0;
	if (s->sa[e].kb)
		sa_again(s, e);
}
static void relink_b(state *s, int f)
{
	s->sb[f].relink = 0;
	for (int k = 0; k < s->sb[f].np; k++)
		sb_append(s, f, k);
}

/* The search */

static uint64_t *seen, nseen, cap = 1 << 20;
static int add(uint64_t h)
{
	if (!h)
		h = 1;
	if (nseen * 2 > cap) {
		uint64_t *o = seen, oc = cap;
		seen = calloc(cap *= 2, 8);
		if (!seen) {
			puts("out of memory");
			exit(2);
		}
		for (uint64_t k = 0; k < oc; k++)
			if (o[k]) {
				uint64_t p = o[k] & (cap - 1);
				while (seen[p])
					p = (p + 1) & (cap - 1);
				seen[p] = o[k];
			}
		free(o);
	}
	uint64_t p = h & (cap - 1);
	while (seen[p]) {
		if (seen[p] == h)
			return 0;
		p = (p + 1) & (cap - 1);
	}
	seen[p] = h;
	nseen++;
	return 1;
}
static uint64_t mix(uint64_t h, const void *v, size_t n)
{
	const u8 *p = v;
	uint64_t w;
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	if (n) {
		w = 0;
		memcpy(&w, p, n);
		h = (h ^ w) * 0xc4ceb9fe1a85ec53ull;
		h ^= h >> 29;
	}
	return h;
}
static uint64_t hash(const state *s)
{
	uint64_t h = mix(0x9E3779B97F4A7C15ull, s, offsetof(state, bad));
	const queue *q = (const queue *)((const u8 *)s + offsetof(state, ca_sa));
	size_t n = (sizeof *s - offsetof(state, ca_sa)) / sizeof *q;
	for (size_t k = 0; k < n; k++)
		if (q[k].n) {
			uint64_t w = k;
			h = mix(h, &w, 8);
			h = mix(h, &q[k], 1 + sizeof(frame) * q[k].n);
		}
	return h;
}

enum { DEPTH = 600 };
static state arena[DEPTH + 2];
static char names[DEPTH + 2][48];
static uint64_t finals;
static int deepest;

static void report(int at, const char *why)
{
	for (int k = 0; k <= at; k++)
		printf("    %s\n", names[k]);
	printf("FAILED: %s (%llu states)\n", why, (unsigned long long)nseen);
	exit(1);
}
static void expand(int at);
static void walk(int at, const char *name, int a, int b)
{
	snprintf(names[at], sizeof names[at], "%s %d %d", name, a, b);
	if (arena[at].bad)
		report(at, arena[at].bad);
	if (!add(hash(&arena[at])))
		return;
	if (at > deepest)
		deepest = at;
	if (at == DEPTH)
		report(at, "too deep for the model");
	expand(at);
}
#define T arena[at + 1]
#define STEP(name, a, b, ...)                                                                      \
	do {                                                                                       \
		T = *s;                                                                            \
		__VA_ARGS__;                                                                       \
		walk(at + 1, name, a, b);                                                          \
		moved = 1;                                                                         \
	} while (0)
#define LIVE(p) ((p).st == RUN)

static void router(int at, queue **q, int nq, int k);

static void expand(int at)
{
	const state *s = &arena[at];
	int moved = 0, i, e, f;
	/* clients */
	if (s->sent < nm && s->aconn && s->ca[s->aconn].resumed)
		STEP("A sends", s->sent + 1, 0, {
			c2sa *c = &T.ca[T.aconn];
			u8 m = ++T.sent;
			T.un[T.nun++] = m;
			c->p[c->np++] = (taken){++c->in, m, 0};
			if (c->ka && T.sa[c->ka].st != DEAD)
				put(&T, &T.ca_sa[T.aconn][c->ka],
				    (frame){.t = STZ, .a = T.aconn, .b = c->in, .c = m});
		});
	if (s->aconn && s->ca[s->aconn].resumed && s->ca[s->aconn].cdone > s->base)
		STEP("A acknowledged to", s->ca[s->aconn].cdone, 0, {
			while (T.nun && T.base < T.ca[T.aconn].cdone) {
				T.acked |= 1 << T.un[0];
				memmove(T.un, T.un + 1, --T.nun);
				T.un[T.nun] = 0;
				T.base++;
			}
		});
	i = s->bconn;
	if (s->cb[i].resumed && s->cb[i].n > s->cb[i].acked)
		STEP("B acknowledges", s->cb[i].n, 0, {
			c2sb *c = &T.cb[i];
			c->acked = c->n;
			if (!rule("settle"))
				while (c->ng) {
					if (c->g[0].seq > c->settled)
						c->settled = c->g[0].seq;
					memmove(c->g, c->g + 1, sizeof c->g[0] * --c->ng);
					memset(&c->g[c->ng], 0, sizeof c->g[0]);
				}
			if (c->kb && T.sb[c->kb].st != DEAD)
				put(&T, &T.cb_sb[i][c->kb], (frame){.t = ACK, .a = c->n});
		});
	/* membership is learned at any time after the lease was taken */
	for (i = 1; i < MA; i++) {
		if (LIVE(s->ca[i]) && s->ca[i].ka < s->ea)
			STEP("c2sA learns owner", i, s->ea, {
				T.ca[i].ka = T.ea;
				ca_announce(&T, i);
			});
		if (LIVE(s->cb[i]) && s->cb[i].kb < s->eb)
			STEP("c2sB learns owner", i, s->eb, {
				T.cb[i].kb = T.eb;
				cb_announce(&T, i);
			});
	}
	for (e = 1; e < ME; e++) {
		if (LIVE(s->sa[e]) && s->sa[e].kb < s->eb)
			STEP("smA learns owner", e, s->eb, {
				T.sa[e].kb = T.eb;
				if (rule("again") || !T.sa[e].np)
					sa_again(&T, e);
				else {
					T.sa[e].run++;
					T.sa[e].seq = 0;
					T.sa[e].late = 2;
				}
			});
		if (LIVE(s->sa[e]) && s->sa[e].bounced)
			STEP("smA hears of the bounce", e, 0, {
				T.sa[e].bounced = 0;
				sa_again(&T, e);
			});
		if (LIVE(s->sa[e]) && s->sa[e].late)
			STEP("smA repeats late", e, 0, {
				T.sa[e].late = 0;
				sma *a = &T.sa[e];
				for (int k = 0; k < a->np; k++)
					if (!a->p[k].done)
						sa_msg(&T, e, k);
			});
	}
	/* frames */
	for (i = 1; i < MA; i++)
		for (e = 1; e < ME; e++) {
			if (s->ca_sa[i][e].n && LIVE(s->sa[e]) &&
			    (s->ca_sa[i][e].f[0].t != STZ || s->sa[e].open))
				STEP("smA takes from c2sA", e, i, sa_recv(&T, i, e));
			if (s->sa_ca[e][i].n && LIVE(s->ca[i]))
				STEP("c2sA takes from smA", i, e, ca_recv(&T, e, i));
			if (s->cb_sb[i][e].n && LIVE(s->sb[e]))
				STEP("smB takes from c2sB", e, i, sb_session(&T, i, e));
			if (s->sb_cb[e][i].n && LIVE(s->cb[i]))
				STEP("c2sB takes from smB", i, e, cb_recv(&T, e, i));
		}
	for (e = 1; e < ME; e++)
		for (f = 1; f < ME; f++) {
			if (s->sa_sb[e][f].n && LIVE(s->sb[f]) &&
			    (s->sb[f].open || !rule("barrier")))
				STEP("smB takes from smA", f, e, sb_msg(&T, e, f));
			if (s->sb_sa[f][e].n && LIVE(s->sa[e]))
				STEP("smA hears from smB", e, f, sa_answer(&T, e, f));
		}
	for (f = 1; f < ME; f++) {
		if (s->sb_st[f].n)
			STEP("storage takes from smB", f, 0, store(&T, f));
		if (s->st_sb[f].n && LIVE(s->sb[f]))
			STEP("smB hears storage", f, 0, sb_stored(&T, f));
	}
	/* take-over, and stopped ones that continue */
	if (s->sa[s->ea].st != RUN && s->ea + 1 < ME)
		STEP("new owner of A", s->ea + 1, 0, {
			T.ea++;
			T.sa[T.ea].st = RUN;
			T.sa[T.ea].kb = 0;
		});
	if (s->sb[s->eb].st != RUN && s->eb + 1 < ME)
		STEP("new owner of B", s->eb + 1, 0, {
			T.eb++;
			smb *b = &T.sb[T.eb];
			b->st = RUN;
			b->nc = T.nlog < MM ? T.nlog : MM;
			memcpy(b->c, T.log, sizeof b->c[0] * b->nc);
		});
	for (e = 1; e < ME; e++) {
		if (s->sa[e].st == STOPPED)
			STEP("smA continues", e, 0, {
				T.sa[e].st = RUN;
				if (T.sa[e].relink)
					relink_a(&T, e);
			});
		if (s->sb[e].st == STOPPED)
			STEP("smB continues", e, 0, {
				T.sb[e].st = RUN;
				if (T.sb[e].relink)
					relink_b(&T, e);
			});
	}
	if (!moved) { /* nothing more can happen by itself */
		finals++;
		for (int m = 1; m <= s->sent; m++) {
			int in = 0, rec = 0;
			for (int k = 0; k < s->nlog; k++)
				in += s->log[k].c == m;
			for (int k = 0; k < s->nrec; k++)
				rec += s->rec[k] == m;
			if (s->acked >> m & 1 && (!in || !rec))
				report(at, "lost: acknowledged, and not stored or not received");
			if (!((s->acked | s->given_up) >> m & 1))
				report(at, "stuck: a message is not done, and nothing can happen");
		}
	}
	/* faults */
	if (!s->faults)
		return;
	if (kind('k') && s->sa[s->ea].st == RUN && s->ea + 1 < ME)
		STEP("! kill smA", s->ea, 0, {
			T.faults--;
			clear_a(&T, T.ea);
		});
	if (kind('k') && s->sb[s->eb].st == RUN && s->eb + 1 < ME)
		STEP("! kill smB", s->eb, 0, {
			T.faults--;
			clear_b(&T, T.eb);
		});
	if (kind('z') && s->sa[s->ea].st == RUN && s->ea + 1 < ME)
		STEP("! stop smA", s->ea, 0, {
			T.faults--;
			T.sa[T.ea].st = STOPPED;
		});
	if (kind('z') && s->sb[s->eb].st == RUN && s->eb + 1 < ME)
		STEP("! stop smB", s->eb, 0, {
			T.faults--;
			T.sb[T.eb].st = STOPPED;
		});
	if (kind('s'))
		for (f = 1; f < ME; f++) {
			if (!s->sb_st[f].n && !s->st_sb[f].n)
				continue;
			for (int keep = 0; keep <= s->st_sb[f].n; keep++)
				STEP("! storage dies", f, keep, {
					T.faults--;
					for (int g = 1; g < ME; g++) {
						cut(&T.sb_st[g], 0);
						cut(&T.st_sb[g], g == f ? keep : 0);
					}
					for (int g = 1; g < ME; g++)
						if (LIVE(T.sb[g]))
							relink_b(&T, g);
						else if (T.sb[g].st == STOPPED)
							T.sb[g].relink = 1;
				});
		}
	if (kind('a') && s->aconn == 1 && s->ca[1].resumed)
		STEP("! A resumes elsewhere", 2, 0, {
			T.faults--;
			T.aconn = 2;
			T.ca[2].st = RUN;
			T.ca[2].ka = T.ca[1].ka;
			ca_announce(&T, 2);
		});
	if (kind('a') && s->aconn == 1 && s->nun > 0 && s->ca[1].resumed)
		STEP("! A resumes, drops its last", 2, s->nun, {
			/* a client need not send again: what it numbered is then another stanza */
			T.faults--;
			T.aconn = 2;
			T.ca[2].st = RUN;
			T.ca[2].ka = T.ca[1].ka;
			ca_announce(&T, 2);
			T.drops = 1;
		});
	if (kind('b') && s->bconn == 1 && s->cb[1].resumed)
		STEP("! B resumes elsewhere", 2, 0, {
			T.faults--;
			T.bconn = 2;
			T.cb[2].st = RUN;
			T.cb[2].kb = T.cb[1].kb;
			cb_announce(&T, 2);
		});
	if (kind('d'))
		for (e = 1; e < ME; e++)
			for (f = 1; f < ME; f++)
				if (s->sa_sb[e][f].n)
					STEP("! router drops a frame to smB", f, e, {
						T.faults--;
						(void)get(&T.sa_sb[e][f]);
						T.sa[e].bounced = T.sa[e].st != DEAD;
					});
	if (kind('r')) {
		T = *s;
		queue *q[128];
		int nq = 0;
		for (i = 1; i < MA; i++)
			for (e = 1; e < ME; e++) {
				q[nq++] = &T.ca_sa[i][e];
				q[nq++] = &T.sa_ca[e][i];
				q[nq++] = &T.cb_sb[i][e];
				q[nq++] = &T.sb_cb[e][i];
			}
		for (e = 1; e < ME; e++)
			for (f = 1; f < ME; f++) {
				q[nq++] = &T.sa_sb[e][f];
				q[nq++] = &T.sb_sa[f][e];
			}
		for (f = 1; f < ME; f++) {
			q[nq++] = &T.sb_st[f];
			q[nq++] = &T.st_sb[f];
		}
		T.faults--;
		router(at, q, nq, 0);
	}
}
/* every queue through the dead router keeps some first part: what had arrived */
static void router(int at, queue **q, int nq, int k)
{
	while (k < nq && !q[k]->n)
		k++;
	if (k < nq) {
		queue save = *q[k];
		for (int keep = 0; keep <= save.n; keep++) {
			*q[k] = save;
			cut(q[k], keep);
			router(at, q, nq, k + 1);
		}
		*q[k] = save;
		return;
	}
	state now = T; /* the walk below overwrites what lies deeper, and T */
	for (int i = 1; i < MA; i++) {
		if (LIVE(T.ca[i]) && T.ca[i].ka)
			ca_announce(&T, i);
		if (LIVE(T.cb[i]) && T.cb[i].kb)
			cb_announce(&T, i);
	}
	for (int e = 1; e < ME; e++) {
		if (LIVE(T.sa[e]))
			relink_a(&T, e);
		else if (T.sa[e].st == STOPPED)
			T.sa[e].relink = 1;
		if (LIVE(T.sb[e]))
			relink_b(&T, e);
		else if (T.sb[e].st == STOPPED)
			T.sb[e].relink = 1;
	}
	walk(at + 1, "! router dies", 0, 0);
	T = now;
}

int main(int argc, char **argv)
{
	for (int k = 1; k + 1 < argc; k += 2) {
		if (!strcmp(argv[k], "-m"))
			nm = (int)strtol(argv[k + 1], NULL, 10);
		else if (!strcmp(argv[k], "-f"))
			nf = (int)strtol(argv[k + 1], NULL, 10);
		else if (!strcmp(argv[k], "-k"))
			kinds = argv[k + 1];
		else if (!strcmp(argv[k], "-x"))
			off = argv[k + 1];
	}
	seen = calloc(cap, 8);
	state *s = &arena[0];
	s->faults = nf;
	s->ea = s->eb = 1;
	s->aconn = s->bconn = 1;
	s->ca[1] = (c2sa){.st = RUN, .ka = 1, .resumed = 1};
	s->cb[1] = (c2sb){.st = RUN, .kb = 1, .resumed = 1};
	s->sa[1].st = RUN;
	s->sa[1].kb = 1;
	s->sa[1].known = 1;
	s->sa[1].att = 1;
	s->sa[1].run = 1;
	s->sa[1].open = 1;
	s->sb[1].st = RUN;
	s->sb[1].open = 1;
	s->sb[1].att = 1;
	walk(0, "start", 0, 0);
	printf("ok: %d messages, %d faults of %s: %llu states, %llu ends, depth %d: no loss, "
	       "double or reorder\n",
	       nm, nf, kinds, (unsigned long long)nseen, (unsigned long long)finals, deepest);
	return 0;
}
