/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/batch.h"

#include "common/base/clock.h"

#include <stdlib.h>

void batch_fini(struct batch *b)
{
    for (int i = 0; i < TABLES_N; i++) {
        buf_fini(&b->tables[i].rows);
        free(b->tables[i].index);
    }
    buf_fini(&b->values);
    buf_fini(&b->marks);
    free(b->records);
    free(b->moves);
    *b = (struct batch){0};
}

void batch_reset(struct batch *b)
{
    for (int i = 0; i < TABLES_N; i++) {
        buf_reset(&b->tables[i].rows);
        b->tables[i].n = 0;
    }
    buf_reset(&b->values);
    buf_reset(&b->marks);
    b->n_records = b->n_rows = b->n_refused = b->n_moves = b->n_days = 0;
}

bool batch_is_full(const struct batch *b, size_t max_rows)
{
    size_t bytes = b->values.len;
    for (int i = 0; i < TABLES_N; i++)
        bytes += b->tables[i].rows.len;
    return b->n_rows >= max_rows || bytes >= BATCH_BYTES || b->n_days == BATCH_DAYS;
}

bool batch_is_empty(const struct batch *b)
{
    return b->n_moves == 0;
}

uint32_t batch_record(struct batch *b, const struct batch_record *r, struct str value)
{
    if (b->n_records == b->cap_records) {
        b->cap_records = MAX(2 * b->cap_records, (size_t)256);
        b->records = mem_grow(b->records, b->cap_records * sizeof *b->records);
    }
    struct batch_record *kept = &b->records[b->n_records];
    *kept = *r;
    kept->value_at = b->values.len;
    kept->value_len = value.len;
    buf_str(&b->values, value);
    return (uint32_t)b->n_records++;
}

static void note_day(struct batch *b, int64_t received_us)
{
    int64_t day = clock_floor(received_us, DAY_US);
    for (size_t i = 0; i < b->n_days; i++)
        if (b->days[i] == day)
            return;
    CHECK(b->n_days < BATCH_DAYS);
    b->days[b->n_days++] = day;
}

void batch_row(struct batch *b, enum table t, const struct table_def *def, uint32_t record,
               const void *const bases[BASES_N])
{
    struct batch_table *to = &b->tables[t];
    if (to->n == to->cap) {
        to->cap = MAX(2 * to->cap, (size_t)256);
        to->index = mem_grow(to->index, to->cap * sizeof *to->index);
    }
    to->index[to->n++] = (struct batch_row){to->rows.len, record};
    table_pack(&to->rows, def, bases);
    b->n_rows++;
    if (t != TABLE_NOTICES) /* which has no partitions */
        note_day(b, b->records[record].received_us);
}

void batch_move(struct batch *b, const struct batch_move *m)
{
    for (size_t i = 0; i < b->n_moves; i++)
        if (b->moves[i].source == m->source) {
            b->moves[i].new_offset = m->new_offset;
            return;
        }
    if (b->n_moves == b->cap_moves) {
        b->cap_moves = MAX(2 * b->cap_moves, (size_t)16);
        b->moves = mem_grow(b->moves, b->cap_moves * sizeof *b->moves);
    }
    b->moves[b->n_moves++] = *m;
}

bool batch_takes_day(int64_t received_us)
{
    return received_us >= clock_days(2000, 1, 1) * DAY_US &&
           received_us < clock_days(2200, 1, 1) * DAY_US;
}
