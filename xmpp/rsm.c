/* SPDX-License-Identifier: MIT */
/* Result set management (XEP-0059). */
#include <errno.h>
#include <stdio.h>
#include "xmpp/forms.h"
#include "xmpp/ns.h"

static int read_number(const struct node *set, const char *name, bool *ret_has,
		       unsigned long long *ret)
{
	const struct node *n = node_child(set, name, NS_RSM);

	if (!n)
		return 0;
	if (!str_u64(str_trim(n->text), ret))
		return -EINVAL;
	*ret_has = true;
	return 0;
}

static void read_item(const struct node *set, const char *name, bool *ret_has, struct str *ret)
{
	const struct node *n = node_child(set, name, NS_RSM);

	if (!n)
		return;
	*ret_has = true;
	*ret = n->text.ptr ? n->text : STR("");
}

int rsm_read(const struct node *n, struct rsm *ret)
{
	const struct node *set = node_child(n, "set", NS_RSM);
	struct rsm rsm = {.present = set != NULL};

	if (set) {
		if (read_number(set, "max", &rsm.has_max, &rsm.max) < 0 ||
		    read_number(set, "index", &rsm.has_index, &rsm.index) < 0)
			return -EINVAL;
		read_item(set, "before", &rsm.has_before, &rsm.before);
		read_item(set, "after", &rsm.has_after, &rsm.after);
	}
	*ret = rsm;
	return 0;
}

void rsm_write(struct xml_writer *w, struct str first, struct str last, bool has_index,
	       unsigned long long index, bool has_count, unsigned long long count)
{
	char digits[24];
	int n;

	xw_start(w, "set", NS_RSM);
	if (first.ptr) { /* an empty page has neither (section 2.5) */
		xw_start(w, "first", NULL);
		if (has_index) {
			n = snprintf(digits, sizeof(digits), "%llu", index);
			xw_attr(w, "index", str_n(digits, (size_t)n));
		}
		xw_text(w, first);
		xw_end(w);
		xw_leaf(w, "last", NULL, last);
	}
	if (has_count) {
		n = snprintf(digits, sizeof(digits), "%llu", count);
		xw_leaf(w, "count", NULL, str_n(digits, (size_t)n));
	}
	xw_end(w);
}
