/* SPDX-License-Identifier: MIT */
/* Questions and answers of the HTTP back end as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include "auth/auth_internal.h"
#include "auth/http_answer.h"
#include "base/alloc.h"
#include "base/random.h"

void http_question(const struct backend_query *q, struct buf *b)
{
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "user", json_stringn(q->local.ptr, q->local.len));
	json_object_set_new(o, "domain", json_stringn(q->domain.ptr, q->domain.len));
	if (q->hash == SCRAM_HASHES) {
		json_object_set_new(o, "request", json_string("check"));
		json_object_set_new(o, "password", json_stringn(q->password.ptr, q->password.len));
	} else {
		json_object_set_new(o, "request", json_string("keys"));
		json_object_set_new(o, "mechanism", json_string(scram_hash_name(q->hash)));
	}
	text = json_dumps(o, JSON_COMPACT);
	buf_append(b, text, strlen(text));
	wipe(text, strlen(text));
	free(text);
	/* jansson's copy goes with the object, not wiped: it has no hook for one object alone. */
	json_decref(o);
}

static struct backend_answer none(struct buf *reason, const char *why)
{
	buf_clear(reason);
	buf_printf(reason, "%s", why);
	return (struct backend_answer){.status = BACKEND_UNAVAILABLE};
}

/* Base64 of 1 to max bytes; 0: it is not. */
static size_t read_bytes(const json_t *o, const char *name, uint8_t *ret, size_t max)
{
	const char *text = json_string_value(json_object_get(o, name));
	struct buf b = BUF_INIT;
	size_t n = 0;

	if (text && base64_decode(&b, str_z(text)) == 0 && b.len <= max) {
		n = b.len;
		memcpy(ret, buf_ptr(&b), n);
	}
	buf_wipe(&b);
	return n;
}

static bool read_keys(const json_t *o, struct scram_keys *keys)
{
	json_int_t iterations = json_integer_value(json_object_get(o, "iterations"));
	size_t size = scram_hash_size(keys->hash);

	if (iterations < 1 || iterations > INT32_MAX)
		return false;
	keys->iterations = (uint32_t)iterations;
	keys->salt_len = read_bytes(o, "salt", keys->salt, sizeof(keys->salt));
	return keys->salt_len && read_bytes(o, "stored_key", keys->stored_key, size) == size &&
	       read_bytes(o, "server_key", keys->server_key, size) == size;
}

static struct backend_answer keys_answer(const struct backend_query *q, const json_t *o,
					 struct scram_keys *keys, struct buf *reason)
{
	const json_t *list = json_object_get(o, "keys");
	size_t i;
	json_t *one;

	json_array_foreach (list, i, one) {
		const char *name = json_string_value(json_object_get(one, "mechanism"));

		if (!name || strcmp(name, scram_hash_name(q->hash)) != 0)
			continue;
		*keys = (struct scram_keys){.hash = q->hash};
		if (!read_keys(one, keys))
			return none(reason, "keys in the answer are not whole");
		return (struct backend_answer){.status = BACKEND_KNOWN, .keys = keys};
	}
	return (struct backend_answer){.status = BACKEND_UNKNOWN};
}

static struct backend_answer result_answer(const struct backend_query *q, const json_t *o,
					   struct scram_keys *keys, struct buf *reason)
{
	const char *result = json_string_value(json_object_get(o, "result"));
	bool check = q->hash == SCRAM_HASHES;
	struct backend_answer a;

	if (!result)
		return none(reason, "the answer has no \"result\"");
	if (strcmp(result, "ok") == 0 && !check)
		return keys_answer(q, o, keys, reason);
	if (strcmp(result, "ok") == 0)
		return (struct backend_answer){.status = BACKEND_KNOWN, .good = true};
	if (strcmp(result, "unknown") == 0)
		return (struct backend_answer){.status = BACKEND_UNKNOWN};
	if (strcmp(result, "wrong") == 0 && check)
		return (struct backend_answer){.status = BACKEND_KNOWN};
	if (strcmp(result, "disabled") == 0 && check)
		return (struct backend_answer){.status = BACKEND_DISABLED, .good = true};
	if (strcmp(result, "disabled") == 0) {
		/* With its keys a proof is still asked for: nobody else learns of it. */
		a = keys_answer(q, o, keys, reason);
		if (a.status == BACKEND_KNOWN)
			a.status = BACKEND_DISABLED;
		return a;
	}
	return none(reason, "the answer has an unknown \"result\"");
}

struct backend_answer http_answer(const struct backend_query *q, struct str body,
				  struct scram_keys *keys, struct buf *reason)
{
	json_error_t error;
	json_t *o = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &error);
	struct backend_answer a;

	if (json_is_object(o))
		a = result_answer(q, o, keys, reason);
	else
		a = none(reason, "the answer is no JSON object");
	json_decref(o);
	return a;
}
