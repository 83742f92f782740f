/* SPDX-License-Identifier: MIT */
/* mercutioctl route: which instances serve what. */
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/ctl.h"

struct listing {
	struct ctl *c;
	json_t *rows;
};

static void add_row(struct listing *l, const struct member *m, const struct member_bind *b)
{
	json_t *row = json_pack("{s:s, s:s, s:s}", "route", b->route, "mode",
				b->shard ? "shard" : "any", "instance", m->name);
	json_int_t shards = 0, newest = 0;

	for (int s = 0; b->shard && s < SHARDS; s++) {
		uint32_t epoch = 0;

		if (link_owner(l->c->link, b->route, (uint16_t)s, &epoch) != m->id)
			continue;
		shards++;
		if (epoch > newest)
			newest = epoch;
	}
	if (b->shard) {
		json_object_set_new(row, "shards", json_integer(shards));
		json_object_set_new(row, "newest_epoch", json_integer(newest));
	}
	json_array_append_new(l->rows, row);
}

static void add_member(void *arg, const struct member *m)
{
	for (size_t i = 0; i < m->nbinds; i++)
		add_row(arg, m, &m->binds[i]);
}

static const char *text_of(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static int by_route(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int r = strcmp(text_of(x, "route"), text_of(y, "route"));

	return r ? r : strcmp(text_of(x, "instance"), text_of(y, "instance"));
}

static void print_rows(json_t *const *rows, size_t n)
{
	static const char *const titles[] = {"ROUTE", "MODE", "INSTANCE", "SHARDS", "NEWEST EPOCH"};
	struct ctl_text *t = ctl_text_new(5);

	for (size_t i = 0; i < 5; i++)
		ctl_text_cell(t, "%s", titles[i]);
	for (size_t i = 0; i < n; i++) {
		const json_t *shards = json_object_get(rows[i], "shards");
		const json_t *epoch = json_object_get(rows[i], "newest_epoch");

		ctl_text_cell(t, "%s", text_of(rows[i], "route"));
		ctl_text_cell(t, "%s", text_of(rows[i], "mode"));
		ctl_text_cell(t, "%s", text_of(rows[i], "instance"));
		for (int k = 0; k < 2; k++) {
			const json_t *v = k ? epoch : shards;

			if (v)
				ctl_text_cell(t, "%lld", (long long)json_integer_value(v));
			else
				ctl_text_cell(t, "-");
		}
	}
	ctl_text_print(t, stdout);
}

static int route_list(struct ctl *c, int argc, char **argv)
{
	struct listing l = {c, json_array()};
	json_t **rows;
	size_t i, n;
	json_t *row;

	link_members(c->link, add_member, &l);
	n = json_array_size(l.rows);
	rows = xcalloc(n + 1, sizeof(*rows));
	json_array_foreach (l.rows, i, row) {
		rows[i] = row;
	}
	qsort(rows, n, sizeof(*rows), by_route);
	if (c->json) {
		json_t *sorted = json_array();

		for (i = 0; i < n; i++)
			json_array_append(sorted, rows[i]);
		ctl_print_json(sorted);
	} else {
		print_rows(rows, n);
	}
	free(rows);
	json_decref(l.rows);
	return CTL_GOOD;
}

const struct ctl_command ctl_route_commands[] = {
	{"route list", "", 0, 0, CTL_LINK, route_list, "what each instance serves"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
