/* SPDX-License-Identifier: MIT */
/*
 * What mercutio-auth's logic stands on, in one thread under a faked clock: the loop's timers and
 * workers, the link, a storage of rows. Nothing happens until double_run or double_advance.
 */
#ifndef TESTS_AUTH_DOUBLES_H
#define TESTS_AUTH_DOUBLES_H

#include "auth/auth_internal.h"

void double_reset(void);	  /* everything empty, clock at zero */
void double_run(void);		  /* does what was asked for, until nothing is left */
void double_advance(uint64_t ms); /* moves the clock, fires what is due */
/* Waits for a descriptor that auth watches (up to 30 s), serves it, then double_run. */
bool double_wait(void);

/* The answers that were sent, oldest first; decoded, they live until double_reset. */
struct double_reply {
	uint16_t kind; /* MSG_FAILED too */
	uint32_t tag;
	const void *m;
};
size_t double_replies(void);
const struct double_reply *double_reply(size_t i);

struct double_store {
	bool silent;  /* reads end by their time limit */
	bool refuses; /* writes fail */
	bool slow;    /* writes come after all else */
	size_t reads, writes;
	uint64_t placed; /* what link_place says; 0: ourselves */
	bool no_secrets; /* they come when double_secrets is called */
	size_t works;	 /* jobs that ran on "threads" */
};
extern struct double_store double_store;
void double_secrets(void);
/* Opens one with the key that storage gives: ticket_read(). */
int double_ticket(struct str sealed, struct buf *scratch, struct ticket *ret);
void double_put(enum table table, const struct msg_value *values, size_t n);
size_t double_rows(enum table table);
const struct msg_row *double_row(enum table table, const char *account, size_t i);
/* An account with keys of both hashes. */
void double_account(const char *account, const char *password, uint32_t iterations);
void double_remove(const char *account); /* behind auth's back */

/* A context with default options but for what the caller changes before; a c2s's frames. */
struct auth *double_auth(struct auth_config *config, struct common_config *common);
struct frame double_frame(uint16_t kind);
enum { DOUBLE_C2S = 77, DOUBLE_SM = 78, DOUBLE_SELF = 5 };

#endif
