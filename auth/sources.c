/* SPDX-License-Identifier: MIT */
/* Sources opened from the configuration; their health and their counters. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "link/hosts.h"
#include "xmpp/jid.h"

#ifdef HAVE_LDAP
#define LDAP_BACKEND &backend_ldap
#else
#define LDAP_BACKEND NULL
#endif
#ifdef HAVE_CURL
#define HTTP_BACKEND &backend_http
#else
#define HTTP_BACKEND NULL
#endif
#ifdef HAVE_PAM
#define PAM_BACKEND &backend_pam
#else
#define PAM_BACKEND NULL
#endif

/* In the order of enum source_type. */
static const struct {
	const char *name, *library;
	const struct backend *backend; /* NULL: not built */
} types[] = {
	[SOURCE_LDAP] = {"ldap", "libldap", LDAP_BACKEND},
	[SOURCE_HTTP] = {"http", "libcurl", HTTP_BACKEND},
	[SOURCE_PAM] = {"pam", "libpam", PAM_BACKEND},
};

static const char INTERNAL[] = "internal";

struct sources {
	struct source *list;	   /* internal first */
	struct source **by_domain; /* in the order of common->domains */
	size_t ndomains;
};

int source_read_secret(const char *file, struct buf *b)
{
	struct buf raw = BUF_INIT;
	ssize_t n = -1;
	int fd = open(file, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	n = read(fd, buf_reserve(&raw, 4096), 4096);
	if (n < 0)
		err = -errno;
	else
		buf_added(&raw, (size_t)n);
	close(fd);
	buf_str_append(b, str_trim(buf_str(&raw)));
	buf_wipe(&raw);
	return err;
}

/* --- checks ---------------------------------------------------------------------------------- */

static char *name_for(const struct conf *conf, const struct auth_config *config, const char *domain)
{
	struct host_config h = {0};
	char *name;

	host_config_fill(conf, domain, &h);
	name = xstrdup(*h.credentials ? h.credentials : config->credentials);
	options_free(host_options, &h);
	return name;
}

static bool has_section(const struct conf *conf, const char *name)
{
	for (const char *const *z = conf_titles(conf, CREDENTIALS_SECTION); *z; z++) {
		if (strcmp(*z, name) == 0)
			return true;
	}
	return false;
}

static void check_section(const char *file, const struct conf *conf, const char *name,
			  struct buf *errors)
{
	struct source_config c = {0};
	struct buf own = BUF_INIT;
	struct str rest, line;

	conf_fill_titled(conf, CREDENTIALS_SECTION, name, source_options, &c);
	if (!types[c.type].backend)
		buf_printf(&own, "type %s is not built in: configure did not find %s\n",
			   types[c.type].name, types[c.type].library);
	else
		types[c.type].backend->check(&c, &own);
	rest = buf_str(&own);
	while (str_split(&rest, '\n', &line)) {
		if (line.len)
			buf_printf(errors, "%s: " CREDENTIALS_SECTION " \"%s\": %.*s\n", file, name,
				   STR_ARG(line));
	}
	buf_free(&own);
	options_free(source_options, &c);
}

void sources_check(const char *file, const struct conf *conf, const struct common_config *common,
		   const struct auth_config *config, struct buf *errors)
{
	for (const char *const *z = conf_titles(conf, CREDENTIALS_SECTION); *z; z++) {
		if (strcmp(*z, INTERNAL) == 0)
			buf_printf(errors,
				   "%s: " CREDENTIALS_SECTION " \"%s\": the name is taken\n", file,
				   *z);
		check_section(file, conf, *z, errors);
	}
	for (char **d = common->domains; *d; d++) {
		char *name = name_for(conf, config, *d);

		if (strcmp(name, INTERNAL) != 0 && !has_section(conf, name))
			buf_printf(errors,
				   "%s: credentials of %s: there is no section " CREDENTIALS_SECTION
				   " \"%s\"\n",
				   file, *d, name);
		free(name);
	}
}

/* --- opening --------------------------------------------------------------------------------- */

static struct source *source_free(struct source *s)
{
	if (s->state)
		s->backend->close(s->state);
	if (s->backend->foreign)
		options_free(source_options, &s->config);
	free(s->reason);
	free(s->name);
	free(s);
	return NULL;
}

static struct source *source_new(struct auth *a, const struct conf *conf, const char *name,
				 struct buf *errors)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->auth = a;
	s->name = xstrdup(name);
	if (strcmp(name, INTERNAL) == 0) {
		s->backend = &backend_internal;
	} else {
		conf_fill_titled(conf, CREDENTIALS_SECTION, name, source_options, &s->config);
		s->backend = types[s->config.type].backend;
	}
	s->state = s->backend->open(a, &s->config, errors);
	return s->state ? s : source_free(s);
}

static struct source *source_named(struct sources *ss, struct auth *a, const struct conf *conf,
				   const char *name, struct buf *errors)
{
	struct source *s, **last = &ss->list;

	for (s = ss->list; s; last = &s->next, s = s->next) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return *last = source_new(a, conf, name, errors);
}

struct sources *sources_new(struct auth *a, const struct conf *conf, struct buf *errors)
{
	struct sources *ss = xcalloc(1, sizeof(*ss));

	(void)source_named(ss, a, conf, INTERNAL, errors);
	if (!conf)
		return ss;
	while (a->common->domains[ss->ndomains])
		ss->ndomains++;
	ss->by_domain = xcalloc(ss->ndomains + 1, sizeof(struct source *));
	for (size_t i = 0; i < ss->ndomains; i++) {
		char *name = name_for(conf, a->config, a->common->domains[i]);

		ss->by_domain[i] = source_named(ss, a, conf, name, errors);
		free(name);
		if (!ss->by_domain[i])
			return sources_free(ss);
	}
	return ss;
}

struct sources *sources_free(struct sources *ss)
{
	if (!ss)
		return NULL;
	while (ss->list) {
		struct source *s = ss->list;

		ss->list = s->next;
		source_free(s);
	}
	free(ss->by_domain);
	free(ss);
	return NULL;
}

bool sources_differ(const struct auth *a, const struct conf *conf)
{
	const struct sources *ss = a->sources;
	struct buf changed = BUF_INIT, differing = BUF_INIT;
	bool differ;

	for (size_t i = 0; i < ss->ndomains; i++) {
		char *name = name_for(conf, a->config, a->common->domains[i]);

		if (strcmp(name, ss->by_domain[i]->name) != 0)
			buf_lit(&differing, "credentials");
		free(name);
	}
	for (struct source *s = ss->list; s; s = s->next) {
		struct source_config newer = {0};

		if (!s->backend->foreign)
			continue;
		conf_fill_titled(conf, CREDENTIALS_SECTION, s->name, source_options, &newer);
		options_reload(source_options, &s->config, &newer, &changed, &differing);
		options_free(source_options, &newer);
	}
	differ = differing.len > 0;
	buf_free(&changed);
	buf_free(&differing);
	return differ;
}

/* --- asking ---------------------------------------------------------------------------------- */

struct source *source_of(const struct auth *a, struct str domain)
{
	const struct sources *ss = a->sources;

	for (size_t i = 0; i < ss->ndomains; i++) {
		if (str_eqz(domain, a->common->domains[i]))
			return ss->by_domain[i];
	}
	return ss->list;
}

bool source_is_foreign(const struct auth *a, struct str domain)
{
	return source_of(a, domain)->backend->foreign;
}

bool account_is_foreign(const struct auth *a, struct str account)
{
	struct jid jid;

	return jid_split(account, &jid) == 0 && source_is_foreign(a, jid.domain);
}

bool source_has_keys(const struct auth *a, struct str domain, enum scram_hash hash)
{
	const struct source *s = source_of(a, domain);

	if (!s->backend->foreign)
		return true;
	if (s->config.type != SOURCE_HTTP)
		return false;
	for (char **z = s->config.http_scram; *z; z++) {
		enum scram_hash h;

		if (scram_hash_parse(str_z(*z), &h) && h == hash)
			return true;
	}
	return false;
}

static void went_away(struct source *s, const char *reason)
{
	s->unavailable++;
	s->unavailable_now++;
	if (s->down)
		return;
	s->down = true;
	s->down_since_us = clock_wall_us();
	s->reason = xstrdup(reason ? reason : "no reason given");
	log_error("credentials do not answer: logins of their domains are told to try later",
		  LF_S("credentials", s->name), LF_S("type", s->backend->name),
		  LF_S("reason", s->reason));
}

static void came_back(struct source *s)
{
	if (!s->down)
		return;
	log_info("credentials answer again", LF_S("credentials", s->name),
		 LF_U("failed", s->unavailable_now),
		 LF_I("seconds", (clock_wall_us() - s->down_since_us) / 1000000));
	s->down = false;
	s->unavailable_now = 0;
	free(s->reason);
	s->reason = NULL;
}

void source_answered(struct source *s, const struct backend_answer *r)
{
	if (!s->backend->foreign)
		return;
	if (r->status == BACKEND_UNAVAILABLE) {
		went_away(s, r->reason);
		return;
	}
	came_back(s);
	if (r->reason)
		log_warn("credentials are not clear", LF_S("credentials", s->name),
			 LF_S("reason", r->reason));
	if (r->good || r->keys)
		s->right++;
	else
		s->wrong++;
}

json_t *sources_stats(const struct sources *ss)
{
	json_t *all = json_object();

	for (const struct source *s = ss->list; s; s = s->next) {
		size_t waiting = s->backend->waiting ? s->backend->waiting(s->state) : 0;
		json_t *o;

		if (!s->backend->foreign)
			continue;
		o = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "type", s->backend->name,
			      "available", !s->down, "right", (json_int_t)s->right, "wrong",
			      (json_int_t)s->wrong, "unavailable", (json_int_t)s->unavailable,
			      "cached", (json_int_t)s->cached, "accounts_created",
			      (json_int_t)s->created, "waiting", (json_int_t)waiting);
		json_object_set_new(all, s->name, o);
	}
	return all;
}

json_t *sources_problems(const struct sources *ss)
{
	json_t *all = json_array();

	for (const struct source *s = ss->list; s; s = s->next) {
		char *text;

		if (!s->down)
			continue;
		text = xasprintf("the credentials \"%s\" (%s) do not answer, nobody of their "
				 "domains can log in: %s",
				 s->name, s->backend->name, s->reason);
		json_array_append_new(all, json_string(text));
		free(text);
	}
	return all;
}
