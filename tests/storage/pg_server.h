/* SPDX-License-Identifier: MIT */
/* A PostgreSQL server of its own for a test program: on a Unix socket in its own folder, fsync on.
 */
#ifndef TESTS_STORAGE_PG_SERVER_H
#define TESTS_STORAGE_PG_SERVER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* The one that these functions are about; made by pg_server_start, before tests are forked. A test
 * with several keeps copies, and sets the one that it means. */
struct pg_server {
	char dir[64];
	pid_t pid; /* of the postmaster; 0: it does not run */
	/* To be set before it starts: */
	const char *settings[8]; /* "name=value" */
	bool small_wal;		 /* segments of 1 MB instead of 16 */
	int port;		 /* when it is in settings */
};
extern struct pg_server pg_server;

bool pg_server_installed(void);
void pg_server_start(void); /* makes the data and runs it; not as root */
void pg_server_stop(void);  /* and removes all */
/* In a test: what it does to the server is for itself alone, so it has one of its own. */
/* A copy of another, which follows it and takes no writes until it is promoted. */
void pg_server_standby(const struct pg_server *of);
void pg_server_run(void);	 /* on the data that are there; waits until it takes connections */
void pg_server_kill(int signum); /* the postmaster; waits for its end when that is SIGKILL */
/* Files of all its processes may not grow beyond; RLIM_INFINITY: as they like. */
void pg_server_limit_files(rlim_t bytes);
void pg_server_end_backends(void); /* all connections but this one */

/* A connection string to a schema that nobody else uses; malloc'ed. */
char *pg_server_schema(void);
char *pg_server_conninfo(void); /* to all of it; malloc'ed */
/* Runs SQL there and returns the first value, malloc'ed, NULL when there is none. Fails the test on
 * an error. */
char *pg_server_sql(const char *conninfo, const char *sql);

#endif
