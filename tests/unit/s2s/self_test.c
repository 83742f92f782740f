/* SPDX-License-Identifier: MIT */
/* Trials with a domain of ours: what its records lead to, and what is said of that. */
#include "s2s/self.h"
#include <arpa/inet.h>
#include <unistd.h>
#include "tests/unit/s2s/names.h"
#include "tests/unit/s2s/s2s_tests.h"
#include "tests/unit/s2s/wire.h"

#define SRV_OF	"_xmpp-server._tcp." OWN
#define SRVS_OF "_xmpps-server._tcp." OWN

static char target[] = "x." OWN, root[] = "";

/* Our server at a port of the loopback address, and the DNS of the test. */
struct trial {
	struct wire *w;
	int listener;
	uint16_t port;
	uint64_t number;
	char *told;
};

static struct trial *trial_new(const char *more)
{
	struct trial *t = xcalloc(1, sizeof *t);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof a;
	char *config;

	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(t->listener, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(t->listener, 10), 0);
	getsockname(t->listener, (struct sockaddr *)&a, &len);
	t->port = ntohs(a.sin_port);
	config = xasprintf("s2s { tls = forbidden\n dns_server = \"127.0.0.1@1\"\n dns_anchor = "
			   "\"none\"\n listen = {\"127.0.0.1:%u\"}\n %s }",
			   t->port, more);
	t->w = wire_new(config);
	names_begin(t->w->x.loop);
	free(config);
	return t;
}

static void begins(struct trial *t)
{
	char *error = NULL;

	t->number = self_test_start(&t->w->x, STR(OWN), &error);
	ck_assert_msg(t->number, "%s", error);
}

/* What it says, when it is over. */
static void ends(struct trial *t, bool good)
{
	json_t *list;

	wire_await(t->w, !t->w->x.selves);
	list = attempts_json(t->w->x.attempts, STR(OWN), t->number);
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert(json_is_true(json_object_get(json_array_get(list, 0), "settled")));
	ck_assert(json_is_true(json_object_get(json_array_get(list, 0), "good")) == good);
	t->told = json_dumps(list, 0);
	json_decref(list);
}

static void says(const struct trial *t, const char *text)
{
	ck_assert_msg(strstr(t->told, text) != NULL, "no \"%s\" in %s", text, t->told);
}

static void trial_free(struct trial *t)
{
	ck_assert_uint_eq(names_waiting(), 0);
	if (t->listener >= 0)
		close(t->listener);
	free(t->told);
	wire_free(t->w);
	free(t);
}

/* --- what is published ------------------------------------------------------------------------ */

/* x.own.example, at that port of 127.0.0.1. */
static void publish(uint16_t port, bool direct)
{
	static struct dns_srv srv;
	static struct in_addr a;

	srv = (struct dns_srv){0, 0, port, target};
	a.s_addr = htonl(INADDR_LOOPBACK);
	names_add(direct ? SRVS_OF : SRV_OF, DNS_SRV,
		  (struct dns_answer){.status = DNS_FOUND, .n = 1, .srv = &srv});
	names_add(target, DNS_A, (struct dns_answer){.status = DNS_FOUND, .n = 1, .a = &a});
}

START_TEST(test_none)
{
	static const struct dns_srv dot = {0, 0, 0, root};
	struct trial *t = trial_new("");

	if (_i)
		names_add(SRV_OF, DNS_SRV,
			  (struct dns_answer){.status = DNS_FOUND, .n = 1, .srv = &dot});
	begins(t);
	ends(t, false);
	if (_i) {
		says(t, "which says that there is no such service");
	} else {
		says(t, "no _xmpp-server: others look at " OWN " itself, port 5269");
		says(t, "port 5269 is none of listen");
		says(t, "has no address");
		says(t, "Publish SRV records");
	}
	trial_free(t);
}
END_TEST

START_TEST(test_unanswered)
{
	static const struct {
		enum dns_status status;
		const char *says;
	} rows[] = {{DNS_BOGUS, "DNSSEC says that records are forged"},
		    {DNS_FAILED, "Name servers of the domain do not answer"},
		    {DNS_TIMEOUT, "Name servers of the domain do not answer"}};
	struct trial *t = trial_new("");

	names_add(SRV_OF, DNS_SRV,
		  (struct dns_answer){.status = rows[_i].status, .why = "a reason"});
	begins(t);
	ends(t, false);
	says(t, "a reason");
	says(t, rows[_i].says);
	ck_assert_ptr_null(strstr(t->told, "others look at"));
	trial_free(t);
}
END_TEST

/* --- what is there ---------------------------------------------------------------------------- */

/* The trial's own connection to what is published. */
static int connected(struct trial *t)
{
	int fd = -1;

	publish(t->port, false);
	begins(t);
	wire_await(t->w,
		   (fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

START_TEST(test_here)
{
	struct trial *t = trial_new("");
	int fd = connected(t);

	in_accept(&t->w->x, fd, false);
	ends(t, true);
	says(t, "is one of listen");
	says(t, "it answers, without TLS as is configured");
	says(t, "what others find is what is configured");
	trial_free(t);
}
END_TEST

/* Nobody is there, at a port that is configured or another one. */
START_TEST(test_refused)
{
	struct trial *t = trial_new("listen_tls = {\"127.0.0.1:1\"}");

	close(t->listener);
	t->listener = -1;
	publish(t->port, _i == 1);
	begins(t);
	ends(t, false);
	if (_i == 0) {
		says(t, "Connection refused, though the port is configured");
		says(t, "listen_tls is set, but no _xmpps-server leads others to it");
	} else {
		says(t, "and listen_tls has no such port");
		says(t, "is none of listen_tls: somebody must pass it on");
		says(t, "Servers that know no direct TLS (XEP-0368) find none");
	}
	says(t, _i == 0 ? "1 not" : "2 not");
	trial_free(t);
}
END_TEST

/* Another server: it closes, or speaks something else. */
START_TEST(test_other)
{
	struct trial *t = trial_new("");
	int fd = connected(t);

	if (_i)
		ck_assert_int_gt(send(fd, "220 mail\r\n", 10, MSG_NOSIGNAL), 0);
	else
		close(fd);
	ends(t, false);
	says(t, "Something answers at that address which is not this server");
	if (_i)
		close(fd);
	trial_free(t);
}
END_TEST

/* The process ends meanwhile. */
START_TEST(test_broken_off)
{
	struct trial *t = trial_new("");

	names_hold();
	begins(t);
	wire_await(t->w, names_waiting() == 2);
	self_tests_end(&t->w->x);
	ck_assert_ptr_null(t->w->x.selves);
	trial_free(t);
}
END_TEST

Suite *self_suite(void)
{
	Suite *s = suite_create("self");
	TCase *t = tcase_create("self");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_none, 0, 2);
	tcase_add_loop_test(t, test_unanswered, 0, 3);
	tcase_add_test(t, test_here);
	tcase_add_loop_test(t, test_refused, 0, 2);
	tcase_add_loop_test(t, test_other, 0, 2);
	tcase_add_test(t, test_broken_off);
	suite_add_tcase(s, t);
	return s;
}
