/* SPDX-License-Identifier: MIT */
/* Questions of administration to other processes: to all sm, to the owner of an account, to auth.
 */
#ifndef SM_ASK_H
#define SM_ASK_H

#include "sm/module.h"

/* To every sm, us among them. Each good answer comes to `each`, then `done` once; missing: the
 * names of those that have not answered in time, or with an error, for a person; empty: none.
 * Neither comes from inside the call, nor after gather_cancel (accepts NULL). */
struct gather;
typedef void gather_each_fn(void *arg, const void *m);
typedef void gather_done_fn(void *arg, struct str missing);
struct gather *gather_sms(struct sm *sm, uint16_t kind, const void *m, gather_each_fn *each,
			  gather_done_fn *done, void *arg);
void gather_cancel(struct gather *g);

/* A request to the owner of an account, asked again while the account changes hands; or to the auth
 * that keeps it. err: 0 (m: the answer), -EHOSTUNREACH, -ETIMEDOUT, or what FAILED says. */
struct ask;
typedef void ask_fn(void *arg, int err, const void *m);
struct ask *ask_owner(struct sm *sm, struct str bare, uint16_t kind, const void *m, ask_fn *fn,
		      void *arg);
struct ask *ask_auth(struct sm *sm, struct str bare, uint16_t kind, const void *m, ask_fn *fn,
		     void *arg);
void ask_cancel(struct ask *a); /* accepts NULL */

#endif
