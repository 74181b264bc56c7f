/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/record_any.h"

const struct record_def *const record_defs[RECORD_DEFS_N] = {
#define PART(name, meaning)                  &name##_def,
#define RECORD(number, name, topic, meaning) &name##_def,
#include "schemas/parts.def"
#include "schemas/records.def"
#undef PART
#undef RECORD
};

void record_init(const struct record_def *def, void *record)
{
#define PART(name, meaning)                   \
    if (def == &name##_def) {                 \
        name##_init((struct name *)(record)); \
        return;                               \
    }
#include "schemas/parts.def"
#undef PART
    switch (def->number) {
#define RECORD(number, name, topic, meaning)  \
    case number:                              \
        name##_init((struct name *)(record)); \
        return;
#include "schemas/records.def"
#undef RECORD
    default:
        CHECK(record_def_of(def->number) != NULL);
    }
}

void record_pack(const struct record_def *def, struct buf *b, const void *record)
{
#define PART(name, meaning)                            \
    if (def == &name##_def) {                          \
        name##_pack(b, (const struct name *)(record)); \
        return;                                        \
    }
#include "schemas/parts.def"
#undef PART
    switch (def->number) {
#define RECORD(number, name, topic, meaning)           \
    case number:                                       \
        name##_pack(b, (const struct name *)(record)); \
        return;
#include "schemas/records.def"
#undef RECORD
    default:
        CHECK(record_def_of(def->number) != NULL);
    }
}

enum wire_status record_read(const struct record_def *def, void *record, const void *msg,
                             size_t len)
{
#define PART(name, meaning) \
    if (def == &name##_def) \
        return name##_read((struct name *)(record), msg, len);
#include "schemas/parts.def"
#undef PART
    switch (def->number) {
#define RECORD(number, name, topic, meaning) \
    case number:                             \
        return name##_read((struct name *)(record), msg, len);
#include "schemas/records.def"
#undef RECORD
    default:
        return WIRE_OTHER;
    }
}
