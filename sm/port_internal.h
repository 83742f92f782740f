/* SPDX-License-Identifier: MIT */
/* Accounts as a file (XEP-0227): what export, import and their halves for the log share. */
#ifndef SM_PORT_INTERNAL_H
#define SM_PORT_INTERNAL_H

#include "sm/sm_internal.h"

/* A page of an account on its way out. */
struct exporting {
	struct sm *sm;
	struct frame f;
	char *account;
	bool first, archive, answered;
	unsigned refs;
	/* As the first page found them: the account's, 0 when it may change; its newest log number.
	 */
	uint64_t change, top;
	size_t part;	    /* the modules' portables in their order, then the log's two */
	size_t at;	    /* pieces of the part that were written */
	struct buf keys[2]; /* of the part's row that was written last */
	size_t nkeys;
	uint64_t asked; /* newest of the log numbers that are being read */
	struct buf xml;
};
enum { EXPORT_ROWS = 100 }; /* of one read */

void export_next(struct exporting *e, struct user *u);
bool export_full(const struct exporting *e);
void export_fail(struct exporting *e, int err, const char *text);
void export_read(struct exporting *e, struct user *u, const struct msg_read_op *op,
		 user_read_fn *fn);
void export_part_end(struct exporting *e, const char *tail);
void export_key(struct exporting *e, size_t i, const struct msg_value *v);
uint64_t export_number(const struct exporting *e); /* of the last log entry written */
void export_archive(struct exporting *e, struct user *u);
void export_offline(struct exporting *e, struct user *u);

/* A log entry that is being taken in. */
struct taken_entry {
	struct msg_stanza_key key;
	uint64_t log;
	uint32_t target;
	size_t op; /* that appends it */
	bool offline;
};

struct taking {
	struct sm *sm;
	struct frame f;
	struct user *user;
	struct pool *pool;
	char *account, *xml;
	bool clear, ready, answered;
	struct msg_write_op *ops;
	size_t n, cap;
	struct taken_entry *entries;
	size_t nentries, entries_cap;
	bool undelivered;	      /* some are offline messages */
	bool marked;		      /* of those that were in the log */
	struct known_entry {	      /* of the log, that came out of a file */
		uint64_t number, log; /* of the key */
	} * known;
	size_t nknown;
	struct str *notes;
	size_t nnotes;
};

/* <offline-messages/> and <archive/>. */
void taking_offline(struct taking *t, const struct node *child);
void taking_archive(struct taking *t, const struct node *child);
void taking_position(struct taking *t); /* after all: what it changes of the delivery position */
void taking_logged(struct taking *t);	/* they are committed */
enum { KNOWN_ENTRIES = 10000 };
/* The newest entries of the log: an offline message may be among them, of the archive. */
void taking_known(struct taking *t, const struct msg_rows *newest);

#endif
