/* SPDX-License-Identifier: MIT */
/* The command line of all of them, and what valgrind is told to count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/hotpaths.h"

void __attribute__((noinline)) measured(void (*one)(void *arg), void *arg)
{
	one(arg);
}

void hotpath_in_test(const TTest *test)
{
	Suite *s = suite_create("hotpaths");
	TCase *tc = tcase_create("hotpaths");
	SRunner *sr = srunner_create(s);

	tcase_add_test(tc, test);
	suite_add_tcase(s, tc);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	if (srunner_ntests_failed(sr))
		abort();
	srunner_free(sr);
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;

	for (const struct hotpath *p = hotpaths; p->name; p++) {
		if (argc < 2) {
			puts(p->name);
		} else if (strcmp(argv[1], p->name) == 0) {
			p->run(n);
			return 0;
		}
	}
	return argc > 1;
}
