/* SPDX-License-Identifier: MIT */
/* XEP-0133 sections 4.8 to 4.10: an account's roster, its last login, statistics. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"
#include "sm/roster.h"

enum { READ_MS = 10000, EACH_READS = 2, NO_ACCOUNT = -1 };

struct job {
	struct command_run *r;
	struct store_read *read;
	struct gather *gather;
	const struct str *jids;
	size_t n;
	int64_t *logins_at; /* of each, wall clock, us; 0: never */
	size_t at;
	bool asked_all;
	/* of one account's statistics */
	int64_t roster, logins, first, last;
	uint64_t stanzas;
	int64_t since; /* of the oldest session, 0: there is none */
	bool exists, disabled;
};

static void job_free(void *arg)
{
	struct job *j = arg;

	store_read_cancel(j->read);
	gather_cancel(j->gather);
	free(j);
}

static struct job *job_new(struct command_run *r, const char *var)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->r = r;
	j->n = command_values(r, var, &j->jids);
	command_keep(r, j, job_free);
	return j;
}

static void no_answer(struct job *j)
{
	command_fail(j->r, STANZA_E_INTERNAL_SERVER_ERROR, "storage does not answer");
}

static void no_account(struct job *j)
{
	command_fail(j->r, admin_error(ENOENT), admin_error_text(ENOENT));
}

/* Of each account whether it is one, and a row of table. False: there are too many. */
static bool read_each(struct job *j, uint8_t op, uint16_t table, store_read_fn *fn)
{
	struct pool *p = command_pool(j->r);
	struct msg_read_op *ops;
	struct msg_value *keys;

	if (j->n > (size_t)admin_config(j->r)->list_max)
		return false;
	ops = pool_calloc(p, j->n * EACH_READS * sizeof *ops);
	keys = pool_calloc(p, j->n * sizeof *keys);
	for (size_t i = 0; i < j->n; i++) {
		keys[i] = value_text(admin_account(j->r, j->jids[i]));
		if (!keys[i].s.ptr)
			keys[i].s = STR("");
		ops[i * EACH_READS] = (struct msg_read_op){
			.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &keys[i], .nkey = 1};
		ops[i * EACH_READS + 1] =
			(struct msg_read_op){.op = op, .table = table, .key = &keys[i], .nkey = 1};
	}
	j->read = store_read(sm_link(admin_sm(j->r)), ops, j->n * EACH_READS, READ_MS, fn, j);
	return true;
}

static void too_many(struct job *j)
{
	command_fail(j->r, STANZA_E_NOT_ACCEPTABLE, "those are too many at once");
}

/* The rows of account i, or NULL (and a note) when there is none such. */
static const struct msg_rows *rows_of(struct job *j, const struct msg_rows *results, size_t i,
				      size_t *found)
{
	if (!results[i * EACH_READS].nrows) {
		command_note(j->r, "error", "%.*s: %s", STR_ARG(j->jids[i]),
			     admin_error_text(ENOENT));
		return NULL;
	}
	++*found;
	command_result(j->r, "accountjids", "jid-multi", NULL, j->jids[i]);
	return &results[i * EACH_READS + 1];
}

/* --- roster ---------------------------------------------------------------------------------- */

static struct contact contact_of(struct pool *p, const struct msg_value *v)
{
	return (struct contact){
		.jid = (char *)pool_str(p, v[COL_ROSTER_JID].s).ptr,
		.name = v[COL_ROSTER_NAME].type ? (char *)pool_str(p, v[COL_ROSTER_NAME].s).ptr
						: NULL,
		.groups = (char *)pool_str(p, v[COL_ROSTER_GROUPS].s).ptr,
		.state = (unsigned)v[COL_ROSTER_SUBSCRIPTION].i,
	};
}

static void write_roster(struct job *j, const struct msg_rows *rows)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init_in(&w, &b, NS_DATA);
	xw_start(&w, "query", NS_ROSTER);
	for (size_t i = 0; i < rows->nrows; i++) {
		struct contact c = contact_of(p, rows->rows[i].values);

		if (contact_listed(&c))
			contact_write(&w, &c);
	}
	xw_end(&w);
	command_result_xml(j->r, buf_str(&b));
	buf_free(&b);
	pool_free(p);
	if (rows->more)
		command_note(j->r, "warn", "The roster is longer than what is shown.");
}

static void got_rosters(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct job *j = arg;
	size_t found = 0;

	j->read = NULL;
	if (err < 0 || n != j->n * EACH_READS) {
		no_answer(j);
		return;
	}
	for (size_t i = 0; i < j->n; i++) {
		const struct msg_rows *rows = rows_of(j, results, i, &found);

		if (rows)
			write_roster(j, rows);
	}
	if (found)
		command_done(j->r);
	else
		no_account(j);
}

static void get_user_roster(struct command_run *r)
{
	struct job *j = job_new(r, "accountjids");

	if (!read_each(j, STORE_LIST, TABLE_ROSTER, got_rosters))
		too_many(j);
}

/* --- last login ------------------------------------------------------------------------------ */

static void last_login_tell(struct job *j, int64_t time)
{
	char text[32];

	command_result(j->r, "accountjids", "jid-multi", NULL, j->jids[j->at]);
	if (time) {
		clock_format(time, text);
		command_result(j->r, "lastlogin", "text-single", "Last login", str_z(text));
	} else {
		command_note(j->r, "info", "%.*s has never logged in.", STR_ARG(j->jids[j->at]));
	}
}

static void last_login_next(struct job *j);

static void last_login_told(void *arg, struct str missing)
{
	struct job *j = arg;

	j->gather = NULL;
	last_login_tell(j, j->logins_at[j->at]);
	j->at++;
	if (missing.len) {
		admin_note_missing(j->r, missing);
		j->asked_all = true; /* who does not answer once is not asked again */
	}
	last_login_next(j);
}

static void take_login(void *arg, const void *msg)
{
	struct job *j = arg;
	const struct msg_session_listed *m = msg;

	for (size_t i = 0; i < m->nsessions; i++)
		if (m->sessions[i].since > j->logins_at[j->at])
			j->logins_at[j->at] = m->sessions[i].since;
}

/* The row of a session that has begun may not be written yet: the session itself tells when. */
static void last_login_next(struct job *j)
{
	struct msg_session_list m;
	bool found = false;

	for (; j->at < j->n; j->at++) {
		if (j->logins_at[j->at] == NO_ACCOUNT) {
			command_note(j->r, "error", "%.*s: %s", STR_ARG(j->jids[j->at]),
				     admin_error_text(ENOENT));
		} else if (j->asked_all) {
			last_login_tell(j, j->logins_at[j->at]);
		} else {
			m = (struct msg_session_list){
				.account = admin_account(j->r, j->jids[j->at])};
			j->gather = gather_sms(admin_sm(j->r), MSG_SESSION_LIST, &m, take_login,
					       last_login_told, j);
			return;
		}
	}
	for (size_t i = 0; i < j->n; i++)
		found |= j->logins_at[i] != NO_ACCOUNT;
	if (found)
		command_done(j->r);
	else
		no_account(j);
}

static void got_logins(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct job *j = arg;

	j->read = NULL;
	if (err < 0 || n != j->n * EACH_READS) {
		no_answer(j);
		return;
	}
	j->logins_at = pool_calloc(command_pool(j->r), j->n * sizeof *j->logins_at);
	for (size_t i = 0; i < j->n; i++) {
		const struct msg_rows *row = &results[i * EACH_READS + 1];

		if (!results[i * EACH_READS].nrows)
			j->logins_at[i] = NO_ACCOUNT;
		else if (row->nrows)
			j->logins_at[i] = row->rows[0].values[COL_LOGIN_LAST_TIME].i;
	}
	last_login_next(j);
}

static void get_user_lastlogin(struct command_run *r)
{
	struct job *j = job_new(r, "accountjids");

	if (!read_each(j, STORE_GET, TABLE_LOGIN, got_logins))
		too_many(j);
}

/* --- statistics ------------------------------------------------------------------------------ */

static void result_number(struct job *j, const char *var, const char *label, int64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%lld", (long long)n);
	command_result(j->r, var, "text-single", label, str_z(text));
}

static void result_rate(struct job *j, const char *var, const char *label, double rate)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%.3g", rate);
	command_result(j->r, var, "text-single", label, str_z(text));
}

static double seconds_since(int64_t wall_us)
{
	double s = (double)(clock_wall_us() - wall_us) / 1e6;

	return s < 1 ? 1 : s;
}

static void stats_done(void *arg, struct str missing)
{
	struct job *j = arg;

	j->gather = NULL;
	result_number(j, "rostersize", "Number of roster items for an account", j->roster);
	result_rate(j, "stanzaspersecond",
		    "The number of stanzas being sent per second by an account",
		    j->since ? (double)j->stanzas / seconds_since(j->since) : 0);
	result_rate(j, "loginsperminute", "The number of logins per minute for an account",
		    j->first ? (double)j->logins * 60 / seconds_since(j->first) : 0);
	if (j->disabled)
		command_note(j->r, "info", "The account is disabled.");
	admin_note_missing(j->r, missing);
	command_done(j->r);
}

static void take_sessions(void *arg, const void *msg)
{
	struct job *j = arg;
	const struct msg_session_listed *m = msg;
	struct jid jid;

	for (size_t i = 0; i < m->nsessions; i++)
		command_result(j->r, "ipaddresses", "list-multi",
			       "The IP addresses of an account's online sessions",
			       m->sessions[i].address);
	for (size_t i = 0; i < m->nsessions; i++) {
		const struct msg_session_line *s = &m->sessions[i];

		if (jid_split(s->jid, &jid) == 0)
			command_result(j->r, "onlineresources", "text-multi",
				       "The names of an account's online sessions", jid.resource);
		j->stanzas += s->stanzas;
		if (!j->since || s->since < j->since)
			j->since = s->since;
		j->logins += s->since > j->last; /* its row is not written yet */
	}
}

enum { STATS_ACCOUNT, STATS_LOGIN, STATS_ROSTER, STATS_DISABLED, STATS_READS };

static void got_stats(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct job *j = arg;
	struct msg_session_list m = {.account = j->n ? admin_account(j->r, j->jids[0]) : STR_NONE};

	j->read = NULL;
	if (err < 0 || n != STATS_READS) {
		no_answer(j);
		return;
	}
	if (!results[STATS_ACCOUNT].nrows) {
		no_account(j);
		return;
	}
	if (results[STATS_LOGIN].nrows) {
		const struct msg_value *v = results[STATS_LOGIN].rows[0].values;

		j->logins = v[COL_LOGIN_LOGINS].i;
		j->first = v[COL_LOGIN_FIRST_TIME].i;
		j->last = v[COL_LOGIN_LAST_TIME].i;
	}
	j->roster = results[STATS_ROSTER].nrows ? results[STATS_ROSTER].rows[0].values[0].i : 0;
	j->disabled = results[STATS_DISABLED].nrows > 0;
	j->gather = gather_sms(admin_sm(j->r), MSG_SESSION_LIST, &m, take_sessions, stats_done, j);
}

static void user_stats(struct command_run *r)
{
	static const struct {
		uint8_t op;
		uint16_t table;
	} reads[STATS_READS] = {[STATS_ACCOUNT] = {STORE_GET, TABLE_ACCOUNT},
				[STATS_LOGIN] = {STORE_GET, TABLE_LOGIN},
				[STATS_ROSTER] = {STORE_COUNT, TABLE_ROSTER},
				[STATS_DISABLED] = {STORE_GET, TABLE_DISABLED}};
	struct job *j = job_new(r, "accountjid");
	struct msg_read_op ops[STATS_READS];
	struct msg_value key = value_text(j->n ? admin_account(r, j->jids[0]) : STR_NONE);

	if (!key.s.len) {
		no_account(j);
		return;
	}
	memset(ops, 0, sizeof ops);
	for (size_t i = 0; i < STATS_READS; i++)
		ops[i] = (struct msg_read_op){
			.op = reads[i].op, .table = reads[i].table, .key = &key, .nkey = 1};
	j->read = store_read(sm_link(admin_sm(r)), ops, STATS_READS, READ_MS, got_stats, j);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct command_field roster_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) for which to retrieve the roster", true,
	 NULL, NULL},
	{.var = NULL},
};
static const struct command_field lastlogin_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) for which to retrieve the last login time",
	 true, NULL, NULL},
	{.var = NULL},
};
static const struct command_field stats_fields[] = {
	{"accountjid", COMMAND_JID, "The Jabber ID for statistics", true, NULL, NULL},
	{.var = NULL},
};

static const struct command_form roster_form[] = {
	{"Getting a User's Roster", "Fill out this form to get a user's roster.", roster_fields},
	{.title = NULL}};
static const struct command_form lastlogin_form[] = {
	{"Getting a User's Last Login Time", "Fill out this form to get a user's last login time.",
	 lastlogin_fields},
	{.title = NULL}};
static const struct command_form stats_form[] = {
	{"Get User Statistics", "Fill out this form to gather user statistics.", stats_fields},
	{.title = NULL}};

const struct command admin_user_commands[] = {
	{ADMIN("get-user-roster"), "Get User Roster", COMMAND_FOR_ADMINS, roster_form, NULL,
	 get_user_roster},
	{ADMIN("get-user-lastlogin"), "Get User Last Login Time", COMMAND_FOR_ADMINS,
	 lastlogin_form, NULL, get_user_lastlogin},
	{ADMIN("user-stats"), "Get User Statistics", COMMAND_FOR_ADMINS, stats_form, NULL,
	 user_stats},
	{.node = NULL},
};
