/* SPDX-License-Identifier: MIT */
/* The options that every process knows, and reading the configuration file for one process. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/conn.h"
#include "link/process_internal.h"
#include "xmpp/jid.h"

#define AT(field) offsetof(struct common_config, field)

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const targets[] = {"stderr", "syslog", "journal", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};
static const char *const batches[] = {"none", "some", "all", NULL}; /* enum batch_scheduling */

const struct option common_options[] = {
	{"domain", OPT_LIST, AT(domains), NULL, 0, 1000, NULL, 0,
	 "The domains of this server; the only option that must be set."},
	{"admins", OPT_LIST, AT(admins), NULL, 0, 1000, NULL, OPT_RELOAD,
	 "Addresses (bare JIDs) of those who may administer the server in-band."},
	{"routers", OPT_LIST, AT(routers), NULL, 0, 32, NULL, 0,
	 "Addresses of all routers, as unix:/path or IP address:port (no host name); none: the socket in run_dir."},
	{"secret_file", OPT_STR, AT(secret_file), NULL, 0, 0, NULL, 0,
	 "File with the secret by which processes of different users or hosts know each other."},
	{"secret_always", OPT_BOOL, AT(secret_always), "no", 0, 0, NULL, 0,
	 "Whether processes of one user on one host, too, must prove that they know the secret."},
	{"link_certificate", OPT_STR, AT(link_cert), NULL, 0, 0, NULL, 0,
	 "Certificate for links over TCP, PEM, the chain behind it."},
	{"link_key", OPT_STR, AT(link_key), NULL, 0, 0, NULL, 0, "Its private key, PEM."},
	{"link_ca", OPT_STR, AT(link_ca), NULL, 0, 0, NULL, 0,
	 "The CA for links over TCP: whoever has a certificate of it may link."},
	{"max_frame", OPT_SIZE, AT(max_frame), "1M", 65536, 64 << 20, NULL, 0,
	 "Largest message between two processes; the same everywhere."},
	{"heartbeat", OPT_TIME, AT(heartbeat), "5s", 100, 60000, NULL, 0,
	 "Silence on a link after which a sign of life is sent; three missed ones are death."},
	{"run_dir", OPT_STR, AT(run_dir), "/run/mercutio", 0, 0, NULL, 0,
	 "Directory of sockets between processes."},
	{"data_dir", OPT_STR, AT(data_dir), "/var/lib/mercutio", 0, 0, NULL, 0,
	 "Directory of the database."},
	{"certificate", OPT_STR, AT(certificate), NULL, 0, 0, NULL, OPT_RELOAD,
	 "Certificate of the domains that have none of their own, PEM, the chain behind it."},
	{"key", OPT_STR, AT(key), NULL, 0, 0, NULL, OPT_RELOAD, "Its private key, PEM."},
	{"log_level", OPT_ENUM, AT(log_level), "info", 0, 0, levels, OPT_RELOAD,
	 "The least important events that are logged."},
	{"log_target", OPT_ENUM, AT(log_target), "stderr", 0, 0, targets, 0,
	 "Where events are logged."},
	{"log_format", OPT_ENUM, AT(log_format), "logfmt", 0, 0, formats, 0,
	 "How an event is written."},
	{"user", OPT_STR, AT(user), NULL, 0, 0, NULL, 0,
	 "User to become when started as root; none: stay root."},
	{"unlimited", OPT_BOOL, AT(unlimited), "no", 0, 0, NULL, 0,
	 "Lifts rates and limits per address, for load tests."},
	{"batch_scheduling", OPT_ENUM, AT(batch_scheduling), "some", 0, 0, batches, 0,
	 "Which processes, when they get work, let others finish theirs first (Linux's "
	 "SCHED_BATCH): none, some (c2s and storage), all. It spares CPU, \"all\" most; but where "
	 "other programs fill the processors, such a process waits for those, with \"all\" a "
	 "message some ms at each hop."},
	{NULL},
};

const struct option host_options[] = {
	{"certificate", OPT_STR, offsetof(struct host_config, certificate), NULL, 0, 0, NULL,
	 OPT_RELOAD, "Certificate of this domain, PEM, the chain behind it."},
	{"key", OPT_STR, offsetof(struct host_config, key), NULL, 0, 0, NULL, OPT_RELOAD,
	 "Its private key, PEM."},
	{"credentials", OPT_STR, offsetof(struct host_config, credentials), NULL, 0, 0, NULL, 0,
	 "Where this domain's accounts come from: the name of a section credentials, or internal; none: "
	 "as auth's option of that name says."},
	{NULL},
};

/* Sections of one file that are for others: each process reads the same file. */
static const char *const known_processes[] = {"router", "c2s",	  "auth",      "s2s",  "sm",
					      "storage", "muc",	  "pubsub",    "http", "component",
					      "proxy65", "gateway", "mercutio", NULL};
static const struct option no_options[] = {{NULL}};

struct section_list {
	struct option_section *list;
	size_t n;
};

static void add(struct section_list *to, struct option_section s)
{
	to->list = xrealloc(to->list, (to->n + 2) * sizeof(*to->list));
	to->list[to->n++] = s;
	to->list[to->n] = (struct option_section){NULL};
}

static bool has(const struct section_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->list[i].name, name) == 0)
			return true;
	}
	return false;
}

struct option_section *process_sections(const struct process *const *all)
{
	struct section_list to = {0};

	add(&to, (struct option_section){"", false, common_options});
	add(&to, (struct option_section){"host", true, host_options});
	for (; *all; all++) {
		const struct option *o = (*all)->options ? (*all)->options : no_options;

		add(&to, (struct option_section){(*all)->name, false, o});
		for (const struct option_section *s = (*all)->sections; s && s->name; s++)
			add(&to, *s);
	}
	/* s2s's: remote "example.net" { … } */
	if (!has(&to, "remote"))
		add(&to, (struct option_section){"remote", true, no_options, .foreign = true});
	if (!has(&to, "credentials")) /* auth's */
		add(&to, (struct option_section){"credentials", true, no_options, .foreign = true});
	if (!has(&to, "retention")) /* storage's */
		add(&to, (struct option_section){"retention", true, no_options, .foreign = true});
	for (const char *const *z = known_processes; *z; z++) {
		if (!has(&to, *z))
			add(&to, (struct option_section){*z, false, no_options, .foreign = true});
	}
	return to.list;
}

/* What stands in place of a list's entries. */
static char **one_entry_list(char *take_entry)
{
	char **list = xcalloc(2, sizeof(*list));

	list[0] = take_entry;
	return list;
}

static bool prepare_admins(const char *file, struct common_config *c, struct buf *errors)
{
	struct pool *p = pool_new();
	bool good = true;

	for (char **a = c->admins; *a; a++) {
		struct jid j;

		if (jid_parse(p, str_z(*a), &j) < 0 || !j.local.len || j.resource.len) {
			buf_printf(errors, "%s: option \"admins\": \"%s\" is no bare JID of an account\n",
				   file, *a);
			good = false;
			continue;
		}
		free(*a);
		*a = str_dup(j.bare);
	}
	pool_free(p);
	return good;
}

static bool is_among(char *const *list, const char *text)
{
	while (*list && strcmp(*list, text) != 0)
		list++;
	return *list != NULL;
}

/* Each once, however often and in whatever spelling it is there. */
static bool prepare_domains(const char *file, struct common_config *c, struct buf *errors)
{
	char **to = c->domains;
	bool good = true;

	for (char **d = c->domains; *d; d++) {
		struct buf b = BUF_INIT;
		char *name = *d;

		if (jid_prep_domain(&b, str_z(name)) < 0) {
			buf_printf(errors, "%s: option \"domain\": \"%s\" is no domain\n", file, name);
			good = false;
		} else {
			free(name);
			name = buf_take(&b);
		}
		*d = NULL;
		if (is_among(c->domains, name))
			free(name);
		else
			*to++ = name;
	}
	return good;
}

bool process_prepare(const char *file, struct common_config *c, struct buf *errors)
{
	bool good;

	if (!c->domains[0]) {
		buf_printf(errors, "%s: option \"domain\" is not set\n", file);
		return false;
	}
	good = prepare_domains(file, c, errors);
	for (char **r = c->routers; *r; r++) {
		if (conn_address_valid(*r))
			continue;
		buf_printf(errors,
			   "%s: option \"routers\": \"%s\" is neither unix:/path nor an IP address "
			   "with a port, as 192.0.2.1:5200\n",
			   file, *r);
		good = false;
	}
	return prepare_admins(file, c, errors) && good;
}

static bool checked(const struct process *p, const char *file, const struct conf *conf,
		    const struct common_config *common, const void *own, struct buf *errors)
{
	size_t before = errors->len;

	if (p->check)
		p->check(file, conf, common, own, errors);
	return errors->len == before;
}

static bool fill(const struct running *r, const struct conf *conf, struct common_config *common,
		 void *own, struct buf *errors)
{
	const struct process *p = r->app.process;

	conf_fill(conf, p->name, r->app.instance, common_options, common);
	if (p->options)
		conf_fill(conf, p->name, r->app.instance, p->options, own);
	if (!common->routers[0]) {
		/* At a reload that of the directory in use: one cause is told once. */
		free(common->routers);
		common->routers =
			one_entry_list(xasprintf("unix:%s/router.sock", r->common.run_dir));
	}
	return process_prepare(r->file, common, errors) &&
	       checked(p, r->file, conf, common, own, errors);
}

static void *new_config(const struct process *p)
{
	return xcalloc(1, p->config_size ? p->config_size : 1);
}

static void free_config(const struct process *p, void *config)
{
	if (config && p->options)
		options_free(p->options, config);
	free(config);
}

/* What was said before is not said again: an instance has its mistakes from the process, too. */
static void add_new_lines(struct buf *errors, const struct buf *more)
{
	struct str rest = buf_str(more), line, said, one;

	while (str_split(&rest, '\n', &line)) {
		bool known = !line.len;

		said = buf_str(errors);
		while (!known && str_split(&said, '\n', &one))
			known = str_eq(one, line);
		if (!known)
			buf_printf(errors, "%.*s\n", STR_ARG(line));
	}
}

/* As process_load does it. instance NULL: what holds for all of the process. */
static void check_one(const struct process *p, const char *instance, const char *file,
		      const struct conf *conf, struct buf *errors)
{
	struct common_config common = {0};
	struct buf said = BUF_INIT;
	void *own = new_config(p);

	conf_fill(conf, p->name, instance, common_options, &common);
	if (p->options)
		conf_fill(conf, p->name, instance, p->options, own);
	if (process_prepare(file, &common, &said))
		(void)checked(p, file, conf, &common, own, &said);
	add_new_lines(errors, &said);
	options_free(common_options, &common);
	free_config(p, own);
	buf_free(&said);
}

bool process_has_instance(const struct process *p, const char *name)
{
	size_t n = strlen(p->name);

	return strncmp(name, p->name, n) == 0 && name[n] == '-' && name[n + 1];
}

void process_check_all(const struct process *const *all, const char *file, const struct conf *conf,
		       struct buf *errors)
{
	for (; *all; all++) {
		const char *const *i = conf_titles(conf, "instance");

		check_one(*all, NULL, file, conf, errors);
		for (; *i; i++)
			if (process_has_instance(*all, *i))
				check_one(*all, *i, file, conf, errors);
	}
}

bool process_load(struct running *r, struct buf *errors)
{
	const struct process *all[] = {r->app.process, NULL};

	r->sections = process_sections(all);
	r->app.conf = conf_load(r->file, r->sections, r->overrides, errors);
	if (!r->app.conf)
		return false;
	r->app.config = new_config(r->app.process);
	r->app.common = &r->common;
	return fill(r, r->app.conf, &r->common, r->app.config, errors);
}

int process_reread(struct running *r, struct buf *changed, struct buf *ignored, struct buf *errors)
{
	const struct process *p = r->app.process;
	struct conf *conf = conf_load(r->file, r->sections, r->overrides, errors);
	struct common_config common = {0};
	void *config;
	bool good;

	if (!conf)
		return -EINVAL;
	config = new_config(p);
	good = fill(r, conf, &common, config, errors);
	if (good) {
		options_reload(common_options, &r->common, &common, changed, ignored);
		if (p->options)
			options_reload(p->options, r->app.config, config, changed, ignored);
		conf_compare_titled(r->app.conf, conf, changed, ignored);
		conf_free(r->app.conf);
		r->app.conf = conf;
	} else {
		conf_free(conf);
	}
	options_free(common_options, &common);
	free_config(p, config);
	return good ? 0 : -EINVAL;
}

void process_options_free(struct running *r)
{
	options_free(common_options, &r->common);
	free_config(r->app.process, r->app.config);
	conf_free(r->app.conf);
	free(r->sections);
}

void process_apply_log(const struct running *r)
{
	log_threshold = (enum log_level)r->common.log_level;
}
