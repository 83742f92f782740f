/* SPDX-License-Identifier: MIT */
/* The names of the error conditions, from the lists in error.h. */
#include "xmpp/error.h"

#define X1(id, name) [STREAM_E_##id] = name,
static const char *const stream_names[] = {STREAM_ERRORS(X1)};
#undef X1
#define X1(id, name) [SASL_E_##id] = name,
static const char *const sasl_names[] = {SASL_ERRORS(X1)};
#undef X1

#define X4(id, cond, kind, legacy) [STANZA_E_##id] = {.name = cond, .type = kind, .code = legacy},
static const struct {
	const char *name, *type;
	int code;
} stanza_rows[] = {STANZA_ERRORS(X4)};
#undef X4

const char *stream_error_name(enum stream_error e)
{
	return stream_names[e];
}

const char *sasl_error_name(enum sasl_error e)
{
	return sasl_names[e];
}

const char *stanza_error_name(enum stanza_error e)
{
	return stanza_rows[e].name;
}

const char *stanza_error_type(enum stanza_error e)
{
	return stanza_rows[e].type;
}

int stanza_error_code(enum stanza_error e)
{
	return stanza_rows[e].code;
}
