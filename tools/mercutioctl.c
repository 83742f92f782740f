/* SPDX-License-Identifier: MIT */
/* mercutioctl: the operator's command, one more process on the link. */
#include "tools/ctl.h"

int main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
