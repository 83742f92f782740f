# SPDX-License-Identifier: MIT
# Makes the table of sm's modules (C) out of sm/modules.list.
/^#/ || NF == 0 { next }
{ name[++n] = $1; options[n] = ($2 == "options") }
END {
	print "/* Made from sm/modules.list by tools/gen_modules.awk. */"
	print "#include \"sm/module.h\""
	print "#include \"sm/sm_process.h\""
	print "extern const struct option_section sm_sections[];"
	for (i = 1; i <= n; i++) {
		printf "extern const struct module mod_%s;\n", name[i]
		if (options[i])
			printf "extern const struct option mod_%s_options[];\n", name[i]
	}
	print "const struct module *const sm_module_list[] = {"
	for (i = 1; i <= n; i++)
		printf "\t&mod_%s,\n", name[i]
	print "\tNULL};"
	print "const struct option_section sm_sections[] = {"
	for (i = 1; i <= n; i++)
		if (options[i])
			printf "\t{\"sm\", false, mod_%s_options},\n", name[i]
	print "\t{NULL}};"
}
