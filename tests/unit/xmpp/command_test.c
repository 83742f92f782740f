/* SPDX-License-Identifier: MIT */
/* Ad-hoc commands (XEP-0050): sessions, stages, actions, forms, and every error of section 4.4. */
#include <check.h>
#include <stdlib.h>
#include <stdio.h>
#include "base/alloc.h"
#include "xmpp/command.h"
#include "xmpp/ns.h"

static struct commands *commands;
static struct command_config config;
static struct pool *pool;
static uint64_t now;
static int app;

/* The last answer. */
static struct {
	size_t count, dropped;
	bool failed;
	enum stanza_error error;
	char condition[32], text[256];
	char *xml;
	char id[64];
} last;

static void setup(void)
{
	commands = commands_new(&app);
	config = (struct command_config){.each = 3, .all = 6, .lifetime = 1000};
	pool = pool_new();
	now = 5000;
	memset(&last, 0, sizeof last);
}

static void teardown(void)
{
	commands = commands_free(commands);
	pool_free(pool);
	free(last.xml);
}

static void answered(void *arg, const struct command_answer *a)
{
	const char *at;

	ck_assert_ptr_eq(arg, &app);
	last.count++;
	last.failed = a->failed;
	last.error = a->error;
	snprintf(last.condition, sizeof last.condition, "%s", a->condition ? a->condition : "");
	snprintf(last.text, sizeof last.text, "%s", a->text ? a->text : "");
	free(last.xml);
	last.xml = str_dup(a->xml);
	at = strstr(last.xml, "sessionid='");
	if (at)
		snprintf(last.id, sizeof last.id, "%.*s", (int)strcspn(at + 11, "'"), at + 11);
}

static void dropped(void *arg)
{
	ck_assert_ptr_eq(arg, &app);
	last.dropped++;
}

/* --- the commands ------------------------------------------------------------------------------
 */

static struct command_run *waiting; /* one that answers later */

static void run_now(struct command_run *r)
{
	ck_assert_ptr_eq(command_app(r), &app);
	command_result(r, "n", "text-single", "a <number>", STR("1"));
	command_note(r, "info", "done & %s", "dusted");
	command_done(r);
}

static void run_later(struct command_run *r)
{
	waiting = r;
}

static void run_wizard(struct command_run *r)
{
	const struct str *jids;
	struct buf lines = BUF_INIT;
	size_t n = command_values(r, "who", &jids);

	command_lines(r, "text", &lines);
	command_result(r, "service", NULL, NULL, command_value(r, "service"));
	for (size_t i = 0; i < n; i++)
		command_result(r, "who", NULL, NULL, jids[i]);
	command_result(r, "text", NULL, NULL, buf_str(&lines));
	buf_free(&lines);
	command_done(r);
}

static void prepare_wizard(struct command_run *r, unsigned stage)
{
	if (stage == 1) {
		command_fill(r, "who", STR("filled@in"));
		command_choice(r, "who", STR("An option"), command_value(r, "service"));
	}
	command_show(r);
}

static const struct command_option services[] = {
	{"The web", "httpd"}, {"This", "jabberd"}, {NULL, NULL}};
static const struct command_field first_fields[] = {
	{"service", COMMAND_LIST, "Service", true, services, "jabberd"},
	{"secret", COMMAND_PRIVATE, "Secret", false, NULL, NULL},
	{.var = NULL}};
static const struct command_field second_fields[] = {
	{"who", COMMAND_JIDS, "Who", true, NULL, NULL},
	{"text", COMMAND_TEXTS, "Text", false, NULL, NULL},
	{"sure", COMMAND_BOOL, "Sure", false, NULL, NULL},
	{.var = NULL}};
static const struct command_form wizard[] = {
	{"Service", "Choose one.", first_fields}, {"Who", NULL, second_fields}, {.title = NULL}};

static const struct command table[] = {
	{"urn:t#now", "Now", 0, NULL, NULL, run_now},
	{"urn:t#later", "Later", 0, NULL, NULL, run_later},
	{"urn:t#wizard", "Wizard", 0, wizard, prepare_wizard, run_wizard},
};
enum { NOW, LATER, WIZARD };

static void ask_from(const char *from, int cmd, const char *attrs, const char *inside)
{
	char *xml = xasprintf("<command xmlns='" NS_COMMANDS "' node='%s' %s>%s</command>",
			      table[cmd].node, attrs, inside);
	struct node *n = NULL;
	struct command_request q = {.cmd = &table[cmd],
				    .from = str_z(from),
				    .to = STR("localhost"),
				    .now = now,
				    .fn = answered,
				    .arg = &app,
				    .drop = dropped};

	ck_assert_int_eq(node_parse(pool, pool_str(pool, str_z(xml)), NS_CLIENT, &n), 0);
	q.element = n;
	commands_request(commands, &config, &q);
	free(xml);
}

static void ask(int cmd, const char *attrs, const char *inside)
{
	ask_from("a@localhost/x", cmd, attrs, inside);
}

/* In the session of the last answer. */
static void go(const char *action, const char *inside)
{
	char attrs[200];

	snprintf(attrs, sizeof attrs, "sessionid='%s' %s%s%s", last.id, *action ? "action='" : "",
		 action, *action ? "'" : "");
	ask(WIZARD, attrs, inside);
}

#define has(part)   ck_assert_msg(strstr(last.xml, part) != NULL, "%s", last.xml)
#define lacks(part) ck_assert_msg(strstr(last.xml, part) == NULL, "%s", last.xml)

static void assert_error(enum stanza_error e, const char *condition)
{
	ck_assert_msg(last.failed, "%s", last.xml ? last.xml : "");
	ck_assert_str_eq(stanza_error_name(last.error), stanza_error_name(e));
	ck_assert_str_eq(last.condition, condition);
}

#define X(inside)     "<x xmlns='jabber:x:data' type='submit'>" inside "</x>"
#define F(var, value) "<field var='" var "'><value>" value "</value></field>"
#define SERVICE	      X(F("service", "httpd") F("secret", "s3"))

/* --- tests --------------------------------------------------------------------------------------
 */

START_TEST(at_once)
{
	ask(NOW, "action='execute' status='nonsense'", "");
	ck_assert(!last.failed);
	has("node='urn:t#now'");
	has("status='completed'");
	has("xml:lang='en'");
	has("<note type='info'>done &amp; dusted</note>");
	has("<x xmlns='jabber:x:data' type='result'>");
	has("<field var='FORM_TYPE' type='hidden'><value>urn:t</value></field>");
	has("label='a &lt;number&gt;'");
	ck_assert_uint_eq(commands_sessions(commands), 0);
	ck_assert_uint_eq(strlen(last.id), 48);
	/* Its session is over. */
	{
		char attrs[100];

		snprintf(attrs, sizeof attrs, "sessionid='%s'", last.id);
		ask(NOW, attrs, "");
		assert_error(STANZA_E_NOT_ALLOWED, "session-expired");
	}
}
END_TEST

/* Section 2.4.2, 3.4 */
START_TEST(stages)
{
	ask(WIZARD, "", "");
	has("status='executing'");
	has("<actions execute='next'><next/></actions>");
	has("<field var='service' type='list-single' "
	    "label='Service'><required/><value>jabberd</value>"
	    "<option label='The web'><value>httpd</value></option>");
	has("<instructions>Choose one.</instructions>");
	go("", SERVICE); /* execute is next */
	has("<actions execute='complete'><prev/><complete/></actions>");
	has("<title>Who</title>");
	has("<value>filled@in</value><option label='An option'><value>httpd</value></option>");
	go("prev", "");
	has("<title>Service</title>");
	has("<value>httpd</value><option"); /* remembered */
	lacks("s3");
	go("next", SERVICE);
	go("complete",
	   X("<field var='who'><value>B@LocalHost</value><value>b@localhost</value>"
	     "<value>c@localhost/r</value></field>"
	     "<field var='text'><value>one</value><value>two</value></field>" F("sure", "1")));
	ck_assert_msg(!last.failed, "%s", last.text);
	has("status='completed'");
	has("<field var='service'><value>httpd</value></field><field var='who'>"
	    "<value>b@localhost</value><value>c@localhost/r</value></field>"
	    "<field var='text'><value>one\ntwo</value></field>");
	ck_assert_uint_eq(commands_sessions(commands), 0);
	go("", "");
	assert_error(STANZA_E_NOT_ALLOWED, "session-expired");
}
END_TEST

/* Section 2.4.3 */
START_TEST(cancelled)
{
	ask(WIZARD, "", "");
	go("cancel", "");
	has("status='canceled'");
	ck_assert_uint_eq(commands_sessions(commands), 0);
	go("cancel", "");
	assert_error(STANZA_E_NOT_ALLOWED, "session-expired");
}
END_TEST

START_TEST(actions)
{
	static const char *const first[] = {"next", "prev", "complete", "cancel"};

	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		char attrs[40];

		snprintf(attrs, sizeof attrs, "action='%s'", first[i]);
		ask(WIZARD, attrs, "");
		assert_error(STANZA_E_BAD_REQUEST, "bad-action");
	}
	ask(WIZARD, "action='dance'", "");
	assert_error(STANZA_E_BAD_REQUEST, "malformed-action");
	ask(WIZARD, "", "");
	go("dance", "");
	assert_error(STANZA_E_BAD_REQUEST, "malformed-action");
	go("prev", "");
	assert_error(STANZA_E_BAD_REQUEST, "bad-action");
	go("complete", SERVICE);
	assert_error(STANZA_E_BAD_REQUEST, "bad-action");
	go("next", SERVICE); /* the session is still good */
	has("<title>Who</title>");
	go("next", SERVICE);
	assert_error(STANZA_E_BAD_REQUEST, "bad-action");
}
END_TEST

static const struct {
	const char *inside, *why;
} payloads[] = {
	{"", "missing"},
	{"<y xmlns='z'/>", "missing"},
	{SERVICE "<y xmlns='z'/>", "nothing else"},
	{SERVICE SERVICE, "nothing else"},
	{"<x xmlns='jabber:x:data' type='form'/>", "type submit"},
	{"<x xmlns='jabber:x:data'/>", "type submit"},
	{X(""), "(service) is required"},
	{X(F("service", "")), "(service) is required"},
	{X(F("service", "sshd")), "none of the values"},
	{X("<field var='service'><value>httpd</value><value>jabberd</value></field>"), "one value"},
};

START_TEST(bad_payload)
{
	ask(WIZARD, "", "");
	go("next", payloads[_i].inside);
	assert_error(STANZA_E_BAD_REQUEST, "bad-payload");
	ck_assert_msg(strstr(last.text, payloads[_i].why) != NULL, "%s", last.text);
	go("next", SERVICE); /* corrected */
	ck_assert(!last.failed);
}
END_TEST

START_TEST(values)
{
	ask(WIZARD, "", "");
	/* Section 3.6.1: "consider any <x type='cancel'/> to be <x type='submit'/>" */
	go("", "<x xmlns='jabber:x:data' type='cancel'>" F("service", "httpd") "</x>");
	ck_assert(!last.failed);
	go("", X(F("who", "@")));
	assert_error(STANZA_E_BAD_REQUEST, "bad-payload");
	go("", X(F("who", "a@b") F("sure", "maybe")));
	assert_error(STANZA_E_BAD_REQUEST, "bad-payload");
	go("", X(F("who", "a@b") F("unknown", "is ignored")));
	ck_assert(!last.failed);
}
END_TEST

/* Section 3.3: "valid only between one requester/responder pair" */
START_TEST(session_ids)
{
	char attrs[100];

	ask(WIZARD, "sessionid=''", "");
	assert_error(STANZA_E_BAD_REQUEST, "bad-sessionid");
	ask(WIZARD, "sessionid='mine'", "");
	assert_error(STANZA_E_BAD_REQUEST, "bad-sessionid");
	ask(WIZARD, "", "");
	snprintf(attrs, sizeof attrs, "sessionid='%s'", last.id);
	ask_from("a@localhost/y", WIZARD, attrs, SERVICE);
	assert_error(STANZA_E_BAD_REQUEST, "bad-sessionid");
	ask(NOW, attrs, SERVICE);
	assert_error(STANZA_E_BAD_REQUEST, "bad-sessionid");
	attrs[20] = attrs[20] == '0' ? '1' : '0'; /* as if it were one of ours */
	ask(WIZARD, attrs, SERVICE);
	assert_error(STANZA_E_BAD_REQUEST, "bad-sessionid");
}
END_TEST

START_TEST(expiry)
{
	ask(WIZARD, "", "");
	now += 999;
	go("next", SERVICE); /* every word counts anew */
	now += 999;
	go("prev", "");
	ck_assert(!last.failed);
	now += 1000;
	go("next", SERVICE);
	assert_error(STANZA_E_NOT_ALLOWED, "session-expired");
	ck_assert_uint_eq(commands_sessions(commands), 0);
}
END_TEST

START_TEST(bounds)
{
	char first[64];

	ask(WIZARD, "", "");
	memcpy(first, last.id, sizeof first);
	for (int i = 0; i < 3; i++) {
		ask(WIZARD, "", "");
		ck_assert(!last.failed);
	}
	ck_assert_uint_eq(commands_sessions(commands), 3);
	memcpy(last.id, first, sizeof first); /* the oldest has gone for the newest */
	go("next", SERVICE);
	assert_error(STANZA_E_NOT_ALLOWED, "session-expired");
	for (int i = 0; i < 3; i++)
		ask_from("b@localhost/x", WIZARD, "", "");
	ask_from("c@localhost/x", WIZARD, "", "");
	assert_error(STANZA_E_RESOURCE_CONSTRAINT, "");
	ck_assert_uint_eq(commands_sessions(commands), 6);
}
END_TEST

/* Section 3.7 */
START_TEST(languages)
{
	ask(NOW, "xml:lang='fr-ca'", "");
	assert_error(STANZA_E_BAD_REQUEST, "bad-locale");
	ask(NOW, "xml:lang='english'", "");
	assert_error(STANZA_E_BAD_REQUEST, "bad-locale");
	ask(NOW, "xml:lang='EN-us'", "");
	ck_assert(!last.failed);
	ask(NOW, "xml:lang=''", "");
	ck_assert(!last.failed);
}
END_TEST

START_TEST(takes_its_time)
{
	ask(LATER, "", "");
	ck_assert_uint_eq(last.count, 0);
	for (int i = 0; i < 3; i++) /* what is under way stays, whatever else is asked */
		ask(WIZARD, "", "");
	now += 100000;
	ask(NOW, "", "");
	command_note(waiting, "error", "no");
	command_done(waiting);
	has("<note type='error'>no</note>");
	ask(LATER, "", "");
	command_fail(waiting, STANZA_E_CONFLICT, "there is one");
	assert_error(STANZA_E_CONFLICT, "");
	ck_assert_str_eq(last.text, "there is one");
}
END_TEST

static void freed(void *state)
{
	++*(int *)state;
}

START_TEST(ends_unanswered)
{
	int kept = 0;

	ask(LATER, "", "");
	command_keep(waiting, &kept, freed);
	commands = commands_free(commands);
	ck_assert_int_eq(kept, 1);
	ck_assert_uint_eq(last.dropped, 1);
	ck_assert_uint_eq(last.count, 0);
	commands = commands_new(&app);
}
END_TEST

static void direct(int cmd, const char *inside)
{
	char *xml = xasprintf("<command xmlns='" NS_COMMANDS "'>%s</command>", inside);
	struct node *n = NULL;
	struct command_request q = {.cmd = &table[cmd],
				    .to = STR("localhost"),
				    .fn = answered,
				    .arg = &app,
				    .drop = dropped};

	ck_assert_int_eq(node_parse(pool, pool_str(pool, str_z(xml)), NS_CLIENT, &n), 0);
	q.element = n;
	commands_direct(commands, &q);
	free(xml);
}

START_TEST(without_session)
{
	direct(NOW, "");
	has("status='completed'");
	lacks("sessionid");
	direct(WIZARD, "");
	has("status='executing'");
	has("<title>Service</title>");
	direct(WIZARD, X(F("service", "httpd")));
	assert_error(STANZA_E_BAD_REQUEST, "bad-payload");
	direct(WIZARD, X(F("service", "httpd") F("who", "a@b")));
	has("status='completed'");
	has("<value>httpd</value>");
	has("<value>a@b</value>");
	ck_assert_uint_eq(commands_sessions(commands), 0);
}
END_TEST

/* Section 2.2 */
START_TEST(discovery)
{
	struct buf b = BUF_INIT;
	char *text;

	command_node_info(&table[NOW], &b);
	text = buf_take(&b);
	ck_assert_str_eq(text, "<identity category='automation' type='command-node' name='Now'/>"
			       "<feature var='http://jabber.org/protocol/commands'/>"
			       "<feature var='jabber:x:data'/>");
	free(text);
	command_list_info(&b);
	text = buf_take(&b);
	ck_assert_ptr_nonnull(
		strstr(text, "<identity category='automation' type='command-list'/>"));
	free(text);
}
END_TEST

Suite *command_suite(void);
Suite *command_suite(void)
{
	const TTest *const tests[] = {at_once,	 stages,	 cancelled,	  actions,
				      values,	 session_ids,	 expiry,	  bounds,
				      languages, takes_its_time, ends_unanswered, without_session,
				      discovery};
	Suite *s = suite_create("command");
	TCase *tc = tcase_create("command");

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, bad_payload, 0, sizeof payloads / sizeof *payloads);
	suite_add_tcase(s, tc);
	return s;
}
