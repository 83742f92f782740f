/* SPDX-License-Identifier: MIT */
/* mercutioctl session: who is connected, and ending it. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "tools/ctl.h"

struct listing {
	struct ctl *c;
	struct jid jid; /* empty: all */
	json_t *sessions;
	int status;
};

/* The pages of one instance. */
struct page {
	struct listing *l;
	uint64_t from;
	const char *name;
	char *after;
	bool more;
};

static bool wanted(const struct listing *l, struct str jid)
{
	struct jid j;

	if (!l->jid.full.len)
		return true;
	if (jid_split(jid, &j) < 0)
		return false;
	return jid_is_bare(&l->jid) ? str_eq(j.bare, l->jid.bare) : str_eq(j.full, l->jid.full);
}

static void add_session(struct listing *l, const char *sm, const struct msg_session_line *s)
{
	char since[32];

	if (!wanted(l, s->jid))
		return;
	clock_format(s->since, since);
	json_array_append_new(l->sessions,
			      json_pack("{s:s%, s:s%, s:s%, s:s, s:s, s:I, s:b, s:b}", "jid",
					s->jid.ptr ? s->jid.ptr : "", s->jid.len, "address",
					s->address.ptr ? s->address.ptr : "", s->address.len, "c2s",
					s->c2s.ptr ? s->c2s.ptr : "", s->c2s.len, "sm", sm, "since",
					since, "priority", (json_int_t)s->priority, "available",
					s->available, "secure", s->secure));
}

static void on_listed(void *arg, int err, uint16_t kind, const void *m)
{
	struct page *p = arg;
	const struct msg_session_listed *r = m;
	char *why;

	p->more = false;
	if (err < 0) {
		why = ctl_reason(err, m);
		p->l->status = ctl_error("%s: %s", p->name, why);
		free(why);
		return;
	}
	for (size_t i = 0; i < r->nsessions; i++)
		add_session(p->l, p->name, &r->sessions[i]);
	if (!r->nsessions)
		return;
	p->more = r->more;
	free(p->after);
	p->after = str_dup(r->sessions[r->nsessions - 1].jid);
}

static void list_all(struct listing *l, struct page *p)
{
	do {
		struct frame head = ctl_head(MSG_SESSION_LIST, p->from);
		struct msg_session_list m = {.after = str_z(p->after)};

		ctl_ask(l->c, &head, &m, on_listed, p);
		ctl_finish(l->c);
	} while (p->more);
	free(p->after);
}

struct sms {
	struct page *pages;
	size_t n;
};

static void add_sm(void *arg, const struct member *m)
{
	struct sms *s = arg;

	s->pages = xrealloc(s->pages, (s->n + 1) * sizeof(*s->pages));
	s->pages[s->n++] = (struct page){.from = m->id, .name = xstrdup(m->name)};
}

static int by_jid(const void *a, const void *b)
{
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "jid")),
		      json_string_value(json_object_get(*(json_t *const *)b, "jid")));
}

static const char *field(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void print_sessions(const json_t *sessions)
{
	static const char *const titles[] = {"JID",   "ADDRESS",  "C2S",  "SM",
					     "SINCE", "PRIORITY", "STATE"};
	size_t n = json_array_size(sessions);
	json_t **rows = xcalloc(n + 1, sizeof(*rows));
	struct ctl_text *t = ctl_text_new(7);

	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(sessions, i);
	qsort(rows, n, sizeof(*rows), by_jid);
	for (size_t i = 0; i < 7; i++)
		ctl_text_cell(t, "%s", titles[i]);
	for (size_t i = 0; i < n; i++) {
		const char *c2s = field(rows[i], "c2s");

		ctl_text_cell(t, "%s", field(rows[i], "jid"));
		ctl_text_cell(t, "%s", field(rows[i], "address"));
		ctl_text_cell(t, "%s", *c2s ? c2s : "detached");
		ctl_text_cell(t, "%s", field(rows[i], "sm"));
		ctl_text_cell(t, "%s", field(rows[i], "since"));
		ctl_text_cell(t, "%lld",
			      (long long)json_integer_value(json_object_get(rows[i], "priority")));
		ctl_text_cell(t, "%s%s",
			      json_is_true(json_object_get(rows[i], "available")) ? "available"
										  : "no presence",
			      json_is_true(json_object_get(rows[i], "secure")) ? ""
									       : ", not encrypted");
	}
	ctl_text_print(t, stdout);
	free(rows);
}

static int session_list(struct ctl *c, int argc, char **argv)
{
	struct listing l = {.c = c, .sessions = json_array()};
	struct sms sms = {0};
	struct pool *p = pool_new();

	if (argc && jid_parse(p, str_z(argv[0]), &l.jid) < 0) {
		l.status = ctl_error("%s is no JID", argv[0]);
	} else {
		link_serving(c->link, "sm", add_sm, &sms);
		if (!sms.n)
			l.status = ctl_error("no sm process is there");
	}
	for (size_t i = 0; i < sms.n; i++) {
		sms.pages[i].l = &l;
		list_all(&l, &sms.pages[i]);
		free((void *)sms.pages[i].name);
	}
	free(sms.pages);
	if (c->json && l.status == CTL_GOOD)
		ctl_print_json(json_incref(l.sessions));
	else if (sms.n && !c->json)
		print_sessions(l.sessions);
	json_decref(l.sessions);
	pool_free(p);
	return l.status;
}

static int session_kick(struct ctl *c, int argc, char **argv)
{
	struct pool *p = pool_new();
	struct msg_session_kick m = {.text = STR("ended by the operator")};
	int status = CTL_GOOD;
	struct jid j;
	char *why;

	if (jid_parse(p, str_z(argv[0]), &j) < 0 || !j.local.len) {
		pool_free(p);
		return ctl_error("%s is no account and no session", argv[0]);
	}
	m.jid = j.full;
	why = ctl_ask_owner(c, j.bare, MSG_SESSION_KICK, &m);
	if (why)
		status = ctl_error("%s", why);
	free(why);
	pool_free(p);
	return status;
}

const struct ctl_command ctl_session_commands[] = {
	{"session list", "[JID]", 0, 1, CTL_LINK, session_list,
	 "sessions of all, of an account, or one"},
	{"session kick", "JID", 1, 1, CTL_LINK, session_kick,
	 "ends a session, or all of an account"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
