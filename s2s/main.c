/* SPDX-License-Identifier: MIT */
/* mercutio-s2s: streams to and from other servers. */
#include "s2s/s2s_process.h"

int main(int argc, char **argv)
{
	return process_main(&s2s_process, argc, argv);
}
