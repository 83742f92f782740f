/* SPDX-License-Identifier: MIT */
/* Time: monotonic for deadlines, wall for stamps; both can be set by tests. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include "base/str.h"

uint64_t clock_mono_ms(void); /* milliseconds since some start, never goes back */
uint64_t clock_mono_us(void);
int64_t clock_wall_us(void);  /* microseconds since 1970-01-01 UTC */
/* From now on time stands at these values and moves by clock_advance alone. */
void clock_fake(uint64_t mono_us, int64_t wall_us);
void clock_advance(uint64_t us);
/* XEP-0082 DateTime in UTC with milliseconds, 24 characters and NUL. */
void clock_format(int64_t wall_us, char ret_text[32]);
/* The same back, with any number of digits of a second and any offset from UTC; years 1 to 9999.
 * -EINVAL: it is none. */
int clock_parse(struct str text, int64_t *ret_wall_us);

#endif
