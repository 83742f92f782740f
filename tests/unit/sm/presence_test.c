#include <check.h>
Suite *presence_suite(void){return suite_create("presence");}
