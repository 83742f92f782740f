/* SPDX-License-Identifier: MIT */
/* One structured line per event; libraries return errors, processes log them. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>
#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_type { LOG_T_END, LOG_T_STR, LOG_T_INT, LOG_T_UINT, LOG_T_ERR, LOG_T_SECRET };

struct log_field {
	const char *name;
	enum log_type type;
	struct str s;
	int64_t i;
	uint64_t u;
};

/* Fields of an event. LF_ERR takes a negative errno and prints its text; LF_SECRET prints
 * *** whatever the value. */
#define LF_S(n, z)      ((struct log_field){.name = (n), .type = LOG_T_STR, .s = str_z(z)})
#define LF_STR(n, v)    ((struct log_field){.name = (n), .type = LOG_T_STR, .s = (v)})
#define LF_I(n, v)      ((struct log_field){.name = (n), .type = LOG_T_INT, .i = (v)})
#define LF_U(n, v)      ((struct log_field){.name = (n), .type = LOG_T_UINT, .u = (v)})
#define LF_ERR(v)       ((struct log_field){.name = "error", .type = LOG_T_ERR, .i = (v)})
#define LF_SECRET(n, v) ((struct log_field){.name = (n), .type = LOG_T_SECRET})

/* log_info("session opened", LF_STR("jid", jid), LF_U("resources", n)) writes
 * time=2026-11-20T10:00:00.000Z level=info process=sm-1 event="session opened" jid=… resources=2 */
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) >= log_threshold)                                                      \
			log_write((level), LOG_EVENT(__VA_ARGS__, LOG_END));                       \
	} while (0)
#define LOG_EVENT(event, ...) (event), (struct log_field[]){__VA_ARGS__}
#define LOG_END               ((struct log_field){.type = LOG_T_END})

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_JOURNAL };

extern enum log_level log_threshold; /* events below are not written */

/* The name is the instance's ("sm-1") and is copied. Journal: standard error with the
 * <N> level prefixes of sd-daemon(3). */
void log_init(const char *name, enum log_target target, enum log_format format);
void log_write(enum log_level level, const char *event, const struct log_field *fields);
/* "debug", "info", "warn", "error"; false when it is none of them. */
bool log_level_parse(struct str s, enum log_level *ret_level);
const char *log_level_name(enum log_level level);
/* Tests: every finished line (no newline) goes to fn instead; NULL restores. */
void log_capture(void (*fn)(void *arg, struct str line), void *arg);

/* The environment does not allow us to go on: one line, exit status 1. At start only. */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Our own mistake: text, file and line, then abort(). */
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
