/* SPDX-License-Identifier: MIT */
/*
 * Logins counted, and greetings (XEP-0133): a welcome at an account's first login, the message of
 * the day once to everybody, at once or at the next login. What was shown is kept with the logins.
 */
#include <stdlib.h>
#include "sm/module.h"
#include "sm/service.h"

enum { SAVE_US = 300 * 1000000 }; /* a row this young need not tell of another login at once */
enum { NOT_WELCOMED = -1 }; /* in place of the time of the message of the day that was shown */

struct greeted {
	int64_t first, last, motd;
	int64_t saved; /* last, as the row has it */
	uint32_t logins;
	char address[]; /* of the last one */
};

extern const struct module mod_greet;

/* What u has, made when there is none, with that address. */
static struct greeted *greeted_at(struct user *u, struct str address)
{
	struct greeted *old = user_data(u, &mod_greet), *g;

	if (old && str_eqz(address, old->address))
		return old;
	g = xcalloc(1, sizeof *g + address.len + 1);
	if (old)
		*g = *old;
	if (address.len)
		memcpy(g->address, address.ptr, address.len);
	free(old);
	user_data_set(u, &mod_greet, g);
	return g;
}

static void user_load(struct user *u, const struct msg_rows *rows)
{
	const struct msg_value *v = rows[0].nrows ? rows[0].rows[0].values : NULL;
	struct greeted *g = greeted_at(u, v ? v[COL_LOGIN_ADDRESS].s : STR(""));

	if (v) {
		g->first = v[COL_LOGIN_FIRST_TIME].i;
		g->last = g->saved = v[COL_LOGIN_LAST_TIME].i;
		g->logins = (uint32_t)v[COL_LOGIN_LOGINS].i;
		g->motd = v[COL_LOGIN_MOTD].i;
	}
}

static void user_free(struct user *u)
{
	free(user_data(u, &mod_greet));
	user_data_set(u, &mod_greet, NULL);
}

static void save(struct user *u, struct greeted *g, bool later)
{
	struct msg_value v[COLS_LOGIN] = {
		[COL_LOGIN_ACCOUNT] = value_text(user_jid(u)),
		[COL_LOGIN_FIRST_TIME] = value_int(g->first),
		[COL_LOGIN_LAST_TIME] = value_int(g->last),
		[COL_LOGIN_LOGINS] = value_int(g->logins),
		[COL_LOGIN_ADDRESS] = value_text(str_z(g->address)),
		[COL_LOGIN_MOTD] = value_int(g->motd),
	};
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_LOGIN, .values = v, .nvalues = COLS_LOGIN};

	if (!user_exists(u))
		return;
	user_write_later(u, &op);
	if (later)
		return;
	g->saved = g->last;
	user_write_now(u);
}

static void send(struct session *s, enum stanza_type type, struct str text)
{
	struct pool *p = pool_new();
	struct stanza st;

	notice_make(p, &st, type, session_jid(s).domain, text);
	st.to = session_jid(s).full;
	session_send(s, &st);
	pool_free(p);
}

/* The first session that can show it does. */
static void greet(struct session *s)
{
	struct user *u = session_user(s);
	struct greeted *g = user_data(u, &mod_greet);
	const struct service *sv = sm_service(user_sm(u));
	struct str domain = session_jid(s).domain;
	struct str welcome = service_value(sv, domain, "welcome");
	struct str motd = service_value(sv, domain, "motd");
	int64_t time = service_time(sv, domain, "motd");
	int64_t before = g->motd;

	if (user_temporary(u))
		return;
	if (g->motd == NOT_WELCOMED) {
		if (welcome.len)
			send(s, MESSAGE_NORMAL, welcome);
		g->motd = 0;
	}
	if (motd.len && g->motd != time) {
		send(s, MESSAGE_HEADLINE, motd);
		g->motd = time;
	}
	if (g->motd != before)
		save(u, g, false);
}

/* Counted at once, written at the latest soon after the session has ended; the first login of all with the
 * welcome. Who wants to know the last one asks the sessions too (sm/admin_users.c). */
static struct greeted *count_login(struct session *s)
{
	struct user *u = session_user(s);
	struct greeted *g = greeted_at(u, session_address(s));

	g->last = session_since_us(s);
	if (!g->logins) {
		g->first = g->last;
		g->motd = NOT_WELCOMED;
	}
	g->logins++;
	save(u, g, g->logins == 1 || g->last - g->saved < SAVE_US);
	return g;
}

static void session_open(struct session *s, bool fresh)
{
	struct user *u = session_user(s);

	if (fresh && !user_temporary(u))
		(void)count_login(s);
}

static void session_close(struct session *s)
{
	struct user *u = session_user(s);
	struct greeted *g = user_data(u, &mod_greet);

	if (!g || user_temporary(u))
		return;
	if (session_since_us(s) > g->last) /* an earlier owner died before it wrote the row */
		g = count_login(s);
	user_write_soon(u);
	g->saved = g->last;
}

static void presence_changed(struct session *s, bool initial, struct packet *p)
{
	(void)p;
	if (initial && session_available(s))
		greet(s);
}

/* --- those who are online when the message is set ----------------------------------------------
 */

static void greet_loaded(void *arg, struct user *u)
{
	(void)arg;
	for (struct session *s = u ? user_sessions(u) : NULL; s; s = session_next(s)) {
		if (session_available(s)) {
			greet(s);
			return;
		}
	}
}

static void greet_user(void *arg, struct user *u)
{
	sm_with_user(arg, user_jid(u), greet_loaded, NULL);
}

static void greeted_all(void *arg)
{
	(void)arg;
}

static void service_changed(struct sm *sm, struct str domain, const char *name)
{
	if (strcmp(name, "motd") == 0)
		sm_walk_online(sm, domain, greet_user, greeted_all, sm);
}

static const uint16_t preload[] = {TABLE_LOGIN, TABLE_NONE};

const struct module mod_greet = {
	.name = "greet",
	.summary = "welcome message, message of the day, logins",
	.preload = preload,
	.hooks = {.user_load = user_load,
		  .user_free = user_free,
		  .session_open = session_open,
		  .session_close = session_close,
		  .presence_changed = presence_changed,
		  .service_changed = service_changed},
};
