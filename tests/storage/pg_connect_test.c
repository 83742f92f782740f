/* SPDX-License-Identifier: MIT */
/* The way to PostgreSQL: TLS, several hosts and a failover, time limits, limits of connections. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"
#include "tests/storage/appender.h"
#include "tests/storage/pg_server.h"

void fill_pg_connect(TCase *tc);

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list args;
	char *command;

	va_start(args, fmt);
	buf_vprintf(&b, fmt, args);
	va_end(args);
	command = buf_take(&b);
	ck_assert_msg(system(command) == 0, "%s", command);
	free(command);
}

/* One that nobody listens at. */
static int free_port(int *ret_fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	if (ret_fd)
		*ret_fd = fd;
	else
		close(fd);
	return ntohs(a.sin_port);
}

/* An engine at another connection string, without the rig's; why it does not work, or "". */
static void reopen(struct rig *r, const char *connect)
{
	struct buf error = BUF_INIT;

	r->engine = engine_close(r->engine);
	r->config.connect = connect;
	ck_assert_msg(engine_open(&engine_pgsql, &r->config, &error, &r->engine) == 0, "%.*s",
		      STR_ARG(buf_str(&error)));
	buf_free(&error);
}

static void ck_trouble(struct rig *r, const char *part)
{
	ck_assert(r->engine->stats.failing);
	ck_assert_msg(strstr(r->engine->stats.trouble, part) != NULL, "%s",
		      r->engine->stats.trouble);
}

static enum store_status write_one(struct rig *r, int64_t n)
{
	return WRITE(r, PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(n)));
}

/* --- TLS --------------------------------------------------------------------------------------- */

static const char make_certificates[] =
	"cd %s && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2"
	" -subj '/CN=Test CA' -keyout ca.key -out ca.pem"
	" && openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key"
	" -out server.csr && printf 'subjectAltName=DNS:localhost\\n' > ext"
	" && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
	" -extfile ext -out server.pem && chmod 600 server.key"
	" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Other CA'"
	" -keyout other.key -out other.pem";

static char *over_tls(const char *schema, int port, const char *host, const char *ca)
{
	const char *path = strstr(schema, "options=");

	return xasprintf("host=%s hostaddr=127.0.0.1 port=%d user=postgres dbname=postgres"
			 " sslmode=verify-full sslrootcert=%s/%s %s",
			 host, port, pg_server.dir, ca, path);
}

START_TEST(tls)
{
	const struct passwd *p = getpwnam("postgres");
	char *settings[5], *conninfo, *n;
	int port = free_port(NULL);
	struct rig r;

	pg_server_start();
	pg_server_kill(SIGKILL);
	shell(make_certificates, pg_server.dir);
	if (geteuid() == 0)
		shell("chown %d %s/server.*", p ? (int)p->pw_uid : 65534, pg_server.dir);
	settings[0] = xasprintf("port=%d", port);
	settings[1] = xasprintf("ssl_cert_file=%s/server.pem", pg_server.dir);
	settings[2] = xasprintf("ssl_key_file=%s/server.key", pg_server.dir);
	pg_server.settings[0] = "ssl=on";
	pg_server.settings[1] = "listen_addresses=127.0.0.1";
	for (int i = 0; i < 3; i++)
		pg_server.settings[2 + i] = settings[i];
	pg_server.port = port;
	pg_server_run();
	rig_open(&r, "postgresql");
	conninfo = over_tls(r.conninfo, port, "localhost", "ca.pem");
	reopen(&r, conninfo);
	ck_assert_int_eq(write_one(&r, 1), STORE_COMMITTED);
	n = pg_server_sql(r.conninfo, "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity"
				      " USING (pid) WHERE ssl AND application_name ="
				      " 'mercutio-storage'");
	ck_assert_int_ge(atoi(n), 1);
	free(n);
	/* Its certificate is another host's. */
	free(conninfo);
	conninfo = over_tls(r.conninfo, port, "db.example.com", "ca.pem");
	reopen(&r, conninfo);
	ck_trouble(&r, "server certificate for \"localhost\"");
	ck_trouble(&r, "does not match host name \"db.example.com\"");
	/* Or of an authority that we do not trust. */
	free(conninfo);
	conninfo = over_tls(r.conninfo, port, "localhost", "other.pem");
	reopen(&r, conninfo);
	ck_trouble(&r, "certificate verify failed");
	free(conninfo);
	rig_close(&r);
	for (int i = 0; i < 3; i++)
		free(settings[i]);
	pg_server_stop();
}
END_TEST

/* --- several hosts ----------------------------------------------------------------------------- */

/* The primary dies under load; its standby is promoted. What was confirmed is there, once. */
START_TEST(failover)
{
	struct pg_server first;
	struct appender a;
	struct rig r;
	char *hosts, *schema, *all;

	pg_server = (struct pg_server){0};
	pg_server_start();
	first = pg_server;
	rig_open(&r, "postgresql");
	pg_server_standby(&first);
	/* The primary's commits wait for the standby, as for whoever wants to lose nothing. */
	free(pg_server_sql(r.conninfo, "ALTER SYSTEM SET synchronous_standby_names = '*'"));
	free(pg_server_sql(r.conninfo, "SELECT pg_reload_conf()"));
	schema = strstr(r.conninfo, "options=");
	hosts = xasprintf("host=%s,%s user=postgres dbname=postgres %s", pg_server.dir, first.dir,
			  schema);
	reopen(&r, hosts); /* the first one named is the standby: passed over */
	rig_lease(&r, "sm", OWNER);
	appender_start(&a, &r, r.engine, INT64_MAX);
	appender_until(&a, 1000);
	kill(first.pid, SIGKILL);
	all = pg_server_conninfo();
	free(pg_server_sql(all, "SELECT pg_promote()"));
	free(pg_server_sql(all, "ALTER SYSTEM RESET synchronous_standby_names"));
	free(pg_server_sql(all, "SELECT pg_reload_conf()"));
	appender_until(&a, a.committed + 1000);
	appender_end(&a);
	ck_assert_uint_eq(a.refused, 0);
	free(all);
	free(hosts);
	rig_close(&r);
	pg_server_stop();
	pg_server = first;
	pg_server_stop();
}
END_TEST

/* None of them takes writes yet: that is waited for, also at the start. */
START_TEST(none_writable)
{
	struct rig r;

	pg_server = (struct pg_server){.settings = {"default_transaction_read_only=on"}};
	pg_server_start();
	r = (struct rig){.loop = loop_new()};
	r.conninfo = pg_server_conninfo();
	r.config = (struct engine_config){.loop = r.loop, .connections = 2, .connect_timeout = 2000,
					  .statement_timeout = 2000, .commit_max = 10,
					  .connect = r.conninfo, .read_rows = 10,
					  .read_bytes = 100000};
	reopen(&r, r.conninfo);
	ck_trouble(&r, "session is read-only");
	pg_server_kill(SIGKILL);
	pg_server.settings[0] = NULL;
	pg_server_run();
	while (write_one(&r, 1) != STORE_COMMITTED) /* what comes before it is connected may fail */
		;
	engine_close(r.engine);
	loop_free(r.loop);
	free(r.conninfo);
	pg_server_stop();
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------ */

/* Takes connections and never says a word. */
START_TEST(connect_limit)
{
	uint64_t from;
	struct rig r;
	char *conninfo;
	int fd, port = free_port(&fd);

	ck_assert_int_eq(listen(fd, 16), 0);
	rig_open(&r, "postgresql");
	conninfo = xasprintf("host=127.0.0.1 port=%d user=x dbname=x", port);
	r.config.connect_timeout = 2000;
	from = clock_mono_ms();
	reopen(&r, conninfo);
	ck_assert_uint_ge(clock_mono_ms() - from, 1900);
	ck_trouble(&r, "timeout expired");
	rig_close(&r);
	free(conninfo);
	close(fd);
}
END_TEST

/* A statement that takes too long ends, its request fails, and the next is answered. */
START_TEST(statement_limit)
{
	struct msg_read_op list = LIST_ALL(TABLE_VCARD);
	PGconn *c;
	struct rig r;
	char *text;

	rig_open(&r, "postgresql");
	r.config.statement_timeout = 1000;
	reopen(&r, r.conninfo);
	ck_found(&r, list, "");
	c = PQconnectdb(r.conninfo);
	PQclear(PQexec(c, "BEGIN"));
	PQclear(PQexec(c, "LOCK TABLE vcard IN ACCESS EXCLUSIVE MODE"));
	text = rig_read(&r, "sm", &list, 1);
	ck_assert_str_eq(text, "error -5");
	free(text);
	PQclear(PQexec(c, "COMMIT"));
	PQfinish(c);
	ck_found(&r, list, "");
	rig_close(&r);
}
END_TEST

static char *as_role(const struct rig *r, const char *role)
{
	char *schema = strstr(r->conninfo, "search_path=") + strlen("search_path=");
	char *sql = xasprintf("CREATE ROLE %s LOGIN; GRANT ALL ON SCHEMA %.*s TO %s;"
			      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %.*s"
			      " TO %s",
			      role, (int)strcspn(schema, "'"), schema, role,
			      (int)strcspn(schema, "'"), schema, role);

	free(pg_server_sql(r->conninfo, sql));
	free(sql);
	return xasprintf("%s user=%s", r->conninfo, role);
}

/* The role's connections are all taken: at the start, and when there is one for the writer alone. */
START_TEST(connection_limit)
{
	struct msg_read_op get = GET(TABLE_ACCOUNT, V_TEXT("a@x"));
	char *conninfo, *text;
	struct rig r;

	rig_open(&r, "postgresql");
	conninfo = as_role(&r, "few");
	free(pg_server_sql(r.conninfo, "ALTER ROLE few CONNECTION LIMIT 0"));
	reopen(&r, conninfo);
	ck_trouble(&r, "too many connections for role");
	free(pg_server_sql(r.conninfo, "ALTER ROLE few CONNECTION LIMIT 1"));
	while (write_one(&r, 1) != STORE_COMMITTED)
		;
	text = rig_read(&r, "auth", &get, 1);
	ck_assert_str_eq(text, "error -5");
	free(text);
	ck_assert_int_eq(write_one(&r, 2), STORE_COMMITTED);
	free(pg_server_sql(r.conninfo, "ALTER ROLE few CONNECTION LIMIT -1"));
	for (text = NULL; !text || strcmp(text, "a@x 2\n") != 0;) {
		free(text);
		text = rig_read(&r, "auth", &get, 1);
	}
	free(text);
	rig_close(&r);
	free(conninfo);
}
END_TEST

/* A role that may work and not migrate finds a schema that is too old for it. */
START_TEST(schema_older)
{
	struct buf error = BUF_INIT;
	char *conninfo, *text;
	struct rig r;

	rig_open(&r, "postgresql");
	conninfo = as_role(&r, "worker_only");
	text = strstr(r.conninfo, "search_path=") + strlen("search_path=");
	text = xasprintf("REVOKE CREATE ON SCHEMA %.*s FROM worker_only", (int)strcspn(text, "'"),
			 text);
	free(pg_server_sql(r.conninfo, text));
	free(text);
	free(pg_server_sql(r.conninfo, "DELETE FROM mercutio_schema WHERE version > 1"));
	r.engine = engine_close(r.engine);
	r.config.connect = conninfo;
	ck_assert_int_lt(engine_open(&engine_pgsql, &r.config, &error, &r.engine), 0);
	text = buf_take(&error);
	ck_assert_msg(strstr(text, "its schema (version 1) is older than this program's") != NULL,
		      "%s", text);
	ck_assert_msg(strstr(text, "this role may not change it") != NULL, "%s", text);
	free(text);
	/* With the right to, it is brought up to date. */
	reopen(&r, r.conninfo);
	reopen(&r, conninfo);
	ck_assert_int_eq(write_one(&r, 1), STORE_COMMITTED);
	rig_close(&r);
	free(conninfo);
}
END_TEST

void fill_pg_connect(TCase *tc)
{
	tcase_add_test(tc, tls);
	tcase_add_test(tc, failover);
	tcase_add_test(tc, none_writable);
	tcase_add_test(tc, connect_limit);
	tcase_add_test(tc, statement_limit);
	tcase_add_test(tc, connection_limit);
	tcase_add_test(tc, schema_older);
}
