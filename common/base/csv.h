/* SPDX-License-Identifier: Apache-2.0 */
/* csv - the fields of one line of comma-separated values (RFC 4180), as slices of it. A field
 * in quotes may hold commas, and quotes that stand twice; it ends on its line. */
#ifndef AUSPEX_CSV_H
#define AUSPEX_CSV_H

#include "common/base/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Divides a line without its end. A field is what stands between its commas, or within its
 * quotes, where those that stand twice still do. Returns how many there are, at least 1; 0 when
 * there are more than `max`, or a quote stands where none may. */
MUST_USE size_t csv_split(struct str line, struct str *fields, size_t max);
/* The same with another character than the comma; not a quote. */
MUST_USE size_t csv_split_at(struct str line, char separator, struct str *fields, size_t max);
/* What a field means: quotes that stand twice become one. The field itself where it has none,
 * else taken from the arena. */
struct str csv_text(struct str field, struct arena *a);

#ifdef __cplusplus
}
#endif
#endif
