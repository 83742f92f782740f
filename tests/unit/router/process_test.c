/* SPDX-License-Identifier: MIT */
/* The process skeleton with the router in it: start, refusal to start, control, reload, end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/messages.h"
#include "router/router_process.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/router/world.h"

struct child {
	char *dir, *conf, *text; /* text: what it wrote to standard error, after its end */
	pid_t pid;
	int err_fd, ready_fd;
};

static void child_run(struct child *c, const char *extra)
{
	char *argv[] = {"mercutio-router", "-c", c->conf, "-o", (char *)extra, NULL};
	char text[16];

	snprintf(text, sizeof(text), "%d", c->ready_fd);
	setenv("READY_FD", text, 1);
	dup2(c->err_fd, 2);
	optind = 1;
	exit(process_main(&router_process, extra ? 5 : 3, argv));
}

static struct child child_start(const char *conf, const char *extra)
{
	struct child c = {.dir = temp_dir()};
	int err[2], ready[2];
	char *text = xasprintf("domain = \"example.org\"\nrun_dir = \"%s\"\n%s", c.dir, conf);

	c.conf = path_in(c.dir, "mercutio.conf");
	file_write(c.conf, text);
	free(text);
	ck_assert_int_eq(pipe(err), 0);
	ck_assert_int_eq(pipe(ready), 0);
	c.pid = fork();
	ck_assert_int_ge(c.pid, 0);
	if (c.pid == 0) {
		c.err_fd = err[1];
		c.ready_fd = ready[1];
		close(err[0]);
		close(ready[0]);
		child_run(&c, extra);
	}
	close(err[1]);
	close(ready[1]);
	c.err_fd = err[0];
	c.ready_fd = ready[0];
	return c;
}

/* True when it said that it works; false when it ended. */
static bool child_ready(struct child *c)
{
	char byte;

	return read(c->ready_fd, &byte, 1) == 1 && byte == '\n';
}

/* Awaits its end and returns the exit status. */
static int child_end(struct child *c)
{
	struct buf b = BUF_INIT;
	int status;
	ssize_t n;

	while ((n = read(c->err_fd, buf_reserve(&b, 4096), 4096)) > 0)
		buf_added(&b, (size_t)n);
	c->text = buf_take(&b);
	close(c->err_fd);
	close(c->ready_fd);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	ck_assert_msg(WIFEXITED(status), "status %x: %s", (unsigned)status, c->text);
	return WEXITSTATUS(status);
}

static void child_free(struct child *c)
{
	free(c->conf);
	free(c->text);
	temp_dir_remove(c->dir);
}

START_TEST(start_and_end)
{
	struct child c = child_start("", NULL);

	ck_assert(child_ready(&c));
	kill(c.pid, SIGTERM);
	ck_assert_int_eq(child_end(&c), 0);
	ck_assert_ptr_nonnull(strstr(c.text, "event=\"ready\""));
	ck_assert_ptr_nonnull(strstr(c.text, "event=\"stopped\""));
	child_free(&c);
}
END_TEST

/* One that asks to read the configuration again before anybody listens waits, and ends nothing. */
START_TEST(hangup_at_the_start)
{
	struct child c;
	sigset_t hup;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigprocmask(SIG_BLOCK, &hup, NULL); /* until the child has come as far as it is to block it */
	c = child_start("", NULL);
	kill(c.pid, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &hup, NULL);
	ck_assert(child_ready(&c));
	usleep(200000);
	kill(c.pid, SIGTERM);
	ck_assert_int_eq(child_end(&c), 0);
	ck_assert_ptr_nonnull(strstr(c.text, "event=\"configuration reloaded\""));
	child_free(&c);
}
END_TEST

static void refuses(const char *conf, const char *extra, const char *why)
{
	struct child c = child_start(conf, extra);

	ck_assert(!child_ready(&c));
	ck_assert_int_eq(child_end(&c), 1);
	ck_assert_msg(strstr(c.text, why) != NULL, "%s", c.text);
	ck_assert_ptr_eq(strchr(c.text, '\n'), c.text + strlen(c.text) - 1); /* one line */
	child_free(&c);
}

START_TEST(refusals)
{
	refuses("unknown = 1\n", NULL, "mercutio.conf:3: no such option \"unknown\"");
	refuses("router { queue = 1 }\n", NULL, "queue");
	refuses("", "domain=not a domain", "is no domain");
	refuses("", "router.listen=unix:/nonexistent/router.sock", "cannot listen at");
	refuses("", "router.listen=127.0.0.1:1", "link_certificate");
	refuses("", "router.trusted=no-such-user", "there is no user");
	refuses("", "secret_file=/nonexistent/secret", "secret_file /nonexistent/secret");
}
END_TEST

START_TEST(open_secret)
{
	char *dir = temp_dir(), *file = path_in(dir, "secret");
	char *extra = xasprintf("secret_file=%s", file);

	file_write(file, "0123456789abcdef0123456789abcdef\n");
	chmod(file, 0644);
	refuses("", extra, "everybody can read");
	chmod(file, 0600);
	file_write(file, "short\n");
	refuses("", extra, "shorter than 16");
	free(extra);
	free(file);
	temp_dir_remove(dir);
}
END_TEST

/* Sections of other processes are theirs; mistakes in our own are found. */
START_TEST(foreign_sections)
{
	struct child c = child_start("sm { anything = 5 list = {\"a\", \"b\"} }\n"
				     "instance \"sm-2\" { something = {1, 2} }\n"
				     "instance \"router-1\" { queue = 32M }\n",
				     NULL);

	ck_assert(child_ready(&c));
	kill(c.pid, SIGINT);
	ck_assert_int_eq(child_end(&c), 0);
	child_free(&c);
	refuses("instance \"router-1\" { cue = 32M }\n", NULL, "cue");
}
END_TEST

/* --- control ----------------------------------------------------------------------------------- */

struct controlled {
	bool called, good;
	json_t *json;
	char *text;
};

static void on_controlled(void *arg, int err, uint16_t kind, const void *m)
{
	const struct msg_controlled *answer = m;
	struct controlled *c = arg;

	ck_assert_int_eq(err, 0);
	c->called = true;
	c->good = answer->good;
	c->text = str_dup(answer->text);
	c->json = json_loads(c->text, 0, NULL);
}

static struct controlled control(struct node *ctl, const char *command, const char *arg)
{
	struct world *w = ctl->world;
	struct str argument = str_z(arg);
	struct msg_control m = {.command = str_z(command), .args = &argument, .nargs = arg != NULL};
	struct frame f = {.kind = MSG_CONTROL, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
	struct controlled c = {0};

	f.to = link_member_named(ctl->link, "router-1")->id;
	link_request(ctl->link, &f, &m, 10000, on_controlled, &c);
	await(w, c.called);
	return c;
}

static void forget(struct controlled *c)
{
	json_decref(c->json);
	free(c->text);
}

static const char *get(const struct controlled *c, const char *name)
{
	return json_string_value(json_object_get(c->json, name));
}

START_TEST(commands)
{
	struct child c = child_start("", NULL);
	struct world *w = world_new();
	struct controlled a;
	struct node *ctl;

	ck_assert(child_ready(&c));
	w->routers[0].address = xasprintf("unix:%s/router.sock", c.dir);
	ctl = node_new(w, "ctl-1", "ctl");
	await(w, ctl->ready == 1);
	a = control(ctl, "status", NULL);
	ck_assert(a.good);
	ck_assert_str_eq(get(&a, "instance"), "router-1");
	forget(&a);
	a = control(ctl, "links", NULL);
	ck_assert_uint_eq(json_array_size(a.json), 1);
	forget(&a);
	a = control(ctl, "routes", NULL);
	ck_assert_ptr_nonnull(json_object_get(a.json, "ctl"));
	forget(&a);
	a = control(ctl, "options", NULL);
	ck_assert_str_eq(get(&a, "run_dir"), c.dir);
	forget(&a);
	a = control(ctl, "log-level", "debug");
	ck_assert_str_eq(get(&a, "level"), "debug");
	forget(&a);
	a = control(ctl, "log-level", "loud");
	ck_assert(!a.good);
	forget(&a);
	a = control(ctl, "no-such", NULL);
	ck_assert_str_eq(a.text, "no such command: no-such");
	forget(&a);
	file_write(c.conf, "domain = \"example.org\"\nrun_dir = \"/elsewhere\"\nlog_level = warn\n");
	a = control(ctl, "reload", NULL);
	ck_assert_str_eq(a.text, "{\"changed\":[\"log_level\"],\"needs_restart\":[\"run_dir\"]}");
	forget(&a);
	file_write(c.conf, "nonsense\n");
	a = control(ctl, "reload", NULL);
	ck_assert(!a.good);
	forget(&a);
	a = control(ctl, "drain", NULL);
	ck_assert(a.good);
	forget(&a);
	ck_assert_int_eq(child_end(&c), 0);
	world_free(w);
	child_free(&c);
}
END_TEST

Suite *process_suite(void);
Suite *process_suite(void)
{
	Suite *s = suite_create("process");
	TCase *t = tcase_create("process");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, start_and_end);
	tcase_add_test(t, hangup_at_the_start);
	tcase_add_test(t, refusals);
	tcase_add_test(t, open_secret);
	tcase_add_test(t, foreign_sections);
	tcase_add_test(t, commands);
	suite_add_tcase(s, t);
	return s;
}
