/* SPDX-License-Identifier: MIT */
/* mercutio-storage. */
#include "storage/storage_process.h"

int main(int argc, char **argv)
{
	return process_main(&storage_process, argc, argv);
}
