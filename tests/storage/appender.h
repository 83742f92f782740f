/* SPDX-License-Identifier: MIT */
/*
 * One that appends to a log for ever, as a channel does: many under way, in order, and all again
 * that was not committed. It knows what was confirmed, and looks whether that is what is stored.
 */
#ifndef TESTS_STORAGE_APPENDER_H
#define TESTS_STORAGE_APPENDER_H

#include "tests/storage/rig.h"

enum { IN_FLIGHT = 64 };

struct appender {
	struct rig *r;
	struct engine *engine;
	int64_t next, limit; /* numbers handed over; the last */
	int64_t committed;   /* all up to here, in order */
	size_t under_way, bounced, refused;
	uint32_t epoch;
	const char *text; /* of the entries; may be changed */
	struct loop_timer *again;
	struct entry *waiting, **waiting_end; /* to be handed over again */
};

/* To a@x, with the lease of rig_lease. */
void appender_start(struct appender *a, struct rig *r, struct engine *engine, int64_t limit);
void appender_until(struct appender *a, int64_t committed);
/* Ends it, and looks at what is stored: each committed entry once, and nothing but a prefix. */
void appender_end(struct appender *a);
/* The lease was lost: ends without a look. */
void appender_free(struct appender *a);

#endif
