/* SPDX-License-Identifier: MIT */
/* mercutioctl s2s: streams with other servers, and what happened with a domain. */
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/ctl.h"

enum { TEST_MS = 90000, POLL_US = 200000 };

static struct ctl_answers *ask(struct ctl *c, const char *name, const char *command, int argc,
			       char **argv)
{
	struct str *args = xcalloc((size_t)argc + 1, sizeof(*args));
	struct msg_control m = {.command = str_z(command), .args = args, .nargs = (size_t)argc};
	struct ctl_answers *a;

	for (int i = 0; i < argc; i++)
		args[i] = str_z(argv[i]);
	a = ctl_control(c, name, &m);
	free(args);
	return a;
}

static const char *text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static long long number(const json_t *j, const char *name)
{
	return (long long)json_integer_value(json_object_get(j, name));
}

static bool flag(const json_t *j, const char *name)
{
	return json_is_true(json_object_get(j, name));
}

/* All answers as one list, each with its instance; NULL: one failed, which was told. */
static json_t *gather(struct ctl_answers *a, int *ret_status)
{
	json_t *list = json_array();

	*ret_status = ctl_answers_check(a, "s2s");
	for (size_t i = 0; i < a->n; i++) {
		size_t k;
		json_t *row;

		if (!json_is_array(a->list[i].value))
			continue;
		json_array_foreach (a->list[i].value, k, row) {
			json_object_set_new(row, "instance", json_string(a->list[i].instance));
			json_array_append(list, row);
		}
	}
	return list;
}

/* --- list, close -------------------------------------------------------------------------------
 */

/* Further pairs of domains on the same stream: a row each. */
static void print_shared(struct ctl_text *t, const json_t *stream, size_t columns)
{
	json_t *pair;
	size_t i;

	json_array_foreach (json_object_get(stream, "shared"), i, pair) {
		ctl_text_cell(t, "%s", text(pair, "remote"));
		ctl_text_cell(t, "%s", text(pair, "own"));
		ctl_text_cell(t, "%s", text(stream, "direction"));
		ctl_text_cell(t, "the same");
		for (size_t k = 4; k < columns; k++)
			ctl_text_cell(t, "%s", "");
	}
}

static void print_streams(const json_t *list)
{
	static const char *const titles[] = {"REMOTE", "OWN",  "DIRECTION", "STATE",
					     "TLS",    "BIDI", "ACKS",	    "AGE",
					     "IN",     "OUT",  "QUEUED",    "INSTANCE"};
	enum { N = sizeof(titles) / sizeof(*titles) };
	struct ctl_text *t = ctl_text_new(N);
	json_t *s;
	size_t i;

	for (i = 0; i < N; i++)
		ctl_text_cell(t, "%s", titles[i]);
	json_array_foreach (list, i, s) {
		char *age = ctl_duration(number(s, "age_s"));

		ctl_text_cell(t, "%s", *text(s, "remote") ? text(s, "remote") : "-");
		ctl_text_cell(t, "%s", *text(s, "own") ? text(s, "own") : "-");
		ctl_text_cell(t, "%s", text(s, "direction"));
		ctl_text_cell(t, "%s", text(s, "state"));
		ctl_text_cell(t, "%s", flag(s, "secure") ? text(s, "certificate") : "no");
		ctl_text_cell(t, "%s", flag(s, "bidi") ? "yes" : "no");
		ctl_text_cell(t, "%s", flag(s, "acknowledged") ? "yes" : "no");
		ctl_text_cell(t, "%s", age);
		ctl_text_cell(t, "%lld", number(s, "in"));
		ctl_text_cell(t, "%lld", number(s, "out"));
		ctl_text_cell(t, "%lld", number(s, "queued") + number(s, "unacknowledged"));
		ctl_text_cell(t, "%s", text(s, "instance"));
		print_shared(t, s, N);
		free(age);
	}
	ctl_text_print(t, stdout);
}

static int s2s_list(struct ctl *c, int argc, char **argv)
{
	struct ctl_answers *a = ask(c, "s2s", "s2s-list", argc, argv);
	int status;
	json_t *list = gather(a, &status);

	if (c->json) {
		ctl_print_json(json_incref(list));
	} else if (status == CTL_GOOD) {
		print_streams(list);
	}
	json_decref(list);
	ctl_answers_free(a);
	return status;
}

static int s2s_close(struct ctl *c, int argc, char **argv)
{
	struct ctl_answers *a = ask(c, "s2s", "s2s-close", argc, argv);
	int status = ctl_answers_check(a, "s2s");
	long long n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += number(a->list[i].value, "closed");
	if (c->json)
		ctl_print_json(json_pack("{s:I}", "closed", (json_int_t)n));
	else if (status == CTL_GOOD)
		printf("%lld streams closed\n", n);
	ctl_answers_free(a);
	return status;
}

/* --- why, test ---------------------------------------------------------------------------------
 */

static void print_certificate(const json_t *certificate)
{
	if (!json_is_object(certificate))
		return;
	printf("    certificate: %s; for %s; until %s\n", text(certificate, "verdict"),
	       text(certificate, "names"), text(certificate, "expires"));
}

static void print_attempt(const json_t *a, const char *instance)
{
	json_t *step;
	size_t i;

	printf("%s %s, %s and %s, by %s: %s\n", text(a, "time"),
	       strcmp(text(a, "direction"), "out") == 0 ? "to them" : "from them", text(a, "own"),
	       text(a, "remote"), instance,
	       *text(a, "result") ? text(a, "result")
	       : flag(a, "open")  ? "under way"
				  : "nothing came of it");
	if (*text(a, "tls"))
		printf("    TLS: %s\n", text(a, "tls"));
	print_certificate(json_object_get(a, "certificate"));
	json_array_foreach (json_object_get(a, "steps"), i, step) {
		printf("    %6lld ms  %s\n", number(step, "ms"), text(step, "text"));
	}
	if (number(a, "left_out"))
		printf("    and %lld more lines\n", number(a, "left_out"));
	if (*text(a, "ended"))
		printf("    ended: %s\n", text(a, "ended"));
	if (*text(a, "advice"))
		printf("    => %s\n", text(a, "advice"));
}

static void print_pairs(const json_t *pairs, const char *instance)
{
	json_t *p;
	size_t i;

	json_array_foreach (pairs, i, p) {
		printf("%s: %s, %lld stanzas wait", text(p, "own"), instance, number(p, "queued"));
		if (*text(p, "shared_with"))
			printf(", the stream to %s takes them", text(p, "shared_with"));
		else if (flag(p, "stream"))
			printf(", a stream is open");
		if (number(p, "retry_s"))
			printf(", not tried before %lld s are over", number(p, "retry_s"));
		if (number(p, "failures"))
			printf(", %lld failures, the last: %s", number(p, "failures"),
			       text(p, "why"));
		putchar('\n');
	}
}

static void print_why(const struct ctl_answers *a, const char *domain)
{
	size_t shown = 0;

	for (size_t i = 0; i < a->n; i++) {
		const json_t *v = a->list[i].value, *policy = json_object_get(v, "policy");
		json_t *attempt;
		size_t k;

		if (!v)
			continue;
		if (i == 0)
			printf("%s: %sTLS %s, certificate %s, dialback %s\n", text(v, "remote"),
			       flag(policy, "denied") ? "DENIED by the configuration; " : "",
			       text(policy, "tls"), text(policy, "certificate"),
			       text(policy, "dialback"));
		print_pairs(json_object_get(v, "pairs"), a->list[i].instance);
		json_array_foreach (json_object_get(v, "attempts"), k, attempt) {
			print_attempt(attempt, a->list[i].instance);
			shown++;
		}
	}
	if (!shown)
		printf("no attempt with %s is remembered; \"mercutioctl s2s test %s\" makes one\n",
		       domain, domain);
}

static int s2s_why(struct ctl *c, int argc, char **argv)
{
	struct ctl_answers *a = ask(c, "s2s", "s2s-why", argc, argv);
	int status = ctl_answers_check(a, "s2s");

	if (c->json) {
		json_t *list = json_array();

		for (size_t i = 0; i < a->n; i++)
			if (a->list[i].value) {
				json_object_set_new(a->list[i].value, "instance",
						    json_string(a->list[i].instance));
				json_array_append(list, a->list[i].value);
			}
		ctl_print_json(list);
	} else if (status == CTL_GOOD) {
		print_why(a, argv[0]);
	}
	ctl_answers_free(a);
	return status;
}

/* Waits for the end of a trial. NULL: it could not be asked, which was told. New reference. */
static json_t *await_test(struct ctl *c, const char *instance, char *domain, long long n)
{
	char *count = xasprintf("%lld", n);
	char *args[] = {domain, count};
	json_t *attempt = NULL;

	for (long waited = 0; waited < TEST_MS * 1000L; waited += POLL_US) {
		struct ctl_answers *a = ask(c, instance, "s2s-why", 2, args);
		int status = ctl_answers_check(a, instance);

		json_decref(attempt);
		attempt = status == CTL_GOOD && a->n
				  ? json_incref(json_array_get(
					    json_object_get(a->list[0].value, "attempts"), 0))
				  : NULL;
		ctl_answers_free(a);
		if (!attempt || flag(attempt, "settled"))
			break;
		usleep(POLL_US);
	}
	free(count);
	return attempt;
}

static int run_test(struct ctl *c, const char *instance, char *domain, long long n)
{
	json_t *attempt = await_test(c, instance, domain, n);
	int status = attempt && flag(attempt, "good") ? CTL_GOOD : CTL_FAILED;

	if (!attempt)
		return ctl_error("the record of the trial is gone");
	if (c->json) {
		ctl_print_json(attempt);
		return status;
	}
	print_attempt(attempt, instance);
	json_decref(attempt);
	return status;
}

static int s2s_test(struct ctl *c, int argc, char **argv)
{
	uint64_t id = ctl_serving(c, "s2s");
	const struct member *m = link_member(c->link, id);
	struct ctl_answers *a;
	int status;

	if (!m)
		return ctl_error("no s2s process is linked");
	a = ask(c, m->name, "s2s-test", argc, argv);
	status = ctl_answers_check(a, m->name);
	if (status == CTL_GOOD)
		status = run_test(c, a->list[0].instance, argv[0],
				  number(a->list[0].value, "number"));
	ctl_answers_free(a);
	return status;
}

const struct ctl_command ctl_s2s_commands[] = {
	{"s2s list", "", 0, 0, CTL_LINK, s2s_list, "streams with other servers"},
	{"s2s close", "DOMAIN", 1, 1, CTL_LINK, s2s_close, "ends all streams with a domain"},
	{"s2s why", "DOMAIN", 1, 1, CTL_LINK, s2s_why,
	 "what happened with a domain: the last attempts in and out, and what can be done"},
	{"s2s test", "DOMAIN [OWN]", 1, 2, CTL_LINK, s2s_test,
	 "opens a stream to a domain now, as OWN (else the first domain), and tells how it went"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
