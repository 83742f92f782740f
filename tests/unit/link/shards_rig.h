/* SPDX-License-Identifier: MIT */
/* Shards of an sm over a double of the link. */
#ifndef TESTS_LINK_SHARDS_RIG_H
#define TESTS_LINK_SHARDS_RIG_H

#include "link/shards.h"
#include "tests/unit/link/channel_rig.h"

enum { STORAGE = 10, PEER = 20, C2S = 30, C2S_2 = 31 };

extern struct shards *s;
extern size_t ntaken, nopen, nlost, nrelease, nhandled, ndrained; /* how often each was called */
extern uint32_t last_taken;					  /* epoch */
extern uint16_t release_list[SHARDS];				  /* in the order of on_release */
extern uint32_t handled[64]; /* tags of the frames that were admitted */
extern uint32_t asked_epoch; /* of the last shard in a LEASE_ message */
extern bool always;	     /* admit also before the opening */
void on_drained(void *arg);
void shards_setup(void);
void shards_teardown(void);

/* Storage's answer to a LEASE_ message: all that were asked for, in that epoch, but one. */
void grant_but(uint32_t epoch, uint16_t but, uint16_t kind);
void grant(uint32_t epoch); /* all that LEASE_TAKE asked for */
void announce(uint64_t instance, uint32_t epoch);
void own_all(void); /* all shards are ours and open, with epoch 1 */
struct frame frame_to(uint16_t shard, uint32_t epoch, uint32_t tag);
void stanza(uint16_t shard, uint32_t epoch, uint32_t tag); /* arrives */
void check_bounced(size_t n, uint8_t why, uint32_t epoch); /* the n-th that went out */

#endif
