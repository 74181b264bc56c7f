/* SPDX-License-Identifier: Apache-2.0 */
/* feed - archived events and what stands beside them, from PostgreSQL in the order of their
 * logs, into a replay.
 *
 * Two connections in transactions of one snapshot, both read in order of (partition, offset):
 * one gives events, the other notices and clocks. Memory is bounded by a row of each. Of epoch
 * 1 alone, as featurizer's core knows no other.
 *
 * What an archive cannot tell: events whose row PostgreSQL refused. They stand in `rejected`,
 * but collector lets none through that it would refuse. */
#ifndef AUSPEX_FEED_H
#define AUSPEX_FEED_H

#include "archiver/tables.h"
#include "common/db/db.h"
#include "featurizer/replay.h"

struct feed {
    struct db *events, *side;
    struct table_def tables[TABLES_N];
    struct db_row event_row, side_row;
    uint64_t n_events; /* read so far */
};

struct feed_row {
    struct place place;
    struct event event;
    const struct db_field *extra; /* columns that the query asked for beside the event's */
    bool is_left_out;             /* set by `before`: the replay goes on without it */
};

struct feed_query {
    struct str extra; /* ", " and further columns; or empty */
    size_t n_extra;
    struct str from; /* " FROM ... WHERE ...", with events_all as e and epoch 1; no order */
    bool may_sort;   /* few rows of many: any plan; else the index gives the order */
    struct str side; /* SELECT of partition, offset, clock, record: one of the last two NULL */
    int64_t end_us;  /* what silence ended by then has ended */
    /* Before a row goes into the replay; optional. False with *e set stops. */
    bool (*before)(void *to, struct feed_row *row, struct replay *r, struct err *e);
    void *to;
};

/* Connects, and begins both transactions. */
MUST_USE struct feed *feed_open(const char *dsn, const char *name, struct err *e);
MUST_USE bool feed_run(struct feed *f, const struct feed_query *q, struct replay *r,
                       struct err *e);
void feed_close(struct feed *f); /* rolls back; NULL is fine */

/* " SELECT ... " of the notices received by then (INT64_MAX = all), as a side that may be put
 * together with others by UNION ALL. */
void feed_notices(struct buf *sql, int64_t known_us);

#endif
