/* SPDX-License-Identifier: Apache-2.0 */
/* json_out - a record as JSON, by its table: one object on one line.
 *
 * Times are RFC 3339 and lose the _us of their name (as integers where no year from 1970 to
 * 9999 fits); u64 are integers, above 2^53 too; bin is base64, `features` an array of numbers
 * with null for NaN; json fields stand as they are; lists are arrays of objects. Fields at
 * their default are left out, but for those of the position. json_in reads it back. */
#ifndef AUSPEX_JSON_OUT_H
#define AUSPEX_JSON_OUT_H

#include "common/wire/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the object, without a line's end. `record` is the struct that `def` describes. */
void record_json(struct buf *out, const struct record_def *def, const void *record);
/* The same without its braces, for callers that put members of their own around it; nothing
 * when every field is at its default. */
void record_json_members(struct buf *out, const struct record_def *def, const void *record);
/* Name of the field in JSON and SQL: without the _us of a time. */
struct str field_json_name(const struct field_def *f);

#ifdef __cplusplus
}
#endif
#endif
