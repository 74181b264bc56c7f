/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes to every record's reader: what is taken packs to bytes that are taken again and
 * pack alike, and its JSON is JSON that reads back as the same. The first byte picks the
 * record, 0xff the reader of JSON. */
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"
#include "common/wire/record_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* A list keeps bytes as they came, so the JSON of the first turn may still change in a second.
 */
static void try_json(const struct record_def *def, const union record_any *record)
{
    struct arena a = {0};
    union record_any once, twice;
    struct buf first = {0}, second = {0}, third = {0};
    record_json(&first, def, record);
    CHECK(json_is_valid(buf_as_str(&first)));
    CHECK(record_from_json(def, &once, &a, first.at, first.len) == WIRE_OK);
    record_json(&second, def, &once);
    CHECK(record_from_json(def, &twice, &a, second.at, second.len) == WIRE_OK);
    record_json(&third, def, &twice);
    CHECK(str_eq(buf_as_str(&second), buf_as_str(&third)));
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&third);
    arena_fini(&a);
}

static void try_bytes(const struct record_def *def, const uint8_t *at, size_t len)
{
    union record_any record, again;
    struct buf first = {0}, second = {0};
    if (record_read(def, &record, at, len) != WIRE_OK)
        return;
    record_pack(def, &first, &record);
    CHECK(record_read(def, &again, first.at, first.len) == WIRE_OK);
    record_pack(def, &second, &again);
    CHECK(str_eq(buf_as_str(&first), buf_as_str(&second)));
    try_json(def, &record);
    buf_fini(&first);
    buf_fini(&second);
}

static void try_text(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < RECORD_DEFS_N; i++) {
        struct arena a = {0};
        union record_any record;
        if (record_from_json(record_defs[i], &record, &a, at, len) == WIRE_OK)
            try_json(record_defs[i], &record);
        arena_fini(&a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct position p;
    if (len == 0)
        return 0;
    if (position_read(&p, at + 1, len - 1) == WIRE_OK)
        CHECK(record_def_of(p.rec) != NULL);
    if (at[0] == 0xff)
        try_text(at + 1, len - 1);
    else
        try_bytes(record_defs[at[0] % RECORD_DEFS_N], at + 1, len - 1);
    return 0;
}
