/* SPDX-License-Identifier: MIT */
/* The two clocks, or a test's own. */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include "base/clock.h"

static struct {
	bool on;
	uint64_t mono_us;
	int64_t wall_us;
} fake;

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t clock_mono_us(void)
{
	return fake.on ? fake.mono_us : (uint64_t)read_us(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_us(void)
{
	return fake.on ? fake.wall_us : read_us(CLOCK_REALTIME);
}

void clock_fake(uint64_t mono_us, int64_t wall_us)
{
	fake.on = true;
	fake.mono_us = mono_us;
	fake.wall_us = wall_us;
}

void clock_advance(uint64_t us)
{
	fake.mono_us += us;
	fake.wall_us += (int64_t)us;
}

void clock_format(int64_t wall_us, char ret_text[32])
{
	int64_t ms = wall_us / 1000 - (wall_us % 1000 < 0);
	time_t s = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm tm;

	/* The years that four digits can say; what lies outside is shown as the nearest end. */
	if (s < -62135596800)
		ms = -62135596800000, s = -62135596800;
	if (s > 253402300799)
		ms = 253402300799999, s = 253402300799;
	gmtime_r(&s, &tm);
	snprintf(ret_text, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		 (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		 (unsigned)tm.tm_sec % 100, (unsigned)(ms - (int64_t)s * 1000) % 1000);
}
