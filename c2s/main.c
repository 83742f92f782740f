/* SPDX-License-Identifier: MIT */
/* mercutio-c2s: client connections. */
#include "c2s/c2s_process.h"

int main(int argc, char **argv)
{
	return process_main(&c2s_process, argc, argv);
}
