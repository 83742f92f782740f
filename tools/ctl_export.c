/* SPDX-License-Identifier: MIT */
/*
 * mercutioctl user export: accounts as a file (XEP-0227), while the server works.
 *
 * Keys come from auth, the rest from the account's owner, a page at a time; an account goes into a
 * spool first, since it begins again when it has changed meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/random.h"
#include "tools/ctl.h"
#include "xmpp/ns.h"
#include "xmpp/xml_write.h"

enum { TRIES = 5, COPY = 65536 };

struct export
{
	struct ctl *c;
	const char *file;
	char *partial; /* its name until it is whole; NULL: standard output */
	FILE *to, *spool;
	unsigned long long done, failed;
	bool standard; /* output */
	bool broken;   /* the file cannot be written */
};

/* --- the file -------------------------------------------------------------------------------- */

static void put(struct export *e, FILE *to, struct str s)
{
	if (s.len && fwrite(s.ptr, 1, s.len, to) != s.len)
		e->broken = true;
}

/* A device or a pipe would go, and a file be in its place. */
static bool replaceable(const char *file)
{
	struct stat st;

	return strcmp(file, "-") == 0 || stat(file, &st) < 0 || S_ISREG(st.st_mode);
}

static bool file_open(struct export *e)
{
	int fd;

	e->spool = tmpfile();
	if (!e->spool)
		return false;
	e->standard = strcmp(e->file, "-") == 0;
	if (e->standard) {
		e->to = stdout;
		return true;
	}
	e->partial = xasprintf("%s.partial", e->file);
	unlink(e->partial);
	/* XEP-0227 section 5: "not accessible to unauthorized persons". */
	fd = open(e->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	e->to = fd >= 0 ? fdopen(fd, "w") : NULL;
	return e->to != NULL;
}

/* Under its own name it is whole, or it is not there. */
static bool file_close(struct export *e)
{
	bool good = !e->broken && fflush(e->to) == 0;

	if (e->partial) {
		good = fsync(fileno(e->to)) == 0 && good;
		good = fclose(e->to) == 0 && good;
		good = good && rename(e->partial, e->file) == 0;
		if (!good)
			unlink(e->partial);
	}
	free(e->partial);
	fclose(e->spool);
	return good;
}

static void spool_clear(struct export *e)
{
	rewind(e->spool);
	if (ftruncate(fileno(e->spool), 0) < 0)
		e->broken = true;
}

static void spool_copy(struct export *e)
{
	char bytes[COPY];
	size_t n;

	rewind(e->spool);
	while ((n = fread(bytes, 1, sizeof(bytes), e->spool)) > 0)
		put(e, e->to, str_n(bytes, n));
	if (ferror(e->spool))
		e->broken = true;
}

/* --- one account ----------------------------------------------------------------------------- */

struct keys_answer {
	struct export *e;
	char *error;
	bool exists;
};

static void put_base64(struct xml_writer *w, const char *name, struct str bytes)
{
	struct buf b = BUF_INIT;

	base64_encode(&b, bytes.ptr, bytes.len);
	xw_leaf(w, name, NS_PIE_SCRAM, buf_str(&b));
	buf_wipe(&b);
}

/* XEP-0227 section 3.2. */
static void on_keys(void *arg, int err, uint16_t kind, const void *m)
{
	struct keys_answer *a = arg;
	const struct msg_keys *k = m;

	if (err) {
		a->error = ctl_reason(err, m);
		return;
	}
	a->exists = k->exists;
	for (size_t i = 0; i < k->nkeys; i++) {
		struct buf b = BUF_INIT, count = BUF_INIT;
		struct xml_writer w;

		buf_printf(&count, "%u", k->keys[i].iterations);
		xw_init_in(&w, &b, NS_PIE);
		xw_start(&w, "scram-credentials", NS_PIE_SCRAM);
		xw_attr(&w, "mechanism", k->keys[i].mechanism);
		xw_leaf(&w, "iter-count", NS_PIE_SCRAM, buf_str(&count));
		put_base64(&w, "salt", k->keys[i].salt);
		put_base64(&w, "server-key", k->keys[i].server_key);
		put_base64(&w, "stored-key", k->keys[i].stored_key);
		xw_end(&w);
		put(a->e, a->e->spool, buf_str(&b));
		buf_wipe(&b);
		buf_free(&count);
	}
}

/* NULL: they are in the spool. */
static char *spool_keys(struct export *e, struct str account)
{
	struct frame head = ctl_head(MSG_KEYS_GET, ctl_serving(e->c, "auth"));
	struct msg_keys_get m = {.account = account};
	struct keys_answer a = {.e = e};

	if (!head.to)
		return xstrdup("no auth process is there");
	ctl_ask(e->c, &head, &m, on_keys, &a);
	ctl_finish(e->c);
	if (!a.error && !a.exists)
		a.error = xstrdup("no such account");
	return a.error;
}

struct page {
	struct export *e;
	char *next;
};

static void on_page(void *arg, const void *m)
{
	struct page *p = arg;
	const struct msg_user_part *part = m;

	put(p->e, p->e->spool, part->xml);
	free(p->next);
	p->next = str_dup(part->next);
}

/* NULL: all of it is in the spool. */
static char *spool_data(struct export *e, struct str account, uint16_t *ret_code)
{
	struct page p = {.e = e, .next = xstrdup("")};
	char *error;

	do {
		struct msg_user_get m = {.account = account,
					 .after = str_z(p.next),
					 .archive = !(e->c->given & CTL_NO_ARCHIVE)};

		error = ctl_ask_owner_for(e->c, account, MSG_USER_GET, &m, on_page, &p, ret_code);
	} while (!error && *p.next);
	free(p.next);
	return error;
}

static void start_tag(struct export *e, FILE *to, const char *name, const char *attr,
		      struct str value)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "<%s %s='", name, attr);
	xml_escape(&b, value);
	buf_lit(&b, "'>");
	put(e, to, buf_str(&b));
	buf_free(&b);
}

static void export_account(struct export *e, struct str account)
{
	ptrdiff_t at = str_find(account, '@', 0);
	char *error = NULL;
	uint16_t code = 0;

	for (int i = 0; i < TRIES && (i == 0 || code == ESTALE); i++) {
		free(error);
		code = 0;
		spool_clear(e);
		start_tag(e, e->spool, "user", "name", str_n(account.ptr, at < 0 ? 0 : (size_t)at));
		error = spool_keys(e, account);
		if (!error)
			error = spool_data(e, account, &code);
	}
	if (error) {
		ctl_error("%.*s: %s", STR_ARG(account), error);
		free(error);
		e->failed++;
		return;
	}
	put(e, e->spool, STR("</user>\n"));
	spool_copy(e);
	e->done++;
}

/* --- which ----------------------------------------------------------------------------------- */

struct names {
	char *list[512];
	size_t n;
	bool more;
	char *error;
};

static void on_names(void *arg, int err, uint16_t kind, const void *m)
{
	struct names *p = arg;
	const struct msg_account_names *a = m;

	p->more = false;
	if (err) {
		p->error = ctl_reason(err, m);
		return;
	}
	p->more = a->more;
	for (size_t i = 0; i < a->naccounts && p->n < sizeof(p->list) / sizeof(*p->list); i++)
		p->list[p->n++] = str_dup(a->accounts[i]);
}

static bool export_all_of(struct export *e, const char *domain)
{
	char *after = xstrdup("");
	struct names p = {.more = true};

	while (p.more && !e->broken && !p.error) {
		struct frame head = ctl_head(MSG_ACCOUNT_LIST, ctl_serving(e->c, "auth"));
		struct msg_account_list m = {.domain = str_z(domain), .after = str_z(after)};

		p = (struct names){.more = false};
		if (!head.to) {
			p.error = xstrdup("no auth process is there");
			break;
		}
		ctl_ask(e->c, &head, &m, on_names, &p);
		ctl_finish(e->c);
		for (size_t i = 0; i < p.n; i++) {
			export_account(e, str_z(p.list[i]));
			free(after);
			after = p.list[i];
		}
	}
	free(after);
	if (!p.error)
		return true;
	ctl_error("accounts of %s: %s", domain, p.error);
	free(p.error);
	return false;
}

static bool is_of(struct str account, const char *domain)
{
	ptrdiff_t at = str_find(account, '@', 0);

	return at >= 0 &&
	       str_eqz(str_n(account.ptr + at + 1, account.len - (size_t)at - 1), domain);
}

static bool export_host(struct export *e, const char *domain, const struct str *accounts, size_t n)
{
	bool good = true;

	start_tag(e, e->to, "host", "jid", str_z(domain));
	put(e, e->to, STR("\n"));
	if (!n)
		good = export_all_of(e, domain);
	for (size_t i = 0; i < n; i++)
		if (is_of(accounts[i], domain))
			export_account(e, accounts[i]);
	put(e, e->to, STR("</host>\n"));
	return good;
}

static bool host_wanted(const struct ctl *c, const char *domain, const struct str *accounts,
			size_t n)
{
	if (c->given & CTL_ALL)
		return true;
	if (c->given & CTL_DOMAIN)
		return strcmp(domain, c->domain) == 0;
	for (size_t i = 0; i < n; i++)
		if (is_of(accounts[i], domain))
			return true;
	return false;
}

/* The accounts named, prepared. False: one is none of ours. */
static bool read_names(struct ctl *c, struct pool *p, char **argv, struct str *accounts, size_t n)
{
	struct buf why = BUF_INIT;
	bool good = true;

	for (size_t i = 0; i < n && good; i++) {
		accounts[i] = ctl_account(c, p, str_z(argv[i]), &why);
		good = accounts[i].len > 0;
		if (!good)
			ctl_error("%s: %.*s", argv[i], STR_ARG(buf_str(&why)));
	}
	buf_free(&why);
	return good;
}

static void tell(const struct export *e)
{
	if (e->c->json)
		ctl_print_json(json_pack("{s:I, s:I}", "exported", (json_int_t)e->done, "failed",
					 (json_int_t)e->failed));
	else
		printf("%llu accounts\n", e->done);
}

static int run(struct export *e, const struct str *accounts, size_t n)
{
	size_t hosts = 0;
	bool good = true;

	if (!replaceable(e->file))
		return ctl_error("%s: not a regular file; standard output is \"-\"", e->file);
	if (!file_open(e))
		return ctl_error("%s: %s", e->file, strerror(errno));
	put(e, e->to,
	    STR("<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='" NS_PIE "'>\n"));
	for (char **d = e->c->common.domains; *d; d++) {
		if (!host_wanted(e->c, *d, accounts, n))
			continue;
		good = export_host(e, *d, accounts, n) && good;
		hosts++;
	}
	put(e, e->to, STR("</server-data>\n"));
	if (!hosts)
		e->broken = true;
	if (!file_close(e))
		return hosts ? ctl_error("%s: %s", e->file, strerror(errno))
			     : ctl_error("%s is not a domain of this server", e->c->domain);
	if (!e->standard)
		tell(e);
	if (e->failed)
		return ctl_error("%llu accounts are not in the file", e->failed);
	return good ? CTL_GOOD : CTL_FAILED;
}

static int user_export(struct ctl *c, int argc, char **argv)
{
	struct export e = {.c = c, .file = argv[argc - 1]};
	struct buf domain = BUF_INIT;
	bool chosen = c->given & (CTL_ALL | CTL_DOMAIN);
	size_t n = (size_t)argc - 1;
	struct str *accounts = xcalloc(n + 1, sizeof(*accounts));
	struct pool *p = pool_new();
	int status = CTL_FAILED;

	if (c->domain && jid_prep_domain(&domain, str_z(c->domain)) == 0) {
		buf_putc(&domain, '\0');
		c->domain = buf_ptr(&domain);
	}
	if (chosen == (n > 0) || (c->given & (CTL_ALL | CTL_DOMAIN)) == (CTL_ALL | CTL_DOMAIN)) {
		ctl_error("say which accounts: some by name, --domain DOMAIN, or --all");
		status = CTL_USAGE;
	} else if (read_names(c, p, argv, accounts, n)) {
		status = run(&e, accounts, n);
	}
	buf_free(&domain);
	pool_free(p);
	free(accounts);
	return status;
}

const struct ctl_command ctl_user_file_commands[] = {
	{"user export", "[--no-archive] JID...|--domain DOMAIN|--all FILE|-", 1, -1,
	 CTL_LINK | CTL_ALL | CTL_DOMAIN | CTL_NO_ARCHIVE, user_export,
	 "writes accounts with all their data to a file (XEP-0227)"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
