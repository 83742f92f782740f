/* SPDX-License-Identifier: MIT */
/* Parameters and rows in PostgreSQL's binary form: nothing is printed, parsed or escaped. */
#include <endian.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "storage/pg_internal.h"

/* Object ids of built-in types never change. */
enum {
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_BYTEAS = 1001,
	OID_INT4S = 1007,
	OID_TEXTS = 1009,
	OID_INT8S = 1016
};

static const Oid element_types[] = {
	[COLUMN_INT] = OID_INT8, [COLUMN_TEXT] = OID_TEXT, [COLUMN_BLOB] = OID_BYTEA};

static void param_add(struct pg_params *p, Oid type, const void *value, size_t len)
{
	if (p->n >= PG_PARAMS)
		bug("more than %d parameters", PG_PARAMS);
	p->types[p->n] = type;
	p->values[p->n] = value;
	p->lengths[p->n] = (int)len;
	p->formats[p->n] = 1;
	p->n++;
}

void params_free(struct pg_params *p)
{
	for (int i = 0; i < p->n; i++)
		free(p->owned[i]);
	*p = (struct pg_params){0};
}

void param_int(struct pg_params *p, int64_t i)
{
	p->ints[p->n] = (int64_t)htobe64((uint64_t)i);
	param_add(p, OID_INT8, &p->ints[p->n], sizeof(int64_t));
}

void param_int4(struct pg_params *p, int32_t i)
{
	uint32_t be = htobe32((uint32_t)i);

	memcpy(&p->ints[p->n], &be, sizeof(be));
	param_add(p, OID_INT4, &p->ints[p->n], sizeof(be));
}

/* A NULL pointer would be taken for null. */
void param_text(struct pg_params *p, struct str s)
{
	param_add(p, OID_TEXT, s.ptr ? s.ptr : "", s.len);
}

void param_value(struct pg_params *p, enum column_type type, const struct msg_value *v)
{
	if (!v || v->type == 0)
		param_add(p, element_types[type], NULL, 0);
	else if (type == COLUMN_INT)
		param_int(p, v->i);
	else
		param_add(p, element_types[type], v->s.ptr ? v->s.ptr : "", v->s.len);
}

static char *put32(char *at, uint32_t v)
{
	v = htobe32(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

/* array_recv: dimensions, whether there are nulls, type; length and lower bound; then each
 * element's length, -1 for null, and bytes. */
enum { ARRAY_HEAD = 12, ARRAY_DIMENSION = 8, ARRAY_LENGTH = 4 };

static char *put_array(char *at, bool nulls, Oid element, size_t n)
{
	at = put32(at, n > 0);
	at = put32(at, nulls);
	at = put32(at, element);
	if (n == 0)
		return at;
	at = put32(at, (uint32_t)n);
	return put32(at, 1);
}

static char *put64(char *at, int64_t v)
{
	at = put32(at, (uint32_t)((uint64_t)v >> 32));
	return put32(at, (uint32_t)v);
}

static void param_array(struct pg_params *p, Oid type, char *take_bytes, size_t len)
{
	p->owned[p->n] = take_bytes;
	param_add(p, type, take_bytes, len);
}

void param_ints(struct pg_params *p, bool wide, const int64_t *list, size_t n)
{
	size_t size = wide ? 8 : 4, len = ARRAY_HEAD + ARRAY_DIMENSION + n * (ARRAY_LENGTH + size);
	char *bytes = xmalloc(len), *at = put_array(bytes, false, wide ? OID_INT8 : OID_INT4, n);

	for (size_t i = 0; i < n; i++) {
		at = put32(at, (uint32_t)size);
		at = wide ? put64(at, list[i]) : put32(at, (uint32_t)list[i]);
	}
	param_array(p, wide ? OID_INT8S : OID_INT4S, bytes, (size_t)(at - bytes));
}

static char *put_value(char *at, enum column_type type, const struct msg_value *v)
{
	if (!v || v->type == 0)
		return put32(at, UINT32_MAX);
	if (type == COLUMN_INT)
		return put64(put32(at, sizeof(int64_t)), v->i);
	at = put32(at, (uint32_t)v->s.len);
	if (v->s.len)
		memcpy(at, v->s.ptr, v->s.len);
	return at + v->s.len;
}

void param_values(struct pg_params *p, enum column_type type, const struct msg_value *const *list,
		  size_t n)
{
	static const Oid arrays[] = {
		[COLUMN_INT] = OID_INT8S, [COLUMN_TEXT] = OID_TEXTS, [COLUMN_BLOB] = OID_BYTEAS};
	size_t len = ARRAY_HEAD + ARRAY_DIMENSION + n * ARRAY_LENGTH;
	bool nulls = false;
	char *bytes, *at;

	for (size_t i = 0; i < n; i++) {
		if (!list[i] || list[i]->type == 0)
			nulls = true;
		else
			len += type == COLUMN_INT ? sizeof(int64_t) : list[i]->s.len;
	}
	bytes = xmalloc(len);
	at = put_array(bytes, nulls, element_types[type], n);
	for (size_t i = 0; i < n; i++)
		at = put_value(at, type, list[i]);
	param_array(p, arrays[type], bytes, (size_t)(at - bytes));
}

int64_t row_int(const PGresult *r, int row, int column)
{
	const char *v = PQgetvalue(r, row, column);
	uint64_t wide;
	uint32_t narrow;

	if (PQgetlength(r, row, column) == sizeof(wide)) {
		memcpy(&wide, v, sizeof(wide));
		return (int64_t)be64toh(wide);
	}
	if (PQgetlength(r, row, column) != sizeof(narrow))
		return 0;
	memcpy(&narrow, v, sizeof(narrow));
	return (int32_t)be32toh(narrow);
}

void row_values(const PGresult *r, int row, const enum column_type *types, struct msg_value *ret,
		size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int c = (int)i;
		struct str s = {PQgetvalue(r, row, c), (size_t)PQgetlength(r, row, c)};

		if (PQgetisnull(r, row, c))
			ret[i] = value_null();
		else if (types[i] == COLUMN_INT)
			ret[i] = value_int(row_int(r, row, c));
		else if (types[i] == COLUMN_TEXT)
			ret[i] = value_text(s);
		else
			ret[i] = value_blob(s);
	}
}
