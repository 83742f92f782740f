/* SPDX-License-Identifier: MIT */
/* Binding and searching in an LDAP directory (RFC 4511, RFC 4513). */
#include <errno.h>
#include <ldap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include "auth/auth_internal.h"
#include "auth/directory.h"
#include "auth/template.h"
#include "base/alloc.h"
#include "base/clock.h"

static const char SYSTEM_CA[] = "/etc/ssl/certs/ca-certificates.crt";

/* Connections of one use: those of binds carry whichever user was bound last. */
enum purpose { TO_SEARCH, TO_BIND, PURPOSES };
enum { MAX_SERVERS = 16 };
/* A firewall or NAT forgets a connection that is quiet for some minutes, and tells nobody. */
enum { IDLE_MAX_MS = 60000, KEEPALIVE_IDLE_S = 30, KEEPALIVE_INTERVAL_S = 10, KEEPALIVE_PROBES = 3 };

struct kept {
	LDAP *ld;
	uint64_t since; /* clock_mono_ms() */
};

struct directory {
	atomic_uint refs;
	char *servers[MAX_SERVERS + 1], *ca, *dn, *base, *filter, *bind_dn;
	struct buf bind_password;
	bool starttls;
	int scope;
	int64_t timeout, connect_timeout; /* ms */
	atomic_uint first;		  /* the server that answered last */

	pthread_mutex_t lock;
	struct kept idle[PURPOSES][64]; /* the oldest first */
	size_t nidle[PURPOSES], max_idle;
};

/* --- the object ------------------------------------------------------------------------------ */

struct directory *directory_new(const struct source_config *c, struct buf *errors)
{
	struct directory *d = xcalloc(1, sizeof(*d));
	int err;

	atomic_init(&d->refs, 1);
	pthread_mutex_init(&d->lock, NULL);
	for (size_t i = 0; i < MAX_SERVERS && c->ldap_servers[i]; i++)
		d->servers[i] = xstrdup(c->ldap_servers[i]);
	d->ca = xstrdup(*c->ca ? c->ca : SYSTEM_CA);
	d->dn = xstrdup(c->ldap_dn);
	d->base = xstrdup(c->ldap_base);
	d->filter = xstrdup(c->ldap_filter);
	d->bind_dn = xstrdup(c->ldap_bind_dn);
	d->starttls = c->ldap_starttls;
	d->scope = c->ldap_scope == LDAP_ONE_LEVEL ? LDAP_SCOPE_ONELEVEL : LDAP_SCOPE_SUBTREE;
	d->timeout = c->timeout;
	d->connect_timeout = c->connect_timeout;
	d->max_idle = (size_t)c->parallel;
	if (!*c->ldap_password_file)
		return d;
	err = source_read_secret(c->ldap_password_file, &d->bind_password);
	if (err == 0 && d->bind_password.len)
		return d;
	buf_printf(errors, "%s: %s", c->ldap_password_file, err ? strerror(-err) : "it is empty");
	return directory_unref(d);
}

struct directory *directory_ref(struct directory *d)
{
	atomic_fetch_add(&d->refs, 1);
	return d;
}

struct directory *directory_unref(struct directory *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
		return NULL;
	for (int p = 0; p < PURPOSES; p++) {
		while (d->nidle[p])
			ldap_unbind_ext_s(d->idle[p][--d->nidle[p]].ld, NULL, NULL);
	}
	for (char **z = d->servers; *z; z++)
		free(*z);
	free(d->ca);
	free(d->dn);
	free(d->base);
	free(d->filter);
	free(d->bind_dn);
	buf_wipe(&d->bind_password);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

/* --- connections ----------------------------------------------------------------------------- */

static struct timeval time_of(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static int set_options(const struct directory *d, LDAP *ld)
{
	struct timeval operation = time_of(d->timeout), connect = time_of(d->connect_timeout);
	int version = LDAP_VERSION3, limit = (int)((d->timeout + 999) / 1000);
	int quiet = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S, probes = KEEPALIVE_PROBES;
	int demand = LDAP_OPT_X_TLS_DEMAND, tls12 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;
	const struct {
		int option;
		const void *value;
	} options[] = {
		{LDAP_OPT_PROTOCOL_VERSION, &version}, {LDAP_OPT_NETWORK_TIMEOUT, &connect},
		{LDAP_OPT_TIMEOUT, &operation},	       {LDAP_OPT_TIMELIMIT, &limit},
		{LDAP_OPT_REFERRALS, LDAP_OPT_OFF}, /* another server gets nobody's password */
		{LDAP_OPT_RESTART, LDAP_OPT_ON},       {LDAP_OPT_X_TLS_REQUIRE_CERT, &demand},
		{LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls12}, {LDAP_OPT_X_TLS_CACERTFILE, d->ca},
		{LDAP_OPT_X_KEEPALIVE_IDLE, &quiet},   {LDAP_OPT_X_KEEPALIVE_PROBES, &probes},
		{LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval},
		{LDAP_OPT_X_TLS_NEWCTX, &client}, /* last: takes those before */
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (ldap_set_option(ld, options[i].option, options[i].value) != LDAP_OPT_SUCCESS)
			return LDAP_LOCAL_ERROR;
	}
	return LDAP_SUCCESS;
}

static int simple_bind(LDAP *ld, const char *dn, struct str password, struct timeval limit)
{
	struct berval secret = {.bv_len = password.len, .bv_val = (char *)password.ptr};
	LDAPMessage *result = NULL;
	int id, r, code = LDAP_OTHER;

	r = ldap_sasl_bind(ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id);
	if (r != LDAP_SUCCESS)
		return r;
	r = ldap_result(ld, id, LDAP_MSG_ALL, &limit, &result);
	if (r <= 0) {
		if (r == 0)
			return LDAP_TIMEOUT;
		ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
		return code;
	}
	r = ldap_parse_result(ld, result, &code, NULL, NULL, NULL, NULL, 1);
	return r == LDAP_SUCCESS ? code : r;
}

/* What is said of a failure, with what the server or the TLS library added. */
static void explain(LDAP *ld, const char *what, int code, struct buf *reason)
{
	char *more = NULL;

	buf_clear(reason);
	buf_printf(reason, "%s: %s", what, ldap_err2string(code));
	if (ld)
		ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	if (more && *more)
		buf_printf(reason, " (%s)", more);
	ldap_memfree(more);
}

static LDAP *connect_to(const struct directory *d, const char *server, enum purpose purpose,
			struct buf *reason)
{
	LDAP *ld = NULL;
	int r = ldap_initialize(&ld, server);

	if (r == LDAP_SUCCESS)
		r = set_options(d, ld);
	if (r == LDAP_SUCCESS && d->starttls && strncasecmp(server, "ldap:", 5) == 0)
		r = ldap_start_tls_s(ld, NULL, NULL);
	if (r == LDAP_SUCCESS && purpose == TO_SEARCH && *d->bind_dn)
		r = simple_bind(ld, d->bind_dn, buf_str(&d->bind_password), time_of(d->timeout));
	else if (r == LDAP_SUCCESS) /* connects, which nothing did before */
		r = simple_bind(ld, "", STR_NONE, time_of(d->timeout));
	if (purpose == TO_BIND && (r == LDAP_INAPPROPRIATE_AUTH || r == LDAP_UNWILLING_TO_PERFORM ||
				   r == LDAP_STRONG_AUTH_REQUIRED || r == LDAP_INSUFFICIENT_ACCESS))
		r = LDAP_SUCCESS; /* it is there, and only refuses to be asked by nobody */
	if (r == LDAP_SUCCESS)
		return ld;
	explain(ld, server, r, reason);
	if (ld)
		ldap_unbind_ext_s(ld, NULL, NULL);
	return NULL;
}

/* Connections that were not used for long, one each time: closing one may take a while. */
static LDAP *take_old(struct directory *d, enum purpose purpose)
{
	struct kept *list = d->idle[purpose];
	LDAP *old = NULL;

	pthread_mutex_lock(&d->lock);
	if (d->nidle[purpose] && clock_mono_ms() - list[0].since >= IDLE_MAX_MS) {
		old = list[0].ld;
		memmove(list, list + 1, --d->nidle[purpose] * sizeof(*list));
	}
	pthread_mutex_unlock(&d->lock);
	return old;
}

/* A kept connection, else a new one to the server that answered last or those behind it. *ret_kept
 * says that the server may have closed it since. */
static LDAP *get(struct directory *d, enum purpose purpose, bool *ret_kept, struct buf *reason)
{
	unsigned first = atomic_load(&d->first), n = 0;
	LDAP *ld;

	while ((ld = take_old(d, purpose)) != NULL)
		ldap_unbind_ext_s(ld, NULL, NULL);
	pthread_mutex_lock(&d->lock);
	if (*ret_kept && d->nidle[purpose])
		ld = d->idle[purpose][--d->nidle[purpose]].ld;
	pthread_mutex_unlock(&d->lock);
	*ret_kept = ld != NULL;
	while (d->servers[n])
		n++;
	for (unsigned i = 0; !ld && i < n; i++) {
		ld = connect_to(d, d->servers[(first + i) % n], purpose, reason);
		if (ld)
			atomic_store(&d->first, (first + i) % n);
	}
	return ld;
}

static void put(struct directory *d, enum purpose purpose, LDAP *ld)
{
	pthread_mutex_lock(&d->lock);
	if (d->nidle[purpose] < d->max_idle) {
		d->idle[purpose][d->nidle[purpose]++] = (struct kept){ld, clock_mono_ms()};
		ld = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	if (ld)
		ldap_unbind_ext_s(ld, NULL, NULL);
}

static bool is_broken(int code)
{
	return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_TIMEOUT ||
	       code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code < 0;
}

/* A kept connection that nothing comes from any more must leave time for a new one. */
static struct timeval limit_of(const struct directory *d, bool kept)
{
	return time_of(kept && d->connect_timeout < d->timeout ? d->connect_timeout : d->timeout);
}

/* --- questions ------------------------------------------------------------------------------- */

static const struct backend_answer unknown = {.status = BACKEND_UNKNOWN},
				   wrong = {.status = BACKEND_KNOWN},
				   right = {.status = BACKEND_KNOWN, .good = true},
				   unavailable = {.status = BACKEND_UNAVAILABLE};

static struct backend_answer bind_answer(int code)
{
	switch (code) {
	case LDAP_SUCCESS:
		return right;
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
		return unknown;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INAPPROPRIATE_AUTH:	/* the entry has no password */
	case LDAP_CONSTRAINT_VIOLATION: /* too many wrong ones (389 Directory Server) */
	case LDAP_UNWILLING_TO_PERFORM: /* the entry is switched off */
	case LDAP_INSUFFICIENT_ACCESS:
		return wrong;
	default:
		return unavailable;
	}
}

/* A bind as that DN; once more on a new connection when a kept one turns out to be dead. */
static struct backend_answer bind_as(struct directory *d, const char *dn, struct str password,
				     struct buf *reason)
{
	struct backend_answer a = unavailable;
	bool kept = true;
	LDAP *ld;
	int code;

	while ((ld = get(d, TO_BIND, &kept, reason)) != NULL) {
		code = simple_bind(ld, dn, password, limit_of(d, kept));
		a = bind_answer(code);
		if (a.status != BACKEND_UNAVAILABLE) {
			put(d, TO_BIND, ld);
			buf_clear(reason);
			return a;
		}
		explain(ld, "bind", code, reason);
		ldap_unbind_ext_s(ld, NULL, NULL);
		if (!kept || !is_broken(code))
			return a;
		kept = false; /* a new one, then */
	}
	return a;
}

/* The DN of the only entry that fits; the caller frees it by ldap_memfree. */
static int find_dn(struct directory *d, LDAP *ld, const char *base, const char *filter,
		   struct timeval limit, char **ret_dn)
{
	char *none[] = {(char *)LDAP_NO_ATTRS, NULL};
	LDAPMessage *found = NULL, *entry;
	int r = ldap_search_ext_s(ld, base, d->scope, filter, none, 0, NULL, NULL, &limit, 2,
				  &found);

	if (r == LDAP_SUCCESS || r == LDAP_SIZELIMIT_EXCEEDED) {
		entry = ldap_first_entry(ld, found);
		if (!entry)
			r = LDAP_NO_SUCH_OBJECT;
		else if (r == LDAP_SIZELIMIT_EXCEEDED || ldap_next_entry(ld, entry))
			r = LDAP_SIZELIMIT_EXCEEDED;
		else
			*ret_dn = ldap_get_dn(ld, entry);
	}
	ldap_msgfree(found);
	return r;
}

static int search(struct directory *d, const char *base, const char *filter, char **ret_dn,
		  struct buf *reason)
{
	bool kept = true;
	int r = LDAP_SERVER_DOWN;
	LDAP *ld;

	while ((ld = get(d, TO_SEARCH, &kept, reason)) != NULL) {
		r = find_dn(d, ld, base, filter, limit_of(d, kept), ret_dn);
		if (!is_broken(r)) {
			explain(ld, "search", r, reason);
			put(d, TO_SEARCH, ld);
			return r;
		}
		explain(ld, "search", r, reason);
		ldap_unbind_ext_s(ld, NULL, NULL);
		if (!kept)
			return r;
		kept = false;
	}
	return LDAP_SERVER_DOWN;
}

static struct backend_answer search_and_bind(struct directory *d, struct str user,
					     struct str domain, struct str password,
					     struct buf *reason)
{
	struct buf base = BUF_INIT, filter = BUF_INIT;
	struct backend_answer a = unavailable;
	char *dn = NULL;
	int r;

	template_expand(d->base, user, domain, template_escape_dn, &base);
	template_expand(d->filter, user, domain, template_escape_filter, &filter);
	buf_putc(&base, '\0');
	buf_putc(&filter, '\0');
	r = search(d, buf_ptr(&base), buf_ptr(&filter), &dn, reason);
	if (r == LDAP_SUCCESS && dn && *dn) {
		a = bind_as(d, dn, password, reason);
	} else if (r == LDAP_NO_SUCH_OBJECT) {
		a = unknown;
		buf_clear(reason);
	} else if (r == LDAP_SIZELIMIT_EXCEEDED) {
		a = unknown;
		buf_clear(reason);
		buf_printf(reason, "several entries fit %s", buf_ptr(&filter));
	}
	ldap_memfree(dn);
	buf_free(&base);
	buf_free(&filter);
	return a;
}

struct backend_answer directory_check(struct directory *d, struct str user, struct str domain,
				      struct str password, struct buf *reason)
{
	struct buf dn = BUF_INIT;
	struct backend_answer a;

	/* RFC 4513 section 5.1.2: a bind with a name and no password succeeds, as nobody. */
	if (!password.len)
		return wrong;
	if (!*d->dn)
		return search_and_bind(d, user, domain, password, reason);
	template_expand(d->dn, user, domain, template_escape_dn, &dn);
	buf_putc(&dn, '\0');
	a = bind_as(d, buf_ptr(&dn), password, reason);
	buf_free(&dn);
	return a;
}
