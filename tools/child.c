/* SPDX-License-Identifier: MIT */
/* One child of the launcher: its start, its sign that it works, its lines. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/launcher.h"

enum { LINE_MAX_LEN = 65536, TAIL = 4096 };

struct child {
	char *name;
	pid_t pid;
	void (*ready)(void *arg);
	void *arg;
	struct loop_io *ready_io, *lines_io;
	int ready_fd, lines_fd; /* ours; -1: none */
	struct buf line;	/* not ended yet */
};

/* --- what it says ---------------------------------------------------------------------------- */

/* One write each, so that lines of several launchers in one file stay whole. */
static void pass_on(struct child *c, struct str line)
{
	struct buf b = BUF_INIT;
	const char *p;
	size_t left;

	buf_printf(&b, "%s | ", c->name);
	buf_str_append(&b, line);
	buf_putc(&b, '\n');
	p = buf_ptr(&b);
	left = b.len;
	while (left) {
		ssize_t n = write(STDERR_FILENO, p, left);

		if (n < 0 && errno != EINTR)
			break; /* nobody reads our lines: the child must go on */
		if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	buf_free(&b);
}

static void cut_lines(struct child *c, bool end)
{
	for (;;) {
		struct str all = buf_str(&c->line);
		ptrdiff_t nl = str_find(all, '\n', 0);

		if (nl < 0)
			break;
		pass_on(c, str_n(all.ptr, (size_t)nl));
		buf_consume(&c->line, (size_t)nl + 1);
	}
	if (c->line.len && (end || c->line.len > LINE_MAX_LEN)) {
		pass_on(c, buf_str(&c->line));
		buf_clear(&c->line);
	}
}

static void close_lines(struct child *c)
{
	if (c->lines_fd < 0)
		return;
	cut_lines(c, true);
	c->lines_io = loop_io_free(c->lines_io);
	close(c->lines_fd);
	c->lines_fd = -1;
}

static void on_lines(void *arg, unsigned events)
{
	struct child *c = arg;

	for (;;) {
		ssize_t n = read(c->lines_fd, buf_reserve(&c->line, TAIL), TAIL);

		if (n > 0) {
			buf_added(&c->line, (size_t)n);
			cut_lines(c, false);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close_lines(c);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void close_ready(struct child *c)
{
	if (c->ready_fd < 0)
		return;
	c->ready_io = loop_io_free(c->ready_io);
	close(c->ready_fd);
	c->ready_fd = -1;
}

static void on_ready(void *arg, unsigned events)
{
	struct child *c = arg;
	char ch;
	ssize_t n = read(c->ready_fd, &ch, 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_ready(c);
	if (n == 1)
		c->ready(c->arg);
}

/* --- start ----------------------------------------------------------------------------------- */

struct start {
	const struct child_spec *spec;
	int input, output; /* of the child */
	int ready;	   /* its end, -1: none */
	pid_t parent;
};

static _Noreturn void start_failed(const struct start *s, const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s: %s\n", s->spec->argv[0], what, strerror(errno));
	_exit(127);
}

static void become(const struct start *s)
{
	const struct passwd *pw = s->spec->user;

	if (pw && (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		   setuid(pw->pw_uid) < 0))
		start_failed(s, pw->pw_name);
}

/* Handlers of the launcher must not run in the child: its signals are blocked since before the
 * fork. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* From FIRST_SOCKET on. What lies there now makes way first: it may be one of them. */
static void give_sockets(struct start *s)
{
	enum { FIRST_SOCKET = 3 };
	int above = FIRST_SOCKET + (int)s->spec->nsockets, high[LAUNCHER_SOCKETS];
	char number[16];

	if (!s->spec->nsockets)
		return;
	if (s->ready >= 0 && s->ready < above)
		s->ready = fcntl(s->ready, F_DUPFD, above);
	for (size_t i = 0; i < s->spec->nsockets; i++) {
		high[i] = fcntl(s->spec->sockets[i], F_DUPFD_CLOEXEC, above);
		if (high[i] < 0)
			start_failed(s, "dup");
	}
	for (size_t i = 0; i < s->spec->nsockets; i++)
		if (dup2(high[i], FIRST_SOCKET + (int)i) < 0)
			start_failed(s, "dup2");
	snprintf(number, sizeof(number), "%zu", s->spec->nsockets);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", s->spec->socket_names, 1);
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	setenv("LISTEN_PID", number, 1);
}

static _Noreturn void in_child(struct start *s)
{
	char number[16];

	reset_signals();
	/* An interrupt from the terminal is the launcher's to pass on, in its order. */
	setpgid(0, 0);
	become(s);
	/* After the change of user, which would clear it. The launcher may have died before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		start_failed(s, "prctl");
	if (getppid() != s->parent)
		_exit(127);
	if (dup2(s->output, STDOUT_FILENO) < 0 || dup2(s->output, STDERR_FILENO) < 0 ||
	    dup2(s->input, STDIN_FILENO) < 0)
		start_failed(s, "dup2");
	give_sockets(s);
	if (s->ready >= 0) {
		fcntl(s->ready, F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", s->ready);
		setenv("READY_FD", number, 1);
		setenv("MERCUTIO_LAUNCHER", "1", 1); /* it will be started again: process_is_watched() */
	}
	execv(s->spec->argv[0], (char *const *)s->spec->argv);
	start_failed(s, "cannot be run");
}

/* Where its lines go: a file, or a pipe of which we keep the other end. */
static int open_output(struct child *c, const struct child_spec *s)
{
	int ends[2];

	if (s->log_dir && *s->log_dir) {
		char *path = xasprintf("%s/%s.log", s->log_dir, s->name);
		int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		int err = -errno;

		free(path);
		return fd < 0 ? err : fd;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	c->lines_fd = ends[0];
	return ends[1];
}

static int open_ready(struct child *c, const struct child_spec *s)
{
	int ends[2];

	if (!s->ready)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	c->ready_fd = ends[0];
	return ends[1];
}

static int fork_child(struct child *c, struct start *s)
{
	sigset_t all, old;

	s->parent = getpid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	c->pid = fork();
	if (c->pid == 0)
		in_child(s);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return c->pid < 0 ? -errno : 0;
}

static void watch(struct loop *l, struct child *c)
{
	if (c->lines_fd >= 0) {
		c->lines_io = loop_io_new(l, c->lines_fd, on_lines, c);
		loop_io_set(c->lines_io, LOOP_READ);
	}
	if (c->ready_fd >= 0) {
		c->ready_io = loop_io_new(l, c->ready_fd, on_ready, c);
		loop_io_set(c->ready_io, LOOP_READ);
	}
}

int child_start(struct loop *l, const struct child_spec *spec, struct child **ret)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct start s = {.spec = spec, .input = -1, .output = -1, .ready = -1};
	int err;

	c->name = xstrdup(spec->name);
	c->ready = spec->ready;
	c->arg = spec->arg;
	c->ready_fd = c->lines_fd = -1;
	s.input = spec->input >= 0 ? spec->input : open("/dev/null", O_RDONLY | O_CLOEXEC);
	s.output = s.input < 0 ? -errno : open_output(c, spec);
	s.ready = s.output < 0 ? -1 : open_ready(c, spec);
	err = s.output < 0 ? s.output : s.ready < -1 ? s.ready : fork_child(c, &s);
	if (spec->input < 0 && s.input >= 0)
		close(s.input);
	if (s.output >= 0)
		close(s.output);
	if (s.ready >= 0)
		close(s.ready);
	if (err < 0) {
		if (c->lines_fd >= 0)
			close(c->lines_fd);
		if (c->ready_fd >= 0)
			close(c->ready_fd);
		free(c->name);
		free(c);
		return err;
	}
	watch(l, c);
	*ret = c;
	return 0;
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

struct child *child_free(struct child *c)
{
	if (!c)
		return NULL;
	if (c->lines_fd >= 0)
		on_lines(c, LOOP_READ);
	close_lines(c);
	close_ready(c);
	buf_free(&c->line);
	free(c->name);
	free(c);
	return NULL;
}

char *child_last_line(const char *log_dir, const char *name)
{
	char text[TAIL];
	char *path = xasprintf("%s/%s.log", log_dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct str rest, line, last = STR_NONE;
	ssize_t n = -1;

	free(path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0)
		n = pread(fd, text, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	close(fd);
	rest = str_n(text, n > 0 ? (size_t)n : 0);
	while (str_split(&rest, '\n', &line)) {
		if (line.len)
			last = line;
	}
	return last.len ? str_dup(last) : NULL;
}
