/* SPDX-License-Identifier: MIT */
/*
 * Logins under way: from AUTH_START to its AUTH_RESULT, with what lies between. Each request of
 * c2s is answered once; what takes longer than a minute ends.
 */
#include <stdlib.h>
#include <uthash.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "xmpp/jid.h"

enum { RESULT_CHALLENGE, RESULT_SUCCESS, RESULT_FAILURE, RESULT_MOVED };
enum { LIFETIME_S = 60, SECRETS_WAIT_MS = 3000, TICKET_US = 60 * 1000 * 1000 };

struct exchange {
	struct auth *auth;
	uint64_t id;
	struct frame request; /* to be answered when open */
	bool open;
	bool may_move; /* no other instance has placed it here, and nothing was said yet */
	bool wants_secrets;
	bool known, disabled, locked;
	bool guessed; /* a password was tried: a failure is answered late */
	enum mech_status want;
	struct mech *mech;
	struct backend_call *call;
	struct loop_timer *timer; /* the delay of a failure, or the wait for secrets */
	struct loop_timeout timeout;
	struct msg_auth_result failure; /* delayed */
	char *address;
	UT_hash_handle hh;
};

static void exchange_free(struct exchange *x)
{
	struct auth *a = x->auth;

	HASH_DEL(a->exchanges, x);
	backend_cancel(x->call);
	loop_timer_free(x->timer);
	loop_timeout_stop(a->loop, &x->timeout);
	mech_free(x->mech);
	free(x->address);
	free(x);
	auth_idle(a);
}

static void answer(struct exchange *x, const struct msg_auth_result *r)
{
	if (x->open)
		link_reply(x->auth->link, &x->request, MSG_AUTH_RESULT, r);
	x->open = false;
}

static void refuse(struct auth *a, const struct frame *f, enum sasl_error error, const char *text)
{
	struct msg_auth_result r = {
		.state = RESULT_FAILURE, .error = (uint8_t)error, .text = str_z(text)};

	link_reply(a->link, f, MSG_AUTH_RESULT, &r);
}

/* --- the end --------------------------------------------------------------------------------- */

static void fail_now(void *arg)
{
	struct exchange *x = arg;

	answer(x, &x->failure);
	exchange_free(x);
}

static void fail(struct exchange *x, enum sasl_error error, const char *reason)
{
	struct auth *a = x->auth;
	bool slow = x->guessed && error == SASL_E_NOT_AUTHORIZED && a->config->fail_delay &&
		    !a->common->unlimited;

	x->failure = (struct msg_auth_result){.state = RESULT_FAILURE, .error = (uint8_t)error};
	if (error == SASL_E_TEMPORARY_AUTH_FAILURE)
		a->stats.temporary++;
	a->stats.failure[mech_type_index(mech_type_of(x->mech))]++;
	log_info("login failed", LF_STR("account", mech_account(x->mech)),
		 LF_S("mechanism", mech_type_name(mech_type_index(mech_type_of(x->mech)))),
		 LF_S("address", x->address), LF_S("condition", sasl_error_name(error)),
		 LF_S("reason", reason));
	if (!slow) {
		fail_now(x);
		return;
	}
	loop_timeout_stop(a->loop, &x->timeout);
	loop_timer_free(x->timer);
	x->timer = loop_timer_new(a->loop, fail_now, x);
	loop_timer_start(x->timer, (uint64_t)a->config->fail_delay, 0);
}

static bool is_address_locked(const struct exchange *x)
{
	const struct auth *a = x->auth;
	char scratch[AUTH_ADDRESS_KEY];

	return !a->common->unlimited &&
	       tally_full(a->failed_addresses, auth_address_key(str_z(x->address), scratch),
			  (uint64_t)a->config->lockout_address_count);
}

static bool is_locked(const struct exchange *x)
{
	const struct auth *a = x->auth;

	if (a->common->unlimited)
		return false;
	return is_address_locked(x) || tally_full(a->failed_accounts, mech_account(x->mech),
						  (uint64_t)a->config->lockout_count);
}

static void count_failure(struct exchange *x)
{
	struct auth *a = x->auth;
	const struct auth_config *c = a->config;
	char scratch[AUTH_ADDRESS_KEY];

	if (a->common->unlimited)
		return;
	tally_add(a->failed_accounts, mech_account(x->mech), (uint64_t)c->lockout_count,
		  (uint64_t)c->lockout_time, true);
	tally_add(a->failed_addresses, auth_address_key(str_z(x->address), scratch),
		  (uint64_t)c->lockout_address_count, (uint64_t)c->lockout_time, true);
}

static void failed(struct exchange *x)
{
	const char *reason = mech_reason(x->mech);

	if (mech_guessed(x->mech)) {
		x->guessed = true;
		count_failure(x);
		if (!x->known)
			reason = "unknown account";
	}
	fail(x, mech_error(x->mech), reason);
}

static void succeed(struct exchange *x, const struct buf *out)
{
	struct auth *a = x->auth;
	struct msg_auth_result r = {.state = RESULT_SUCCESS,
				    .account = mech_account(x->mech),
				    .data = buf_str(out),
				    .has_data = out->len > 0};
	struct ticket ticket = {.account = r.account,
				.c2s = x->request.from,
				.expires_us = clock_wall_us() + TICKET_US,
				.temporary = mech_type_anonymous(mech_type_of(x->mech))};
	struct buf sealed = BUF_INIT;

	tally_clear(a->failed_accounts, r.account);
	if (mech_type_clear(mech_type_of(x->mech)))
		upgrade_begin(a, r.account, mech_password(x->mech));
	random_draw(ticket.nonce, sizeof(ticket.nonce));
	ticket_write(a->ticket_key, &ticket, &sealed);
	r.ticket = buf_str(&sealed);
	a->stats.success[mech_type_index(mech_type_of(x->mech))]++;
	log_debug("login", LF_STR("account", r.account),
		  LF_S("mechanism", mech_type_name(mech_type_index(mech_type_of(x->mech)))),
		  LF_S("address", x->address));
	answer(x, &r);
	buf_wipe(&sealed);
	exchange_free(x);
}

/* XEP-0175 section 2: somebody unknown shall not get large amounts of what we have. */
static bool anonymous_allowed(struct exchange *x)
{
	struct auth *a = x->auth;
	char scratch[AUTH_ADDRESS_KEY];
	struct str key = auth_address_key(str_z(x->address), scratch);
	uint64_t rate = (uint64_t)a->config->anonymous_rate;

	if (a->common->unlimited)
		return true;
	if (tally_full(a->anonymous, key, rate))
		return false;
	tally_add(a->anonymous, key, rate, (uint64_t)a->config->anonymous_period, false);
	return true;
}

static void succeeded_anonymous(struct exchange *x, const struct buf *out)
{
	struct auth *a = x->auth;

	if (!a->ticket_key)
		fail(x, SASL_E_TEMPORARY_AUTH_FAILURE, "storage has not answered");
	else if (is_address_locked(x) || !anonymous_allowed(x))
		fail(x, SASL_E_TEMPORARY_AUTH_FAILURE, "too many from this address");
	else
		succeed(x, out);
}

static void succeeded(struct exchange *x, const struct buf *out)
{
	if (mech_type_anonymous(mech_type_of(x->mech))) {
		succeeded_anonymous(x, out);
		return;
	}
	x->guessed = true;
	if (x->locked || is_locked(x))
		fail(x, SASL_E_NOT_AUTHORIZED, "locked out");
	else if (!x->known)
		fail(x, SASL_E_NOT_AUTHORIZED, "unknown account");
	else if (x->disabled) /* told after the right password only */
		fail(x, SASL_E_ACCOUNT_DISABLED, "disabled");
	else
		succeed(x, out);
}

/* --- the steps ------------------------------------------------------------------------------- */

static void look_up(struct exchange *x);

static void advance(struct exchange *x, enum mech_status status, struct buf *out)
{
	struct msg_auth_result challenge = {.state = RESULT_CHALLENGE,
					    .exchange = x->id,
					    .data = buf_str(out),
					    .has_data = true};
	struct auth *a = x->auth;
	uint64_t key, owner;

	switch (status) {
	case MECH_CHALLENGE:
		answer(x, &challenge);
		return;
	case MECH_SUCCESS:
		succeeded(x, out);
		return;
	case MECH_FAILURE:
		failed(x);
		return;
	case MECH_WANT_KEYS:
	case MECH_WANT_CHECK:
		break;
	}
	x->want = status;
	key = jid_key(mech_account(x->mech));
	owner = x->may_move ? link_place(a->link, "auth", key) : 0;
	if (owner && owner != link_id(a->link)) {
		a->stats.moved++;
		answer(x, &(struct msg_auth_result){.state = RESULT_MOVED, .key = key});
		exchange_free(x);
		return;
	}
	look_up(x);
}

static void input(struct exchange *x, struct str data)
{
	struct buf out = BUF_INIT;
	enum mech_status status = mech_step(x->mech, data, &out);

	advance(x, status, &out);
	buf_wipe(&out);
}

static void resume(struct exchange *x)
{
	struct buf out = BUF_INIT;
	enum mech_status status = mech_resume(x->mech, &out);

	advance(x, status, &out);
	buf_wipe(&out);
}

/* Keys that a locked account or an unknown name gets must look like any others. */
static void found_keys(void *arg, enum backend_status status, const struct scram_keys *keys)
{
	struct exchange *x = arg;
	struct scram_keys fake;

	x->call = NULL;
	if (status == BACKEND_UNAVAILABLE) {
		fail(x, SASL_E_TEMPORARY_AUTH_FAILURE, "credentials cannot be read");
		return;
	}
	x->known = status != BACKEND_UNKNOWN && keys && mech_account_valid(x->mech);
	x->disabled = status == BACKEND_DISABLED;
	if (x->known) {
		mech_give_keys(x->mech, keys);
	} else {
		auth_fake_keys(x->auth, mech_account(x->mech), mech_hash(x->mech), &fake);
		mech_give_keys(x->mech, &fake);
		wipe(&fake, sizeof(fake));
	}
	resume(x);
}

static void checked(void *arg, enum backend_status status, bool good)
{
	struct exchange *x = arg;

	x->call = NULL;
	if (status == BACKEND_UNAVAILABLE) {
		fail(x, SASL_E_TEMPORARY_AUTH_FAILURE, "credentials cannot be read");
		return;
	}
	x->known = status != BACKEND_UNKNOWN && mech_account_valid(x->mech);
	x->disabled = status == BACKEND_DISABLED;
	mech_give_check(x->mech, good && x->known);
	resume(x);
}

static void no_secrets(void *arg)
{
	fail(arg, SASL_E_TEMPORARY_AUTH_FAILURE, "storage has not answered");
}

static void look_up(struct exchange *x)
{
	struct auth *a = x->auth;
	struct str account = mech_account(x->mech);

	if (!auth_has_secrets(a)) {
		x->wants_secrets = true;
		x->timer = loop_timer_new(a->loop, no_secrets, x);
		loop_timer_start(x->timer, SECRETS_WAIT_MS, 0);
		return;
	}
	/* What was locked when it began stays so: the time of the lock's end is not told by it. */
	x->locked = is_locked(x);
	x->guessed = x->want == MECH_WANT_CHECK;
	if (x->guessed && is_address_locked(x))
		fail(x, SASL_E_NOT_AUTHORIZED, "locked out"); /* it shall not burn our time */
	else if (mech_type_certificate(mech_type_of(x->mech)))
		x->call = backend_known(a, account, found_keys, x);
	else if (x->want == MECH_WANT_KEYS)
		x->call = backend_keys(a, account, mech_hash(x->mech), found_keys, x);
	else
		x->call = backend_check(a, account, mech_password(x->mech), checked, x);
}

size_t exchanges_open(const struct auth *a)
{
	return HASH_COUNT(a->exchanges);
}

void exchanges_continue(struct auth *a)
{
	struct exchange *x, *next;

	HASH_ITER(hh, a->exchanges, x, next) {
		if (!x->wants_secrets)
			continue;
		x->wants_secrets = false;
		x->timer = loop_timer_free(x->timer);
		look_up(x);
	}
}

/* --- what c2s asks --------------------------------------------------------------------------- */

static void expired(void *arg)
{
	struct exchange *x = arg;

	if (x->open)
		fail(x, SASL_E_TEMPORARY_AUTH_FAILURE, "took too long");
	else
		exchange_free(x);
}

static struct exchange *exchange_new(struct auth *a, const struct frame *f,
				     const struct msg_auth_start *m, const struct mech_type *t)
{
	struct mech_params params = {.domain = m->domain,
				     .exporter = m->exporter,
				     .end_point = m->end_point,
				     .unique = a->config->tls_unique ? m->unique : STR_NONE,
				     .mechanisms = m->mechanisms,
				     .nmechanisms = m->nmechanisms,
				     .bindings = m->bindings,
				     .nbindings = m->nbindings,
				     .downgrade_hash = a->config->downgrade_protection,
				     .certificate_jids = m->certificate_jids,
				     .ncertificate_jids = m->ncertificate_jids};
	struct mech *mech = mech_new(a->mechs, t, &params);
	struct exchange *x;

	if (!mech)
		return NULL;
	x = xcalloc(1, sizeof(*x));
	x->auth = a;
	x->mech = mech;
	x->id = random_u64();
	x->request = frame_keep(f);
	x->open = true;
	x->may_move = m->has_initial && !m->placed;
	x->address = str_dup(m->address);
	x->timeout.fn = expired;
	x->timeout.arg = x;
	loop_timeout_start(a->loop, &x->timeout, LIFETIME_S);
	HASH_ADD(hh, a->exchanges, id, sizeof(x->id), x);
	a->stats.exchanges++;
	return x;
}

void exchange_handle_start(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_auth_start *m = msg;
	enum sasl_error error = SASL_E_TEMPORARY_AUTH_FAILURE;
	const struct mech_type *t = NULL;
	struct exchange *x = NULL;

	if (!auth_serves(a, m->domain))
		error = SASL_E_NOT_AUTHORIZED;
	else if (!a->draining && exchanges_open(a) < (size_t)a->config->max_exchanges)
		t = offer_choose(a, m, &error);
	if (t)
		x = exchange_new(a, f, m, t);
	if (!x) {
		if (error == SASL_E_TEMPORARY_AUTH_FAILURE)
			a->stats.temporary++;
		refuse(a, f, error, NULL);
		return;
	}
	if (m->has_initial)
		input(x, m->initial);
	else /* RFC 6120 section 6.4.2: the server begins with an empty challenge */
		answer(x, &(struct msg_auth_result){
				  .state = RESULT_CHALLENGE, .exchange = x->id, .has_data = true});
}

/* Only of the instance that began it. */
static struct exchange *find(struct auth *a, uint64_t id, uint64_t from)
{
	struct exchange *x;

	HASH_FIND(hh, a->exchanges, &id, sizeof(id), x);
	return x && x->request.from == from ? x : NULL;
}

void exchange_handle_next(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_auth_next *m = msg;
	struct exchange *x = find(a, m->exchange, f->from);

	if (!x) {
		refuse(a, f, SASL_E_NOT_AUTHORIZED, "The exchange has expired.");
		return;
	}
	if (x->open) { /* the client spoke before it was answered */
		refuse(a, f, SASL_E_MALFORMED_REQUEST, NULL);
		return;
	}
	x->request = frame_keep(f);
	x->open = true;
	x->may_move = false;
	input(x, m->data);
}

void exchange_handle_abort(void *arg, const struct frame *f, const void *msg)
{
	struct auth *a = arg;
	const struct msg_auth_abort *m = msg;
	struct exchange *x = find(a, m->exchange, f->from);

	if (x)
		exchange_free(x);
}

void exchanges_drop(struct auth *a, uint64_t instance)
{
	struct exchange *x, *next;

	HASH_ITER(hh, a->exchanges, x, next) {
		if (!instance || x->request.from == instance)
			exchange_free(x);
	}
}
