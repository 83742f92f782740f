/* SPDX-License-Identifier: MIT */
/*
 * What administrators have set in-band (XEP-0133), in table setting: message of the day, welcome
 * message, further administrators, lists of those with whom nobody communicates. Every sm has a
 * copy; who changes something tells the others, and each reads again now and then.
 */
#ifndef SM_SERVICE_H
#define SM_SERVICE_H

#include "sm/module.h"

struct service;
struct service *service_new(struct sm *sm, void (*loaded)(void *arg), void *arg);
struct service *service_free(struct service *s);
/* Reads all settings, again and again until storage answers; `loaded` is called the first time. */
void service_read(struct service *s);
bool service_loaded(const struct service *s);

/* domain: "" for the whole server. ptr NULL: it is not set. Lives until the next turn of the loop.
 */
struct str service_value(const struct service *s, struct str domain, const char *name);
int64_t service_time(const struct service *s, struct str domain, const char *name); /* 0: not set */

/* Writes it (an empty value: removes it), has all sm read it, then calls fn; never from inside the
 * call. missing: the names of those sm that have not said that they did. keep_time: of what is
 * there. */
struct service_change;
typedef void service_set_fn(void *arg, int err, struct str missing);
struct service_change *service_set(struct service *s, struct str domain, const char *name,
				   struct str value, bool keep_time, service_set_fn *fn, void *arg);
void service_set_cancel(struct service_change *c); /* what is under way goes on; accepts NULL */

bool service_is_admin(const struct service *s, struct str bare);
/* Those of the option, whatever is set; the list ends with NULL. */
bool service_is_fixed_admin(const struct service *s, struct str bare);
char *const *service_fixed_admins(const struct service *s);

/* May an entity communicate with a domain of ours? By the lists of that domain: what names the
 * entity most closely decides (XEP-0016 section 2.1), a blacklist where both do. */
enum service_direction { SERVICE_IN, SERVICE_OUT };
bool service_refuses(const struct service *s, struct str domain, const struct jid *who,
		     enum service_direction d);
bool service_has_lists(const struct service *s); /* of any domain */

#endif
