/* SPDX-License-Identifier: MIT */
/* An account's log as a file (XEP-0227): the message archive, and what is not delivered yet. */
#include <errno.h>
#include "sm/inbox.h"
#include "sm/port_internal.h"

static bool read_stanza(struct pool *p, const struct msg_row *row, struct stanza *ret)
{
	return row->nvalues > COL_LOG_STANZA &&
	       stanza_parse(p, row->values[COL_LOG_STANZA].s, ret) == 0;
}

static void number_text(const struct msg_row *row, struct buf *b)
{
	buf_printf(b, "%lld", (long long)row->values[COL_LOG_NUMBER].i);
}

/* XEP-0227 section 3.10: a <result/> of XEP-0313. */
static void archive_row(const struct msg_row *row, struct buf *b)
{
	struct pool *p = pool_new();
	struct buf id = BUF_INIT, xml = BUF_INIT;
	struct xml_writer w;
	struct stanza st;

	if (read_stanza(p, row, &st)) {
		number_text(row, &id);
		stanza_write_ns(&st, NS_CLIENT, &xml);
		xw_init_in(&w, b, NS_PIE_MAM);
		xw_start(&w, "result", NS_MAM);
		xw_attr(&w, "id", buf_str(&id));
		xw_start(&w, "forwarded", NS_FORWARD);
		delay_write(&w, STR_NONE, row->values[COL_LOG_TIME].i, NULL);
		xw_raw(&w, buf_str(&xml));
		xw_end(&w);
		xw_end(&w);
	}
	buf_free(&id);
	buf_free(&xml);
	pool_free(p);
}

/* Section 3.4, with the id that it has in the archive (XEP-0359), so that an importer knows it
 * again. */
static void offline_row(struct user *u, const struct msg_row *row, struct buf *b)
{
	struct pool *p = pool_new();
	struct buf id = BUF_INIT, xml = BUF_INIT;
	struct xml_writer w;
	struct stanza st;
	struct jid own;

	if (read_stanza(p, row, &st) && jid_split(user_jid(u), &own) == 0) {
		xw_init_in(&w, &xml, NS_CLIENT);
		delay_write(&w, own.domain, row->values[COL_LOG_TIME].i, "Offline Storage");
		stanza_append(p, &st, "delay", NS_DELAY, pool_str(p, buf_str(&xml)));
		buf_clear(&xml);
		number_text(row, &id);
		xw_init_in(&w, &xml, NS_CLIENT);
		xw_start(&w, "stanza-id", NS_SID);
		xw_attr(&w, "by", user_jid(u));
		xw_attr(&w, "id", buf_str(&id));
		xw_end(&w);
		stanza_append(p, &st, "stanza-id", NS_SID, buf_str(&xml));
		stanza_write_ns(&st, NS_CLIENT, b);
	}
	buf_free(&id);
	buf_free(&xml);
	pool_free(p);
}

static void got_archive(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct exporting *e = arg;
	size_t i = 0;

	if (err) {
		export_fail(e, err, "storage does not answer");
		return;
	}
	for (; i < rows[0].nrows && !export_full(e); i++) {
		if (e->at++ == 0)
			buf_lit(&e->xml, "<archive xmlns='" NS_PIE_MAM "'>");
		archive_row(&rows[0].rows[i], &e->xml);
		export_key(e, 0, &rows[0].rows[i].values[COL_LOG_NUMBER]);
	}
	if (i == rows[0].nrows && !rows[0].more && i < EXPORT_ROWS)
		export_part_end(e, "</archive>");
	export_next(e, u);
}

void export_archive(struct exporting *e, struct user *u)
{
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op op = {.op = STORE_LOG_READ,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = EXPORT_ROWS,
				 .from = export_number(e),
				 .to = e->top + 1};

	export_read(e, u, &op, got_archive);
}

static void got_offline(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct exporting *e = arg;
	size_t i = 0;

	if (err) {
		export_fail(e, err, "storage does not answer");
		return;
	}
	for (; i < rows[0].nrows && !export_full(e); i++) {
		if (e->at++ == 0)
			buf_lit(&e->xml, "<offline-messages>");
		offline_row(u, &rows[0].rows[i], &e->xml);
		export_key(e, 0, &rows[0].rows[i].values[COL_LOG_NUMBER]);
	}
	/* Of those that were asked for some may be gone, by retention. */
	if (i == rows[0].nrows && !rows[0].more)
		export_key(e, 0, &(struct msg_value){.type = COLUMN_INT, .i = (int64_t)e->asked});
	export_next(e, u);
}

/* Those that no session has acknowledged, though one may have been given them. */
void export_offline(struct exporting *e, struct user *u)
{
	const struct inbox *b = u->inbox;
	uint64_t numbers[EXPORT_ROWS], last = export_number(e);
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op op = {.op = STORE_LOG_READ,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = EXPORT_ROWS,
				 .numbers = numbers};

	for (size_t i = 0; i < b->n && op.nnumbers < EXPORT_ROWS; i++)
		if (b->entries[i].log > last && b->entries[i].log <= e->top)
			numbers[op.nnumbers++] = e->asked = b->entries[i].log;
	if (op.nnumbers) {
		export_read(e, u, &op, got_offline);
		return;
	}
	export_part_end(e, "</offline-messages>");
	export_next(e, u);
}
