/* SPDX-License-Identifier: MIT */
/* The program mercutio-auth. */
#include "auth/auth_process.h"

int main(int argc, char **argv)
{
	return process_main(&auth_process, argc, argv);
}
