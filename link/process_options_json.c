/* SPDX-License-Identifier: MIT */
/* Options as mercutioctl shows them. */
#include "link/process_internal.h"

static json_t *string_json(const char *z)
{
	json_t *s = z ? json_string(z) : NULL;

	return s ? s : json_null();
}

static json_t *list_json(char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, string_json(*list));
	return array;
}

static json_t *value_json(const struct option *o, const void *field)
{
	switch (o->type) {
	case OPT_STR:
		return string_json(*(char *const *)field);
	case OPT_LIST:
		return list_json(*(char **const *)field);
	case OPT_BOOL:
		return json_boolean(*(const bool *)field);
	case OPT_ENUM:
		return string_json(o->choices[*(const int *)field]);
	case OPT_INT:
	case OPT_TIME:
	case OPT_SIZE:
		return json_integer(*(const int64_t *)field);
	}
	return json_null();
}

json_t *process_options_json(const struct option *table, const void *values)
{
	json_t *all = json_object();

	for (; table && table->name; table++) {
		const void *field = (const char *)values + table->offset;

		json_object_set_new(all, table->name,
				    table->flags & OPT_SECRET ? json_string("***")
							      : value_json(table, field));
	}
	return all;
}
