#include <check.h>
Suite *modules_suite(void){return suite_create("modules");}
