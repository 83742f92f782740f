/* SPDX-License-Identifier: MIT */
/* What a process asks of the system at its start: limits, user, secrets, telling that it works. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/process_internal.h"

enum { SECRET_MIN = 16, SECRET_MAX = 4096 };

/* Else a socket or the database gets the number of a stream that is closed, and what is said there. Nobody
 * can write to it either, so who asks for output hears that there is none. */
void process_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void process_hangup(int how)
{
	sigset_t hup;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigprocmask(how, &hup, NULL);
}

void process_limits(void)
{
	struct rlimit lim;

	umask(027);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	/* As many sockets as we are allowed; where the system refuses, what we have must do. */
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

/* sched(7): who wakes under SCHED_BATCH does not push the running one aside. Those that c2s has asked
 * so finish their turns, and it then finds several answers at once; storage's loop and its worker do
 * not interrupt each other. With all processes so, a message waits at each hop for programs that fill
 * the processors. Whoever started us with another policy has reasons. */
void process_scheduling(const struct process *p, const struct common_config *c)
{
	const struct sched_param none = {0};

	if ((c->batch_scheduling == BATCH_ALL || (c->batch_scheduling == BATCH_SOME && p->batch)) &&
	    sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* /run is emptied at boot, and only root may write to it. */
static void make_run_dir(const char *dir, const struct passwd *pw)
{
	if (mkdir(dir, 0750) < 0) {
		if (errno != EEXIST)
			fatal("%s: %s", dir, strerror(errno));
		return;
	}
	if (chown(dir, pw->pw_uid, pw->pw_gid) < 0)
		fatal("%s: %s", dir, strerror(errno));
}

void process_become_user(const struct common_config *c)
{
	const struct passwd *pw;

	if (!c->user || !*c->user || geteuid() != 0)
		return;
	errno = 0;
	pw = getpwnam(c->user);
	if (!pw)
		fatal("user \"%s\": %s", c->user, errno ? strerror(errno) : "there is no such user");
	make_run_dir(c->run_dir, pw);
	if (initgroups(c->user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
		fatal("cannot become user \"%s\": %s", c->user, strerror(errno));
	/* Once more root, and all that follows would be a lie. */
	if (pw->pw_uid != 0 && setuid(0) == 0)
		fatal("could become root again after becoming user \"%s\"", c->user);
}

char *process_read_secret(const char *file)
{
	struct buf b = BUF_INIT;
	struct stat st;
	struct str s;
	ssize_t n;
	char *secret;
	int fd;

	if (!file || !*file)
		return NULL;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		fatal("secret_file %s: %s", file, strerror(errno));
	if (st.st_mode & S_IRWXO)
		fatal("secret_file %s: everybody can read or write it (mode %03o)", file,
		      (unsigned)(st.st_mode & 0777));
	n = read(fd, buf_reserve(&b, SECRET_MAX), SECRET_MAX);
	if (n < 0)
		fatal("secret_file %s: %s", file, strerror(errno));
	close(fd);
	buf_added(&b, (size_t)n);
	s = str_trim(buf_str(&b));
	if (s.len < SECRET_MIN)
		fatal("secret_file %s: shorter than %d characters", file, SECRET_MIN);
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			fatal("secret_file %s: a character that is not printable ASCII", file);
	}
	secret = xstrndup(s.ptr, s.len);
	buf_wipe(&b);
	return secret;
}

void process_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(un.sun_path, path, len);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Nobody is left to tell when this fails; the manager has its own time-out. */
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void process_tell_ready_fd(void)
{
	const char *text = getenv("READY_FD");
	unsigned long long fd;

	if (!text || !str_u64(str_z(text), &fd) || fd > 65535)
		return;
	while (write((int)fd, "\n", 1) < 0 && errno == EINTR)
		;
	close((int)fd);
	unsetenv("READY_FD");
}
