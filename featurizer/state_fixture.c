/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a fixture for migrate_test: a checkpoint of an invented log by the program that this
 * is built with, then records and the features that this program makes of them. Form and manner
 * of making: fixture/README.md. */
#include "common/wire/record.h"
#include "featurizer/state_pack.h"
#include "featurizer/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 560, FOLLOWING = 24, VISITORS = 8, TAIL = 20, AGAIN = 4, OTHERWISE = 9 };

static void put_u32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, sizeof v);
}

static void put_piece(struct buf *b, char kind, struct str bytes)
{
    buf_byte(b, (uint8_t)kind);
    put_u32(b, (uint32_t)bytes.len);
    buf_str(b, bytes);
}

/* A record of the log; its events get types, words and numbers from all over the tables, and
 * one visitor gets half of them, more than recent ids are kept of. */
static void next_record(struct try_log *l, struct buf *out)
{
    static const char *const types[] = {
#define EVENT_TYPE(number, name) #name,
#define DEVICE(number, name)
#define CHANNEL(number, name)
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
    };
    struct buf plain = {0};
    struct event e;
    try_log_next(l, &plain);
    struct rng *r = &l->rng;
    if (event_read(&e, plain.at, plain.len) != WIRE_OK) {
        buf_str(out, buf_as_str(&plain));
        buf_fini(&plain);
        return;
    }
    if (rng_below(r, 2) == 0)
        e.visitor = STR("v0");
    if (rng_below(r, 2) == 0)
        e.type = str_of(types[rng_below(r, ARRAY_LEN(types))]);
    if (rng_below(r, 3) == 0)
        e.price = (double)rng_below(r, 90);
    if (rng_below(r, 3) == 0)
        e.depth_pct = (double)rng_below(r, 101);
    if (rng_below(r, 3) == 0)
        e.quantity = 1 + (double)rng_below(r, 5);
    e.country = rng_below(r, 3) ? STR("DE") : STR("");
    e.os = rng_below(r, 3) ? STR("Linux") : STR("");
    event_pack(out, &e);
    buf_fini(&plain);
}

static void keep_event(struct buf *kept, const struct buf *record)
{
    struct event e;
    if (event_read(&e, record->at, record->len) != WIRE_OK)
        return;
    buf_reset(kept);
    buf_str(kept, buf_as_str(record));
}

/* The newest event before the checkpoint comes again, as it was or with another body. */
static void again(const struct buf *kept, bool is_other, struct buf *out)
{
    struct event e;
    CHECK(event_read(&e, kept->at, kept->len) == WIRE_OK);
    e.body_hash += is_other;
    buf_reset(out);
    event_pack(out, &e);
}

static void put_state(struct buf *b, struct featurizer *core)
{
    struct outbox *states = outbox_new();
    struct buf own = {0};
    featurizer_cut(core, 0, &own);
    while (!featurizer_pack(core, 0, states, 0))
        ;
    for (uint64_t i = outbox_first(states); i < outbox_next(states); i++) {
        put_piece(b, 'K', outbox_at(states, i)->key);
        put_piece(b, 'V', outbox_at(states, i)->value);
    }
    put_piece(b, 'O', buf_as_str(&own));
    outbox_free(states);
    buf_fini(&own);
}

int main(int argc, char *argv[])
{
    uint64_t records = RECORDS;
    if (argc < 2 || (argc > 2 && !str_u64(str_of(argv[2]), &records))) {
        (void)fprintf(stderr, "usage: state_fixture FILE [RECORDS]\n");
        return EXIT_CODE_USAGE;
    }
    struct try t;
    struct try_log log = {.rng = rng_stream(5, 5), .visitors = VISITORS};
    struct featurizer_options options = {.idle_us = 1800 * SECOND_US, .tail = TAIL};
    struct buf file = {0}, kept = {0};
    try_init_as(&t, &options);
    buf_text(&file, "AUSPEXFX");
    put_u32(&file, STATE_VERSION);
    put_u32(&file, FEATURES_N);
    put_u32(&file, (uint32_t)records);
    for (uint64_t i = 0; i < records + FOLLOWING; i++) {
        struct vector v;
        if (i == records)
            put_state(&file, t.core);
        buf_reset(&t.bytes);
        next_record(&log, &t.bytes);
        if (i < records)
            keep_event(&kept, &t.bytes);
        else if (i == records + AGAIN || i == records + OTHERWISE)
            again(&kept, i == records + OTHERWISE, &t.bytes);
        uint64_t first = try_give(&t, buf_as_str(&t.bytes));
        if (i < records)
            continue;
        put_piece(&file, 'E', buf_as_str(&t.bytes));
        put_piece(&file, 'F',
                  try_vectors(&t, first, &v, 1) == 1 ? v.features : (struct str){NULL, 0});
    }
    FILE *f = fopen(argv[1], "wb");
    CHECK(f && fwrite(file.at, 1, file.len, f) == file.len && fclose(f) == 0);
    printf("state version %d: %zu bytes\n", (int)STATE_VERSION, file.len);
    buf_fini(&file);
    buf_fini(&kept);
    try_fini(&t);
    return EXIT_CODE_OK;
}
