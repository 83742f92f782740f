/* SPDX-License-Identifier: MIT */
/* PostgreSQL's schema: it grows, also under several processes; who is let in, and what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "storage/pg_internal.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

void fill_pg_schema(TCase *tc);

static const char *const owners[] = {"sm", NULL};
static const struct column columns[] = {
	{"account", COLUMN_TEXT, false, 1},
	{"value", COLUMN_INT, false, 1},
	{"extra", COLUMN_TEXT, true, 2},
};
static const uint8_t by_value[] = {1};
static const struct table_index indexes[] = {{by_value, 1, 3}};
static const struct table_def grown[] = {
	{"thing", owners, false, true, 1, 1, 3, 1, columns, indexes},
	{"later", owners, false, true, 3, 1, 2, 0, columns, NULL},
};
static const struct table_def first[] = {{"thing", owners, false, true, 1, 1, 2, 0, columns, NULL}};

START_TEST(schema_grows)
{
	char *conninfo = pg_server_schema(), *text, why[WRITE_TEXT] = "";
	PGconn *c = PQconnectdb(conninfo);

	ck_assert_msg(pg_migrate(c, first, 1, 1, why) == PG_OK, "%s", why);
	free(pg_server_sql(conninfo, "INSERT INTO thing VALUES ('a@x', 5)"));
	for (int again = 0; again < 2; again++) {
		ck_assert_msg(pg_migrate(c, grown, 2, 3, why) == PG_OK, "%s", why);
		text = pg_server_sql(conninfo, "SELECT concat(account, value, extra, '-', (SELECT"
					       " max(version) FROM mercutio_schema)) FROM thing");
		ck_assert_str_eq(text, "a@x5-3");
		free(text);
	}
	/* The program before it still can use what only grew. */
	ck_assert_int_eq(pg_migrate(c, first, 1, 1, why), PG_OK);
	free(pg_server_sql(conninfo, "UPDATE mercutio_schema SET oldest = 2 WHERE version = 3"));
	ck_assert_int_eq(pg_migrate(c, first, 1, 1, why), PG_REFUSED);
	ck_assert_str_eq(why, "its schema (version 3) is newer than this program's (version 1)");
	PQfinish(c);
	free(conninfo);
}
END_TEST

static void no_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static PGconn *quiet(const char *conninfo)
{
	PGconn *c = PQconnectdb(conninfo);

	PQsetNoticeReceiver(c, no_notice, NULL);
	return c;
}

/* Eight processes start at once on nothing. */
START_TEST(schema_race)
{
	char *conninfo = pg_server_schema(), why[WRITE_TEXT] = "";
	int status, ok = 0;

	for (int i = 0; i < 8; i++) {
		if (fork() != 0)
			continue;
		_exit(pg_migrate(quiet(conninfo), tables, TABLES, SCHEMA_VERSION, why));
	}
	while (wait(&status) > 0)
		ok += WIFEXITED(status) && WEXITSTATUS(status) == PG_OK;
	ck_assert_int_eq(ok, 8);
	free(conninfo);
}
END_TEST

/* A role that may work but not change the schema. */
START_TEST(working_role)
{
	struct rig r;
	char *conninfo, *schema;

	rig_open(&r, "postgresql");
	r.engine = engine_close(r.engine);
	schema = strstr(r.conninfo, "search_path=") + strlen("search_path=");
	conninfo = xasprintf("CREATE ROLE worker LOGIN;"
			     "GRANT USAGE ON SCHEMA %.*s TO worker;"
			     "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %.*s"
			     " TO worker",
			     (int)strcspn(schema, "'"), schema, (int)strcspn(schema, "'"), schema);
	free(pg_server_sql(r.conninfo, conninfo));
	free(conninfo);
	conninfo = xasprintf("%s user=worker", r.conninfo);
	r.config.connect = conninfo;
	r.engine = rig_second(&r);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, APPEND("a@x", 1, 5, "one")), STORE_COMMITTED);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "1\n");
	rig_close(&r);
	free(conninfo);
}
END_TEST

static void ck_refused(struct rig *r, const char *connect, const char *part)
{
	struct buf error = BUF_INIT;
	struct engine *e = NULL;
	char *text;

	r->config.connect = connect;
	ck_assert_int_lt(engine_open(&engine_pgsql, &r->config, &error, &e), 0);
	text = buf_take(&error);
	ck_assert_msg(strstr(text, part) != NULL, "%s", text);
	ck_assert_ptr_null(strchr(text, '\n'));
	free(text);
}

START_TEST(not_opened)
{
	struct rig r;
	char *other;

	rig_open(&r, "postgresql");
	ck_refused(&r, "", "connect is empty");
	ck_refused(&r, "nonsense", "missing \"=\"");
	other = xasprintf("%s dbname=none", r.conninfo);
	ck_refused(&r, other, "database \"none\" does not exist");
	free(other);
	/* No code of the server's, though it looks like one that passes. */
	other = xasprintf("%s user='nobody 53'", r.conninfo);
	ck_refused(&r, other, "role \"nobody 53\" does not exist");
	free(pg_server_sql(r.conninfo, "INSERT INTO mercutio_schema VALUES (999, 999)"));
	ck_refused(&r, r.conninfo, "its schema (version 999) is newer");
	free(other);
	rig_close(&r);
}
END_TEST

/* The first host of several is dead. */
START_TEST(several_hosts)
{
	struct rig r;
	char *hosts;

	rig_open(&r, "postgresql");
	r.engine = engine_close(r.engine);
	hosts = xasprintf("%s host=%s/none,%s", r.conninfo, pg_server.dir, pg_server.dir);
	r.config.connect = hosts;
	r.engine = rig_second(&r);
	rig_lease(&r, "sm", OWNER);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "");
	rig_close(&r);
	free(hosts);
}
END_TEST

void fill_pg_schema(TCase *tc)
{
	tcase_add_test(tc, schema_grows);
	tcase_add_test(tc, schema_race);
	tcase_add_test(tc, working_role);
	tcase_add_test(tc, not_opened);
	tcase_add_test(tc, several_hosts);
}
