/* SPDX-License-Identifier: MIT */
/* Events to lines (logfmt or JSON) and lines to where the process logs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

/* What a remote party can put into one value of one line. */
#define LONGEST_VALUE 2048

enum log_level log_threshold = LOG_LEVEL_INFO;

static struct {
	char *name;
	bool ready;
	enum log_target target;
	enum log_format format;
	void (*capture)(void *arg, struct str line);
	void *capture_arg;
	uint64_t lost; /* lines that standard error did not take */
} ctx;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_WARN] = {"warn", LOG_WARNING},
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
};

#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

void log_init(const char *name, enum log_target target, enum log_format format)
{
	if (ctx.ready && ctx.target == LOG_TARGET_SYSLOG)
		closelog();
	free(ctx.name);
	ctx.name = xstrdup(name);
	ctx.target = target;
	ctx.format = format;
	ctx.ready = true;
	/* At once, since a sandbox may later forbid to open the socket. */
	if (target == LOG_TARGET_SYSLOG)
		openlog(ctx.name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < N_LEVELS ? levels[level].name : "error";
}

bool log_level_parse(struct str s, enum log_level *ret_level)
{
	for (unsigned i = 0; i < N_LEVELS; i++) {
		if (str_eqz(s, levels[i].name)) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_capture(void (*fn)(void *arg, struct str line), void *arg)
{
	ctx.capture = fn;
	ctx.capture_arg = arg;
}

/* Bytes of the UTF-8 character at p, 0 when there is none. */
static size_t char_len(const char *p, size_t left)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return n <= left && str_utf8_valid(str_n(p, n)) ? n : 0;
}

/* Characters that move a terminal's cursor, end a line or turn its direction: C0, DEL, C1,
 * line and paragraph separators, bidirectional controls. */
static bool is_control(const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;

	if (n == 1)
		return c[0] < 0x20 || c[0] == 0x7f;
	if (n == 2)
		return c[0] == 0xc2 && c[1] < 0xa0;
	if (n != 3 || c[0] != 0xe2)
		return false;
	return (c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
	       (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

static void put_control(struct buf *b, const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;
	unsigned u = c[0];

	if (n == 2)
		u = (u & 0x1f) << 6 | (c[1] & 0x3fu);
	else if (n == 3)
		u = (u & 0x0f) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
	if (u == '\n')
		buf_lit(b, "\\n");
	else if (u == '\r')
		buf_lit(b, "\\r");
	else if (u == '\t')
		buf_lit(b, "\\t");
	else
		buf_printf(b, "\\u%04x", u);
}

/* Bytes at p that stand for themselves, quoted or not. */
static size_t plain_len(const char *p, size_t left)
{
	size_t n = 0;

	while (n < left && p[n] > ' ' && p[n] < 0x7f && p[n] != '"' && p[n] != '\\' && p[n] != '=')
		n++;
	return n;
}

/* The escapes of JSON, which readers of logfmt know too. What is not UTF-8 becomes U+FFFD. */
static void put_quoted(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	for (size_t i = 0, n; i < s.len; i += n) {
		const char *p = s.ptr + i;

		if (i >= LONGEST_VALUE) {
			buf_lit(b, "\xe2\x80\xa6");
			break;
		}
		n = plain_len(p, s.len < LONGEST_VALUE ? s.len - i : LONGEST_VALUE - i);
		if (n) {
			buf_append(b, p, n);
			continue;
		}
		n = char_len(p, s.len - i);
		if (!n) {
			buf_lit(b, "\xef\xbf\xbd");
			n = 1;
		} else if (is_control(p, n)) {
			put_control(b, p, n);
		} else {
			if (*p == '"' || *p == '\\')
				buf_putc(b, '\\');
			buf_append(b, p, n);
		}
	}
	buf_putc(b, '"');
}

static bool needs_quotes(struct str s)
{
	if (!s.len || s.len > LONGEST_VALUE)
		return true;
	for (size_t i = plain_len(s.ptr, s.len), n; i < s.len; i += n) {
		char c = s.ptr[i];

		n = char_len(s.ptr + i, s.len - i);
		if (!n || is_control(s.ptr + i, n) || c == ' ' || c == '"' || c == '=' || c == '\\')
			return true;
	}
	return false;
}

static void put_text(struct buf *b, struct str s)
{
	if (ctx.format == LOG_FORMAT_LOGFMT && !needs_quotes(s))
		buf_str_append(b, s);
	else
		put_quoted(b, s);
}

static void put_name(struct buf *b, const char *name)
{
	if (ctx.format == LOG_FORMAT_JSON) {
		buf_putc(b, b->len > 1 ? ',' : '{');
		put_quoted(b, str_z(name));
		buf_putc(b, ':');
	} else {
		if (b->len)
			buf_putc(b, ' ');
		buf_append(b, name, strlen(name));
		buf_putc(b, '=');
	}
}

static void put_field(struct buf *b, const struct log_field *f)
{
	char text[128];

	put_name(b, f->name);
	switch (f->type) {
	case LOG_T_STR:
		put_text(b, f->s);
		break;
	case LOG_T_INT:
		buf_printf(b, "%" PRId64, f->i);
		break;
	case LOG_T_UINT:
		buf_printf(b, "%" PRIu64, f->u);
		break;
	case LOG_T_ERR:
		put_text(b, str_z(strerror_r((int)-f->i, text, sizeof(text))));
		break;
	case LOG_T_SECRET:
	case LOG_T_END:
		put_text(b, STR("***"));
		break;
	}
}

static void make_line(struct buf *b, enum log_level level, struct str event,
		      const struct log_field *fields)
{
	char stamp[32];

	clock_format(clock_wall_us(), stamp);
	put_field(b, &LF_S("time", stamp));
	put_field(b, &LF_S("level", log_level_name(level)));
	if (ctx.name)
		put_field(b, &LF_S("process", ctx.name));
	put_name(b, "event");
	put_quoted(b, event);
	for (; fields && fields->type != LOG_T_END; fields++)
		put_field(b, fields);
	if (ctx.format == LOG_FORMAT_JSON)
		buf_putc(b, '}');
}

/* One write for the line, so that those of several processes on one pipe do not mix. */
static bool write_stderr(struct str s)
{
	while (s.len) {
		ssize_t n = write(STDERR_FILENO, s.ptr, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = str_n(s.ptr + n, s.len - (size_t)n);
	}
	return true;
}

static void emit(enum log_level level, struct str line)
{
	int priority = levels[(unsigned)level < N_LEVELS ? level : LOG_LEVEL_ERROR].priority;
	struct buf b = BUF_INIT;

	if (ctx.capture) {
		ctx.capture(ctx.capture_arg, line);
		return;
	}
	if (ctx.target == LOG_TARGET_SYSLOG) {
		syslog(priority, "%.*s", STR_ARG(line));
		return;
	}
	if (ctx.target == LOG_TARGET_JOURNAL)
		buf_printf(&b, "<%d>", priority);
	buf_str_append(&b, line);
	buf_putc(&b, '\n');
	if (!write_stderr(buf_str(&b)))
		ctx.lost++;
	buf_free(&b);
}

static void log_text(enum log_level level, struct str event, const struct log_field *fields)
{
	struct buf b = BUF_INIT;
	int saved = errno;

	if (ctx.lost && !ctx.capture) {
		struct log_field lost[] = {LF_U("lines", ctx.lost), {.type = LOG_T_END}};

		ctx.lost = 0;
		make_line(&b, LOG_LEVEL_WARN, STR("log lines lost"), lost);
		emit(LOG_LEVEL_WARN, buf_str(&b));
		buf_clear(&b);
	}
	make_line(&b, level, event, fields);
	emit(level, buf_str(&b));
	buf_free(&b);
	errno = saved;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	log_text(level, str_z(event), fields);
}

/* Before log_init there is a person at a terminal: plain text. */
static void last_words(const char *text, const struct log_field *fields)
{
	struct buf b = BUF_INIT;

	if (ctx.ready || ctx.capture) {
		log_write(LOG_LEVEL_ERROR, text, fields);
		return;
	}
	buf_printf(&b, "%s: %s\n", program_invocation_short_name, text);
	write_stderr(buf_str(&b));
	buf_free(&b);
}

void fatal(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	text = buf_take(&b);
	last_words(text, NULL);
	free(text);
	exit(1);
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "bug: ");
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, " (%s:%d)", file, line);
	last_words(text, NULL);
	abort();
}
