/* SPDX-License-Identifier: MIT */
/* Which mistake is to be made (see the header). */
#include "base/mutation.h"

#include <stdlib.h>
#include <string.h>

bool mutation_on(const char *name)
{
	const char *wanted = getenv("MERCUTIO_MUTATION");

	return wanted && strcmp(wanted, name) == 0;
}
