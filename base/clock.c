/* SPDX-License-Identifier: MIT */
/* The two clocks, or a test's own. */
#include <errno.h>
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

static void put_digits(char *to, size_t n, unsigned v, char follows)
{
	to[n] = follows;
	for (; n; v /= 10)
		to[--n] = (char)('0' + v % 10);
}

/* By hand: each line of a log has one, and printf takes as long as all else of the line. */
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
	put_digits(ret_text, 4, (unsigned)(tm.tm_year + 1900), '-');
	put_digits(ret_text + 5, 2, (unsigned)tm.tm_mon + 1, '-');
	put_digits(ret_text + 8, 2, (unsigned)tm.tm_mday, 'T');
	put_digits(ret_text + 11, 2, (unsigned)tm.tm_hour, ':');
	put_digits(ret_text + 14, 2, (unsigned)tm.tm_min, ':');
	put_digits(ret_text + 17, 2, (unsigned)tm.tm_sec, '.');
	put_digits(ret_text + 20, 3, (unsigned)(ms - (int64_t)s * 1000), 'Z');
	ret_text[24] = '\0';
}

/* n digits at the front of *s, which loses them and the character that must follow (0: nothing). */
static bool take_digits(struct str *s, size_t n, char follows, int *ret)
{
	int v = 0;

	if (s->len < n + (follows != 0) || (follows && s->ptr[n] != follows))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		v = v * 10 + (s->ptr[i] - '0');
	}
	n += follows != 0;
	*s = str_n(s->ptr + n, s->len - n);
	*ret = v;
	return true;
}

/* What is finer than a microsecond is cut off. */
static bool take_fraction(struct str *s, int64_t *ret_us)
{
	int64_t us = 0, unit = 100000;
	size_t i = 1;

	*ret_us = 0;
	if (!s->len || s->ptr[0] != '.')
		return true;
	for (; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++, unit /= 10)
		us += (s->ptr[i] - '0') * unit;
	*s = str_n(s->ptr + i, s->len - i);
	*ret_us = us;
	return i > 1;
}

static bool take_zone(struct str s, int64_t *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (str_eqz(s, "Z"))
		return true;
	if (s.len != 6 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
		return false;
	sign = s.ptr[0] == '-' ? -1 : 1;
	s = str_n(s.ptr + 1, 5);
	if (!take_digits(&s, 2, ':', &hours) || !take_digits(&s, 2, 0, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*ret_seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
	return true;
}

int clock_parse(struct str text, int64_t *ret_wall_us)
{
	struct tm tm = {0}, same;
	int64_t us, zone;
	time_t t;

	if (!take_digits(&text, 4, '-', &tm.tm_year) || !take_digits(&text, 2, '-', &tm.tm_mon) ||
	    !take_digits(&text, 2, 'T', &tm.tm_mday) || !take_digits(&text, 2, ':', &tm.tm_hour) ||
	    !take_digits(&text, 2, ':', &tm.tm_min) || !take_digits(&text, 2, 0, &tm.tm_sec) ||
	    !take_fraction(&text, &us) || !take_zone(text, &zone))
		return -EINVAL;
	if (tm.tm_year < 1 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	t = timegm(&same);
	/* A day that its month does not have comes back as another. */
	if (same.tm_mday != tm.tm_mday && tm.tm_sec < 60)
		return -EINVAL;
	*ret_wall_us = ((int64_t)t - zone) * 1000000 + us;
	return 0;
}
