/* SPDX-License-Identifier: Apache-2.0 */
/* json_in - reads what json_out writes, and the same from other hands: members in any order,
 * unknown ones skipped, absent ones at their default. */
#ifndef AUSPEX_JSON_IN_H
#define AUSPEX_JSON_IN_H

#include "common/base/arena.h"
#include "common/wire/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `record` is the struct that `def` describes; untouched unless WIRE_OK. Slices point into the
 * arena. WIRE_MALFORMED: not JSON, not UTF-8, nested deeper than 64, or a field of a wrong
 * type; WIRE_DUPLICATE: a field stands twice; WIRE_OTHER: `rec` names another record. */
MUST_USE enum wire_status record_from_json(const struct record_def *def, void *record,
                                           struct arena *a, const void *bytes, size_t len);

/* The position alone, from the first members of an internal record as json_out writes it; only
 * these are looked at. */
MUST_USE enum wire_status position_from_json(struct position *p, struct str text);

#ifdef __cplusplus
}
#endif
#endif
