/* SPDX-License-Identifier: MIT */
/*
 * SASL steps from strangers. The first byte chooses mechanism and stream; then come the client's
 * messages, each ended by a newline. In them \x01 stands for the nonce of the server's first
 * message and \x02 for the right proof of the bytes before it, so that exchanges get to their end.
 * Nobody gets in without the proof or the password.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include "auth/mech.h"
#include "base/log.h"
#include "base/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str advertised[] = {{"SCRAM-SHA-256-PLUS", 18},
					{"SCRAM-SHA-1-PLUS", 16},
					{"SCRAM-SHA-256", 13},
					{"SCRAM-SHA-1", 11},
					{"PLAIN", 5}};
static const struct str bindings[] = {{"tls-exporter", 12}, {"tls-server-end-point", 20}};

struct run {
	struct mech *mech;
	struct buf first_bare, server_first;
	bool proved;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct scram_keys keys_of(enum scram_hash h)
{
	struct scram_keys k = {.hash = h, .iterations = 1, .salt = "salt", .salt_len = 4};

	scram_derive(STR("pencil"), &k);
	return k;
}

static void hmac(enum scram_hash h, const uint8_t *key, struct str m, uint8_t *ret)
{
	HMAC(h == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256(), key, (int)scram_hash_size(h),
	     (const uint8_t *)(m.ptr ? m.ptr : ""), m.len, ret, NULL);
}

/* The proof of a client that knows the password; unproven ends before ",p=". */
static void append_proof(const struct run *r, struct str unproven, struct buf *b)
{
	enum scram_hash h = mech_hash(r->mech);
	uint8_t salted[32], key[32], stored[32], proof[32];
	size_t size = scram_hash_size(h);
	struct buf m = BUF_INIT;

	buf_printf(&m, "%.*s,%.*s,", STR_ARG(buf_str(&r->first_bare)),
		   STR_ARG(buf_str(&r->server_first)));
	buf_str_append(&m, unproven);
	PKCS5_PBKDF2_HMAC("pencil", 6, (const uint8_t *)"salt", 4, 1,
			  h == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256(), (int)size, salted);
	hmac(h, salted, STR("Client Key"), key);
	scram_hash(h, str_n((char *)key, size), stored);
	hmac(h, stored, buf_str(&m), proof);
	for (size_t i = 0; i < size; i++)
		proof[i] ^= key[i];
	base64_encode(b, proof, size);
	buf_free(&m);
}

static void expand(struct run *r, struct str in, struct buf *out)
{
	struct str first = buf_str(&r->server_first), nonce = STR_NONE;

	if (first.len && str_split(&first, ',', &nonce))
		nonce = str_n(nonce.ptr + 2, nonce.len - 2);
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == 1) {
			buf_str_append(out, nonce);
		} else if (in.ptr[i] == 2 && r->server_first.len && out->len >= 3) {
			append_proof(r, str_n(buf_ptr(out), out->len - 3), out);
			r->proved = true;
		} else {
			buf_putc(out, in.ptr[i]);
		}
	}
}

static void check_first(struct run *r, struct str in)
{
	struct scram_first f = {0};

	buf_clear(&r->first_bare);
	if (scram_first_parse(in, &f) < 0)
		return;
	must(f.gs2.ptr == in.ptr && f.gs2.len + f.bare.len == in.len);
	must(f.username.len && f.nonce.len);
	must(str_utf8_valid(buf_str(&f.username)) && str_utf8_valid(buf_str(&f.authzid)));
	buf_str_append(&r->first_bare, f.bare);
	scram_first_free(&f);
}

static void check_final(struct str in)
{
	struct scram_final f = {0};

	if (scram_final_parse(in, &f) < 0)
		return;
	must(f.unproven.ptr == in.ptr && f.unproven.len < in.len);
	must(f.proof_len && f.proof_len <= sizeof(f.proof));
	scram_final_free(&f);
}

static enum mech_status step(struct run *r, struct str in, struct buf *out)
{
	enum mech_status s = mech_step(r->mech, in, out);
	struct scram_keys keys;

	if (s != MECH_WANT_KEYS && s != MECH_WANT_CHECK)
		return s;
	must(mech_account(r->mech).len > 1);
	if (s == MECH_WANT_CHECK) {
		r->proved = str_eqz(mech_password(r->mech), "pencil");
		must(mech_password(r->mech).len > 0);
		mech_give_check(r->mech, r->proved);
	} else {
		keys = keys_of(mech_hash(r->mech));
		mech_give_keys(r->mech, &keys);
	}
	return mech_resume(r->mech, out);
}

static void exchange(struct run *r, struct str rest)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	enum mech_status s = MECH_CHALLENGE;
	struct str line;

	while (str_split(&rest, '\n', &line)) {
		buf_clear(&in);
		buf_clear(&out);
		expand(r, line, &in);
		if (!r->server_first.len)
			check_first(r, buf_str(&in));
		check_final(buf_str(&in));
		if (s != MECH_CHALLENGE) { /* it has ended */
			must(step(r, buf_str(&in), &out) == MECH_FAILURE);
			continue;
		}
		s = step(r, buf_str(&in), &out);
		must(s == MECH_CHALLENGE || s == MECH_SUCCESS || s == MECH_FAILURE);
		must(s != MECH_SUCCESS || r->proved);
		must(s != MECH_FAILURE || (mech_error(r->mech) < SASL_E_COUNT && !out.len));
		if (s == MECH_CHALLENGE)
			buf_str_append(&r->server_first, buf_str(&out));
	}
	buf_free(&in);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mechs *mechs;
	struct mech_params p = {.domain = STR("example.org"),
				.mechanisms = advertised,
				.nmechanisms = 5,
				.downgrade_hash = true};
	struct run r = {0};

	if (!mechs)
		mechs = mechs_new();
	if (!size)
		return 0;
	if (data[0] & 8) {
		p.exporter = STR("exporter");
		p.end_point = STR("end point");
		p.bindings = bindings;
		p.nbindings = 2;
	} else {
		p.mechanisms += 2;
		p.nmechanisms -= 2;
	}
	r.mech =
		mech_new(mechs, mech_type(str_z(mech_type_name((data[0] & 7) % mech_types()))), &p);
	must(r.mech != NULL);
	exchange(&r, str_n((const char *)data + 1, size - 1));
	mech_free(r.mech);
	buf_free(&r.first_bare);
	buf_free(&r.server_first);
	return 0;
}
