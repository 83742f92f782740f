/* SPDX-License-Identifier: MIT */
/*
 * mercutioctl user import of a file of accounts (XEP-0227), while the server works.
 *
 * An account is made in auth first, which decides whether it is new; what belongs to it follows in
 * pieces to its owner.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "tools/ctl_import.h"
#include "tools/pie_read.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"

enum { MODE_CREATE, MODE_CHANGE };
enum { KEYS_MAX = 8, BUSY_TRIES = 20, BUSY_MS = 500 };
enum state { NEW, READY, PASSED }; /* PASSED: nothing more of it is taken */

struct import {
	struct ctl *c;
	const char *name; /* of the file */
	struct pie_limits limits;
	unsigned long long added, merged, replaced, skipped, failed, notes;
	/* The account that is being read. */
	struct pool *pool;
	struct str account;
	struct buf password, data;
	struct msg_scram_row keys[KEYS_MAX];
	size_t nkeys;
	bool keys_late; /* some came after it was made */
	bool made;	/* its credentials are this file's to say */
	enum state state;
};

static void note(void *arg, const char *where, const char *text)
{
	struct import *im = arg;

	fprintf(stderr, "%s: %s\n", where, text);
	im->notes++;
}

static void account_note(struct import *im, struct str text)
{
	fprintf(stderr, "%s: %.*s: %.*s\n", im->name, STR_ARG(im->account), STR_ARG(text));
	im->notes++;
}

static void account_fail(struct import *im, const char *why)
{
	fprintf(stderr, "%s: %.*s: %s\n", im->name, STR_ARG(im->account), why);
	im->failed++;
	im->state = PASSED;
}

/* --- credentials ----------------------------------------------------------------------------- */

struct added {
	char *error;
	uint16_t code;
};

static void on_added(void *arg, int err, uint16_t kind, const void *m)
{
	struct added *a = arg;
	const struct msg_account_result *r = m;

	if (err)
		a->error = ctl_reason(err, m);
	else
		a->code = r->ncodes == 1 ? r->codes[0] : EIO;
}

static bool never(struct ctl *c, void *arg)
{
	return false;
}

/* An errno; what is no errno was told, and is EIO. */
static uint16_t ask_auth(struct import *im, uint8_t mode)
{
	struct msg_new_account account = {im->account, buf_str(&im->password)};
	struct msg_account_add m = {.accounts = &account,
				    .naccounts = 1,
				    .mode = mode,
				    .keys = im->keys,
				    .nkeys = im->password.len ? 0 : im->nkeys,
				    .keyed = true};
	struct added a = {.code = EAGAIN};

	for (int i = 0; i < BUSY_TRIES && a.code == EAGAIN && !a.error; i++) {
		struct frame head = ctl_head(MSG_ACCOUNT_ADD, ctl_serving(im->c, "auth"));

		if (i)
			ctl_wait(im->c, BUSY_MS, never, NULL);
		if (!head.to)
			continue;
		ctl_ask(im->c, &head, &m, on_added, &a);
		ctl_finish(im->c);
	}
	if (!a.error)
		return a.code;
	account_note(im, str_z(a.error));
	free(a.error);
	return EIO;
}

/* XEP-0227 section 3.2. */
static bool read_keys(struct import *im, const struct node *n, struct msg_scram_row *ret)
{
	static const char *const names[] = {"salt", "stored-key", "server-key"};
	struct str *const into[] = {&ret->salt, &ret->stored_key, &ret->server_key};
	unsigned long long count;

	*ret = (struct msg_scram_row){.mechanism = pool_str(im->pool, node_attr(n, "mechanism"))};
	if (!str_u64(str_trim(node_child_text(n, "iter-count", NS_PIE_SCRAM)), &count) || !count ||
	    count > INT32_MAX)
		return false;
	ret->iterations = (uint32_t)count;
	for (size_t i = 0; i < 3; i++) {
		struct buf b = BUF_INIT;
		bool good = base64_decode(
				    &b, str_trim(node_child_text(n, names[i], NS_PIE_SCRAM))) == 0;

		*into[i] = pool_str(im->pool, buf_str(&b));
		buf_wipe(&b);
		if (!good || !into[i]->len)
			return false;
	}
	return ret->mechanism.len > 0;
}

static void take_keys(struct import *im, struct str xml)
{
	struct pool *p = pool_new();
	struct node *n = NULL;

	if (im->nkeys == KEYS_MAX || node_parse(p, xml, NS_PIE, &n) < 0 || !n ||
	    !read_keys(im, n, &im->keys[im->nkeys]))
		account_note(im, STR("its SCRAM keys are not as they should be"));
	else
		im->nkeys++;
	im->keys_late = im->state == READY;
	pool_free(p);
}

/* --- data ------------------------------------------------------------------------------------ */

static void on_put(void *arg, const void *m)
{
	const struct msg_user_part *part = m;

	for (size_t i = 0; i < part->nnotes; i++)
		account_note(arg, part->notes[i]);
}

static bool put(struct import *im, struct str xml, bool clear)
{
	struct msg_user_put m = {.account = im->account, .xml = xml, .clear = clear};
	char *error = ctl_ask_owner_for(im->c, im->account, MSG_USER_PUT, &m, on_put, im, NULL);
	char *text;

	if (!error)
		return true;
	text = xasprintf("its data are not complete, import it again with --replace: %s", error);
	account_fail(im, text);
	free(text);
	free(error);
	return false;
}

static void there_already(struct import *im)
{
	uint16_t code = 0;

	if (im->c->given & CTL_SKIP) {
		im->skipped++;
		im->state = PASSED;
	} else if (im->c->given & CTL_MERGE) {
		im->merged++;
		im->state = READY;
	} else if (!im->c->replace) {
		account_fail(im, ctl_account_error(EEXIST));
	} else if ((im->password.len || im->nkeys) && (code = ask_auth(im, MODE_CHANGE))) {
		account_fail(im, ctl_account_error(code));
	} else if (put(im, STR_NONE, true)) {
		im->replaced++;
		im->made = true;
		im->state = READY;
	}
}

static void on_there(void *arg, int err, uint16_t kind, const void *m)
{
	struct added *a = arg;
	const struct msg_keys *k = m;

	if (err)
		a->error = ctl_reason(err, m);
	else
		a->code = k->exists ? 0 : ENOENT;
}

/* Whether it can log in is said elsewhere, whether it has data here is not. */
static void kept_elsewhere(struct import *im)
{
	struct frame head = ctl_head(MSG_KEYS_GET, ctl_serving(im->c, "auth"));
	struct msg_keys_get m = {.account = im->account};
	struct added a = {.code = EAGAIN};

	if (head.to) {
		ctl_ask(im->c, &head, &m, on_there, &a);
		ctl_finish(im->c);
	}
	if (a.error || a.code) {
		account_fail(im, a.error ? a.error
				 : a.code == ENOENT
					 ? "its passwords are kept elsewhere (credentials), and "
					   "it has not logged in here yet"
					 : ctl_account_error(a.code));
		free(a.error);
		return;
	}
	buf_wipe(&im->password);
	im->nkeys = 0;
	there_already(im);
	im->made = false;
	if (im->state == READY)
		account_note(im, STR("what it logs in with is kept elsewhere and not taken"));
}

/* Before the first piece of its data, or at its end. */
static void make(struct import *im)
{
	uint16_t code;

	if (im->state != NEW)
		return;
	code = ask_auth(im, MODE_CREATE);
	if (code == EEXIST) {
		there_already(im);
	} else if (code == EOPNOTSUPP) {
		kept_elsewhere(im);
	} else if (code) {
		account_fail(im, ctl_account_error(code));
	} else {
		im->added++;
		im->made = true;
		im->state = READY;
	}
}

static void flush(struct import *im)
{
	make(im);
	if (im->state == READY && im->data.len)
		put(im, buf_str(&im->data), false);
	buf_clear(&im->data);
}

/* --- what the reader tells ------------------------------------------------------------------- */

static void on_user(void *arg, struct str host, struct str name, struct str password)
{
	struct import *im = arg;
	struct buf b = BUF_INIT, why = BUF_INIT;

	im->pool = pool_new();
	im->nkeys = 0;
	im->keys_late = im->made = false;
	im->state = NEW;
	buf_str_append(&im->password, password);
	buf_printf(&b, "%.*s@%.*s", STR_ARG(name), STR_ARG(host));
	im->account = ctl_account(im->c, im->pool, pool_str(im->pool, buf_str(&b)), &why);
	if (!im->account.len) {
		im->account = pool_str(im->pool, buf_str(&b));
		buf_putc(&why, '\0');
		account_fail(im, buf_ptr(&why));
	}
	buf_free(&b);
	buf_free(&why);
}

static void on_child(void *arg, struct str xml)
{
	struct import *im = arg;

	if (im->state == PASSED)
		return;
	if (str_starts(xml, STR("<scram-credentials xmlns='" NS_PIE_SCRAM "'"))) {
		take_keys(im, xml);
		return;
	}
	if (im->data.len && im->data.len + xml.len > im->limits.piece)
		flush(im);
	buf_str_append(&im->data, xml);
	/* A piece is repeated as a whole, see pie_read.c. */
	if (im->data.len >= im->limits.piece || str_starts(xml, STR("<archive ")) ||
	    str_starts(xml, STR("<offline-messages ")))
		flush(im);
}

static void on_user_end(void *arg)
{
	struct import *im = arg;

	if (im->state != PASSED)
		flush(im);
	if (im->state == READY && im->made && im->keys_late && !im->password.len &&
	    ask_auth(im, MODE_CHANGE))
		account_note(im, STR("its SCRAM keys are not all taken"));
	if (im->state == READY && im->made && !im->password.len && !im->nkeys && !im->c->replace)
		account_note(im, STR("has no password: set one with mercutioctl user passwd"));
	buf_wipe(&im->password);
	for (size_t i = 0; i < im->nkeys; i++) {
		wipe((void *)im->keys[i].stored_key.ptr, im->keys[i].stored_key.len);
		wipe((void *)im->keys[i].server_key.ptr, im->keys[i].server_key.len);
	}
	im->pool = pool_free(im->pool);
	im->account = STR_NONE;
}

static void tell(const struct import *im)
{
	if (im->c->json) {
		ctl_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "added",
					 (json_int_t)im->added, "merged", (json_int_t)im->merged,
					 "replaced", (json_int_t)im->replaced, "skipped",
					 (json_int_t)im->skipped, "failed", (json_int_t)im->failed,
					 "remarks", (json_int_t)im->notes));
		return;
	}
	printf("%llu accounts added, %llu merged, %llu replaced, %llu skipped, %llu remarks\n",
	       im->added, im->merged, im->replaced, im->skipped, im->notes);
}

int ctl_user_import_file(struct ctl *c, const char *path)
{
	static const struct pie_ops ops = {
		.user = on_user, .child = on_child, .user_end = on_user_end, .note = note};
	size_t frame = link_max_frame(c->link);
	struct import im = {
		.c = c, .name = path, .limits = {.piece = frame / 4, .most = frame / 2}};
	char *error;
	bool whole = pie_read(path, &im.limits, &ops, &im, &error);

	/* It broke off inside of an account. */
	if (im.pool) {
		if (im.state != PASSED)
			account_fail(&im, "the file ends within it");
		buf_wipe(&im.password);
		pool_free(im.pool);
	}
	buf_free(&im.data);
	tell(&im);
	if (!whole)
		ctl_error("%s", error);
	free(error);
	if (im.failed)
		return ctl_error("%llu accounts could not be used", im.failed);
	return whole ? CTL_GOOD : CTL_FAILED;
}
