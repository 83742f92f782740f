/* SPDX-License-Identifier: MIT */
/* SCRAM messages: strict parsing, writing, key derivation and the proof. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include "auth/scram.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/random.h"

static const struct {
	const char *name;
	size_t size;
	enum digest digest;
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA1] = {"SCRAM-SHA-1", 20, DIGEST_SHA1},
	[SCRAM_SHA256] = {"SCRAM-SHA-256", 32, DIGEST_SHA256},
};

size_t scram_hash_size(enum scram_hash h)
{
	return hashes[h].size;
}

const char *scram_hash_name(enum scram_hash h)
{
	return hashes[h].name;
}

bool scram_hash_parse(struct str name, enum scram_hash *ret_hash)
{
	for (int h = 0; h < SCRAM_HASHES; h++) {
		if (str_eqz(name, hashes[h].name)) {
			*ret_hash = (enum scram_hash)h;
			return true;
		}
	}
	return false;
}

void scram_hash(enum scram_hash h, struct str data, uint8_t ret[SCRAM_MAX_HASH])
{
	digest(hashes[h].digest, data.ptr, data.len, ret);
}

static void keyed(enum scram_hash h, const uint8_t *key, struct str data, uint8_t *ret)
{
	hmac(hashes[h].digest, key, hashes[h].size, data.ptr, data.len, ret);
}

void scram_derive(struct str password, struct scram_keys *keys)
{
	uint8_t salted[SCRAM_MAX_HASH], client_key[SCRAM_MAX_HASH];
	size_t size = hashes[keys->hash].size;

	if (!PKCS5_PBKDF2_HMAC(password.ptr ? password.ptr : "", (int)password.len, keys->salt,
			       (int)keys->salt_len, (int)keys->iterations,
			       digest_md(hashes[keys->hash].digest), (int)size, salted))
		bug("no PBKDF2 for %s", hashes[keys->hash].name);
	keyed(keys->hash, salted, STR("Client Key"), client_key);
	scram_hash(keys->hash, str_n((char *)client_key, size), keys->stored_key);
	keyed(keys->hash, salted, STR("Server Key"), keys->server_key);
	wipe(salted, sizeof(salted));
	wipe(client_key, sizeof(client_key));
}

/* --- reading --------------------------------------------------------------------------------- */

/* Takes "X=value" off the front when the next attribute is X; a value is not empty. */
static bool take_attr(struct str *rest, char name, struct str *ret_value)
{
	struct str part, after = *rest;

	if (!str_split(&after, ',', &part) || part.len < 3 || part.ptr[0] != name ||
	    part.ptr[1] != '=')
		return false;
	*ret_value = str_n(part.ptr + 2, part.len - 2);
	*rest = after;
	return true;
}

/* Section 7: saslname = 1*(value-safe-char / "=2C" / "=3D"). */
static int unescape_name(struct str in, struct buf *b)
{
	if (!in.len)
		return -EINVAL;
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] != '=') {
			buf_putc(b, in.ptr[i]);
			continue;
		}
		if (in.len - i < 3)
			return -EINVAL;
		if (memcmp(in.ptr + i, "=2C", 3) == 0)
			buf_putc(b, ',');
		else if (memcmp(in.ptr + i, "=3D", 3) == 0)
			buf_putc(b, '=');
		else
			return -EINVAL;
		i += 2;
	}
	return 0;
}

/* Section 7: printable = %x21-2B / %x2D-7E. */
static bool is_nonce(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e || s.ptr[i] == ',')
			return false;
	}
	return s.len > 0;
}

/* Section 7: cb-name = 1*(ALPHA / DIGIT / "." / "-"). */
static bool is_binding_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '-'))
			return false;
	}
	return s.len > 0;
}

static bool is_attr_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Optional extensions are read and ignored (section 5.1), malformed ones are not tolerated. */
static bool are_extensions(struct str rest)
{
	struct str part;

	while (str_split(&rest, ',', &part)) {
		if (part.len < 3 || !is_attr_name(part.ptr[0]) || part.ptr[1] != '=' ||
		    part.ptr[0] == 'm')
			return false;
	}
	return true;
}

static bool is_text(struct str s)
{
	return s.len && s.len <= SCRAM_MAX_MESSAGE && !memchr(s.ptr, '\0', s.len) &&
	       s.ptr[s.len - 1] != ',' && str_utf8_valid(s);
}

/* gs2-header = gs2-cbind-flag "," [ authzid ] "," */
static int parse_gs2(struct str message, struct scram_first *f, struct str *rest)
{
	struct str part;

	*rest = message;
	if (!str_split(rest, ',', &part) || !part.len)
		return -EINVAL;
	f->flag = part.ptr[0];
	if (f->flag == 'p') {
		if (part.len < 3 || part.ptr[1] != '=')
			return -EINVAL;
		f->binding = str_n(part.ptr + 2, part.len - 2);
		if (!is_binding_name(f->binding))
			return -EINVAL;
	} else if (part.len != 1 || (f->flag != 'n' && f->flag != 'y')) {
		return -EINVAL;
	}
	if (!str_split(rest, ',', &part) || !rest->ptr)
		return -EINVAL;
	f->gs2 = str_n(message.ptr, (size_t)(rest->ptr - message.ptr));
	if (!part.len)
		return 0;
	if (!str_starts(part, STR("a=")))
		return -EINVAL;
	return unescape_name(str_n(part.ptr + 2, part.len - 2), &f->authzid);
}

static int parse_first(struct str message, struct scram_first *f)
{
	struct str rest, name;
	int r;

	if (!is_text(message))
		return -EINVAL;
	r = parse_gs2(message, f, &rest);
	if (r < 0)
		return r;
	f->bare = rest;
	if (str_starts(rest, STR("m=")))
		return -EOPNOTSUPP;
	if (!take_attr(&rest, 'n', &name) || !take_attr(&rest, 'r', &f->nonce) ||
	    !is_nonce(f->nonce) || !are_extensions(rest))
		return -EINVAL;
	return unescape_name(name, &f->username);
}

int scram_first_parse(struct str message, struct scram_first *ret)
{
	struct scram_first f = {0};
	int r = parse_first(message, &f);

	if (r < 0)
		scram_first_free(&f);
	else
		*ret = f;
	return r;
}

void scram_first_free(struct scram_first *f)
{
	buf_free(&f->authzid);
	buf_free(&f->username);
}

static int decode_proof(struct str text, struct scram_final *f)
{
	struct buf decoded = BUF_INIT;
	int r = base64_decode(&decoded, text);

	if (r == 0 && decoded.len && decoded.len <= sizeof(f->proof)) {
		memcpy(f->proof, buf_ptr(&decoded), decoded.len);
		f->proof_len = decoded.len;
	}
	buf_wipe(&decoded);
	return f->proof_len ? 0 : -EINVAL;
}

/* The proof is the last attribute; it is not among the optional extensions before it. */
static int parse_final(struct str message, struct scram_final *f)
{
	struct str rest, binding;
	size_t at = message.len;

	if (!is_text(message))
		return -EINVAL;
	while (at && message.ptr[at - 1] != ',')
		at--;
	if (!at || !str_starts(str_n(message.ptr + at, message.len - at), STR("p=")))
		return -EINVAL;
	f->unproven = str_n(message.ptr, at - 1);
	rest = f->unproven;
	if (!take_attr(&rest, 'c', &binding) || !take_attr(&rest, 'r', &f->nonce) ||
	    !is_nonce(f->nonce) || !are_extensions(rest))
		return -EINVAL;
	if (base64_decode(&f->binding, binding) < 0)
		return -EINVAL;
	return decode_proof(str_n(message.ptr + at + 2, message.len - at - 2), f);
}

int scram_final_parse(struct str message, struct scram_final *ret)
{
	struct scram_final f = {0};
	int r = parse_final(message, &f);

	if (r < 0)
		scram_final_free(&f);
	else
		*ret = f;
	return r;
}

void scram_final_free(struct scram_final *f)
{
	buf_wipe(&f->binding);
	wipe(f->proof, sizeof(f->proof));
}

/* --- writing --------------------------------------------------------------------------------- */

void scram_server_first(struct str client_nonce, struct str server_nonce,
			const struct scram_keys *keys, struct str extension, struct buf *b)
{
	buf_lit(b, "r=");
	buf_str_append(b, client_nonce);
	buf_str_append(b, server_nonce);
	buf_lit(b, ",s=");
	base64_encode(b, keys->salt, keys->salt_len);
	buf_printf(b, ",i=%u", keys->iterations);
	if (extension.len) {
		buf_putc(b, ',');
		buf_str_append(b, extension);
	}
}

bool scram_verify(const struct scram_keys *keys, struct str auth_message,
		  const struct scram_final *f, struct buf *b)
{
	uint8_t signature[SCRAM_MAX_HASH], key[SCRAM_MAX_HASH], hashed[SCRAM_MAX_HASH];
	size_t size = hashes[keys->hash].size;
	bool good;

	/* ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage); H(ClientKey) = StoredKey? */
	keyed(keys->hash, keys->stored_key, auth_message, signature);
	for (size_t i = 0; i < size; i++)
		key[i] = f->proof[i] ^ signature[i];
	scram_hash(keys->hash, str_n((char *)key, size), hashed);
	good = equal_const_time(hashed, keys->stored_key, size) & (f->proof_len == size);
	keyed(keys->hash, keys->server_key, auth_message, signature);
	if (good) {
		buf_lit(b, "v=");
		base64_encode(b, signature, size);
	}
	wipe(signature, sizeof(signature));
	wipe(key, sizeof(key));
	wipe(hashed, sizeof(hashed));
	return good;
}

static int by_octet(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void append_sorted(const struct str *list, size_t n, struct buf *b)
{
	struct str *sorted;

	if (!n)
		return;
	sorted = xmemdup(list, n * sizeof(*list));
	qsort(sorted, n, sizeof(*sorted), by_octet);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(b, 0x1e);
		buf_str_append(b, sorted[i]);
	}
	free(sorted);
}

void scram_downgrade_hash(enum scram_hash h, const struct str *mechanisms, size_t nmechanisms,
			  const struct str *bindings, size_t nbindings, struct buf *b)
{
	struct buf all = BUF_INIT;
	uint8_t digest[SCRAM_MAX_HASH];

	append_sorted(mechanisms, nmechanisms, &all);
	if (nbindings) {
		buf_putc(&all, 0x1f);
		append_sorted(bindings, nbindings, &all);
	}
	scram_hash(h, buf_str(&all), digest);
	base64_encode(b, digest, hashes[h].size);
	buf_free(&all);
}
