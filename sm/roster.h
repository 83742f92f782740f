/* SPDX-License-Identifier: MIT */
/* Rosters in memory (RFC 6121 section 2): what the roster, subscription and presence modules share. */
#ifndef SM_ROSTER_H
#define SM_ROSTER_H

#include <uthash.h>
#include "sm/module.h"
#include "sm/subscription.h"

enum { ROSTER_TELLS = 2 }; /* of our subscription to it, and of its to us */

struct contact {
	UT_hash_handle hh;
	char *jid;     /* bare, or whatever the client gave */
	char *name;    /* NULL: none */
	char *groups;  /* JSON list of strings */
	char *pending; /* its subscription request, XML; NULL: none */
	unsigned state; /* SUB_… */
	int64_t version;
	char *tell; /* what it has still to be told (sm/roster_tell.c), JSON; NULL: nothing */
	unsigned telling[ROSTER_TELLS]; /* under way */
};

struct roster {
	struct contact *contacts;
	size_t n, bytes; /* contacts; of their addresses, names and groups */
	size_t pending;	 /* bytes of all pending requests */
	int64_t version, removed; /* of the roster; at its last removal */
	int64_t told; /* version that sessions know, while changes come from a file; 0: not so */
	struct telling *tellings; /* under way */
};

extern const struct module mod_roster;

struct roster *roster_of(const struct user *u);
struct contact *roster_find(const struct user *u, struct str jid); /* NULL: none */
/* A contact that is stored only for a pending request is not in the roster that clients see
 * (section 2.1.2, 3.1.3). */
bool contact_listed(const struct contact *c);
/* In state: put there by a roster set or a subscription; stays until it is removed. */
enum { CONTACT_LISTED = 64 };
/* Made with no subscription when there is none. NULL: the roster is full, or storage does not
 * take the address; strangers' requests (pending) have a limit of their own, so that they cannot fill it. */
struct contact *roster_need(struct user *u, struct str jid, bool pending);
/* Gives the contact the next version, writes it (or deletes it, when nothing is left of it) and,
 * when push, tells the interested resources after the commit. t waits. */
void roster_save(struct user *u, struct contact *c, struct txn *t, bool push);
/* Writes it (or deletes it) where nothing changed that clients see. */
void roster_keep(struct user *u, struct contact *c);
/* What the contact must hear, an outgoing subscription stanza: kept with the next save. */
void roster_tell_note(struct contact *c, const struct stanza *st);
/* Tells it; c may be gone afterwards. Errors are t's (may be NULL: all the account's). */
void roster_tell(struct user *u, struct contact *c, struct txn *t);
void roster_tells_forget(struct roster *r); /* it goes */
void roster_tell_all(struct user *u); /* just loaded: what was not answered to an earlier owner */
/* The same for a client's roster set and removal: pushes, then p's result, after the commit. */
void roster_set_reply(struct packet *p, struct contact *c);
void roster_remove_reply(struct packet *p, struct contact *c);
/* The row of a contact; it borrows from it. */
void roster_row(struct user *u, const struct contact *c, struct msg_value row[COLS_ROSTER]);
/* That of the roster's version. */
void roster_version_row(struct user *u, struct msg_value row[COLS_ROSTER_VERSION]);
size_t contact_bytes(const struct contact *c);
/* Its name (may be NULL) and groups (JSON list), both malloc'ed. */
void contact_describe(struct roster *r, struct contact *c, char *take_name, char *take_groups);
/* Its pending request, malloc'ed; NULL: none any more. */
void contact_request(struct roster *r, struct contact *c, char *take_pending);
/* The groups of an item as a JSON list, malloc'ed. NULL: *ret_error says why. */
char *roster_groups(struct sm *sm, const struct node *item, enum stanza_error *ret_error);
/* What has changed since that version, of what clients see, in the order of the changes; the caller's to free. */
struct contact **roster_changes(const struct user *u, int64_t since, size_t *ret_n);
/* Tells interested sessions of it, each change under its own version: who has one has all before it (section
 * 2.6.3). */
void roster_push_since(struct user *u, int64_t version);
extern const struct portable roster_portables[]; /* sm/roster_file.c */
/* The item as <item/>. */
void contact_write(struct xml_writer *w, const struct contact *c);
/* May who see u's presence: a subscription from, or u itself? */
bool roster_sees_us(const struct user *u, const struct jid *who);

void roster_load(struct user *u, const struct msg_rows *rows); /* roster, roster_version */
void roster_free(struct user *u);
size_t roster_items_max(struct sm *sm);   /* option roster_items_max */
size_t roster_pending_max(struct sm *sm); /* option roster_pending_max */
size_t roster_request_max(struct sm *sm); /* option roster_request_max, bytes */
size_t roster_pending_size(struct sm *sm); /* option roster_pending_size_max, bytes */

/* Unavailable presence of each available resource of u, to one who may see it no longer. */
void presence_withdraw(struct user *u, struct txn *t, struct str to);

#endif
