/* SPDX-License-Identifier: MIT */
/* Leases at PostgreSQL: locked, read, decided as everywhere (storage/lease.c), and stored. */
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_writer.h"

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void param_shards(struct pg_params *p, const struct engine_lease *l)
{
	int64_t *list = xcalloc(l->nshards + 1, sizeof(*list));

	for (size_t i = 0; i < l->nshards; i++)
		list[i] = l->shards[i].shard;
	qsort(list, l->nshards, sizeof(*list), by_size);
	param_ints(p, false, list, l->nshards);
	free(list);
}

/* A take waits for the batches of earlier epochs that are under way, at whatever storage, and
 * only then looks: nothing of theirs commits later. */
void lease_start(struct pg_writer *w)
{
	const struct engine_lease *l = (struct engine_lease *)w->run;
	struct pg_params locks = {0}, which = {0};

	w->phase = W_LEASE;
	w->nraised = 0;
	leases_clear(w->book);
	pg_conn_sql(w->conn, "BEGIN", NULL, NULL, 0);
	if (l->take) {
		param_int4(&locks, fence_key(l->route));
		param_shards(&locks, l);
		pg_conn_sql(w->conn, "SELECT pg_advisory_xact_lock($1, s) FROM unnest($2) AS s",
			    &locks, NULL, 0);
	}
	param_text(&which, str_z(l->route));
	param_shards(&which, l);
	pg_conn_sql(w->conn,
		    "SELECT shard, owner_id, epoch FROM mercutio_lease"
		    " WHERE route = $1 AND shard = ANY ($2)",
		    &which, w, 0);
	pg_conn_sync(w->conn);
	params_free(&locks);
	params_free(&which);
}

void lease_rows(struct pg_writer *w, const PGresult *r)
{
	const struct engine_lease *l = (struct engine_lease *)w->run;

	if (PQnfields(r) != 3)
		return;
	for (int i = 0; i < PQntuples(r); i++) {
		struct lease now = {
			.owner_id = (uint64_t)row_int(r, i, 1),
			.epoch = (uint32_t)row_int(r, i, 2),
		};

		leases_set(w->book, l->route, (uint16_t)row_int(r, i, 0), now);
	}
}

/* Each shard once, also when it was asked for twice. */
static int raise(void *arg, uint16_t shard, uint32_t epoch)
{
	struct pg_writer *w = arg;
	size_t i = 0;

	while (i < w->nraised && w->raised_shards[i] != shard)
		i++;
	w->raised_shards[i] = shard;
	w->raised_epochs[i] = epoch;
	if (i == w->nraised)
		w->nraised++;
	return 0;
}

void lease_synced(struct pg_writer *w)
{
	struct engine_lease *l = (struct engine_lease *)w->run;
	struct pg_params p = {0};

	if (w->verdict == V_OK)
		leases_run(w->book, l, raise, w);
	if (w->verdict != V_OK || w->nraised == 0) {
		run_end(w, false);
		return;
	}
	param_text(&p, str_z(l->route));
	param_text(&p, str_z(l->owner ? l->owner : ""));
	param_int(&p, (int64_t)l->owner_id);
	param_ints(&p, false, w->raised_shards, w->nraised);
	param_ints(&p, true, w->raised_epochs, w->nraised);
	pg_conn_sql(w->conn,
		    "INSERT INTO mercutio_lease (route, shard, owner, owner_id, epoch, write_epoch)"
		    " SELECT $1, n.shard, $2, $3, n.epoch, 0"
		    " FROM unnest($4, $5) AS n(shard, epoch)"
		    " ON CONFLICT (route, shard) DO UPDATE SET owner = excluded.owner,"
		    " owner_id = excluded.owner_id, epoch = excluded.epoch, write_epoch = 0",
		    &p, w, 0);
	params_free(&p);
	run_end(w, true);
}
