/* SPDX-License-Identifier: MIT */
/* What the files of mercutio-auth share: its one context. */
#ifndef AUTH_AUTH_INTERNAL_H
#define AUTH_AUTH_INTERNAL_H

#include "auth/auth_config.h"
#include "auth/backend.h"
#include "auth/derive.h"
#include "auth/mech.h"
#include "auth/pass_cache.h"
#include "auth/sources.h"
#include "auth/tally.h"
#include "link/process.h"
#include "link/secrets.h"

enum { STORE_IF_ABSENT = 1, STORE_IF_PRESENT = 2 }; /* conditions of a write */

enum { AUTH_MAX_MECHANISMS = 16 };

struct auth_stats {
	uint64_t exchanges, moved, temporary;
	uint64_t success[AUTH_MAX_MECHANISMS], failure[AUTH_MAX_MECHANISMS];
	uint64_t accounts_written, upgraded;
};

struct auth {
	struct app *app; /* NULL in tests */
	struct loop *loop;
	struct link *link;
	struct channels *channels;
	const struct common_config *common;
	const struct auth_config *config;
	struct sources *sources;
	struct pass_cache *passwords; /* those that were right */
	struct mechs *mechs;
	struct derive *derive;
	struct tally *failed_accounts, *failed_addresses, *registrations, *anonymous;
	struct exchange *exchanges; /* by id */
	struct task *tasks;	    /* requests of accounts: added, deleted, listed */
	size_t adding;		    /* accounts in them */
	struct upgrade *upgrades;   /* of keys, under way: upgrade.c */
	size_t nupgrades;
	struct secret_get *getting_ticket, *getting_fake;
	struct seal_key *ticket_key; /* NULL until storage has told */
	uint8_t fake_key[SEAL_KEY];
	bool have_fake_key;
	struct auth_stats stats;
	bool draining;
	struct loop_timer *drain_timer;
	void (*drained)(void *arg); /* called when nothing is under way any more */
	void *drained_arg;
};

struct auth *auth_new(struct loop *l, struct link *k, const struct common_config *common,
		      const struct auth_config *config);
struct auth *auth_free(struct auth *a);
void auth_ready(struct auth *a); /* storage may be asked */
void auth_drain(struct auth *a, void (*drained)(void *arg), void *arg);
void auth_idle(struct auth *a); /* an exchange or a task has ended */
json_t *auth_stats(const struct auth *a);
bool auth_has_secrets(const struct auth *a);
bool auth_serves(const struct auth *a, struct str domain);
/* The keys that an unknown account seems to have: the same for the same name, in all instances. */
void auth_fake_keys(const struct auth *a, struct str account, enum scram_hash h,
		    struct scram_keys *ret);
/* The key under which an address is counted, into scratch: an IPv6 address by its /64. */
enum { AUTH_ADDRESS_KEY = 64 };
struct str auth_address_key(struct str address, char scratch[AUTH_ADDRESS_KEY]);

extern const struct link_handler auth_handlers[];

/* offer.c: mechanisms and whether one may be used now */
void offer_handle(void *arg, const struct frame *f, const void *m);
void offers_announce(struct auth *a); /* the options have changed: every c2s asks again */
/* NULL: *ret_error says why not. */
const struct mech_type *offer_choose(const struct auth *a, const struct msg_auth_start *m,
				     enum sasl_error *ret_error);

/* exchange.c */
void exchange_handle_start(void *arg, const struct frame *f, const void *m);
void exchange_handle_next(void *arg, const struct frame *f, const void *m);
void exchange_handle_abort(void *arg, const struct frame *f, const void *m);
size_t exchanges_open(const struct auth *a);
void exchanges_continue(struct auth *a);		/* the secrets are there */
void exchanges_drop(struct auth *a, uint64_t instance); /* 0: all; nobody is answered */

/* accounts.c, accounts_add.c: what is asked about accounts */
struct task {
	struct auth *auth;
	struct frame request;
	struct task *prev, *next;
	void (*cancel)(struct task *t); /* ends with task_end */
};
void task_begin(struct task *t, struct auth *a, const struct frame *f,
		void (*cancel)(struct task *t));
void task_end(struct task *t); /* unlinked; the owner frees it */
void tasks_free(struct auth *a);
void accounts_handle_add(void *arg, const struct frame *f, const void *m);
/* Whether its keys are on their way to storage. */
bool accounts_changing(const struct auth *a, struct str account);
void accounts_handle_del(void *arg, const struct frame *f, const void *m);
void accounts_handle_list(void *arg, const struct frame *f, const void *m);
void accounts_handle_disable(void *arg, const struct frame *f, const void *m);

/* accounts_keys.c: SCRAM keys from and for a file */
void accounts_handle_keys(void *arg, const struct frame *f, const void *m);
/* Into the place of its hash; nothing when it is malformed or of no hash that we know. */
void keys_take(const struct msg_scram_row *m, struct scram_keys keys[SCRAM_HASHES]);
bool keys_any(const struct scram_keys keys[SCRAM_HASHES]);

/* upgrade.c: an account's keys made anew, as far as they are missing or weak, of the password that it
 * has just shown. Nobody waits for it. */
void upgrade_begin(struct auth *a, struct str account, struct str password);
void upgrade_forget(struct auth *a, struct str account); /* its password changes; empty: all */

/* internal.c: the row of a table */
bool credential_read(const struct msg_row *row, struct scram_keys *ret);
void credential_row(struct str account, const struct scram_keys *keys,
		    struct msg_value ret[COLS_CREDENTIAL]);

#endif
