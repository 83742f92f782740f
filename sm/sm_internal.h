/* SPDX-License-Identifier: MIT */
/* The insides of sm's core; modules never include it (sm/module.h is theirs). */
#ifndef SM_SM_INTERNAL_H
#define SM_SM_INTERNAL_H

#include <uthash.h>
#include "base/keyed.h"
#include "link/shards.h"
#include "link/ticket.h"
#include "link/secrets.h"
#include "sm/module.h"
#include "sm/seen.h"
#include "sm/service.h"
#include "sm/session_internal.h"

enum { MAX_MODULES = 64 };

struct sm_config {
	int64_t sessions_max;     /* per account */
	int conflict;             /* enum conflict_policy */
	int64_t offline_max;      /* messages kept for an account, undelivered */
	int64_t deadline;         /* ms: longest a stanza may wait for what it needs */
	int64_t slow_storage;     /* ms: past it messages are given before the commit */
	int64_t unwritten_max;    /* bytes that wait for storage */
	int64_t users_cached;     /* loaded accounts without sessions */
	int64_t detached_time;    /* ms a broken session with XEP-0198 is kept */
	int64_t given_max;        /* bytes a session may have unread */
	int64_t keys_max;         /* of stanzas that are not logged, held for a session */
	int64_t outgoing_after;   /* ms: what is not taken elsewhere holds nothing up any longer */
	int64_t outgoing_deadline; /* ms */
	int64_t outgoing_max, outgoing_size; /* an account's: stanzas, bytes */
	int64_t outgoing_total;   /* bytes */
	bool iq_strangers;        /* IQs to full JIDs from those who do not see its presence */
};
enum conflict_policy { CONFLICT_REPLACE, CONFLICT_REFUSE, CONFLICT_RENAME };

struct sm {
	struct app *app;
	struct loop *loop;
	struct link *link;
	struct channels *channels;
	struct shards *shards;
	const struct sm_config *config;
	const char *const *domains;
	uint64_t origin;      /* of keys of what this process makes itself */
	uint64_t numbers;     /* last number under it */
	uint64_t changes;     /* last number given to a change of an account; begins anywhere */
	uint64_t counter;     /* of log numbers: 40 bits, never reused in an epoch */
	uint32_t serials;     /* of sessions, see struct session */
	struct keyed users;       /* by jid_key() of the bare JID */
	struct user *by_shard[SHARDS]; /* DL lists */
	struct keyed sessions;    /* by sid */
	size_t sessions_peak; /* see alloc_shrunk() */
	struct user *idle_first, *idle_last; /* loaded, without sessions; oldest first */
	size_t nidle;
	struct seal_key *ticket_key, *record_key; /* NULL until storage has told */
	struct secret_get *getting[2];
	struct nonce *nonces;         /* of tickets used */
	struct ended *ended;          /* sessions, lately */
	struct seens *seens;          /* keys appended lately */
	struct seen_loaded *loaded;   /* keys read with accounts: sm/seen_loaded.c; by age, DL list */
	size_t nloaded, loaded_peak;  /* see alloc_shrunk() */
	struct append *appends_first, *appends_last; /* not answered, by age */
	unsigned appends_stored;      /* of these: see append.stored */
	size_t append_bytes;          /* of these */
	size_t left_out, leaving_out; /* see sm/unwritten.c; leaving_out: 1 + what it was; 0: not now */
	struct fading *fades_first, *fades_last; /* delivered, to leave the log: by time */
	size_t nfades;
	struct loop_timer *tick;      /* runs while there is something to age */
	struct pool *turn;            /* what lives until the end of this loop turn */
	struct loop_task turn_task;
	struct notices *notices;      /* DONE and SETTLED gathered in this turn, by c2s */
	struct loop_task notices_task;
	struct buf scratch;           /* sm_scratch() */
	struct pool *pools[8];        /* spare ones */
	unsigned npools;
	const struct module *modules[MAX_MODULES];
	void *module_configs[MAX_MODULES];
	size_t nmodules;
	uint8_t slots[MAX_MODULES]; /* where in an account the data of each is, if it keeps any */
	size_t nslots;
	struct iq_row *iqs;
	struct service *service;
	struct commands *commands; /* ad-hoc commands under way */
	struct walk *walks;
	struct stopping *stopping; /* an administrator has said so */
	struct asking *asks[SHARDS + 1]; /* TELLs not answered, by the shard they speak for */
	struct scan *detached;           /* rows of sessions of earlier owners */
	struct components *components; /* domains that they serve: sm/components.c */
	struct outgoings *outgoing;      /* those that leave for other servers and components */
	struct back *backs;              /* servers that are back: sm/back.c; DL list */
	unsigned nbacks;
	int64_t oldest_session; /* none that there is began earlier (wall clock, us); 0: there was none */
	struct loop_timer *back_timer;
	uint64_t s2s_lost;               /* loop_now when one was last lost; 0: never */
	uint64_t stat_stanzas, stat_appends, stat_tells, stat_loads;
	uint64_t opened; /* loop_now when the last shard was */
	uint64_t releasing[SHARDS]; /* loop_now since when; 0: not */
	unsigned nreleasing;
	struct session *ticked; /* that have something to be looked at each second; DL list */
	bool ticking, slow_ticking, slow_soon;
	struct loop_timeout slow_tick;
	struct later *laters; /* rows that are written soon: sm/write_later.c; DL list */
	struct loop_timeout later_timeout;
	struct loop_timer *release_timer;
	struct bounced *bounced; /* c2s that could not be told all: sm/bounced.c */
};

/* A rendering shared by those who still have to be given it. */
struct text {
	unsigned refs;
	uint32_t len;
	char bytes[];
};
struct text *text_new(struct str s);
static inline struct text *text_ref(struct text *t)
{
	t->refs++;
	return t;
}
void text_unref(struct text *t); /* accepts NULL */

/* --- users: sm/user.c ---------------------------------------------------------------------- */

enum user_state { USER_LOADING, USER_LOADED };

struct user_job { /* waits until the account is loaded */
	struct user_job *next;
	void (*fn)(void *arg, struct user *u);
	void *arg;
	uint64_t since; /* loop_now */
};
struct wait; /* a write or read that is not answered */

struct user {
	uint64_t key; /* jid_key() */
	void *key_next; /* struct keyed */
	struct sm *sm;
	char *jid;
	uint16_t shard;
	uint8_t state;
	bool exists, gone; /* gone: being removed */
	bool disabled;     /* by an administrator: binds nothing */
	bool temporary;    /* exists without a row: SASL ANONYMOUS */
	uint64_t change;   /* another number after each write of its data, the position apart */
	unsigned busy;     /* writes, reads, appends under way, held: not evicted */
	struct user_job *jobs, *jobs_last;
	struct session *sessions;
	struct wait *waits;
	struct turn *turns; /* requests handled one after the other: sm/turn.c; DL list */
	struct store_all *loading;
	struct loop_timeout *retry; /* of loading, of saving */
	struct append *pending; /* appends not answered, in the order of their numbers */
	unsigned npending;
	unsigned relaxed;    /* of these, given before they are in the log by option durability */
	uint32_t seen; /* the newest of the keys appended lately: sm/seen.c */
	struct newest *newest; /* while it is loaded: sm/newest.c; may be NULL */
	struct seen_loaded *loaded; /* keys that were read with it; NULL: none, or after their time */
	struct inbox *inbox; /* delivery positions: sm/inbox.c; NULL until loaded */
	struct farewell *farewells; /* ends of sessions not said yet */
	struct later *later;        /* rows that go with the next write; may be NULL */
	struct user *shard_prev, *shard_next;
	struct user *idle_prev, *idle_next;
	bool idle;
	void *data[]; /* of the modules that keep some: sm.slots */
};

struct user *user_get(struct sm *sm, struct str bare);  /* NULL: not in memory */
struct user *user_need(struct sm *sm, struct str bare); /* made and loading when it was not */
/* Runs fn now, or when it is loaded (in order); with NULL when the account is lost before, or when
 * storage does not answer within the deadline. */
void user_run(struct user *u, void (*fn)(void *arg, struct user *u), void *arg);
void user_set_temporary(struct user *u);
void user_changed(struct user *u);  /* its data, as an export has them */
void user_drop(struct user *u);     /* at once, with its sessions: the shard is lost */
void user_touch(struct user *u);    /* looks whether it has become idle, or is no longer */
void users_drop_shard(struct sm *sm, uint16_t shard);
void users_drop_all(struct sm *sm); /* the process ends */
/* fn may drop the user that it is called with, and no other. */
void users_of_shard(struct sm *sm, uint16_t shard, void (*fn)(struct user *u));
/* False: nothing of that shard is under way or loaded. */
bool users_flush_shard(struct sm *sm, uint16_t shard);
bool users_append(const struct sm *sm, uint16_t shard); /* storage has not answered all */
void wait_drop_all(struct user *u);
void turns_drop(struct user *u); /* the account is lost */

/* Rows that are in no hurry: sm/write_later.c */
/* Of an account; no longer row waits, no larger batch takes them along. */
enum { LATER_ROWS = 2, LATER_COLS = 6, LATER_OPS = 8 };
struct later_joined {
	struct msg_write_op ops[LATER_ROWS + LATER_OPS];
	struct msg_value values[LATER_ROWS][LATER_COLS];
};
/* The rows of u and the ops, which the caller writes and then calls later_free(); 0: as they are. */
size_t later_join(struct user *u, const struct msg_write_op *ops, size_t n, struct later_joined *ret);
void later_free(struct user *u);
bool later_is_due(const struct user *u); /* its rows do not wait for another write */
size_t laters_due(const struct sm *sm);	 /* accounts of which this is true */

/* --- transactions: sm/txn.c ------------------------------------------------------------------ */

enum txn_kind { TXN_PLAIN, TXN_STANZA, TXN_TELL, TXN_CALL };

struct txn {
	struct sm *sm;
	enum txn_kind kind;
	unsigned holds;
	struct msg_stanza_key key;
	uint16_t parts;        /* numbers of parts given out */
	uint16_t answers;      /* numbers of answers, from the top of the same range */
	uint64_t sid;          /* TXN_STANZA */
	uint32_t serial, n;
	struct frame origin;   /* TXN_TELL */
	struct buf reply;      /* envelope for its sender */
	struct txn *parent;    /* TXN_CALL; may be NULL */
	txn_call_fn *call;
	void *call_arg;
	struct txn *prev, *next; /* in its session's work, in order */
	bool finished;
	bool mute; /* the shard was lost: say nothing (DELIVERY rule 5) */
};
struct txn *txn_new(struct sm *sm, enum txn_kind kind, const struct msg_stanza_key *key);
void txn_call_detach(struct txn *t); /* its parent waits no longer */
/* Nothing comes of it here, mostly since the account is another's now. True: who asked asks again, and is not
 * answered. Accepts NULL. */
bool txn_lost(struct txn *t);
struct msg_stanza_key txn_key(struct sm *sm, struct txn *t); /* for a further part; t may be NULL */

static inline bool key_same(const struct msg_stanza_key *a, const struct msg_stanza_key *b)
{
	return a->origin == b->origin && a->number == b->number && a->part == b->part;
}

void txn_answer(struct txn *t, const struct stanza *st);     /* to the stanza's sender */

/* --- stanzas: sm/input.c, route.c, tell.c, deliver.c ---------------------------------------------- */

/* An empty buffer until the next call: for what is written and copied at once. */
struct buf *sm_scratch(struct sm *sm);
struct pool *sm_pool(struct sm *sm);
void sm_pool_back(struct sm *sm, struct pool *p);
/* Is the frame for a shard of ours that is open? Else it waits or went back (link/shards.h). */
bool sm_admit(struct sm *sm, const struct frame *f, bool always);
bool sm_admit_any(struct sm *sm, const struct frame *f); /* shards_admit_any() */
void packet_init(struct packet *p, struct sm *sm, struct pool *pool, struct txn *t);
void packet_addresses(struct packet *p); /* to and from out of st */
void packet_out(struct packet *p);       /* a client's stanza: hooks, then route */
void packet_route(struct packet *p);     /* by its `to` */
void packet_here(struct packet *p);      /* for an account of ours, loaded or not */
void packet_in(struct packet *p);        /* for p->user, loaded: now, or behind what it must follow */
void packet_arrive(struct packet *p);    /* now */
/* The account that it is for is lost to another owner, who must get it: whoever sent it to us sends it there, or
 * we do, when it came from a session of ours. */
void packet_lost(struct packet *p);
/* sm/follow.c: true, p was kept: it waits for a logged message of the same client, or for what a
 * session of the account is still being given out of the log. */
bool follow(struct packet *p);
/* Those that wait for entries of the log below that one; UINT64_MAX: all. */
void session_behind_run(struct session *s, uint64_t below);
bool session_behind_tick(struct session *s); /* true: some wait */
void session_behind_drop(struct session *s); /* the account is lost */
void followers_run(struct append *a);  /* it was given, or never will be */
void followers_drop(struct append *a); /* the account is lost */
void packet_domain(struct packet *p);    /* for a domain of ours */
bool iq_dispatch(struct packet *p, unsigned to);
void tell_send(struct packet *p, uint16_t shard, struct str target); /* to the account's owner */
void tell_many(struct sm *sm, struct txn *t, const struct stanza *st, const struct str *to,
	       size_t n);
uint16_t tell_speaks_for(struct sm *sm, struct str from); /* SHARD_NONE: no account of ours */
void tell_again(struct sm *sm, struct txn *t, const struct msg_stanza_key *key, struct user *u,
		struct text *text);
/* Forgets what was asked for that shard (SHARDS: for none): it is another's now, or we end. */
void tells_drop(struct sm *sm, uint16_t shard);
/* Stanzas to other servers and components: sm/outgoing.c */
struct outgoings *outgoings_new(struct sm *sm);
void outgoings_free(struct sm *sm);
void backs_free(struct sm *sm);
void outgoing_send(struct packet *p);
void outgoing_open(struct sm *sm, uint16_t shard);
void outgoing_drop(struct sm *sm, uint16_t shard); /* it is another's now, or we end */
bool outgoing_clear(const struct sm *sm, uint16_t shard); /* nothing holds anything up */
void outgoing_stats(const struct sm *sm, json_t *ret);
extern const struct link_handler sm_handlers[];
link_handler_fn on_stanza, on_session_open, on_announce, on_announced, on_acked, on_session_close,
	on_session_full, on_session_sm, on_session_resume, on_tell, on_tell_many, on_user_remove,
	on_session_list, on_session_kick, on_caps, on_held, on_writing, on_s2s_back, on_user_get, on_user_put;
/* Deletes all that sm keeps of an account, and with all also what operators set for it, in several batches;
 * fn, arg and free_arg as of user_write. Nothing else is to be written meanwhile: u->gone. */
void account_erase(struct user *u, bool all, user_write_fn *fn, void *arg, void (*free_arg)(void *arg));
link_handler_fn on_users, on_announcement, on_user_disabled, on_service_changed, on_admin_run;
void walks_free(struct sm *sm);
void stopping_free(struct sm *sm);
extern const struct control_command sm_commands[];
extern const struct shards_ops sm_shards_ops;
bool catch_up_tick(struct sm *sm); /* sessions that wait for their account; false: none */
void announce_member_lost(struct sm *sm, uint64_t instance);
link_handler_fn on_bounce;
void bounced_member_lost(struct sm *sm, uint64_t instance);
void bounced_free(struct sm *sm);

/* --- once a second: sm/sm_process.c ---------------------------------------------------------------- */

void session_tick_need(struct session *s);   /* something of it must be looked at within a second */
void session_tick_forget(struct session *s); /* it goes */
void sm_tick_appends(struct sm *sm); /* appends and their keys age */

/* --- modules: sm/modules.c -------------------------------------------------------------------------- */

struct iq_row {
	UT_hash_handle hh;
	char *key; /* "ns name" or "ns " */
	const struct iq_handler *h;
	struct iq_row *more;
};
void modules_start(struct sm *sm);
void modules_stop(struct sm *sm);
/* After app->conf was replaced; changed and ignored: see options_reload. */
void modules_reload(struct sm *sm, struct buf *changed, struct buf *ignored);
extern const struct module *const sm_module_list[];
extern const struct option_section sm_sections[]; /* of modules with options */
void nonces_free(struct sm *sm);
int module_index(const struct sm *sm, const struct module *m);

#endif
