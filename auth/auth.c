/* SPDX-License-Identifier: MIT */
/* mercutio-auth's context: made, told that storage may be asked, drained, freed. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "base/alloc.h"
#include "base/random.h"
#include "xmpp/jid.h"

enum { TALLY_KEYS = 65536 };

struct auth *auth_new(struct loop *l, struct link *k, const struct common_config *common,
		      const struct auth_config *config)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->link = k;
	a->common = common;
	a->config = config;
	a->mechs = mechs_new();
	if (!a->mechs) {
		free(a);
		return NULL;
	}
	a->channels = channels_new(k);
	a->passwords = pass_cache_new((size_t)config->password_cache_size);
	a->sources = sources_new(a, NULL, NULL);
	loop_workers((size_t)config->workers + 1); /* one for whatever else there may be */
	a->derive = derive_new(l, (size_t)config->workers, (size_t)config->login_queue,
			       (size_t)config->import_queue);
	a->failed_accounts = tally_new(TALLY_KEYS);
	a->failed_addresses = tally_new(TALLY_KEYS);
	a->registrations = tally_new(TALLY_KEYS);
	a->anonymous = tally_new(TALLY_KEYS);
	return a;
}

struct auth *auth_free(struct auth *a)
{
	if (!a)
		return NULL;
	a->drained = NULL;
	secret_get_cancel(a->getting_ticket);
	secret_get_cancel(a->getting_fake);
	exchanges_drop(a, 0);
	tasks_free(a);
	upgrade_forget(a, STR_NONE);
	a->sources = sources_free(a->sources);
	a->passwords = pass_cache_free(a->passwords);
	a->anonymous = tally_free(a->anonymous);
	a->registrations = tally_free(a->registrations);
	a->failed_addresses = tally_free(a->failed_addresses);
	a->failed_accounts = tally_free(a->failed_accounts);
	a->derive = derive_free(a->derive);
	a->channels = channels_free(a->channels);
	a->mechs = mechs_free(a->mechs);
	a->ticket_key = seal_key_free(a->ticket_key);
	wipe(a, sizeof(*a));
	free(a);
	return NULL;
}

static void got(struct auth *a)
{
	if (auth_has_secrets(a))
		exchanges_continue(a);
}

static void got_ticket_key(void *arg, const uint8_t key[SEAL_KEY])
{
	struct auth *a = arg;

	a->getting_ticket = NULL;
	a->ticket_key = seal_key_new(key);
	got(a);
}

static void got_fake_key(void *arg, const uint8_t key[SEAL_KEY])
{
	struct auth *a = arg;

	a->getting_fake = NULL;
	memcpy(a->fake_key, key, SEAL_KEY);
	a->have_fake_key = true;
	got(a);
}

void auth_ready(struct auth *a)
{
	if (!a->ticket_key && !a->getting_ticket)
		a->getting_ticket = secret_get(a->link, a->channels, "ticket", got_ticket_key, a);
	if (!a->have_fake_key && !a->getting_fake)
		a->getting_fake = secret_get(a->link, a->channels, "fake", got_fake_key, a);
}

bool auth_has_secrets(const struct auth *a)
{
	return a->ticket_key && a->have_fake_key;
}

bool auth_serves(const struct auth *a, struct str domain)
{
	for (char **z = a->common->domains; *z; z++) {
		if (str_eqz(domain, *z))
			return true;
	}
	return false;
}

void auth_fake_keys(const struct auth *a, struct str account, enum scram_hash h,
		    struct scram_keys *ret)
{
	struct buf name = BUF_INIT;
	uint8_t salt[32];

	*ret = (struct scram_keys){.hash = h,
				   .salt_len = SCRAM_SALT,
				   .iterations = (uint32_t)a->config->scram_iterations};
	buf_printf(&name, "%s %.*s", scram_hash_name(h), STR_ARG(account));
	hmac_sha256(a->fake_key, sizeof(a->fake_key), buf_ptr(&name), name.len, salt);
	memcpy(ret->salt, salt, SCRAM_SALT);
	random_bytes(ret->stored_key, sizeof(ret->stored_key));
	random_bytes(ret->server_key, sizeof(ret->server_key));
	buf_free(&name);
}

struct str auth_address_key(struct str address, char scratch[AUTH_ADDRESS_KEY])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	int n;

	if (!address.len || address.len >= sizeof(text))
		return address;
	memcpy(text, address.ptr, address.len);
	text[address.len] = '\0';
	if (inet_pton(AF_INET6, text, &a6) != 1 || IN6_IS_ADDR_V4MAPPED(&a6))
		return address;
	/* A network of its own is what a stranger gets: 2^64 addresses. */
	memset(a6.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &a6, text, sizeof(text));
	n = snprintf(scratch, AUTH_ADDRESS_KEY, "%s/64", text);
	return str_n(scratch, (size_t)n);
}

void auth_idle(struct auth *a)
{
	void (*drained)(void *arg) = a->drained;

	if (!a->draining || !drained || a->exchanges || a->tasks)
		return;
	a->drained = NULL;
	drained(a->drained_arg);
}

void auth_drain(struct auth *a, void (*drained)(void *arg), void *arg)
{
	a->draining = true;
	a->drained = drained;
	a->drained_arg = arg;
	auth_idle(a);
}

/* logins by mechanism: how many succeeded or failed */
static json_t *by_mechanism(const uint64_t *counts)
{
	json_t *o = json_object();

	for (size_t i = 0; i < mech_types(); i++)
		json_object_set_new(o, mech_type_name(i), json_integer((json_int_t)counts[i]));
	return o;
}

json_t *auth_stats(const struct auth *a)
{
	const struct auth_stats *s = &a->stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"exchanges", s->exchanges},
		{"exchanges_open", exchanges_open(a)},
		{"moved", s->moved},
		{"temporary_failures", s->temporary},
		{"accounts_written", s->accounts_written},
		{"accounts_waiting", a->adding},
		{"keys_renewed", s->upgraded},
		{"keys_renewing", a->nupgrades},
		{"derive_running", derive_running(a->derive)},
		{"derive_waiting", derive_waiting(a->derive, DERIVE_LOGIN)},
		{"derive_waiting_changes", derive_waiting(a->derive, DERIVE_CHANGE)},
		{"derive_waiting_bulk", derive_waiting(a->derive, DERIVE_BULK)},
		{"derive_done", derive_done(a->derive)},
		{"passwords_cached", pass_cache_size(a->passwords)},
		{"failing_accounts", tally_size(a->failed_accounts)},
		{"failing_addresses", tally_size(a->failed_addresses)},
	};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(o, rows[i].name, json_integer((json_int_t)rows[i].value));
	json_object_set_new(o, "credentials", sources_stats(a->sources));
	json_object_set_new(o, "success", by_mechanism(s->success));
	json_object_set_new(o, "failure", by_mechanism(s->failure));
	return o;
}

const struct link_handler auth_handlers[] = {
	{MSG_AUTH_MECHANISMS, offer_handle},	  {MSG_AUTH_START, exchange_handle_start},
	{MSG_AUTH_NEXT, exchange_handle_next},	  {MSG_AUTH_ABORT, exchange_handle_abort},
	{MSG_ACCOUNT_ADD, accounts_handle_add},	  {MSG_ACCOUNT_DEL, accounts_handle_del},
	{MSG_ACCOUNT_LIST, accounts_handle_list}, {MSG_KEYS_GET, accounts_handle_keys},
	{MSG_ACCOUNT_DISABLE, accounts_handle_disable},
	{0, NULL},
};
