/* SPDX-License-Identifier: MIT */
/* Makes, runs, kills and removes a throw-away PostgreSQL cluster. */
#include "tests/storage/pg_server.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"

struct pg_server pg_server;

enum { START_MS = 60000 };

/* The newest that is installed; NULL: none. Malloc'ed. */
static char *program(const char *name)
{
	char *pattern = xasprintf("/usr/lib/postgresql/*/bin/%s", name), *found = NULL;
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0 && g.gl_pathc)
		found = xstrdup(g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	free(pattern);
	return found;
}

bool pg_server_installed(void)
{
	char *initdb = program("initdb");

	free(initdb);
	return initdb != NULL;
}

/* PostgreSQL does not run as root. */
static void become_other(void)
{
	const struct passwd *p = getpwnam("postgres");

	if (geteuid() != 0)
		return;
	if (!p)
		p = getpwnam("nobody");
	if (!p || setgroups(0, NULL) || setgid(p->pw_gid) || setuid(p->pw_uid))
		_exit(126);
}

static pid_t start(char *const argv[])
{
	char *path = program(argv[0]);
	pid_t parent = getpid(), pid;
	char log[96];
	int fd;

	fflush(stdout);
	pid = fork();
	if (pid) {
		free(path);
		return pid;
	}
	become_other();
	/* A test that fails leaves nothing behind. Set here: another user forgets it. */
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != parent || chdir(pg_server.dir) < 0)
		_exit(126);
	snprintf(log, sizeof(log), "%s/log", pg_server.dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execv(path, argv);
	_exit(127);
}

static void run(char *const argv[])
{
	pid_t pid = start(argv);
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "%s failed: see %s/log\n", argv[0], pg_server.dir);
		exit(1);
	}
}

char *pg_server_conninfo(void)
{
	return xasprintf("host=%s port=%d user=postgres dbname=postgres", pg_server.dir,
			 pg_server.port ? pg_server.port : 5432);
}

static bool answers(void)
{
	char *conninfo = pg_server_conninfo();
	bool ok = PQping(conninfo) == PQPING_OK;

	free(conninfo);
	return ok;
}

enum { ARGS = 32 };

void pg_server_run(void)
{
	char socket[128];
	char *argv[ARGS] = {"postgres", "-D", "data", "-c", "listen_addresses=",  "-c",
			    socket,	"-c", "fsync=on", "-c", "max_connections=50"};
	uint64_t due = clock_mono_ms() + START_MS;
	size_t n = 11;

	snprintf(socket, sizeof(socket), "unix_socket_directories=%s", pg_server.dir);
	for (size_t i = 0; i < 8 && pg_server.settings[i]; i++) {
		argv[n++] = "-c";
		argv[n++] = (char *)pg_server.settings[i];
	}
	pg_server.pid = 0;
	/* What a killed one has left must have ended before: it says so, and is asked again. */
	while (!answers() || !pg_server.pid) {
		if (pg_server.pid && waitpid(pg_server.pid, NULL, WNOHANG) == pg_server.pid)
			pg_server.pid = 0;
		if (!pg_server.pid)
			pg_server.pid = start(argv);
		usleep(50000);
		if (clock_mono_ms() > due) {
			fprintf(stderr, "PostgreSQL does not start: see %s/log\n", pg_server.dir);
			exit(1);
		}
	}
}

static void dir_make(void)
{
	const struct passwd *p = getpwnam("postgres");

	snprintf(pg_server.dir, sizeof(pg_server.dir), "/tmp/mercutio-pg-XXXXXX");
	if (!mkdtemp(pg_server.dir))
		exit(1);
	if (!p)
		p = getpwnam("nobody");
	if (geteuid() == 0 && p && chown(pg_server.dir, p->pw_uid, p->pw_gid) < 0)
		exit(1);
}

void pg_server_start(void)
{
	char *const argv[] = {"initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-E",
			      "UTF8",	"-N", "--locale=C.UTF-8",
			      pg_server.small_wal ? "--wal-segsize=1" : NULL, NULL};

	dir_make();
	run(argv);
	pg_server_run();
}

void pg_server_standby(const struct pg_server *of)
{
	char *const argv[] = {"pg_basebackup", "-D", "data", "-R", "-h", (char *)of->dir,
			      "-U", "postgres", "-c", "fast", NULL};

	pg_server = (struct pg_server){0};
	dir_make();
	run(argv);
	pg_server_run();
}

void pg_server_kill(int signum)
{
	kill(pg_server.pid, signum);
	if (signum != SIGKILL)
		return;
	waitpid(pg_server.pid, NULL, 0);
	pg_server.pid = 0;
}

/* By one of the same user: another may not without a privilege. */
void pg_server_limit_files(rlim_t bytes)
{
	struct rlimit l = {bytes, RLIM_INFINITY};
	char *conninfo = pg_server_conninfo();
	char *pids = pg_server_sql(conninfo, "SELECT string_agg(pid::text, ' ')"
					     " FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
	char *rest = pids, *one;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		become_other();
		if (prlimit(pg_server.pid, RLIMIT_FSIZE, &l, NULL) < 0)
			_exit(1);
		while ((one = strsep(&rest, " ")))
			prlimit((pid_t)atoi(one), RLIMIT_FSIZE, &l, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(pids);
	free(conninfo);
}

void pg_server_end_backends(void)
{
	char *conninfo = pg_server_conninfo();

	free(pg_server_sql(conninfo, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
				     " WHERE backend_type = 'client backend'"
				     " AND pid <> pg_backend_pid()"));
	free(conninfo);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void pg_server_stop(void)
{
	if (pg_server.pid) {
		kill(pg_server.pid, SIGQUIT);
		waitpid(pg_server.pid, NULL, 0);
	}
	pg_server.pid = 0;
	nftw(pg_server.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *pg_server_sql(const char *conninfo, const char *sql)
{
	PGconn *c = PQconnectdb(conninfo);
	PGresult *r = PQexec(c, sql);
	char *value = NULL;

	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		ck_abort_msg("%s: %s", sql, PQerrorMessage(c));
	if (PQntuples(r) > 0 && PQnfields(r) > 0 && !PQgetisnull(r, 0, 0))
		value = xstrdup(PQgetvalue(r, 0, 0));
	PQclear(r);
	PQfinish(c);
	return value;
}

char *pg_server_schema(void)
{
	static unsigned count;
	char *base = pg_server_conninfo(), *sql, *conninfo;

	sql = xasprintf("CREATE SCHEMA t%d_%u", (int)getpid(), ++count);
	free(pg_server_sql(base, sql));
	conninfo = xasprintf("%s options='-c search_path=t%d_%u'", base, (int)getpid(), count);
	free(sql);
	free(base);
	return conninfo;
}
