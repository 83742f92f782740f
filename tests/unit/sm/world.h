/* SPDX-License-Identifier: MIT */
/*
 * A session manager in a world of doubles: the link and time are tests/unit/link/fake_link.h, storage
 * is rows in memory (tests/unit/sm/shelf.h), clients are what a c2s would know of them. The account
 * names are on `localhost`; everything is owned by this sm but for shards given away before the start.
 */
#ifndef TESTS_SM_WORLD_H
#define TESTS_SM_WORLD_H

#include <check.h>
#include "sm/sm_internal.h"
#include "tests/unit/link/fake_link.h"
#include "tests/unit/sm/shelf.h"

enum { STORAGE_ID = 10, C2S_ID = 30, C2S2_ID = 31, AUTH_ID = 40, PEER_ID = 50, CTL_ID = 60 };
enum { MOST_GIVEN = 512 };

/* A stanza that a client was given. */
struct got {
	uint32_t m;
	uint64_t log;
	bool committed, taken; /* taken: a test has looked at it */
	char *xml;
};

struct kept {
	struct msg_given given;
	bool committed;
};

struct unconfirmed {
	struct unconfirmed *prev, *next;
	uint32_t n;
	char *xml;
};

struct client {
	struct client *next;
	uint64_t sid, c2s;
	uint32_t attachment, in, out, acked, done, settled;
	char *account, *full, *record;
	struct got got[MOST_GIVEN];
	size_t ngot;
	int ended; /* -1: no; else the error of SESSION_END */
	uint8_t refused; /* error of SESSION_OPENED */
	bool broken; /* SESSION_BREAK came */
	bool resumable, resuming, left;
	uint32_t resume_tag;
	/* What its c2s keeps: given and not settled, and what is not done. */
	struct kept kept[MOST_GIVEN];
	size_t nkept;
	uint64_t settled_log;
	struct unconfirmed *unconfirmed;
};

struct world {
	struct link *link;
	struct app app;
	struct sm *sm;
	struct shelf *shelf;
	struct client *clients;
	size_t seen;  /* frames that were looked at */
	uint32_t tag;
	uint32_t epoch;
	int drained;
	bool hold_leases; /* storage does not say whether they are still sm's */
	bool (*to_others)(const struct fake_frame *f); /* whose frame it is; or NULL */
	/* A frame to a c2s: true, it comes back, as there is no room for it; or NULL. */
	bool (*full)(const struct fake_frame *f);
	unsigned asked[2]; /* ANNOUNCE_AGAIN came: to C2S_ID, C2S2_ID */
	/* Frames that are nobody's above: TELL to peers, answers to TELL and to ctl. */
	struct fake_frame other[256];
	size_t nother;
};
extern struct world w;
extern bool world_relaxed; /* storage's option durability; set it before the start */

/* config: text inside sm { … }, or NULL. Accounts must be added to the shelf by account(). */
void world_start(const char *config);
/* The same, but the shard of that account is a peer's. */
void world_start_without(const char *config, const char *foreign);
void world_stop(void);
void world_reconfigure(const char *config); /* the file changed, and SIGHUP came */
void account(const char *bare);
/* Everything that is under way runs to its end. */
void settle(void);
void pass(uint64_t ms);
void reads_time_out(void); /* those that shelf->hold_reads keeps */
uint16_t shard_of(const char *bare);

/* A frame to c2s. */
void client_frame(const struct fake_frame *f, const void *m);
/* A session on c2s; NULL never: refused tells. The resource may be "". */
struct client *login_on(const char *bare, const char *resource, uint64_t c2s);
struct client *login(const char *bare, const char *resource);
void seal_ticket(const char *bare, uint64_t c2s, struct buf *b);
struct client *login_with(const char *bare, const char *resource, uint64_t c2s, struct str ticket);
/* login, <presence/>, and what that brings is thrown away. */
struct client *online(const char *bare, const char *resource);
void says(struct client *c, const char *xml); /* `from` is stamped; settles */
void says_only(struct client *c, const char *xml);
void acknowledge(struct client *c, uint32_t m);
void acknowledge_all(struct client *c);
/* Its c2s says that it does not read, or reads again. */
void reads_nothing(struct client *c, bool full);
/* XEP-0198, with resumption for a minute; again, with a new attachment, from what it has acknowledged. */
void enable(struct client *c);
void resume(struct client *c, uint64_t c2s);
/* Its c2s tells a new owner of it, as the record, which came last, and its counters are. */
void announce(struct client *c);
/* And what it was given and is not settled. */
void announce_given(struct client *c, struct msg_given *given, size_t n);
/* All that its c2s keeps of it, and what is not confirmed again (DELIVERY rule 8). */
void announce_whole(struct client *c);
void announced_all(void); /* all c2s have announced all their sessions */
void confirmed(struct client *c, uint32_t n); /* its c2s forgets those stanzas */
/* The connection is gone: by </stream> or broken. */
void leave(struct client *c, bool closed);
/* The next stanza not looked at contains all these (NULL-terminated); returns it. */
#define gets(c, ...) client_gets(__FILE__, __LINE__, c, (const char *const[]){__VA_ARGS__, NULL})
const char *client_gets(const char *file, int line, struct client *c, const char *const *parts);
/* Among all stanzas not looked at there is one like this; it is taken out. */
#define gets_any(c, ...) client_any(__FILE__, __LINE__, c, (const char *const[]){__VA_ARGS__, NULL})
const char *client_any(const char *file, int line, struct client *c, const char *const *parts);
#define gets_nothing(c) client_nothing(__FILE__, __LINE__, c)
void client_nothing(const char *file, int line, struct client *c);
void forget(struct client *c); /* what was not looked at */
void befriend(struct client *a, struct client *b);

/* A frame of another process; the shard and epoch of bare when not NULL. */
struct frame frame_from(uint64_t from, uint16_t kind, const char *bare);
/* A TELL of a peer's user; settles. Returns the decoded error in TOLD (XML, the caller frees), "" when
 * there was none, NULL when it was not answered. */
char *tell_in(const char *xml, uint64_t origin, uint64_t number);
char *tell_in_part(const char *xml, struct msg_stanza_key key); /* the same, of any part */
/* The n-th TELL to the peer: its stanza as XML (the caller frees). */
char *tell_out(size_t n);
struct msg_stanza_key tell_out_key(size_t n);
void told(size_t n, const char *error_xml);
/* Message n of a peer's user, nurse@localhost, to juliet@localhost, under its number; what tell_in() returns. */
enum { NURSE = 77 }; /* its origin */
char *nurse_says(int n);
void nurse_said(int n); /* it is answered, without an error */
size_t juliet_logged(void);
/* sm drains, and has begun to let the account's shard go. */
void lets_go(const char *bare);
void juliet_goes(void); /* her account, to an owner who knows nothing of it: to this sm, anew */

#endif
