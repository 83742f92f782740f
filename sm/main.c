/* SPDX-License-Identifier: MIT */
/* mercutio-sm */
#include "sm/sm_process.h"

int main(int argc, char **argv)
{
	return process_main(&sm_process, argc, argv);
}
