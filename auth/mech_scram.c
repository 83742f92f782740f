/* SPDX-License-Identifier: MIT */
/* SCRAM as a mechanism: which channel binding is taken, in which order the messages come. */
#include <errno.h>
#include "auth/mech_internal.h"
#include "base/alloc.h"
#include "base/random.h"

enum { AT_FIRST, AT_KEYS, AT_FINAL };
enum { SERVER_NONCE = 18, MAX_CLIENT_NONCE = 512 };

/* The data of a channel binding type that this stream has, else NULL. */
static const struct buf *binding_data(const struct mech *m, struct str type)
{
	const struct {
		const char *type;
		const struct buf *data;
	} table[] = {{"tls-exporter", &m->exporter},
		     {"tls-server-end-point", &m->end_point},
		     {"tls-unique", &m->unique}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (str_eqz(type, table[i].type) && table[i].data->len)
			return table[i].data;
	}
	return NULL;
}

/* RFC 5802 section 6. */
static bool check_binding(struct mech *m, const struct scram_first *f)
{
	const struct buf *data;

	if (m->type->binds != (f->flag == 'p')) {
		mech_fail(m, SASL_E_MALFORMED_REQUEST,
			  m->type->binds ? "channel binding missing with -PLUS"
					 : "channel binding without -PLUS");
		return false;
	}
	/* "If the flag is set to "y" and the server supports channel binding, the server MUST fail
	 * authentication": somebody has taken -PLUS out of the list that we sent. */
	if (f->flag == 'y' && m->plus_advertised) {
		mech_fail(m, SASL_E_NOT_AUTHORIZED, "-PLUS was offered, the client did not see it");
		return false;
	}
	if (f->flag != 'p')
		return true;
	data = binding_data(m, f->binding);
	if (!data) {
		mech_fail(m, SASL_E_NOT_AUTHORIZED, "channel binding type not available");
		return false;
	}
	buf_str_append(&m->binding, buf_str(data));
	return true;
}

static enum mech_status client_first(struct mech *m, struct str in)
{
	struct scram_first f = {0};
	int r = in.len > SCRAM_MAX_MESSAGE ? -EINVAL : scram_first_parse(in, &f);
	bool good;

	if (r < 0)
		return mech_fail(m, SASL_E_MALFORMED_REQUEST,
				 r == -EOPNOTSUPP ? "mandatory extension"
						  : "malformed first message");
	if (f.nonce.len > MAX_CLIENT_NONCE) {
		scram_first_free(&f);
		return mech_fail(m, SASL_E_MALFORMED_REQUEST, "nonce too long");
	}
	m->flag = f.flag;
	buf_str_append(&m->gs2, f.gs2);
	buf_str_append(&m->bare, f.bare);
	buf_str_append(&m->nonce, f.nonce);
	good = check_binding(m, &f) && mech_identify(m, buf_str(&f.username), buf_str(&f.authzid));
	scram_first_free(&f);
	if (!good)
		return MECH_FAILURE;
	m->at = AT_KEYS;
	return MECH_WANT_KEYS;
}

static enum mech_status server_first(struct mech *m, struct buf *out)
{
	uint8_t random[SERVER_NONCE];
	struct buf nonce = BUF_INIT;

	if (!m->have_keys)
		return mech_fail(m, SASL_E_TEMPORARY_AUTH_FAILURE, "no keys");
	random_draw(random, sizeof(random));
	base64_encode(&nonce, random, sizeof(random));
	scram_server_first(buf_str(&m->nonce), buf_str(&nonce), &m->keys, buf_str(&m->extension),
			   &m->server_first);
	buf_str_append(&m->nonce, buf_str(&nonce));
	buf_free(&nonce);
	buf_str_append(out, buf_str(&m->server_first));
	m->at = AT_FINAL;
	return MECH_CHALLENGE;
}

static bool same_binding(const struct mech *m, const struct scram_final *f)
{
	struct buf want = BUF_INIT;
	bool same;

	buf_str_append(&want, buf_str(&m->gs2));
	buf_str_append(&want, buf_str(&m->binding));
	same = want.len == f->binding.len &&
	       equal_const_time(buf_ptr(&want), buf_ptr(&f->binding), want.len);
	buf_free(&want);
	return same;
}

static enum mech_status check_final(struct mech *m, const struct scram_final *f, struct buf *out)
{
	struct buf message = BUF_INIT;
	bool good;

	if (!str_eq(f->nonce, buf_str(&m->nonce)))
		return mech_fail(m, SASL_E_NOT_AUTHORIZED, "nonce differs");
	if (!same_binding(m, f))
		return mech_fail(m, SASL_E_NOT_AUTHORIZED, "channel bindings differ");
	buf_str_append(&message, buf_str(&m->bare));
	buf_putc(&message, ',');
	buf_str_append(&message, buf_str(&m->server_first));
	buf_putc(&message, ',');
	buf_str_append(&message, f->unproven);
	good = scram_verify(&m->keys, buf_str(&message), f, out);
	buf_free(&message);
	if (good)
		return MECH_SUCCESS;
	m->guessed = true;
	return mech_fail(m, SASL_E_NOT_AUTHORIZED, "wrong password");
}

static enum mech_status client_final(struct mech *m, struct str in, struct buf *out)
{
	struct scram_final f = {0};
	enum mech_status status;

	if (scram_final_parse(in, &f) < 0)
		return mech_fail(m, SASL_E_MALFORMED_REQUEST, "malformed final message");
	status = check_final(m, &f, out);
	scram_final_free(&f);
	return status;
}

enum mech_status mech_scram_step(struct mech *m, struct str in, struct buf *out)
{
	switch (m->at) {
	case AT_FIRST:
		return client_first(m, in);
	case AT_KEYS:
		return server_first(m, out);
	default:
		return client_final(m, in, out);
	}
}
