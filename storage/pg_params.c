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
	OID_INT4S = 1007,
	OID_INT8S = 1016
};

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
	static const Oid types[] = {
		[COLUMN_INT] = OID_INT8, [COLUMN_TEXT] = OID_TEXT, [COLUMN_BLOB] = OID_BYTEA};

	if (!v || v->type == 0)
		param_add(p, types[type], NULL, 0);
	else if (type == COLUMN_INT)
		param_int(p, v->i);
	else
		param_add(p, types[type], v->s.ptr ? v->s.ptr : "", v->s.len);
}

static char *put32(char *at, uint32_t v)
{
	v = htobe32(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

/* array_recv: dimensions, whether there are nulls, type; length and lower bound; then each
 * element's length and bytes. */
void param_ints(struct pg_params *p, bool wide, const int64_t *list, size_t n)
{
	size_t size = wide ? 8 : 4, len = 12 + (n ? 8 : 0) + n * (4 + size);
	char *bytes = xmalloc(len), *at = bytes;

	at = put32(at, n > 0);
	at = put32(at, 0);
	at = put32(at, wide ? OID_INT8 : OID_INT4);
	if (n) {
		at = put32(at, (uint32_t)n);
		at = put32(at, 1);
	}
	for (size_t i = 0; i < n; i++) {
		at = put32(at, (uint32_t)size);
		if (wide)
			at = put32(at, (uint32_t)((uint64_t)list[i] >> 32));
		at = put32(at, (uint32_t)list[i]);
	}
	p->owned[p->n] = bytes;
	param_add(p, wide ? OID_INT8S : OID_INT4S, bytes, len);
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
