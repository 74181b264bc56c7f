/* SPDX-License-Identifier: Apache-2.0 */
/* batch - what goes into PostgreSQL in one transaction: rows by table, ready for COPY, and how
 * far that moves each input partition. Keeps the original bytes of each record, for the case
 * that its row is refused. Memory is bounded by batch_is_full. */
#ifndef AUSPEX_ARCHIVER_BATCH_H
#define AUSPEX_ARCHIVER_BATCH_H

#include "archiver/tables.h"
#include "common/bus/topic.h"

enum { BATCH_DAYS = 32, BATCH_BYTES = 16 << 20 };

/* A record that has rows in the batch. */
struct batch_record {
    enum topic topic;
    uint32_t partition;
    struct position position;
    int64_t received_us;
    uint64_t site_id, of_import;
    size_t value_at, value_len; /* in batch.values */
    bool is_refused;            /* by PostgreSQL: its rows are left out */
    char sqlstate[6];
};

struct batch_row {
    size_t at;       /* in batch_table.rows */
    uint32_t record; /* index in batch.records */
};

struct batch_table {
    struct buf rows;
    struct batch_row *index;
    size_t n, cap;
};

/* An input partition that moves. */
struct batch_move {
    size_t source; /* the archiver's number for it */
    const char *topic;
    uint32_t partition;
    uint64_t old_offset, new_offset;
    size_t marks_at, marks_len; /* in batch.marks, from the sealing on */
};

struct batch {
    struct batch_table tables[TABLES_N];
    struct batch_record *records;
    size_t n_records, cap_records, n_rows, n_refused;
    struct buf values, marks;
    struct batch_move *moves; /* one for each source at most */
    size_t n_moves, cap_moves;
    int64_t days[BATCH_DAYS]; /* of the rows, since 1970 */
    size_t n_days;
};

void batch_fini(struct batch *b);
void batch_reset(struct batch *b);
bool batch_is_full(const struct batch *b, size_t max_rows);
bool batch_is_empty(const struct batch *b); /* nothing moves, so there are no rows either */

/* Copies `value` and returns the record's index; rows are added for it. */
uint32_t batch_record(struct batch *b, const struct batch_record *r, struct str value);
void batch_row(struct batch *b, enum table t, const struct table_def *def, uint32_t record,
               const void *const bases[BASES_N]);
/* Partition `source` has been used up to before new_offset; the first call for it in a batch
 * notes old_offset. */
void batch_move(struct batch *b, const struct batch_move *m);

/* Times that may be a row's `received`, so that no record makes tables for absurd days. */
bool batch_takes_day(int64_t received_us);

#endif
