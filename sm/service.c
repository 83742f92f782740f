/* SPDX-License-Identifier: MIT */
/* The settings of service administration: read, changed, looked up. */
#include "sm/service.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "sm/ask.h"
#include "sm/blocklist.h"
#include "sm/sm_internal.h"

enum { READ_TIMEOUT_MS = 10000, RETRY_MS = 1000, AGAIN_MS = 60000 };

struct setting {
	UT_hash_handle hh;
	char *key; /* DOMAIN LF NAME */
	char *value;
	int64_t time;
	struct blocklist *list; /* of a setting that is a list of JIDs */
};

struct service {
	struct sm *sm;
	void (*loaded_fn)(void *arg);
	void *arg;
	struct setting *all, *reading; /* reading: what was found so far */
	size_t nlists;
	char *after_domain, *after_name; /* last key of the page before */
	struct store_read *read;
	struct loop_timer *timer;
	bool loaded, again; /* again: something changed while it was read */
	struct service_change *changes;
	struct reader { /* other sm that want to know when it was read */
		struct reader *next;
		struct frame f;
		bool next_round;
	} * readers;
};

/* --- the copy -------------------------------------------------------------------------------- */

static void settings_free(struct setting **all)
{
	struct setting *x, *tmp;

	HASH_ITER (hh, *all, x, tmp) {
		HASH_DEL(*all, x);
		blocklist_free(x->list);
		free(x->key);
		free(x->value);
		free(x);
	}
}

static struct setting *find(const struct service *s, struct str domain, const char *name)
{
	char *key = xasprintf("%.*s\n%s", STR_ARG(domain), name);
	struct setting *x;

	HASH_FIND_STR(s->all, key, x);
	free(key);
	return x;
}

static bool is_list(struct str name)
{
	return str_eqz(name, "admins") || str_starts(name, STR("blacklist")) ||
	       str_starts(name, STR("whitelist"));
}

static void take(struct service *s, const struct msg_row *row)
{
	struct str name = row->values[COL_SETTING_NAME].s;
	struct setting *x = xcalloc(1, sizeof *x);
	struct str rest, line;

	x->key = xasprintf("%.*s\n%.*s", STR_ARG(row->values[COL_SETTING_DOMAIN].s), STR_ARG(name));
	x->time = row->values[COL_SETTING_TIME].i;
	x->value = str_dup(row->values[COL_SETTING_VALUE].s);
	HASH_ADD_STR(s->reading, key, x);
	if (!is_list(name))
		return;
	x->list = blocklist_new();
	for (rest = str_z(x->value); str_split(&rest, '\n', &line);)
		if (line.len)
			blocklist_add(x->list, line);
}

struct str service_value(const struct service *s, struct str domain, const char *name)
{
	const struct setting *x = find(s, domain, name);

	return x ? str_z(x->value) : STR_NONE;
}

int64_t service_time(const struct service *s, struct str domain, const char *name)
{
	const struct setting *x = find(s, domain, name);

	return x ? x->time : 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static void read_page(struct service *s);

static void readers_answer(struct service *s)
{
	struct reader *r, *tmp;

	LL_FOREACH_SAFE (s->readers, r, tmp) {
		if (r->next_round) {
			r->next_round = false;
			continue;
		}
		LL_DELETE(s->readers, r);
		link_reply(s->sm->link, &r->f, MSG_OK, &(struct msg_ok){0});
		free(r);
	}
}

static void tell_changed(struct service *s, const struct setting *x)
{
	const char *name = strchr(x->key, '\n');

	run_service_changed(s->sm, str_n(x->key, (size_t)(name - x->key)), name + 1);
}

/* What is in a and not, or another, in b; only_missing: not at all. */
static void tell_differences(struct service *s, struct setting *a, struct setting *b,
			     bool only_missing)
{
	struct setting *x, *tmp, *other;

	HASH_ITER (hh, a, x, tmp) {
		HASH_FIND_STR(b, x->key, other);
		if (!other || (!only_missing &&
			       (other->time != x->time || strcmp(other->value, x->value) != 0)))
			tell_changed(s, x);
	}
}

static void finished(struct service *s)
{
	bool first = !s->loaded;
	struct setting *x, *tmp, *old = s->all;

	s->all = s->reading;
	s->reading = NULL;
	s->nlists = 0;
	HASH_ITER (hh, s->all, x, tmp) {
		s->nlists += x->list && !strstr(x->key, "\nadmins");
	}
	s->loaded = true;
	loop_timer_start(s->timer, AGAIN_MS, 0);
	tell_differences(s, s->all, old, false);
	tell_differences(s, old, s->all, true);
	settings_free(&old);
	readers_answer(s);
	if (first)
		s->loaded_fn(s->arg);
	if (s->again)
		service_read(s);
}

static void on_rows(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct service *s = arg;
	const struct msg_row *last;

	s->read = NULL;
	if (err < 0 || n != 1) {
		log_warn("settings not read", LF_ERR(err));
		settings_free(&s->reading);
		loop_timer_start(s->timer, RETRY_MS, 0);
		return;
	}
	for (size_t i = 0; i < results[0].nrows; i++)
		if (results[0].rows[i].nvalues >= COLS_SETTING)
			take(s, &results[0].rows[i]);
	if (!results[0].more || !results[0].nrows) {
		finished(s);
		return;
	}
	last = &results[0].rows[results[0].nrows - 1];
	free(s->after_domain);
	free(s->after_name);
	s->after_domain = str_dup(last->values[COL_SETTING_DOMAIN].s);
	s->after_name = str_dup(last->values[COL_SETTING_NAME].s);
	read_page(s);
}

static void read_page(struct service *s)
{
	struct msg_value after[2] = {value_text(str_z(s->after_domain ? s->after_domain : "")),
				     value_text(str_z(s->after_name ? s->after_name : ""))};
	struct msg_read_op op = {.op = STORE_LIST,
				 .table = TABLE_SETTING,
				 .after = after,
				 .nafter = s->after_domain ? 2 : 0};

	s->read = store_read(s->sm->link, &op, 1, READ_TIMEOUT_MS, on_rows, s);
}

void service_read(struct service *s)
{
	if (s->read) {
		s->again = true;
		return;
	}
	s->again = false;
	loop_timer_stop(s->timer);
	settings_free(&s->reading);
	free(s->after_domain);
	free(s->after_name);
	s->after_domain = s->after_name = NULL;
	read_page(s);
}

static void on_timer(void *arg)
{
	service_read(arg);
}

bool service_loaded(const struct service *s)
{
	return s->loaded;
}

void on_service_changed(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	struct service *s = sm->service;
	struct reader *r = xcalloc(1, sizeof *r);

	(void)msg;
	r->f = frame_keep(f);
	/* What is being read now may have been found before the change. */
	r->next_round = s->read != NULL;
	LL_PREPEND(s->readers, r);
	service_read(s);
}

/* --- changing -------------------------------------------------------------------------------- */

struct service_change {
	struct service_change *prev, *next;
	struct service *s;
	struct channel_item *write;
	struct gather *gather;
	service_set_fn *fn; /* NULL: nobody listens any more */
	void *arg;
};

static void change_end(struct service_change *c, int err, struct str missing)
{
	service_set_fn *fn = c->fn;
	void *arg = c->arg;

	DL_DELETE(c->s->changes, c);
	free(c);
	if (fn)
		fn(arg, err, missing);
}

static void told_all(void *arg, struct str missing)
{
	struct service_change *c = arg;

	c->gather = NULL;
	change_end(c, 0, missing);
}

static void written(void *arg, enum store_status status, struct str text)
{
	struct service_change *c = arg;
	struct msg_service_changed m = {0};

	c->write = NULL;
	if (status == STORE_COMMITTED) {
		c->gather = gather_sms(c->s->sm, MSG_SERVICE_CHANGED, &m, NULL, told_all, c);
		return;
	}
	log_error("setting not written", LF_STR("reason", text));
	change_end(c, -EIO, STR_NONE);
}

struct service_change *service_set(struct service *s, struct str domain, const char *name,
				   struct str value, bool keep_time, service_set_fn *fn, void *arg)
{
	struct service_change *c = xcalloc(1, sizeof *c);
	int64_t time = keep_time ? service_time(s, domain, name) : 0;
	struct msg_value v[COLS_SETTING] = {
		[COL_SETTING_DOMAIN] = value_text(domain),
		[COL_SETTING_NAME] = value_text(str_z(name)),
		[COL_SETTING_TIME] = value_int(time ? time : clock_wall_us()),
		[COL_SETTING_VALUE] = value_text(value),
	};
	struct msg_write_op op = {.op = value.len ? STORE_PUT : STORE_DELETE,
				  .table = TABLE_SETTING,
				  .values = v,
				  .nvalues = value.len ? COLS_SETTING : 2};

	c->s = s;
	c->fn = fn;
	c->arg = arg;
	DL_APPEND(s->changes, c);
	c->write = store_write(s->sm->channels, SHARD_NONE, 0, 0, &op, 1, written, c);
	return c;
}

void service_set_cancel(struct service_change *c)
{
	if (c)
		c->fn = NULL;
}

/* --- questions ------------------------------------------------------------------------------- */

char *const *service_fixed_admins(const struct service *s)
{
	static char *const none[] = {NULL};
	char *const *list = s->sm->app->common->admins;

	return list ? list : none;
}

bool service_is_fixed_admin(const struct service *s, struct str bare)
{
	for (char *const *a = service_fixed_admins(s); *a; a++)
		if (str_eqz(bare, *a))
			return true;
	return false;
}

bool service_is_admin(const struct service *s, struct str bare)
{
	const struct setting *x = find(s, STR(""), "admins");

	return service_is_fixed_admin(s, bare) || (x && blocklist_has(x->list, bare));
}

/* How closely a list names an entity; 0: it does not. */
static int closeness(const struct service *s, struct str domain, const char *name,
		     const struct jid *who)
{
	const struct setting *x = find(s, domain, name);

	if (!x || !x->list->n || !blocklist_matches(x->list, who))
		return 0;
	if (blocklist_has(x->list, who->full))
		return 4;
	if (who->local.len && blocklist_has(x->list, who->bare))
		return 3;
	return blocklist_has(x->list, who->domain) ? 1 : 2;
}

static int either(const struct service *s, struct str domain, const char *both, const char *one,
		  const struct jid *who)
{
	int a = closeness(s, domain, both, who), b = closeness(s, domain, one, who);

	return a > b ? a : b;
}

static bool is_set(const struct service *s, struct str domain, const char *name)
{
	const struct setting *x = find(s, domain, name);

	return x && x->list->n;
}

bool service_has_lists(const struct service *s)
{
	return s->nlists > 0;
}

bool service_refuses(const struct service *s, struct str domain, const struct jid *who,
		     enum service_direction d)
{
	const char *black = d == SERVICE_IN ? "blacklist-in" : "blacklist-out";
	const char *white = d == SERVICE_IN ? "whitelist-in" : "whitelist-out";
	int refused, allowed;

	/* Nobody administers himself away. */
	if (!s->nlists || service_is_admin(s, who->bare))
		return false;
	refused = either(s, domain, "blacklist", black, who);
	allowed = either(s, domain, "whitelist", white, who);
	if (refused || allowed)
		return refused >= allowed;
	/* Where there is a whitelist, it names all strangers who may; our own are none. */
	return (is_set(s, domain, "whitelist") || is_set(s, domain, white)) &&
	       !sm_local_domain(s->sm, who->domain);
}

/* --- making ---------------------------------------------------------------------------------- */

struct service *service_new(struct sm *sm, void (*loaded)(void *arg), void *arg)
{
	struct service *s = xcalloc(1, sizeof *s);

	s->sm = sm;
	s->loaded_fn = loaded;
	s->arg = arg;
	s->timer = loop_timer_new(sm->loop, on_timer, s);
	return s;
}

struct service *service_free(struct service *s)
{
	struct service_change *c, *tmp;
	struct reader *r;

	DL_FOREACH_SAFE (s->changes, c, tmp) {
		if (c->write)
			channel_forget(c->write);
		gather_cancel(c->gather);
		DL_DELETE(s->changes, c);
		free(c);
	}
	while ((r = s->readers)) {
		s->readers = r->next;
		free(r);
	}
	store_read_cancel(s->read);
	loop_timer_free(s->timer);
	settings_free(&s->all);
	settings_free(&s->reading);
	free(s->after_domain);
	free(s->after_name);
	free(s);
	return NULL;
}
