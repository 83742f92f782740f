/* SPDX-License-Identifier: MIT */
/* A link, secrets, and a context of mercutio-auth on all the doubles. */
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/options.h"
#include "link/message.h"
#include "tests/unit/auth/doubles_internal.h"

/* --- the link -------------------------------------------------------------------------------- */

static struct double_reply *replies;
static size_t nreplies;
struct pool *double_pool;

struct double_store double_store;

void *double_copy(uint16_t kind, const void *m)
{
	struct buf b = BUF_INIT;
	void *ret = pool_calloc(double_pool, msg_size(kind));

	msg_encode(kind, m, &b);
	if (msg_decode(kind, double_pool, pool_str(double_pool, buf_str(&b)), ret) < 0)
		bug("message %u does not survive", kind);
	buf_free(&b);
	return ret;
}

void link_reply(struct link *k, const struct frame *request, uint16_t kind, const void *m)
{
	(void)k;
	replies = xrealloc(replies, (nreplies + 1) * sizeof(*replies));
	replies[nreplies++] = (struct double_reply){kind, request->tag, double_copy(kind, m)};
}

void link_fail(struct link *k, const struct frame *request, int err, const char *text)
{
	link_reply(k, request, MSG_FAILED,
		   &(struct msg_failed){.code = (uint16_t)-err, .text = str_z(text)});
}

int link_send(struct link *k, const struct frame *head, const void *m)
{
	(void)k;
	replies = xrealloc(replies, (nreplies + 1) * sizeof(*replies));
	replies[nreplies++] =
		(struct double_reply){head->kind, head->tag, m ? double_copy(head->kind, m) : NULL};
	return 0;
}

void link_serving(const struct link *k, const char *route,
		  void (*fn)(void *arg, const struct member *m), void *arg)
{
	static struct member c2s = {.id = DOUBLE_C2S, .name = "c2s-1", .process = "c2s"};

	(void)k;
	if (strcmp(route, c2s.process) == 0)
		fn(arg, &c2s);
}

uint64_t link_id(const struct link *k)
{
	(void)k;
	return DOUBLE_SELF;
}

const struct member *link_member(const struct link *k, uint64_t id)
{
	static struct member sm = {.id = DOUBLE_SM, .name = "sm-1", .process = "sm"};

	(void)k;
	return id == DOUBLE_SM ? &sm : NULL;
}

uint64_t link_place(const struct link *k, const char *route, uint64_t key)
{
	(void)k;
	(void)route;
	(void)key;
	return double_store.placed ? double_store.placed : DOUBLE_SELF;
}

size_t double_replies(void)
{
	return nreplies;
}

const struct double_reply *double_reply(size_t i)
{
	return &replies[i];
}

struct frame double_frame(uint16_t kind)
{
	static uint32_t tag;

	return (struct frame){.kind = kind, .tag = ++tag, .from = DOUBLE_C2S, .to = DOUBLE_SELF};
}

/* --- secrets --------------------------------------------------------------------------------- */

struct secret_get {
	secret_fn *fn;
	void *arg;
	uint8_t key[SEAL_KEY];
	struct secret_get *prev, *next;
};

static struct secret_get *gets;

struct secret_get *secret_get(struct link *k, struct channels *c, const char *name, secret_fn *fn,
			      void *arg)
{
	struct secret_get *g = xcalloc(1, sizeof(*g));

	(void)k;
	(void)c;
	g->fn = fn;
	g->arg = arg;
	memset(g->key, name[0], sizeof(g->key));
	DL_APPEND(gets, g);
	return g;
}

void secret_get_cancel(struct secret_get *g)
{
	if (g) {
		DL_DELETE(gets, g);
		free(g);
	}
}

void double_secrets(void)
{
	while (gets) {
		struct secret_get *g = gets;

		DL_DELETE(gets, g);
		g->fn(g->arg, g->key);
		free(g);
	}
}

int double_ticket(struct str sealed, struct buf *scratch, struct ticket *ret)
{
	uint8_t secret[SEAL_KEY];
	struct seal_key *key;
	int err;

	memset(secret, "ticket"[0], sizeof(secret)); /* as secret_get() here */
	key = seal_key_new(secret);
	err = ticket_read(key, sealed, scratch, ret);
	seal_key_free(key);
	return err;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void swallow(void *arg, struct str line)
{
	(void)arg;
	(void)line;
}

void double_run(void)
{
	if (!double_store.no_secrets)
		double_secrets();
	while (double_read_one() || (!double_store.slow && double_write_one()) ||
	       double_work_one() || double_write_one() || double_fire())
		;
}

void double_advance(uint64_t ms)
{
	clock_advance(ms * 1000);
	double_run();
}

void double_reset(void)
{
	double_store_clear();
	free(replies);
	replies = NULL;
	nreplies = 0;
	double_pool = pool_free(double_pool);
	double_pool = pool_new();
	double_store = (struct double_store){0};
	clock_fake(1000000, 1700000000000000);
	log_capture(swallow, NULL);
}

struct auth *double_auth(struct auth_config *config, struct common_config *common)
{
	static const struct {
		char *mechanisms[7], *domains[3], *reserved[2], *anonymous[2];
	} lists = {{"EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
		    "SCRAM-SHA-1", "PLAIN", NULL},
		   {"example.org", "example.net", NULL},
		   {"admin", NULL},
		   {"example.net", NULL}};
	struct auth *a;

	*common = (struct common_config){.domains = (char **)lists.domains};
	*config = (struct auth_config){.mechanisms = (char **)lists.mechanisms,
				       .downgrade_protection = true,
				       .tls_unique = true,
				       .scram_iterations = 4096,
				       .storage_timeout = 5000,
				       .fail_delay = 1000,
				       .lockout_count = 5,
				       .lockout_address_count = 8,
				       .lockout_time = 60000,
				       .workers = 2,
				       .credentials = (char *)"internal",
				       .password_cache = 60000,
				       .password_cache_size = 100,
				       .login_queue = 4,
				       .import_queue = 1000,
				       .max_exchanges = 8,
				       .register_rate = 2,
				       .register_period = 60000,
				       .reserved_names = (char **)lists.reserved,
				       .anonymous_domains = (char **)lists.anonymous,
				       .anonymous_rate = 2,
				       .anonymous_period = 60000};
	a = auth_new(NULL, NULL, common, config);
	auth_ready(a);
	double_run();
	return a;
}
