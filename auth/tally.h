/* SPDX-License-Identifier: MIT */
/* Counts of what somebody did within a time: failed logins, registrations. Bounded memory. */
#ifndef AUTH_TALLY_H
#define AUTH_TALLY_H

#include <stdint.h>
#include "base/str.h"

struct tally;

/* At most max keys; the one that was counted longest ago is forgotten for a new one. */
struct tally *tally_new(size_t max);
struct tally *tally_free(struct tally *t);
/* Whether key was counted limit times (0: no limit) and the time since has not passed. */
bool tally_full(struct tally *t, struct str key, uint64_t limit);
/* Counts once more. The count ends window_ms after the last one when sliding, else after the first.
 * Nothing is counted, and no time prolonged, where limit is reached. */
void tally_add(struct tally *t, struct str key, uint64_t limit, uint64_t window_ms, bool sliding);
void tally_clear(struct tally *t, struct str key);
size_t tally_size(const struct tally *t);

#endif
