/* SPDX-License-Identifier: MIT */
/* Appends for ever, in order, again what was not committed. */
#include "tests/storage/appender.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"

struct entry {
	struct written x;
	struct appender *a;
	struct entry *next;
	int64_t number;
	struct msg_value values[COLS_LOG];
	struct msg_write_op op;
};

static void entry_send(struct entry *e);

static void entry_next(struct entry *e)
{
	struct appender *a = e->a;

	if (a->next >= a->limit) {
		free(e);
		a->under_way--;
		return;
	}
	e->number = ++a->next;
	entry_send(e);
}

static void entry_done(struct engine_write *w)
{
	struct entry *e = w->arg;
	struct appender *a = e->a;

	if (w->status == STORE_COMMITTED) {
		/* Never one before another that was handed over earlier. */
		ck_assert_int_eq(e->number, a->committed + 1);
		a->committed = e->number;
		entry_next(e);
	} else if (w->status == STORE_REFUSED) {
		a->refused++;
		a->under_way--;
		free(e);
	} else {
		ck_assert_msg(w->again, "%s", w->text);
		a->bounced++;
		e->next = NULL;
		*a->waiting_end = e;
		a->waiting_end = &e->next;
		loop_timer_start(a->again, 100, 0);
	}
}

static void send_again(void *arg)
{
	struct appender *a = arg;
	struct entry *list = a->waiting, *next;

	a->waiting = NULL;
	a->waiting_end = &a->waiting;
	for (; list; list = next) {
		next = list->next;
		list->x.w.repeated = true;
		entry_send(list);
	}
}

static void entry_send(struct entry *e)
{
	struct appender *a = e->a;
	bool repeated = e->x.w.repeated;
	struct msg_value v[COLS_LOG] = {
		V_TEXT("a@x"),
		V_INT((int64_t)a->epoch << 40 | e->number),
		V_INT(clock_wall_us()),
		V_TEXT("c@y"),
		V_INT(1),
		V_INT(e->number),
		V_INT(0),
		V_INT(0),
		V_TEXT(a->text),
	};

	if (!repeated)
		memcpy(e->values, v, sizeof(v));
	e->op = op_make(STORE_LOG_APPEND, TABLE_LOG, e->values, COLS_LOG);
	written_init(&e->x, &e->op, 1);
	e->x.w.epoch = a->epoch;
	e->x.w.done = entry_done;
	e->x.w.arg = e;
	e->x.w.repeated = false;
	engine_write(a->engine, &e->x.w);
}

void appender_start(struct appender *a, struct rig *r, struct engine *engine, int64_t limit)
{
	*a = (struct appender){.r = r, .engine = engine, .limit = limit, .epoch = 1};
	a->text = "<message><body>text</body></message>";
	a->waiting_end = &a->waiting;
	a->again = loop_timer_new(r->loop, send_again, a);
	a->under_way = IN_FLIGHT;
	for (int i = 0; i < IN_FLIGHT; i++) {
		struct entry *e = xcalloc(1, sizeof(*e));

		e->a = a;
		entry_next(e);
	}
}

void appender_until(struct appender *a, int64_t committed)
{
	while (a->committed < committed && a->under_way)
		loop_run_once(a->r->loop);
}

void appender_free(struct appender *a)
{
	loop_timer_free(a->again);
}

void appender_end(struct appender *a)
{
	struct msg_read_op count = COUNT(TABLE_LOG, V_TEXT("a@x"));
	struct msg_value key = V_TEXT("a@x");
	struct msg_read_op last = read_make(STORE_LOG_SIZES, TABLE_LOG, &key, 1);
	char *text;

	a->limit = a->next;
	while (a->under_way)
		loop_run_once(a->r->loop);
	text = rig_read(a->r, "sm", &count, 1);
	ck_assert_int_eq(strtoll(text, NULL, 10), a->committed);
	free(text);
	last.reverse = true;
	last.limit = 1;
	text = rig_read(a->r, "sm", &last, 1);
	ck_assert_int_eq(strtoll(text, NULL, 10) & INT64_C(0xffffffffff), a->committed);
	free(text);
	appender_free(a);
}
