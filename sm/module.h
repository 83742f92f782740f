/* SPDX-License-Identifier: MIT */
/*
 * What a module sees of sm. A module is one file mod_NAME.c that ends in a const struct module,
 * and one line in sm/modules.list; it includes this header and what lies below sm, nothing else.
 *
 * A user is an actor: loaded once, with all its modules' data, before any handler runs for it;
 * handlers work synchronously on memory and write through with user_write. A stanza's handling is
 * a transaction: what it started (writes, forwards) is counted, and when the count falls to zero
 * the stanza is done. Answer a client after the write that the answer promises (user_write's fn).
 */
#ifndef SM_MODULE_H
#define SM_MODULE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "base/random.h"
#include "link/process.h"
#include "link/store_client.h"
#include "xmpp/command.h"
#include "xmpp/forms.h"
#include "xmpp/jid.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml_write.h"

struct sm;
struct user;
struct session;
struct txn;

enum verdict { PASS, HANDLED };

/* A stanza under way. Everything in it lives until the handler returns; packet_keep makes a copy
 * that lives until packet_free. */
struct packet {
	struct sm *sm;
	struct pool *pool;
	struct stanza st;
	struct jid to, from;        /* empty slices when absent */
	struct msg_stanza_key key;
	struct txn *txn;            /* whose done waits for this */
	struct session *session;    /* the client's session it came from, on the way out; else NULL */
	struct user *user;          /* whose rules apply: the sender's account on the way out, the
	                             * addressed one on the way in; NULL: the domain, unknown sender */
	bool own;                   /* the sender is p->user itself */
};

/* --- declaration ----------------------------------------------------------------------------- */

#define EVENT(name, params, args)  typedef void hook_##name##_fn params;
#define POLICY(name, params, args) typedef enum verdict hook_##name##_fn params;
#include "sm/hooks.def"
#undef EVENT
#undef POLICY

struct hooks {
	int priority; /* 0 unless it matters */
#define EVENT(name, params, args)  hook_##name##_fn *name;
#define POLICY(name, params, args) hook_##name##_fn *name;
#include "sm/hooks.def"
#undef EVENT
#undef POLICY
};

enum { IQ_TO_DOMAIN = 1, IQ_TO_ACCOUNT = 2, IQ_FROM_OWNER = 4 /* only: others get forbidden */ };
enum { IQ_IS_GET = 1, IQ_IS_SET = 2 };
/* payload is the iq's only child, parsed. The handler answers (packet_result, packet_error), now
 * or later (with packet_keep and the transaction held). */
typedef void iq_fn(struct packet *p, const struct node *payload);
struct iq_handler {
	const char *name, *ns; /* of the payload; name NULL: any; ns NULL ends a table */
	unsigned to, types;
	iq_fn *fn;
};

/* Accounts as a file (XEP-0227): children of <user/>, made of the rows of a table, and taken back.
 * docs/modules.md. */
struct taking; /* data of an account on their way in */
struct portable {
	const char *name, *ns;   /* of the child; name NULL ends a list */
	uint16_t table;          /* whose rows it is made of */
	const char *head, *tail; /* around all rows, when there are any */
	/* Appends a row as XML; at: how many were appended before it. Nothing: it is not in the file.
	 * NULL: it is only taken. */
	void (*give)(struct user *u, const struct msg_row *row, size_t at, struct buf *b);
	/* Takes such a child, perhaps one of several: changes memory, adds writes, tells what it cannot. */
	void (*take)(struct user *u, const struct node *child, struct taking *t);
	void (*taken)(struct user *u); /* the writes are committed: tell sessions. May be NULL */
};
struct pool *taking_pool(struct taking *t);
/* Writes a row (STORE_PUT); values are copied. */
void taking_put(struct taking *t, uint16_t table, const struct msg_value *values, size_t n);
/* One line for a person. */
void taking_note(struct taking *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct module {
	const char *name;
	const char *summary;           /* one line for the manual and the DOAP file */
	const char *const *xeps;       /* "0199 2.0.1", NULL-terminated */
	const char *const *features;   /* of the domain and of accounts, in disco#info */
	const char *const *account_features; /* of accounts only */
	const char *const *domain_features;  /* of the domain only */
	const struct option *options;  /* become options of section sm; fields of own config struct */
	size_t config_size;
	const uint16_t *preload;       /* tables read with an account; ends with TABLE_NONE */
	const struct iq_handler *iqs;
	const struct command *const *commands; /* tables of ad-hoc commands, NULL-terminated */
	const struct portable *portables;
	struct hooks hooks;
	/* Once at start, config filled (module_config). May be NULL. */
	void (*start)(struct sm *sm);
	void (*stop)(struct sm *sm);
};
enum { TABLE_NONE = 0xffff };
enum { COMMAND_FOR_ADMINS = 1 }; /* who may execute a command: its `who` */
/* Runs all handlers of a hook point: run_out_message(p), … */
#define EVENT(name, params, args)  void run_##name params;
#define POLICY(name, params, args) enum verdict run_##name params;
#include "sm/hooks.def"
#undef EVENT
#undef POLICY
const void *module_config(struct sm *sm, const struct module *m);
void module_each(struct sm *sm, void (*fn)(void *arg, const struct module *m), void *arg);

/* --- users and sessions ---------------------------------------------------------------------- */

struct str user_jid(const struct user *u);    /* bare JID */
bool user_exists(const struct user *u);       /* there is such an account */
bool user_temporary(const struct user *u);    /* it exists as long as its session; nothing is stored */
void *user_data(const struct user *u, const struct module *m);
void user_data_set(struct user *u, const struct module *m, void *data);
struct sm *user_sm(const struct user *u);
bool user_key_fits(const struct user *u, struct str jid); /* as a row's key: storage takes it, by its length */
/* Fewer may be blocked than were (policy is_blocked): what is in the log of those is looked for again. */
void user_unhide(struct user *u);
/* Sessions in the order of binding: for (s = user_sessions(u); s; s = session_next(s)). */
struct session *user_sessions(const struct user *u);
struct session *session_next(const struct session *s);
struct session *user_session(const struct user *u, struct str resource); /* NULL: none */
struct user *session_user(const struct session *s);
struct jid session_jid(const struct session *s); /* slices of what lives as long as it */
bool session_available(const struct session *s); /* it has sent available presence */
int session_priority(const struct session *s);   /* -128 to 127 */
/* Its last available presence, as it was sent, with `from`; NULL when unavailable. */
const struct stanza *session_presence(const struct session *s);
struct str session_address(const struct session *s);
int64_t session_since_us(const struct session *s);
bool session_secure(const struct session *s); /* its stream is encrypted */
/* Small facts that must outlive this process: kept in the session record. */
enum session_flag { SESSION_ROSTER = 1, SESSION_BLOCKLIST = 2, SESSION_CARBONS = 4,
		    SESSION_OFFLINE_SENT = 8, SESSION_TEMPORARY = 16 /* its account is */ };
bool session_flag(const struct session *s, enum session_flag f);
void session_flag_set(struct session *s, enum session_flag f, bool on);
/* What later owners must know of a session has a limit: is there room for that presence instead of the present
 * one, for one more address? */
bool session_presence_fits(const struct session *s, const struct stanza *st);
bool session_directed_fits(const struct session *s, struct str jid);
/* Directed presence (RFC 6121 section 4.6): those who were told that this session is available. */
void session_directed_add(struct session *s, struct str jid);
void session_directed_remove(struct session *s, struct str jid);
bool session_directed_to(const struct session *s, struct str bare); /* or to a resource of it */
bool session_directed_first(const struct session *s, struct str *ret_jid);
void session_directed_each(struct session *s, void (*fn)(void *arg, struct str jid), void *arg);
/* The session's presence is st (available, with `from`; copied), or it is unavailable (NULL). Runs no
 * hooks. With a priority of 0 or more, undelivered messages begin to flow. */
void session_presence_set(struct session *s, const struct stanza *st, int priority);
/* Ends the client's stream. error: 0 plain, else 1 + enum stream_error. */
void session_end(struct session *s, unsigned error, const char *text);

/* Ends the account's sessions and removes all its rows (credentials are auth's). */
void user_remove(struct user *u);

/* --- transactions, answers, sending ---------------------------------------------------------- */

/* For what has to be told until it is answered: ends with fn(arg, told), false when nothing is known of
 * what became of it. Errors are answers; they go to parent's sender, or, without one (NULL, or it has
 * not been waited for), to the account that they are addressed to. */
typedef void txn_call_fn(void *arg, bool told);
struct txn *txn_call(struct sm *sm, struct txn *parent, txn_call_fn *fn, void *arg);
void txn_hold(struct txn *t);    /* accepts NULL */
void txn_release(struct txn *t); /* the last one makes it done */

/* Answers to p's sender, in p's transaction. bytes: canonical children, may be empty. Both do
 * nothing where no answer is allowed (errors, results, …). type, text may be NULL; app is an
 * application-specific element's XML. */
void packet_result(struct packet *p, struct str bytes);
void packet_error(struct packet *p, enum stanza_error e);
void packet_error_ext(struct packet *p, enum stanza_error e, const char *type, const char *text,
		      struct str app);
/* With the code of XEP-0086, for protocols of its time. */
void packet_error_code(struct packet *p, enum stanza_error e);
struct packet *packet_keep(const struct packet *p); /* holds the transaction */
void packet_free(struct packet *p);                 /* releases it; accepts NULL */
/* This server sends it about a stanza that was done before: an error, or the same once more. */
bool packet_is_late(const struct packet *p);

/* Sends a stanza of the server's or of an account's own making; st->from and st->to are set, full
 * rules of routing apply (local, other sm, remote, domain). t (may be NULL) waits for it. */
void sm_route(struct sm *sm, struct txn *t, const struct stanza *st);
/* One presence to many bare JIDs (st->to is ignored); grouped by owner. */
void sm_route_many(struct sm *sm, struct txn *t, const struct stanza *st, const struct str *to,
		   size_t n);
/* Straight to a session of this account, not logged (pushes, results). st->to is kept. */
void session_send(struct session *s, const struct stanza *st);
/* The same rendering to several sessions at once; `to` becomes each session's full JID. */
void sessions_send(struct sm *sm, struct session *const *s, size_t n, const struct stanza *st);
/* Goes on with the rules of delivery of RFC 6121 section 8 for p->user, after in_* hooks. */
void deliver(struct packet *p);

/* What an entity that knows the domain's service discovery calls it (XEP-0115): node and ver. */
void disco_caps(struct sm *sm, struct buf *ret_node, struct buf *ret_ver);
bool sm_local_domain(const struct sm *sm, struct str domain);
bool sm_serves_domain(struct sm *sm, struct str domain); /* ours, or a component's */
const char *const *sm_domains(const struct sm *sm);
/* Has all processes of the service stop, or restart, after that time; another call replaces. */
void sm_stop_service(struct sm *sm, bool restart, uint64_t ms);
struct service *sm_service(const struct sm *sm); /* sm/service.h */
struct commands *sm_command_sessions(const struct sm *sm);
const struct command *sm_command_find(struct sm *sm, struct str node); /* NULL: there is none */
/* Calls fn for each account of the domain that has a session here, some at a time, then done once, with
 * the same arg; not from inside the call. Accounts need not be loaded yet. */
typedef void walk_fn(void *arg, struct user *u);
void sm_walk_online(struct sm *sm, struct str domain, walk_fn *fn, void (*done)(void *arg), void *arg);
/* A message of the server's own, without `to`, in p. */
void notice_make(struct pool *p, struct stanza *ret, enum stanza_type type, struct str from,
		 struct str text);
struct loop *sm_loop(const struct sm *sm);
struct link *sm_link(const struct sm *sm);
/* It stays in memory, but for the loss of its shard, until it was let go as often. */
void user_hold(struct user *u);
void user_let_go(struct user *u); /* it is there until the loop turns */
struct user *user_in_memory(struct sm *sm, struct str bare); /* NULL: not in memory */
/* Runs fn with the loaded user (if this instance owns the account; else NULL) now or later. */
void sm_with_user(struct sm *sm, struct str bare, void (*fn)(void *arg, struct user *u), void *arg);

/* --- storage --------------------------------------------------------------------------------- */

/* Writes rows of this account's tables as one batch, after all earlier ones of its shard. t (may be
 * NULL) is held until the answer. fn (may be NULL) runs when it is committed (0) or failed for good
 * (negative errno: nothing of it was written); not at all when the account is lost to another owner
 * (then arg is freed by free_arg, if given, as after fn). Of a temporary account nothing is written,
 * which is never an error. */
typedef void user_write_fn(struct user *u, int err, void *arg);
void user_write(struct user *u, struct txn *t, const struct msg_write_op *ops, size_t n,
		user_write_fn *fn, void *arg, void (*free_arg)(void *arg));
/* One row that is in no hurry: it goes with the next batch of the account, or by user_write_now(), or
 * a second or two after user_write_soon(), together with those of other accounts. A newer one of its
 * table takes its place. It is lost when this process dies first. A third table's, and one of more
 * than six columns, is written at once. */
void user_write_later(struct user *u, const struct msg_write_op *op);
void user_write_soon(struct user *u);
void user_write_now(struct user *u);
/* Answers p with an empty result when committed, else with internal-server-error. */
void user_write_reply(struct user *u, struct packet *p, const struct msg_write_op *ops, size_t n);
/* Reads rows of this account outside of its preload; fn on the loop. */
typedef void user_read_fn(struct user *u, int err, const struct msg_rows *rows, void *arg);
void user_read(struct user *u, const struct msg_read_op *ops, size_t n, user_read_fn *fn, void *arg,
	       void (*free_arg)(void *arg));
/* Requests that are answered with what was read are handled one after the other (RFC 6120 section 10.1):
 * fn runs with a copy of p once the earlier ones of this account for the same table are over. Then, and
 * after each hold, packet_turn_over() is called once; the last call frees the copy. user_write_reply()
 * of such a packet holds it by itself. */
typedef void turn_fn(struct packet *p, const struct node *payload);
void packet_in_turn(struct packet *p, uint16_t table, turn_fn *fn);
bool packet_turn_hold(struct packet *p); /* false: it is none of these */
void packet_turn_over(void *packet);

#endif
