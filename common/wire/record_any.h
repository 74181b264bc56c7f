/* SPDX-License-Identifier: Apache-2.0 */
/* record_any - the functions of a record found by its description, for code that handles all
 * of them alike. */
#ifndef AUSPEX_RECORD_ANY_H
#define AUSPEX_RECORD_ANY_H

#include "common/wire/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room for any record or sub-record. */
union record_any {
#define PART(name, meaning)                  struct name name;
#define RECORD(number, name, topic, meaning) struct name name;
#include "schemas/parts.def"
#include "schemas/records.def"
#undef PART
#undef RECORD
};

enum {
    RECORD_DEFS_N = 0
#define PART(name, meaning)                  +1
#define RECORD(number, name, topic, meaning) +1
#include "schemas/parts.def"
#include "schemas/records.def"
#undef PART
#undef RECORD
};

/* All there are, the parts first. */
extern const struct record_def *const record_defs[RECORD_DEFS_N];

void record_init(const struct record_def *def, void *record);
void record_pack(const struct record_def *def, struct buf *b, const void *record);
MUST_USE enum wire_status record_read(const struct record_def *def, void *record,
                                      const void *msg, size_t len);

#ifdef __cplusplus
}
#endif
#endif
