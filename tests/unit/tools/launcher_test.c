/* SPDX-License-Identifier: MIT */
/* The launcher's parts: names, pauses, children and their signs. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/launcher.h"
#include "tests/unit/tools/tools_tests.h"

START_TEST(names_of_instances)
{
	char *p = launcher_process_of("sm-12");

	ck_assert_str_eq(p, "sm");
	free(p);
	ck_assert_ptr_null(launcher_process_of("sm"));
	ck_assert_ptr_null(launcher_process_of("sm-"));
	ck_assert_ptr_null(launcher_process_of("-1"));
	ck_assert_ptr_null(launcher_process_of("../x-1"));
	ck_assert_ptr_null(launcher_program("/nonexistent", "sm-1"));
}
END_TEST

START_TEST(pauses_grow_to_a_bound)
{
	const struct launcher_config c = {.backoff = 100, .backoff_max = 1000};
	static const uint64_t pauses[] = {0, 0, 100, 200, 400, 800, 1000, 1000};

	for (unsigned i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
		ck_assert_uint_eq(launcher_delay(&c, i), pauses[i]);
	ck_assert_uint_eq(launcher_delay(&c, 4000000000u), 1000);
}
END_TEST

struct watch {
	struct loop *loop;
	struct loop_signal *chld;
	bool ready, ended;
};

static void on_ready(void *arg)
{
	struct watch *w = arg;

	w->ready = true;
}

static void on_chld(void *arg)
{
	struct watch *w = arg;

	w->ended = true;
}

static int run(struct watch *w, const char *script, const char *log_dir, struct child **ret)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct child_spec spec = {.name = "x-1",
				  .argv = argv,
				  .input = -1,
				  .log_dir = log_dir,
				  .ready = on_ready,
				  .arg = w};

	w->loop = loop_new();
	w->chld = loop_signal_new(w->loop, SIGCHLD, on_chld, w);
	return child_start(w->loop, &spec, ret);
}

static int end(struct watch *w, struct child *c)
{
	int status = 0;

	while (!w->ended)
		loop_run_once(w->loop);
	ck_assert_int_eq(waitpid(child_pid(c), &status, 0), child_pid(c));
	child_free(c);
	loop_signal_free(w->chld);
	loop_free(w->loop);
	return status;
}

START_TEST(child_says_that_it_works)
{
	struct watch w = {0};
	struct child *c = NULL;

	ck_assert_int_eq(run(&w, "echo >/proc/self/fd/$READY_FD; exit 3", NULL, &c), 0);
	while (!w.ready && !w.ended)
		loop_run_once(w.loop);
	ck_assert_int_eq(WEXITSTATUS(end(&w, c)), 3);
	ck_assert(w.ready);
}
END_TEST

START_TEST(child_that_dies_is_not_ready)
{
	struct watch w = {0};
	struct child *c = NULL;

	ck_assert_int_eq(run(&w, "kill -9 $$", NULL, &c), 0);
	ck_assert_int_eq(WTERMSIG(end(&w, c)), SIGKILL);
	ck_assert(!w.ready);
}
END_TEST

START_TEST(child_is_tied_to_us_and_clean)
{
	char dir[] = "/tmp/mercutio-test-XXXXXX", *line, *path;
	struct watch w = {0};
	struct child *c = NULL;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* Ignored and blocked signals, as /proc tells them: none but what sh itself sets. */
	ck_assert_int_eq(run(&w, "echo first; grep SigBlk /proc/self/status; echo", dir, &c), 0);
	ck_assert_int_eq(WEXITSTATUS(end(&w, c)), 0);
	line = child_last_line(dir, "x-1");
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(line, "SigBlk:\t0000000000000000");
	free(line);
	ck_assert_ptr_null(child_last_line(dir, "y-1"));
	path = xasprintf("%s/x-1.log", dir);
	unlink(path);
	free(path);
	rmdir(dir);
}
END_TEST

/* Wherever they are with us, even in each other's place; the sign that it works stays apart. */
START_TEST(child_gets_sockets)
{
	static const char script[] = "test \"$LISTEN_FDS $LISTEN_FDNAMES\" = '2 one:two' && "
				     "test $LISTEN_PID = $$ && "
				     "test $(readlink /proc/self/fd/3) = /dev/zero && "
				     "test $(readlink /proc/self/fd/4) = /dev/full && "
				     "test ! -e /proc/self/fd/$ONE && "
				     "echo >/proc/self/fd/$READY_FD";
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct watch w = {.loop = loop_new()};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC),
	    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct child_spec spec = {
		.name = "x-1",
		.argv = argv,
		.input = -1,
		.ready = on_ready,
		.arg = &w,
		.sockets = (const int[]){zero, full},
		.nsockets = 2,
		.socket_names = "one:two",
	};
	int far = fcntl(zero, F_DUPFD_CLOEXEC, 50);
	char number[16];
	struct child *c = NULL;

	(void)snprintf(number, sizeof(number), "%d", far);
	setenv("ONE", number, 1);
	w.chld = loop_signal_new(w.loop, SIGCHLD, on_chld, &w);
	ck_assert_int_eq(child_start(w.loop, &spec, &c), 0);
	while (!w.ready && !w.ended)
		loop_run_once(w.loop);
	ck_assert_int_eq(WEXITSTATUS(end(&w, c)), 0);
	ck_assert(w.ready);
	close(far);
	close(zero);
	close(full);
}
END_TEST

START_TEST(program_that_is_not_there)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct watch w = {.loop = loop_new()};
	struct child_spec spec = {.name = "x-1", .argv = argv, .input = -1, .log_dir = "/tmp"};
	struct child *c = NULL;

	w.chld = loop_signal_new(w.loop, SIGCHLD, on_chld, &w);
	ck_assert_int_eq(child_start(w.loop, &spec, &c), 0);
	ck_assert_int_eq(WEXITSTATUS(end(&w, c)), 127);
	unlink("/tmp/x-1.log");
	spec.log_dir = "/nonexistent";
	w = (struct watch){.loop = loop_new()};
	ck_assert_int_lt(child_start(w.loop, &spec, &c), 0);
	loop_free(w.loop);
}
END_TEST

Suite *launcher_suite(void)
{
	Suite *s = suite_create("launcher");
	TCase *t = tcase_create("launcher");

	tcase_add_test(t, names_of_instances);
	tcase_add_test(t, pauses_grow_to_a_bound);
	tcase_add_test(t, child_says_that_it_works);
	tcase_add_test(t, child_that_dies_is_not_ready);
	tcase_add_test(t, child_is_tied_to_us_and_clean);
	tcase_add_test(t, child_gets_sockets);
	tcase_add_test(t, program_that_is_not_there);
	suite_add_tcase(s, t);
	return s;
}
