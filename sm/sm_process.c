/* SPDX-License-Identifier: MIT */
/* The session manager as a process: options, messages, keys, ownership of shards. */
#include <utlist.h>
#include "sm/components.h"
#include "sm/scan.h"
#include "sm/inbox.h"
#include "sm/sm_process.h"

enum { TICK_MS = 50, SLOW_S = 30 };

static const char *const conflict_names[] = {"replace", "refuse", "rename", NULL};

static const struct option options[] = {
	{"sessions_max", OPT_INT, offsetof(struct sm_config, sessions_max), "20", 1, 10000, NULL,
	 OPT_RELOAD, "Most sessions of one account at a time."},
	{"resource_conflict", OPT_ENUM, offsetof(struct sm_config, conflict), "replace", 0, 0,
	 conflict_names, OPT_RELOAD,
	 "When a resource is bound that another session has: the old session is replaced, the new one "
	 "refused, or given another resource."},
	{"offline_max", OPT_INT, offsetof(struct sm_config, offline_max), "1000", 0, 1000000, NULL,
	 OPT_RELOAD, "Most undelivered messages kept for one account. At most a 24th of `max_frame` in bytes "
		     "(43690 with its default): one frame lists them all. As many are refused in any case, "
		     "counting those that clients were given and have not acknowledged."},
	{"deadline", OPT_TIME, offsetof(struct sm_config, deadline), "30s", 1000, 120000, NULL,
	 OPT_RELOAD, "Longest that a stanza waits for storage or another process before its sender "
		     "gets an error."},
	{"slow_storage", OPT_TIME, offsetof(struct sm_config, slow_storage), "100ms", 10, 60000, NULL,
	 OPT_RELOAD, "A message whose commit takes longer is given to its recipients before it."},
	{"unwritten_max", OPT_SIZE, offsetof(struct sm_config, unwritten_max), "64M", 1 << 20, 1LL << 40, NULL,
	 OPT_RELOAD,
	 "Bytes of messages and other changes that wait for storage at the most. Near it, messages that "
	 "their recipients' clients have acknowledged are left out of the log; beyond it, what would be "
	 "stored is refused."},
	{"users_cached", OPT_INT, offsetof(struct sm_config, users_cached), "10000", 0, 10000000, NULL,
	 OPT_RELOAD, "Accounts without sessions that are kept in memory."},
	{"detached_time", OPT_TIME, offsetof(struct sm_config, detached_time), "10m", 0, 86400000,
	 NULL, OPT_RELOAD, "How long a broken session that may be resumed is kept."},
	{"given_max", OPT_SIZE, offsetof(struct sm_config, given_max), "4M", 65536, 1 << 30, NULL,
	 OPT_RELOAD, "Most bytes kept for a client that does not take them, besides what the log has. Beyond, its "
	 "connection is ended; beyond twice as many, or when it cannot be resumed, the session is."},
	{"keys_max", OPT_INT, offsetof(struct sm_config, keys_max), "5000", 100, 100000, NULL, OPT_RELOAD,
	 "Most stanzas that are not stored and of which a session holds the keys for `deadline`, so that it "
	 "is not given one again when processes die; past it they are forgotten earlier."},
	{"outgoing_after", OPT_TIME, offsetof(struct sm_config, outgoing_after), "2s", 1000, 60000, NULL,
	 OPT_RELOAD,
	 "How long what a client sends to another server or a component that does not take it holds back "
	 "acknowledgements; then it is stored, which makes it done, and delivered or returned later."},
	{"outgoing_deadline", OPT_TIME, offsetof(struct sm_config, outgoing_deadline), "1d", 1000,
	 7 * 86400000LL, NULL, OPT_RELOAD, "How long a stored message for another server or a component "
	 "is tried before its sender gets an error. s2s may give up earlier."},
	{"outgoing_max", OPT_INT, offsetof(struct sm_config, outgoing_max), "1000", 1, 1000000, NULL,
	 OPT_RELOAD, "Most messages and requests of one account that wait for other servers and "
		     "components; more to one that takes nothing are refused."},
	{"outgoing_size", OPT_SIZE, offsetof(struct sm_config, outgoing_size), "1M", 4096, 1 << 30, NULL,
	 OPT_RELOAD, "The same in bytes."},
	{"outgoing_total", OPT_SIZE, offsetof(struct sm_config, outgoing_total), "64M", 65536,
	 1LL << 40, NULL, OPT_RELOAD, "The same in bytes for all accounts of a process."},
	{"iq_from_strangers", OPT_BOOL, offsetof(struct sm_config, iq_strangers), "false", 0, 0, NULL,
	 OPT_RELOAD, "Deliver requests (IQs) to a client also from those who may not see its presence. "
		     "RFC 6121 section 8.5.3.1 recommends against it, as they learn so that it is online."},
	{NULL},
};

static const struct link_handler handlers[] = {
	{MSG_STANZA, on_stanza},
	{MSG_ACKED, on_acked},
	{MSG_SESSION_OPEN, on_session_open},
	{MSG_SESSION_CLOSE, on_session_close},
	{MSG_SESSION_FULL, on_session_full},
	{MSG_SESSION_SM, on_session_sm},
	{MSG_SESSION_RESUME, on_session_resume},
	{MSG_ANNOUNCE, on_announce},
	{MSG_ANNOUNCED, on_announced},
	{MSG_TELL, on_tell},
	{MSG_TELL_MANY, on_tell_many},
	{MSG_USER_REMOVE, on_user_remove},
	{MSG_SESSION_LIST, on_session_list},
	{MSG_SESSION_KICK, on_session_kick},
	{MSG_CAPS, on_caps},
	{MSG_USERS, on_users},
	{MSG_ANNOUNCEMENT, on_announcement},
	{MSG_USER_DISABLED, on_user_disabled},
	{MSG_SERVICE_CHANGED, on_service_changed},
	{MSG_ADMIN_RUN, on_admin_run},
	{MSG_HELD, on_held},
	{MSG_WRITING, on_writing},
	{MSG_S2S_BACK, on_s2s_back},
	{MSG_USER_GET, on_user_get},
	{MSG_USER_PUT, on_user_put},
	{MSG_BOUNCE, on_bounce},
	{0, NULL},
};

static const struct msg_bind binds[] = {{.route = {"sm", 2}, .mode = 1}, {.route = {NULL, 0}}};
static const char *const peers[] = {"router", "c2s", "sm",  "auth", "storage",
				    "s2s",    "muc", "component", "ctl", NULL};

/* --- keys -------------------------------------------------------------------------------------------- */

static void got_ticket_key(void *arg, const uint8_t key[SEAL_KEY])
{
	struct sm *sm = arg;

	sm->ticket_key = seal_key_new(key);
	sm->getting[0] = NULL;
}

/* The shards are taken when sessions can be announced, for which records must be read, and when it is
 * known with whom nobody communicates. */
static void shards_take(void *arg)
{
	struct sm *sm = arg;

	if (!sm->shards && sm->record_key && service_loaded(sm->service))
		sm->shards = shards_new(sm->link, sm->channels, "sm", "c2s", &sm_shards_ops, sm);
}

static void got_record_key(void *arg, const uint8_t key[SEAL_KEY])
{
	struct sm *sm = arg;

	sm->record_key = seal_key_new(key);
	sm->getting[1] = NULL;
	shards_take(sm);
}

/* --- time -------------------------------------------------------------------------------------------- */

/* While appends are unanswered: slow ones are given before their commit, late ones answered. */
static void tick(void *arg)
{
	struct sm *sm = arg;

	if (sm->shards && !shards_sure(sm->shards))
		return;
	appends_tick(sm);
	if (!sm->appends_first) {
		loop_timer_stop(sm->tick);
		sm->ticking = false;
	}
}

/* Of many thousand sessions few have anything that time changes. */
static void ticked_prune(struct sm *sm)
{
	struct session *s, *tmp;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		if (!s->detached_since && !s->resuming && !s->flush_failed && !s->hold_failed &&
		    !s->flush_due && !s->behind && !s->ngiven)
			session_tick_forget(s);
	}
}

static void slow_tick(void *arg)
{
	struct sm *sm = arg;
	bool soon = true, fading = sm->nfades;

	if (!sm->shards || shards_sure(sm->shards)) {
		soon = detached_tick(sm);
		soon |= flushes_tick(sm);
		soon |= hold_tick(sm);
		soon |= resuming_tick(sm);
		soon |= given_tick(sm);
		soon |= catch_up_tick(sm);
		ticked_prune(sm);
		appends_tick(sm); /* forgets old keys */
		fading = fades_tick(sm);
	}
	sm->slow_ticking = seens_any(sm->seens) || sm->loaded || fading || soon;
	sm->slow_soon = soon;
	if (sm->slow_ticking)
		loop_timeout_start(sm->loop, &sm->slow_tick, soon ? 1 : SLOW_S);
}

static void slow_tick_start(struct sm *sm, bool soon)
{
	if (sm->slow_ticking && (sm->slow_soon || !soon))
		return;
	sm->slow_ticking = true;
	sm->slow_soon = soon;
	sm->slow_tick.fn = slow_tick;
	sm->slow_tick.arg = sm;
	loop_timeout_start(sm->loop, &sm->slow_tick, soon ? 1 : SLOW_S);
}

void session_tick_need(struct session *s)
{
	struct sm *sm = s->user->sm;

	if (!s->ticks)
		DL_APPEND2(sm->ticked, s, tick_prev, tick_next);
	s->ticks = true;
	slow_tick_start(sm, true);
}

void session_tick_forget(struct session *s)
{
	if (s->ticks)
		DL_DELETE2(s->user->sm->ticked, s, tick_prev, tick_next);
	s->ticks = false;
}

void sm_tick_appends(struct sm *sm)
{
	if (sm->appends_first && !sm->ticking) {
		sm->ticking = true;
		loop_timer_start(sm->tick, TICK_MS, TICK_MS);
	}
	slow_tick_start(sm, false);
}

static void turn_end(void *arg)
{
	struct sm *sm = arg;

	pool_reset(sm->turn);
}

/* --- the process --------------------------------------------------------------------------------------- */

static void *sm_init(struct app *app)
{
	struct sm *sm = xcalloc(1, sizeof *sm);

	sm->users = KEYED(struct user, key, key_next);
	sm->sessions = KEYED(struct session, sid, sid_next);
	sm->app = app;
	sm->loop = app->loop;
	sm->link = app->link;
	sm->config = app->config;
	sm->domains = (const char *const *)app->common->domains;
	sm->origin = random_u64();
	sm->channels = channels_new(sm->link);
	sm->components = components_new(sm);
	sm->outgoing = outgoings_new(sm);
	sm->seens = seens_new();
	sm->detached = detached_scan_new(sm);
	sm->turn = pool_new();
	sm->turn_task = (struct loop_task){.fn = turn_end, .arg = sm};
	sm->notices_task = (struct loop_task){.fn = notices_flush, .arg = sm};
	sm->tick = loop_timer_new(sm->loop, tick, sm);
	sm->service = service_new(sm, shards_take, sm);
	sm->commands = commands_new(sm);
	modules_start(sm);
	return sm;
}

static void sm_ready(void *state)
{
	struct sm *sm = state;

	service_read(sm->service);
	if (!sm->ticket_key && !sm->getting[0])
		sm->getting[0] = secret_get(sm->link, sm->channels, "ticket", got_ticket_key, sm);
	if (!sm->record_key && !sm->getting[1])
		sm->getting[1] = secret_get(sm->link, sm->channels, "record", got_record_key, sm);
}

static void sm_event(void *state, enum link_event e, const struct member *m)
{
	struct sm *sm = state;

	if (e == LINK_MEMBER_LOST && m && strcmp(m->process, "c2s") == 0) {
		announce_member_lost(state, m->id);
		bounced_member_lost(state, m->id);
	}
	/* Gone, or it takes nothing any more: the next one may be on its way. */
	if ((e == LINK_MEMBER_LOST || (e == LINK_MEMBER && m && !m->nbinds)) && m &&
	    strcmp(m->process, "s2s") == 0)
		sm->s2s_lost = loop_now(sm->loop);
	if (e == LINK_MEMBER || e == LINK_MEMBER_LOST)
		components_look(sm->components, m);
}

static void sm_reload(void *state, struct buf *changed, struct buf *ignored)
{
	modules_reload(state, changed, ignored);
}

static void drained(void *arg)
{
	struct sm *sm = arg;

	process_drained(sm->app);
}

static void sm_drain(void *state)
{
	struct sm *sm = state;

	if (sm->shards)
		shards_drain(sm->shards, drained, sm);
	else
		drained(sm);
}

static json_t *sm_stats(void *state)
{
	const struct sm *sm = state;
	json_t *o;

	o = json_pack("{sI sI sI sI sI sI sI sI}", "users", (json_int_t)sm->users.n, "sessions",
		      (json_int_t)sm->sessions.n, "stanzas", (json_int_t)sm->stat_stanzas, "appends",
		      (json_int_t)sm->stat_appends, "tells", (json_int_t)sm->stat_tells, "loads",
		      (json_int_t)sm->stat_loads, "unanswered",
		      (json_int_t)channels_unanswered(sm->channels), "unanswered_bytes",
		      (json_int_t)channels_unanswered_bytes(sm->channels));
	json_object_set_new(o, "left_out", json_integer((json_int_t)sm->left_out));
	json_object_set_new(o, "written_soon", json_integer((json_int_t)laters_due(sm)));
	outgoing_stats(sm, o);
	return o;
}

static void *sm_deinit(void *state)
{
	struct sm *sm = state;

	users_drop_all(sm);
	for (uint16_t shard = 0; shard <= SHARDS; shard++)
		tells_drop(sm, shard);
	outgoings_free(sm);
	components_free(sm->components);
	scan_free(sm->detached);
	backs_free(sm);
	walks_free(sm);
	stopping_free(sm);
	sm->commands = commands_free(sm->commands);
	sm->service = service_free(sm->service);
	modules_stop(sm);
	secret_get_cancel(sm->getting[0]);
	secret_get_cancel(sm->getting[1]);
	sm->shards = shards_free(sm->shards);
	sm->channels = channels_free(sm->channels);
	loop_timer_free(sm->tick);
	if (sm->release_timer)
		loop_timer_free(sm->release_timer);
	loop_timeout_stop(sm->loop, &sm->slow_tick);
	loop_task_cancel(sm->loop, &sm->turn_task);
	loop_task_cancel(sm->loop, &sm->notices_task);
	notices_free(sm);
	nonces_free(sm);
	bounced_free(sm);
	ended_free(sm);
	fades_free(sm);
	keyed_free(&sm->users);
	keyed_free(&sm->sessions);
	pool_free(sm->turn);
	buf_free(&sm->scratch);
	seens_free(sm->seens);
	while (sm->npools)
		pool_free(sm->pools[--sm->npools]);
	seal_key_free(sm->record_key);
	seal_key_free(sm->ticket_key);
	free(sm);
	return NULL;
}

struct loop *sm_loop(const struct sm *sm)
{
	return sm->loop;
}

struct commands *sm_command_sessions(const struct sm *sm)
{
	return sm->commands;
}

struct service *sm_service(const struct sm *sm)
{
	return sm->service;
}

struct link *sm_link(const struct sm *sm)
{
	return sm->link;
}

const struct process sm_process = {
	.name = "sm",
	.summary = "session manager: sessions, presence, rosters, delivery",
	.options = options,
	.config_size = sizeof(struct sm_config),
	.sections = sm_sections,
	.check = inbox_check,
	.binds = binds,
	.peers = peers,
	.handlers = handlers,
	.init = sm_init,
	.ready = sm_ready,
	.event = sm_event,
	.reload = sm_reload,
	.drain = sm_drain,
	.stats = sm_stats,
	.deinit = sm_deinit,
};
