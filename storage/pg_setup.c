/* SPDX-License-Identifier: MIT */
/* Makes a connection ready to work. It blocks (names, TLS, migrations), within time limits. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"

enum { WRITER_KEY = 0x4d657264 };
enum { SETUP_MS = 10000, GONE_MS = 2000, GONE_TRIES = 3 };
enum { IDLE_IN_TRANSACTION_MS = 5000, LOCK_MS = 2000 };

void pg_text(char text[WRITE_TEXT], const char *message)
{
	size_t n = strcspn(message, "\n");

	snprintf(text, WRITE_TEXT, "%.*s", (int)n, message);
}

static void ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

/* Waits for the whole of a result. */
static bool await(PGconn *c, uint64_t due)
{
	while (PQisBusy(c)) {
		struct pollfd p = {.fd = PQsocket(c), .events = POLLIN};
		uint64_t now = clock_mono_ms();
		int n;

		if (due && now >= due)
			return false;
		n = poll(&p, 1, due && due - now < 1000 ? (int)(due - now) : 1000);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && !PQconsumeInput(c))
			return true; /* the result tells */
	}
	return true;
}

PGresult *pg_exec(PGconn *c, const char *sql, int64_t ms, char text[WRITE_TEXT])
{
	uint64_t due = ms ? clock_mono_ms() + (uint64_t)ms : 0;
	PGresult *last = NULL, *r;
	bool bad = !PQsendQuery(c, sql);

	if (bad)
		pg_text(text, PQerrorMessage(c));
	while (!bad || PQstatus(c) == CONNECTION_OK) {
		if (!await(c, due)) {
			snprintf(text, WRITE_TEXT, "no answer in %lld ms", (long long)ms);
			bad = true;
			break;
		}
		r = PQgetResult(c);
		if (!r)
			break;
		if (PQresultStatus(r) == PGRES_FATAL_ERROR && !bad) {
			pg_text(text, PQresultErrorMessage(r));
			bad = true;
		}
		PQclear(last);
		last = r;
	}
	if (!bad && last)
		return last;
	PQclear(last);
	return NULL;
}

int64_t pg_number(PGconn *c, const char *sql, int64_t ms, char text[WRITE_TEXT])
{
	PGresult *r = pg_exec(c, sql, ms, text);
	int64_t n = -1;

	if (r && PQntuples(r) == 1)
		n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return n;
}

/* It is up and says no: for a while (all connections are taken, it is being shut down, it is a
 * standby), or for good. Its code ("FATAL:  53300: …") is shown only in this way, and the message
 * of libpq itself is not translated. */
static bool passes(struct pg_setup *s, const char *const *keys, const char *const *values)
{
	uint64_t due = clock_mono_ms() + (uint64_t)s->connect_ms;
	PGconn *c = PQconnectStartParams(keys, values, 1);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	const char *text;
	bool yes;

	PQsetErrorVerbosity(c, PQERRORS_VERBOSE);
	while (PQstatus(c) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
	       state != PGRES_POLLING_FAILED && clock_mono_ms() < due) {
		struct pollfd p = {.fd = PQsocket(c),
				   .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};

		poll(&p, 1, 100);
		if (p.revents)
			state = PQconnectPoll(c);
	}
	text = PQerrorMessage(c);
	s->crowded = strstr(text, ":  53300") != NULL;
	yes = state == PGRES_POLLING_OK || strstr(text, ":  53") || strstr(text, ":  57P") ||
	      strstr(text, "session is read-only") || strstr(text, "hot standby");
	PQfinish(c);
	return yes;
}

static bool connect(struct pg_setup *s)
{
	char seconds[24];
	/* What stands before dbname is a default; what stands behind it is not to be changed. */
	const char *keys[] = {"fallback_application_name", "target_session_attrs",
			      "tcp_user_timeout",	   "keepalives_idle",
			      "connect_timeout",	   "dbname",
			      "client_encoding",	   NULL};
	const char *values[] = {"mercutio-storage", "read-write", "15000", "30", seconds,
				s->conninfo,	    "UTF8",	  NULL};

	snprintf(seconds, sizeof(seconds), "%lld", (long long)(s->connect_ms + 999) / 1000);
	s->handle = PQconnectdbParams(keys, values, 1);
	if (!s->handle)
		abort(); /* out of memory */
	if (PQstatus(s->handle) == CONNECTION_OK) {
		PQsetNoticeReceiver(s->handle, ignore_notice, NULL);
		return true;
	}
	pg_text(s->text, PQerrorMessage(s->handle));
	switch (PQpingParams(keys, values, 1)) {
	case PQPING_OK:
		s->outcome = passes(s, keys, values) ? PG_AWAY : PG_REFUSED;
		break;
	case PQPING_NO_ATTEMPT:
		s->outcome = PG_REFUSED;
		break;
	case PQPING_REJECT:
	case PQPING_NO_RESPONSE:
		s->outcome = PG_AWAY;
		break;
	}
	return false;
}

static bool command(struct pg_setup *s, struct buf *sql)
{
	PGresult *r;

	buf_putc(sql, 0);
	r = pg_exec(s->handle, buf_ptr(sql), SETUP_MS, s->text);
	buf_free(sql);
	PQclear(r);
	return r != NULL;
}

static bool settings(struct pg_setup *s)
{
	struct buf sql = BUF_INIT;

	buf_printf(&sql,
		   "SET statement_timeout = %lld; SET lock_timeout = %d;"
		   "SET idle_in_transaction_session_timeout = %d; SET jit = off;"
		   "SET client_min_messages = error;",
		   (long long)s->statement_ms, LOCK_MS, IDLE_IN_TRANSACTION_MS);
	if (s->role == PG_READER)
		buf_lit(&sql, "SET default_transaction_isolation = 'repeatable read';"
			      "SET default_transaction_read_only = on");
	else
		/* What is answered as committed is on the disk, whatever the server's default. */
		buf_lit(&sql, "SET default_transaction_isolation = 'read committed';"
			      "SELECT set_config('synchronous_commit', 'on', false)"
			      " WHERE current_setting('synchronous_commit') = 'off'");
	return command(s, &sql);
}

/* A connection that was lost may still be at work at the server, and commit what we send again, or
 * worse, behind what we send later. Each writer holds a lock under this engine's name; whoever else
 * holds it is ended before this one begins. */
static bool writer_alone(struct pg_setup *s)
{
	struct buf take = BUF_INIT, end = BUF_INIT;
	int64_t got = 0;

	buf_printf(&take, "SELECT pg_try_advisory_lock(%d, %d)::int", WRITER_KEY, s->writer_key);
	buf_putc(&take, 0);
	buf_printf(&end,
		   "SELECT count(pg_terminate_backend(pid, %d)) FROM pg_locks"
		   " WHERE locktype = 'advisory' AND classid = %d AND objid = %d AND granted"
		   " AND pid <> pg_backend_pid() AND database ="
		   " (SELECT oid FROM pg_database WHERE datname = current_database())",
		   GONE_MS, WRITER_KEY, s->writer_key);
	buf_putc(&end, 0);
	for (int i = 0; i < GONE_TRIES && got == 0; i++) {
		got = pg_number(s->handle, buf_ptr(&take), SETUP_MS, s->text);
		if (got == 0 && pg_number(s->handle, buf_ptr(&end), SETUP_MS, s->text) < 0)
			got = -1;
	}
	if (got == 0)
		snprintf(s->text, WRITE_TEXT, "the connection before this one is still at work");
	buf_free(&take);
	buf_free(&end);
	return got == 1;
}

int64_t pg_setup_writers(PGconn *c, char text[WRITE_TEXT])
{
	struct buf sql = BUF_INIT;
	int64_t n;

	buf_printf(&sql,
		   "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %d AND"
		   " granted AND database ="
		   " (SELECT oid FROM pg_database WHERE datname = current_database())",
		   WRITER_KEY);
	buf_putc(&sql, 0);
	n = pg_number(c, buf_ptr(&sql), SETUP_MS, text);
	buf_free(&sql);
	return n;
}

static bool ready(struct pg_setup *s)
{
	char ignored[WRITE_TEXT];

	if (!connect(s))
		return false;
	s->outcome = PG_AWAY;
	if (s->role == PG_READER)
		return settings(s);
	s->outcome = pg_schema(s->handle, tables, TABLES, SCHEMA_VERSION,
			       s->no_migration ? SCHEMA_CHECK : SCHEMA_MIGRATE, NULL, s->text);
	if (s->outcome != PG_OK)
		return false;
	s->outcome = PG_AWAY;
	/* Without them rows go to the partition of all other times; the next try tells why. */
	pg_partitions(s->handle, clock_wall_us(), ignored);
	return PQstatus(s->handle) == CONNECTION_OK && writer_alone(s) && settings(s);
}

void pg_setup_run(struct pg_setup *s)
{
	s->handle = NULL;
	s->crowded = false;
	s->text[0] = 0;
	if (ready(s)) {
		s->outcome = PG_OK;
		return;
	}
	PQfinish(s->handle);
	s->handle = NULL;
}

bool pg_setup_plain(struct pg_setup *s)
{
	s->handle = NULL;
	s->text[0] = 0;
	if (connect(s))
		return true;
	PQfinish(s->handle);
	s->handle = NULL;
	return false;
}

void pg_setup_partitions(struct pg_setup *s)
{
	if (pg_setup_plain(s) && pg_partitions(s->handle, clock_wall_us(), s->text))
		s->outcome = PG_OK;
	else if (s->outcome == PG_OK)
		s->outcome = PG_AWAY;
	PQfinish(s->handle);
	s->handle = NULL;
}
