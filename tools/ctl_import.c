/* SPDX-License-Identifier: MIT */
/* mercutioctl user import: thousands of accounts in few large requests, several under way at once.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/ctl_import.h"

enum {
	BATCH = 500,	     /* accounts of a request */
	BATCHES = 4,	     /* requests under way */
	FRAME_ROOM = 8192,   /* bytes of a frame that are not accounts */
	ENTRY_ROOM = 64,     /* what an account takes besides its texts */
	REQUEST_MS = 300000, /* deriving keys takes milliseconds each */
	TRIES = 5
};

enum { MODE_CREATE = 0, MODE_EITHER = 2 };

struct batch {
	struct import *import;
	struct pool *pool;
	struct msg_new_account accounts[BATCH];
	unsigned long long lines[BATCH];
	size_t n, bytes;
	int tries;
	struct batch *next; /* among those to be sent again */
};

struct import {
	struct ctl *c;
	const char *name; /* of the file, for messages */
	FILE *from;
	unsigned long long line, added, failed;
	size_t under_way;
	struct batch *again;
	bool broken; /* no auth process answers */
};

static void bad_line(struct import *im, unsigned long long line, const char *why)
{
	fprintf(stderr, "%s:%llu: %s\n", im->name, line, why);
	im->failed++;
}

static struct batch *batch_new(struct import *im)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->import = im;
	b->pool = pool_new();
	return b;
}

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		wipe((void *)b->accounts[i].password.ptr, b->accounts[i].password.len);
	pool_free(b->pool);
	free(b);
}

static void batch_add(struct batch *b, struct str account, struct str password,
		      unsigned long long line)
{
	b->accounts[b->n] = (struct msg_new_account){.account = pool_str(b->pool, account),
						     .password = pool_str(b->pool, password)};
	b->lines[b->n++] = line;
	b->bytes += account.len + password.len + ENTRY_ROOM;
}

/* What was refused for the moment goes into a batch of its own. */
static void take_codes(struct batch *b, const struct msg_account_result *r)
{
	struct import *im = b->import;
	struct batch *later = NULL;

	for (size_t i = 0; i < b->n; i++) {
		uint16_t code = i < r->ncodes ? r->codes[i] : EIO;

		if (code == EAGAIN && b->tries < TRIES) {
			if (!later)
				later = batch_new(im);
			batch_add(later, b->accounts[i].account, b->accounts[i].password,
				  b->lines[i]);
		} else if (code) {
			bad_line(im, b->lines[i], ctl_account_error(code));
		} else {
			im->added++;
		}
	}
	if (later) {
		later->tries = b->tries;
		later->next = im->again;
		im->again = later;
	}
	batch_free(b);
}

static void on_result(void *arg, int err, uint16_t kind, const void *m)
{
	struct batch *b = arg;
	struct import *im = b->import;
	char *why;

	im->under_way--;
	if (err == 0) {
		take_codes(b, m);
		return;
	}
	if (b->tries < TRIES) {
		b->next = im->again;
		im->again = b;
		return;
	}
	why = ctl_reason(err, m);
	for (size_t i = 0; i < b->n; i++)
		bad_line(im, b->lines[i], why);
	free(why);
	batch_free(b);
}

static bool has_auth(struct ctl *c, void *arg)
{
	return ctl_serving(c, "auth") != 0;
}

static bool has_room(struct ctl *c, void *arg)
{
	const struct import *im = arg;

	return im->under_way < BATCHES;
}

static bool never(struct ctl *c, void *arg)
{
	return false;
}

static void batch_send(struct batch *b)
{
	struct import *im = b->import;
	struct ctl *c = im->c;
	struct msg_account_add m = {
		.accounts = b->accounts,
		.naccounts = b->n,
		.mode = c->replace ? MODE_EITHER : MODE_CREATE,
	};
	struct frame head;

	ctl_wait(c, 0, has_room, im);
	if (b->tries++)
		ctl_wait(c, 250u << b->tries, never, NULL);
	if (!ctl_wait(c, c->timeout_ms, has_auth, NULL)) {
		im->broken = true;
		im->failed += b->n;
		batch_free(b);
		return;
	}
	head = ctl_head(MSG_ACCOUNT_ADD, ctl_serving(c, "auth"));
	im->under_way++;
	ctl_ask(c, &head, &m, on_result, b);
}

bool ctl_import_split(struct str line, struct str *ret_jid, struct str *ret_password)
{
	ptrdiff_t tab = str_find(line, '\t', 0);

	if (tab <= 0 || (size_t)tab + 1 == line.len)
		return false;
	*ret_jid = str_n(line.ptr, (size_t)tab);
	*ret_password = str_n(line.ptr + tab + 1, line.len - (size_t)tab - 1);
	return true;
}

/* The batch that takes the next line: b, or a new one after b was sent. */
static struct batch *take_line(struct import *im, struct batch *b, struct str line)
{
	struct pool *p = pool_new();
	struct buf why = BUF_INIT;
	struct str jid = STR_NONE, password = STR_NONE, account = STR_NONE;
	size_t room = link_max_frame(im->c->link) - FRAME_ROOM;

	if (!ctl_import_split(line, &jid, &password))
		buf_lit(&why, "not JID, tabulator, password");
	else if (!str_utf8_valid(password) || password.len > room / 2)
		buf_lit(&why, "that password is not acceptable");
	else
		account = ctl_account(im->c, p, jid, &why);
	if (why.len) {
		buf_putc(&why, '\0');
		bad_line(im, im->line, buf_ptr(&why));
	} else {
		if (b->n == BATCH || b->bytes + account.len + password.len + ENTRY_ROOM > room) {
			batch_send(b);
			b = batch_new(im);
		}
		batch_add(b, account, password, im->line);
	}
	buf_free(&why);
	pool_free(p);
	return b;
}

static void read_all(struct import *im)
{
	struct batch *b = batch_new(im);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while (!im->broken && (n = getline(&line, &size, im->from)) >= 0) {
		im->line++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		if (n)
			b = take_line(im, b, str_n(line, (size_t)n));
	}
	if (line)
		wipe(line, size);
	free(line);
	if (b->n && !im->broken)
		batch_send(b);
	else
		batch_free(b);
	ctl_finish(im->c);
	while (im->again) {
		b = im->again;
		im->again = b->next;
		if (im->broken)
			batch_free(b);
		else
			batch_send(b);
		ctl_finish(im->c);
	}
}

/* Editors put the mark of UTF-8 in front; it is passed over. */
static void pass_mark(FILE *f)
{
	int mark[3] = {getc(f), EOF, EOF};

	if (mark[0] == 0xef) {
		mark[1] = getc(f);
		mark[2] = getc(f);
		if (mark[1] == 0xbb && mark[2] == 0xbf)
			return;
	}
	for (int i = 2; i >= 0; i--)
		ungetc(mark[i], f); /* that of EOF does nothing */
}

/* A file of accounts begins with XML, lines of ours with a JID; the byte is given back. */
static bool is_xml(FILE *f)
{
	int ch;

	pass_mark(f);
	ch = getc(f);
	ungetc(ch, f);
	return ch == '<';
}

/* Of what is to be done with accounts that exist, one thing. */
static bool one_way(const struct ctl *c)
{
	unsigned ways = c->given & (CTL_REPLACE | CTL_MERGE | CTL_SKIP);

	return (ways & (ways - 1)) == 0;
}

int ctl_user_import(struct ctl *c, int argc, char **argv)
{
	bool standard = strcmp(argv[0], "-") == 0;
	struct import im = {.c = c, .name = standard ? "standard input" : argv[0]};
	bool unread;

	if (!one_way(c)) {
		ctl_error("--replace, --merge and --skip exclude each other");
		return CTL_USAGE;
	}
	if (c->timeout_ms < REQUEST_MS)
		c->timeout_ms = REQUEST_MS;
	im.from = standard ? stdin : fopen(argv[0], "re");
	if (!im.from)
		return ctl_error("%s: %s", argv[0], strerror(errno));
	if (is_xml(im.from)) {
		if (!standard)
			fclose(im.from);
		return ctl_user_import_file(c, argv[0]);
	}
	if (c->given & ~(unsigned)CTL_REPLACE)
		return ctl_error("%s: --merge and --skip are for files of accounts (XEP-0227)", im.name);
	read_all(&im);
	unread = ferror(im.from) != 0;
	if (!standard)
		fclose(im.from);
	if (c->json)
		ctl_print_json(json_pack("{s:I, s:I}", "added", (json_int_t)im.added, "failed",
					 (json_int_t)im.failed));
	else
		printf("%llu accounts\n", im.added);
	if (unread)
		return ctl_error("%s: not read to its end", im.name);
	if (im.broken)
		return ctl_error("no auth process is there; line %llu was the last that was read",
				 im.line);
	return im.failed ? ctl_error("%llu lines could not be used", im.failed) : CTL_GOOD;
}
