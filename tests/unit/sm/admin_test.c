/* SPDX-License-Identifier: MIT */
/* Service administration in one sm: settings, lists, greetings, figures, disabled accounts,
 * commands. */
#include <errno.h>
#include <stdlib.h>
#include "sm/service.h"
#include "tests/unit/sm/world.h"

static void setup(void)
{
	world_start("commands_each = 2\nadmin_text_max = 256");
	account("romeo@localhost");
	account("juliet@localhost");
}

/* In storage, as another sm has written it. */
static void setting(const char *domain, const char *name, int64_t time, const char *value)
{
	struct msg_value v[COLS_SETTING] = {value_text(str_z(domain)), value_text(str_z(name)),
					    value_int(time), value_text(str_z(value))};

	shelf_put(w.shelf, TABLE_SETTING, v, COLS_SETTING);
}

static void changed(void)
{
	struct msg_service_changed m = {0};

	fake_receive(w.link, frame_from(PEER_ID, MSG_SERVICE_CHANGED, NULL), &m);
	pass(100); /* what follows from it is done a slice at a time */
}

/* --- settings ----------------------------------------------------------------------------------
 */

static const struct {
	const char *black, *white, *jid;
	bool refused;
} lists[] = {
	{"", "", "a@evil", false},
	{"evil", "", "a@evil/x", true},
	{"evil", "", "a@good", false},
	{"a@evil", "", "a@evil/x", true},
	{"a@evil", "", "b@evil", false},
	{"evil/x", "", "a@evil/x", true},
	{"evil/x", "", "a@evil/y", false},
	{"a@evil/x", "", "a@evil/y", false},
	{"a@evil/x", "", "a@evil/x", true},
	/* What is nearer decides, a blacklist where both do. */
	{"evil", "a@evil", "a@evil/x", false},
	{"evil", "a@evil", "b@evil/x", true},
	{"a@evil", "evil", "a@evil/x", true},
	{"evil", "evil", "a@evil", true},
	{"a@evil", "evil/x", "a@evil/x", true},
	/* Who is not on a whitelist is refused, but for our own. */
	{"", "good", "a@evil", true},
	{"", "good", "a@good", false},
	{"", "good", "juliet@localhost", false},
	{"juliet@localhost", "good", "juliet@localhost/x", true},
	/* Nobody administers himself away. */
	{"localhost", "", "admin@localhost/x", false},
};

START_TEST(refuses)
{
	struct service *s = sm_service(w.sm);
	struct jid j;

	ck_assert(!service_has_lists(s));
	setting("", "admins", 1, "admin@localhost");
	setting("localhost", "blacklist", 1, lists[_i].black);
	setting("localhost", "whitelist", 1, lists[_i].white);
	changed();
	ck_assert_int_eq(jid_split(str_z(lists[_i].jid), &j), 0);
	ck_assert(service_refuses(s, STR("localhost"), &j, SERVICE_IN) == lists[_i].refused);
	ck_assert(service_refuses(s, STR("localhost"), &j, SERVICE_OUT) == lists[_i].refused);
	ck_assert(!service_refuses(s, STR("other"), &j, SERVICE_IN));
}
END_TEST

START_TEST(one_direction)
{
	struct service *s = sm_service(w.sm);
	struct jid j;

	ck_assert_int_eq(jid_split(STR("a@evil"), &j), 0);
	setting("localhost", "blacklist-in", 1, "x@y\nevil");
	changed();
	ck_assert(service_refuses(s, STR("localhost"), &j, SERVICE_IN));
	ck_assert(!service_refuses(s, STR("localhost"), &j, SERVICE_OUT));
	setting("localhost", "whitelist-out", 1, "good");
	changed();
	ck_assert(service_refuses(s, STR("localhost"), &j, SERVICE_OUT));
}
END_TEST

/* Who says that something changed hears OK when it was read after that, not before. */
START_TEST(read_again)
{
	struct msg_service_changed m = {0};
	size_t reads;

	w.shelf->hold_reads = true;
	w.nother = 0;
	fake_receive(w.link, frame_from(PEER_ID, MSG_SERVICE_CHANGED, NULL), &m);
	settle();
	fake_receive(w.link, frame_from(PEER_ID, MSG_SERVICE_CHANGED, NULL), &m);
	settle();
	ck_assert_uint_eq(w.nother, 0);
	reads = w.shelf->reads;
	w.shelf->hold_reads = false;
	settle();
	ck_assert_uint_eq(w.shelf->reads, reads + 2); /* the second has asked while the first ran */
	ck_assert_uint_eq(w.nother, 2);
	ck_assert_uint_eq(w.other[1].f.kind, MSG_OK);
}
END_TEST

START_TEST(storage_away)
{
	setting("", "admins", 1, "romeo@localhost");
	w.shelf->hold_reads = true;
	changed();
	reads_time_out();
	ck_assert(!service_is_admin(sm_service(w.sm), STR("romeo@localhost")));
	w.shelf->hold_reads = false;
	pass(2000);
	ck_assert(service_is_admin(sm_service(w.sm), STR("romeo@localhost")));
}
END_TEST

/* --- greetings ---------------------------------------------------------------------------------
 */

static const struct msg_value *login_row(const char *account)
{
	const struct shelf_row *row = shelf_row(w.shelf, TABLE_LOGIN, account);

	ck_assert_ptr_nonnull(row);
	return row->v;
}

START_TEST(greetings)
{
	struct client *romeo, *hut;

	setting("localhost", "welcome", 1, "Hello & welcome");
	changed();
	romeo = login("romeo@localhost", "x");
	gets_nothing(romeo);
	ck_assert_ptr_null(shelf_row(w.shelf, TABLE_LOGIN, "romeo@localhost")); /* no hurry */
	says(romeo, "<presence/>");
	gets_any(romeo, "<message", "from='localhost'", "to='romeo@localhost/x'",
		 "Hello &amp; welcome");
	ck_assert_int_eq(login_row("romeo@localhost")[COL_LOGIN_LOGINS].i, 1);
	forget(romeo);
	setting("localhost", "motd", 7, "News");
	changed();
	gets(romeo, "type='headline'", "<body>News</body>");
	ck_assert_int_eq(login_row("romeo@localhost")[COL_LOGIN_MOTD].i, 7);
	changed();
	gets_nothing(romeo);
	hut = online("romeo@localhost", "hut"); /* the account has seen it */
	gets_nothing(hut);
	ck_assert_int_eq(login_row("romeo@localhost")[COL_LOGIN_LOGINS].i, 1); /* not yet */
	leave(hut, true);
	pass(3000);
	ck_assert_int_eq(login_row("romeo@localhost")[COL_LOGIN_LOGINS].i, 2);
	hut = online("romeo@localhost", "hut");
	gets_nothing(hut);
	forget(romeo);
	setting("localhost", "motd", 7, "Corrected");
	changed();
	gets_nothing(romeo);
	setting("localhost", "motd", 8, "More");
	changed();
	gets(romeo, "<body>More</body>"); /* once, to one of them */
	gets_nothing(hut);
	/* As if it had begun at an owner that died before it wrote the row. */
	session_find(w.sm, hut->sid)->since += 1000;
	leave(hut, true);
	pass(3000);
	ck_assert_int_eq(login_row("romeo@localhost")[COL_LOGIN_LOGINS].i, 4);
}
END_TEST

/* --- figures -----------------------------------------------------------------------------------
 */

static void users(uint8_t which, uint32_t most, uint64_t count, const char *first)
{
	struct msg_users m = {
		.domain = STR("localhost"), .which = which, .idle = 60000, .most = most};
	struct pool *p = pool_new();
	struct msg_users_told r;

	w.nother = 0;
	fake_receive(w.link, frame_from(PEER_ID, MSG_USERS, NULL), &m);
	settle();
	ck_assert_uint_eq(w.nother, 1);
	ck_assert_uint_eq(w.other[0].f.kind, MSG_USERS_TOLD);
	ck_assert_int_eq(msg_decode(MSG_USERS_TOLD, p, w.other[0].f.body, &r), 0);
	ck_assert_uint_eq(r.count, count);
	ck_assert_uint_eq(r.njids, most < count ? most : count);
	if (first)
		ck_assert(str_eqz(r.jids[0], first));
	pool_free(p);
}

START_TEST(figures)
{
	struct client *romeo = online("romeo@localhost", "x"), *juliet;

	online("romeo@localhost", "y");
	users(0, 0, 1, NULL);
	juliet = login("juliet@localhost", "z");
	users(0, 1, 2, "juliet@localhost"); /* connected, whether it is available or not */
	users(1, 5, 2, "juliet@localhost");
	pass(61000);
	users(2, 5, 2, "juliet@localhost");
	says(romeo, "<presence/>");
	users(1, 5, 1, "romeo@localhost");
	says(romeo, "<presence><show>away</show></presence>");
	users(1, 5, 0, NULL);
	says(romeo, "<presence><status>&lt;show>away</status></presence>");
	users(1, 5, 1, "romeo@localhost");
	leave(juliet, true);
	settle();
	users(0, 0, 1, NULL);
}
END_TEST

START_TEST(announced)
{
	struct client *romeo = online("romeo@localhost", "x"),
		      *hut = online("romeo@localhost", "hut"),
		      *juliet = login("juliet@localhost", "z");
	struct msg_announcement m = {.domain = STR("localhost"), .body = STR("1 < 2")};

	forget(romeo);
	fake_receive(w.link, frame_from(PEER_ID, MSG_ANNOUNCEMENT, NULL), &m);
	pass(100);
	gets(romeo, "type='headline'", "from='localhost'", "<body>1 &lt; 2</body>");
	gets(hut, "type='headline'");
	gets_nothing(juliet);
	m.domain = STR("elsewhere");
	fake_receive(w.link, frame_from(PEER_ID, MSG_ANNOUNCEMENT, NULL), &m);
	pass(100);
	gets_nothing(romeo);
}
END_TEST

/* --- disabled accounts -------------------------------------------------------------------------
 */

static void disable(bool disabled)
{
	struct msg_user_disabled m = {STR("romeo@localhost"), disabled};

	fake_receive(w.link, frame_from(PEER_ID, MSG_USER_DISABLED, "romeo@localhost"), &m);
	settle();
}

START_TEST(disabled)
{
	struct client *romeo = online("romeo@localhost", "x"),
		      *juliet = online("juliet@localhost", "z");

	disable(true);
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	/* With a ticket of a moment before. */
	ck_assert_uint_eq(login_on("romeo@localhost", "x", C2S_ID)->refused,
			  1 + STANZA_E_NOT_ALLOWED);
	says(juliet,
	     "<message type='chat' id='m' to='romeo@localhost'><body>kept</body></message>");
	gets_nothing(juliet);
	disable(false);
	romeo = login("romeo@localhost", "x");
	ck_assert_uint_eq(romeo->refused, 0);
	says(romeo, "<presence/>");
	gets_any(romeo, "<body>kept</body>");
}
END_TEST

START_TEST(disabled_in_storage)
{
	struct msg_value v[COLS_DISABLED] = {value_text(STR("romeo@localhost")), value_int(1)};

	shelf_put(w.shelf, TABLE_DISABLED, v, COLS_DISABLED);
	ck_assert_uint_eq(login_on("romeo@localhost", "x", C2S_ID)->refused,
			  1 + STANZA_E_NOT_ALLOWED);
}
END_TEST

/* --- commands ----------------------------------------------------------------------------------
 */

#define COMMAND(node, attrs, inside)                                                               \
	"<iq type='set' id='c' to='localhost'><command "                                           \
	"xmlns='http://jabber.org/protocol/commands' "                                             \
	"node='http://jabber.org/protocol/admin#" node "' " attrs ">" inside "</command></iq>"

START_TEST(who_may)
{
	struct client *romeo = online("romeo@localhost", "x");

	says(romeo, COMMAND("announce", "", ""));
	gets(romeo, "type='error'", "<forbidden");
	setting("", "admins", 1, "romeo@localhost");
	changed();
	says(romeo, COMMAND("announce", "", ""));
	gets(romeo, "status='executing'", "var='announcement'");
	says(romeo, COMMAND("get-user-password", "", ""));
	gets(romeo, "<feature-not-implemented");
}
END_TEST

/* It is still in work when the process ends: nothing is left behind. */
START_TEST(ends_in_work)
{
	struct client *romeo = online("romeo@localhost", "x");

	setting("", "admins", 1, "romeo@localhost");
	changed();
	w.shelf->hold_reads = w.shelf->hold = true;
	says(romeo, COMMAND("get-registered-users-num", "", ""));
	says(romeo, COMMAND("delete-motd", "", ""));
	gets_nothing(romeo);
}
END_TEST

Suite *admin_suite(void);
Suite *admin_suite(void)
{
	const TTest *const tests[] = {one_direction, read_again,  storage_away, greetings,
				      figures,	     announced,	  disabled,	disabled_in_storage,
				      who_may,	     ends_in_work};
	Suite *s = suite_create("admin");
	TCase *tc = tcase_create("admin");

	tcase_add_checked_fixture(tc, setup, world_stop);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, refuses, 0, sizeof lists / sizeof *lists);
	suite_add_tcase(s, tc);
	return s;
}
