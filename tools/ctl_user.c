/* SPDX-License-Identifier: MIT */
/* mercutioctl user: accounts one by one; many at once are ctl_import.c's. */
#include <errno.h>
#include <stdlib.h>
#include "tools/ctl.h"
#include "tools/ctl_import.h"

enum { MODE_CREATE, MODE_CHANGE };

const char *ctl_account_error(uint16_t code)
{
	switch (code) {
	case EEXIST:
		return "the account exists already";
	case ENOENT:
		return "no such account";
	case EINVAL:
		return "name or password is not acceptable";
	case EAGAIN:
		return "too busy, try again later";
	case EPERM:
		return "that name is reserved";
	case EOPNOTSUPP:
		return "the accounts of that domain and their passwords are kept elsewhere (credentials): "
		       "add and change them there";
	default:
		return strerror(code);
	}
}

struct reply {
	bool good;
	int status;
	uint16_t code;
};

static void on_result(void *arg, int err, uint16_t kind, const void *m)
{
	struct reply *r = arg;
	const struct msg_account_result *result = m;
	char *why;

	if (err == 0 && kind == MSG_ACCOUNT_RESULT && result->ncodes == 1) {
		r->code = result->codes[0];
		r->status = r->code ? ctl_error("%s", ctl_account_error(r->code)) : CTL_GOOD;
		return;
	}
	why = ctl_reason(err, m);
	r->status = ctl_error("%s", why);
	free(why);
}

/* Where its logins go, too, which may renew its keys: what is changed there is not undone behind it. */
static uint64_t auth_of(const struct ctl *c, struct str account)
{
	return link_place(c->link, "auth", jid_key(account));
}

static int set_password(struct ctl *c, const char *text, uint8_t mode)
{
	struct pool *p = pool_new();
	struct buf why = BUF_INIT, password = BUF_INIT;
	struct msg_new_account a = {.account = ctl_account(c, p, str_z(text), &why)};
	struct msg_account_add m = {.accounts = &a, .naccounts = 1, .mode = mode};
	struct frame head = ctl_head(MSG_ACCOUNT_ADD, auth_of(c, a.account));
	struct reply r = {.status = CTL_FAILED};

	if (!a.account.len) {
		ctl_error("%s: %.*s", text, STR_ARG(buf_str(&why)));
	} else if (!head.to) {
		ctl_error("no auth process is there");
	} else if (ctl_password(&password)) {
		a.password = buf_str(&password);
		ctl_ask(c, &head, &m, on_result, &r);
		ctl_finish(c);
	}
	buf_wipe(&password);
	buf_free(&why);
	pool_free(p);
	return r.status;
}

static int user_add(struct ctl *c, int argc, char **argv)
{
	return set_password(c, argv[0], MODE_CREATE);
}

static int user_passwd(struct ctl *c, int argc, char **argv)
{
	return set_password(c, argv[0], MODE_CHANGE);
}

/* --- removal --------------------------------------------------------------------------------- */

static void on_removed(void *arg, int err, uint16_t kind, const void *m)
{
	struct reply *r = arg;
	const struct msg_failed *f = m;
	char *why;

	if (err == 0)
		return;
	r->code = err == -EREMOTEIO && f ? f->code : EIO;
	if (r->code == ENOENT)
		return;
	why = ctl_reason(err, m);
	r->status = ctl_error("%s", why);
	free(why);
}

/* Credentials go first, so that nobody logs in again. What a removal that broke off has left is
 * removed also when the account itself is gone. */
static int remove_account(struct ctl *c, struct str account)
{
	struct frame head = ctl_head(MSG_ACCOUNT_DEL, auth_of(c, account));
	struct msg_account_del del = {.account = account};
	struct msg_user_remove rest = {.account = account};
	struct reply r = {.status = CTL_GOOD};
	char *why;

	if (!head.to)
		return ctl_error("no auth process is there");
	ctl_ask(c, &head, &del, on_removed, &r);
	ctl_finish(c);
	if (r.status != CTL_GOOD)
		return r.status;
	why = ctl_ask_owner(c, account, MSG_USER_REMOVE, &rest);
	if (why) {
		ctl_error("nobody can log in any more, but data are left, do it again: %s", why);
		free(why);
		return CTL_FAILED;
	}
	return r.code == ENOENT ? ctl_error("%s", ctl_account_error(ENOENT)) : CTL_GOOD;
}

static int user_del(struct ctl *c, int argc, char **argv)
{
	struct pool *p = pool_new();
	struct buf why = BUF_INIT;
	struct str account = ctl_account(c, p, str_z(argv[0]), &why);
	int status = account.len ? remove_account(c, account)
				 : ctl_error("%s: %.*s", argv[0], STR_ARG(buf_str(&why)));

	buf_free(&why);
	pool_free(p);
	return status;
}

/* --- list ------------------------------------------------------------------------------------ */

struct page {
	json_t *names;
	char *last;
	bool more;
	int status;
};

static void on_names(void *arg, int err, uint16_t kind, const void *m)
{
	struct page *p = arg;
	const struct msg_account_names *names = m;
	char *why;

	p->more = false;
	if (err < 0) {
		why = ctl_reason(err, m);
		p->status = ctl_error("%s", why);
		free(why);
		return;
	}
	for (size_t i = 0; i < names->naccounts; i++)
		json_array_append_new(p->names,
				      json_stringn(names->accounts[i].ptr, names->accounts[i].len));
	if (!names->naccounts)
		return;
	p->more = names->more;
	free(p->last);
	p->last = str_dup(names->accounts[names->naccounts - 1]);
}

static int user_list(struct ctl *c, int argc, char **argv)
{
	struct buf domain = BUF_INIT;
	struct page p = {.names = json_array(), .more = true};
	size_t i;
	json_t *name;

	if (argc && jid_prep_domain(&domain, str_z(argv[0])) < 0)
		p.status = ctl_error("%s is no domain", argv[0]);
	while (p.status == CTL_GOOD && p.more) {
		struct frame head = ctl_head(MSG_ACCOUNT_LIST, ctl_serving(c, "auth"));
		struct msg_account_list m = {.domain = buf_str(&domain), .after = str_z(p.last)};

		if (!head.to) {
			p.status = ctl_error("no auth process is there");
			break;
		}
		ctl_ask(c, &head, &m, on_names, &p);
		ctl_finish(c);
	}
	if (c->json && p.status == CTL_GOOD) {
		ctl_print_json(json_incref(p.names));
	} else if (!c->json) {
		json_array_foreach (p.names, i, name) {
			puts(json_string_value(name));
		}
	}
	json_decref(p.names);
	free(p.last);
	buf_free(&domain);
	return p.status;
}

const struct ctl_command ctl_user_commands[] = {
	{"user add", "JID", 1, 1, CTL_LINK, user_add,
	 "creates an account; the password comes from the terminal or standard input"},
	{"user del", "JID", 1, 1, CTL_LINK, user_del,
	 "ends its sessions, removes the account and all its data"},
	{"user passwd", "JID", 1, 1, CTL_LINK, user_passwd, "sets another password"},
	{"user list", "[DOMAIN]", 0, 1, CTL_LINK, user_list, "accounts, one a line"},
	{"user import", "[--replace|--merge|--skip] FILE|-", 1, 1,
	 CTL_LINK | CTL_REPLACE | CTL_MERGE | CTL_SKIP, ctl_user_import,
	 "creates accounts from a file: XEP-0227, or lines JID<TAB>PASSWORD"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
