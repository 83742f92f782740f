/* SPDX-License-Identifier: MIT */
/* Channels over a double of the link, to the owner of one shard. */
#ifndef TESTS_LINK_CHANNEL_RIG_H
#define TESTS_LINK_CHANNEL_RIG_H

#include "link/channel.h"
#include "tests/unit/link/fake_link.h"

enum { OWNER = 2000, NEXT = 3000, SHARD = 7 };
enum { GONE, NOT_OWNER, FULL, NOT_UNDERSTOOD, OUT_OF_ORDER }; /* why of BOUNCE */
enum { MOST_ANSWERS = 64 };

extern struct link *k;
extern struct channels *c;
extern int answered[MOST_ANSWERS], results[MOST_ANSWERS], nanswered; /* arg and err of on_answer */
void rig_setup(void);
void rig_teardown(void);

link_reply_fn on_answer;
/* TELL number n; its envelope is as long as size. */
struct channel_item *tell_sized(int n, uint32_t deadline_ms, size_t size);
struct channel_item *tell(int n);
uint64_t number_of(const struct frame *f); /* of the TELL */
void answer(size_t out);		   /* the frame that went out there */

/* The frames sent since `first` are those messages, in one run, numbered from `number`. */
void check_run(size_t first, uint32_t run, uint32_t number, const int *n, size_t count);
#define RUN(first, run, ...)                                                                       \
	check_run((first), (run), 0, (const int[]){__VA_ARGS__},                                   \
		  sizeof((int[]){__VA_ARGS__}) / sizeof(int))

#endif
