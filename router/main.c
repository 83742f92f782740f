/* SPDX-License-Identifier: MIT */
/* mercutio-router. */
#include "router/router_process.h"

int main(int argc, char **argv)
{
	return process_main(&router_process, argc, argv);
}
