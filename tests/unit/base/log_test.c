/* SPDX-License-Identifier: MIT */
/* Tests of log lines. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/base/base_tests.h"

static char line[8192];
static int lines;

static void keep(void *arg, struct str s)
{
	ck_assert_uint_lt(s.len, sizeof(line));
	memcpy(line, s.ptr, s.len);
	line[s.len] = '\0';
	lines++;
}

static void start(enum log_format format)
{
	clock_fake(0, 1795169045123000);
	log_init("sm-1", LOG_TARGET_STDERR, format);
	log_capture(keep, NULL);
	lines = 0;
}

#define HEAD "time=2026-11-20T10:04:05.123Z level=info process=sm-1 "

START_TEST(test_logfmt)
{
	start(LOG_FORMAT_LOGFMT);
	log_info("session opened", LF_S("jid", "a@b/c"), LF_U("n", UINT64_MAX), LF_I("i", -5),
		 LF_ERR(-ENOENT), LF_SECRET("password", "hunter2"), LF_S("none", ""));
	ck_assert_str_eq(line, HEAD "event=\"session opened\" jid=a@b/c n=18446744073709551615 "
				    "i=-5 error=\"No such file or directory\" password=*** "
				    "none=\"\"");
	log_warn("bare");
	ck_assert_str_eq(line, "time=2026-11-20T10:04:05.123Z level=warn process=sm-1 event=\"bare\"");
}
END_TEST

static const struct {
	struct str value;
	const char *logfmt, *json;
} quoting[] = {
	{{"a b", 3}, "\"a b\"", "\"a b\""},
	{{"a=b", 3}, "\"a=b\"", "\"a=b\""},
	{{"say \"x\"", 7}, "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\""},
	{{"back\\slash", 10}, "\"back\\\\slash\"", "\"back\\\\slash\""},
	{{"l1\nlevel=error\r\t", 16}, "\"l1\\nlevel=error\\r\\t\"", "\"l1\\nlevel=error\\r\\t\""},
	{{"\x1b[31m", 5}, "\"\\u001b[31m\"", "\"\\u001b[31m\""},
	{{"nul\0x", 5}, "\"nul\\u0000x\"", "\"nul\\u0000x\""},
	{{"\x7f", 1}, "\"\\u007f\"", "\"\\u007f\""},
	{{"bad\xff\xc3", 5}, "\"bad\xef\xbf\xbd\xef\xbf\xbd\"", "\"bad\xef\xbf\xbd\xef\xbf\xbd\""},
	{{"\xc3\xa4\xe4\xb8\xad", 5}, "\xc3\xa4\xe4\xb8\xad", "\"\xc3\xa4\xe4\xb8\xad\""},
	{{"\xc2\x9b", 2}, "\"\\u009b\"", "\"\\u009b\""},
	{{"\xe2\x80\xae", 3}, "\"\\u202e\"", "\"\\u202e\""},
	{{"plain/1.0:x", 11}, "plain/1.0:x", "\"plain/1.0:x\""},
};

START_TEST(test_quoting)
{
	start(LOG_FORMAT_LOGFMT);
	log_info("e", LF_STR("v", quoting[_i].value));
	ck_assert_str_eq(strstr(line, " v=") + 3, quoting[_i].logfmt);
	start(LOG_FORMAT_JSON);
	log_info("e", LF_STR("v", quoting[_i].value));
	ck_assert_uint_eq(strlen(strstr(line, "\"v\":") + 4), strlen(quoting[_i].json) + 1);
	ck_assert_int_eq(strncmp(strstr(line, "\"v\":") + 4, quoting[_i].json,
				 strlen(quoting[_i].json)),
			 0);
}
END_TEST

START_TEST(test_json)
{
	start(LOG_FORMAT_JSON);
	log_error("it broke", LF_I("n", 3), LF_SECRET("key", "k"));
	ck_assert_str_eq(line, "{\"time\":\"2026-11-20T10:04:05.123Z\",\"level\":\"error\","
			       "\"process\":\"sm-1\",\"event\":\"it broke\",\"n\":3,"
			       "\"key\":\"***\"}");
}
END_TEST

START_TEST(test_threshold)
{
	enum log_level level = LOG_LEVEL_INFO;

	start(LOG_FORMAT_LOGFMT);
	log_debug("unseen");
	ck_assert_int_eq(lines, 0);
	ck_assert(log_level_parse(STR("debug"), &level) && level == LOG_LEVEL_DEBUG);
	ck_assert(!log_level_parse(STR("Debug"), &level) && level == LOG_LEVEL_DEBUG);
	log_threshold = level;
	log_debug("seen");
	ck_assert_int_eq(lines, 1);
	log_threshold = LOG_LEVEL_ERROR;
	log_warn("unseen");
	ck_assert_int_eq(lines, 1);
	ck_assert_str_eq(log_level_name(LOG_LEVEL_WARN), "warn");
}
END_TEST

START_TEST(test_long_value)
{
	static char big[100000];

	start(LOG_FORMAT_LOGFMT);
	memset(big, 'x', sizeof(big) - 1);
	log_info("e", LF_S("v", big), LF_I("after", 1));
	ck_assert_uint_lt(strlen(line), 2500);
	ck_assert_ptr_nonnull(strstr(line, "\xe2\x80\xa6\" after=1"));
}
END_TEST

/* What a process writes to standard error, as the journal wants it. */
START_TEST(test_journal)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char text[256] = "";

	ck_assert_int_eq(pipe(ends), 0);
	clock_fake(0, 1795169045123000);
	log_init("c2s-1", LOG_TARGET_JOURNAL, LOG_FORMAT_LOGFMT);
	dup2(ends[1], STDERR_FILENO);
	log_warn("careful");
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "<4>time=2026-11-20T10:04:05.123Z level=warn process=c2s-1 "
			       "event=\"careful\"\n");
}
END_TEST

/* A reader that stopped reading costs lines, not the process; the loss is told. */
START_TEST(test_full_pipe)
{
	int ends[2], saved = dup(STDERR_FILENO);
	static char text[1 << 20];
	ssize_t n;

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	log_init("c2s-1", LOG_TARGET_STDERR, LOG_FORMAT_LOGFMT);
	dup2(ends[1], STDERR_FILENO);
	for (int i = 0; i < 5000; i++)
		log_warn("filling");
	n = read(ends[0], text, sizeof(text));
	log_warn("again");
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(n, 0);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "event=\"log lines lost\" lines="));
	ck_assert_ptr_nonnull(strstr(text, "event=\"again\""));
}
END_TEST

START_TEST(test_fatal)
{
	start(LOG_FORMAT_LOGFMT);
	fatal("port %d is taken", 5222);
}
END_TEST

START_TEST(test_bug)
{
	start(LOG_FORMAT_LOGFMT);
	bug("impossible %s", "thing");
}
END_TEST

Suite *log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, test_logfmt);
	tcase_add_loop_test(tc, test_quoting, 0, (int)(sizeof(quoting) / sizeof(quoting[0])));
	tcase_add_test(tc, test_json);
	tcase_add_test(tc, test_threshold);
	tcase_add_test(tc, test_long_value);
	tcase_add_test(tc, test_journal);
	tcase_add_test(tc, test_full_pipe);
	tcase_add_exit_test(tc, test_fatal, 1);
	tcase_add_test_raise_signal(tc, test_bug, SIGABRT);
	suite_add_tcase(s, tc);
	return s;
}
