/* SPDX-License-Identifier: MIT */
/* Data forms (XEP-0004), result set management (XEP-0059) and service discovery (XEP-0030). */
#ifndef XMPP_FORMS_H
#define XMPP_FORMS_H

#include "xmpp/node.h"
#include "xmpp/xml_write.h"

/* The value of a field of a submitted form x (jabber:x:data); ptr NULL when there is none. */
struct str form_value(const struct node *x, const char *var);
/* Calls fn for each value of a multi field. */
void form_values(const struct node *x, const char *var, void (*fn)(void *arg, struct str v),
		 void *arg);
bool form_is(const struct node *x, const char *type, const char *form_type);
void form_start(struct xml_writer *w, const char *type, const char *form_type, const char *title);
/* type NULL: left out; value ptr NULL: no <value/>. */
void form_field(struct xml_writer *w, const char *var, const char *type, const char *label,
		bool required, struct str value);
void form_end(struct xml_writer *w);

struct rsm {
	bool present, has_max, has_before, has_after, has_index;
	unsigned long long max, index;
	struct str before, after; /* before may be present and empty: the last page */
};
/* From the child <set/> of n. -EINVAL: a number that is none. */
int rsm_read(const struct node *n, struct rsm *ret);
void rsm_write(struct xml_writer *w, struct str first, struct str last, bool has_index,
	       unsigned long long index, bool has_count, unsigned long long count);

struct disco_identity {
	const char *category, *type, *lang, *name; /* lang, name may be NULL */
};
void disco_identity(struct xml_writer *w, const struct disco_identity *i);
void disco_feature(struct xml_writer *w, const char *ns);
void disco_item(struct xml_writer *w, struct str jid, const char *node, struct str name);
/* The verification string of entity capabilities (XEP-0115 section 5.1) over a disco#info
 * result's <query/>: base64 of SHA-1, appended to b. */
void caps_ver(const struct node *query, struct buf *b);
void delay_write(struct xml_writer *w, struct str from, int64_t wall_us, const char *reason);

#endif
