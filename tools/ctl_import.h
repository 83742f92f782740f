/* SPDX-License-Identifier: MIT */
/* Accounts from a file; what it shares with the commands for one account. */
#ifndef TOOLS_CTL_IMPORT_H
#define TOOLS_CTL_IMPORT_H

#include "tools/ctl.h"

int ctl_user_import(struct ctl *c, int argc, char **argv);
/* The same from a file of accounts (XEP-0227). */
int ctl_user_import_file(struct ctl *c, const char *path);
/* What an errno of ACCOUNT_RESULT means. */
const char *ctl_account_error(uint16_t code);

/* Splits "JID<TAB>PASSWORD" (without its line end). False: it is not one. */
bool ctl_import_split(struct str line, struct str *ret_jid, struct str *ret_password);

#endif
