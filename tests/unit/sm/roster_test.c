#include <check.h>
Suite *roster_suite(void){return suite_create("roster");}
