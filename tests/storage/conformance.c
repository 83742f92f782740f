/* SPDX-License-Identifier: MIT */
/* What every storage engine must do: one suite, run over each of them. */
#include "tests/storage/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/storage/pg_server.h"

const char *const engines[] = {"memory", "sqlite", "postgresql"};

static void add(SRunner *sr, int engine, const char *name, void (*fill)(TCase *tc, int engine))
{
	char title[64];
	TCase *tc = tcase_create(name);
	Suite *s;

	snprintf(title, sizeof(title), "%s: %s", engines[engine], name);
	s = suite_create(title);
	fill(tc, engine);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_add_suite(sr, s);
}

int main(void)
{
	bool pg = pg_server_installed();
	SRunner *sr = srunner_create(NULL);
	int failed;

	if (pg)
		pg_server_start();
	else
		fprintf(stderr, "PostgreSQL is not installed: the suite runs without it\n");
	for (int i = 0; i < (int)(sizeof(engines) / sizeof(engines[0])); i++) {
		if (!pg && strcmp(engines[i], "postgresql") == 0)
			continue;
		add(sr, i, "reading", fill_read);
		add(sr, i, "writing", fill_write);
		add(sr, i, "log", fill_log);
		add(sr, i, "selecting from the log", fill_select);
		add(sr, i, "leases", fill_lease);
		add(sr, i, "retention", fill_retention);
	}
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	if (pg)
		pg_server_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
